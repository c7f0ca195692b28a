//! A dump in a file, and the answer.

use std::io::Write;
use std::path::{Path, PathBuf};

use finwatch_hprof::{Answer, Depth, Dump, Error, Progress, answer};

/// A file that is removed with its directory.
pub struct File {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    pub fn of(bytes: &[u8]) -> File {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made.hprof");
        std::fs::File::create(&path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
        File {
            _directory: directory,
            path,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn answer(&self) -> Result<Answer, Error> {
        let progress = Progress::default();
        answer(&Dump::open(&self.path, &progress)?, Depth::Whole, &progress)
    }
}

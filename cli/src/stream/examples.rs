//! Files of records for tests, and what is kept of them.

use std::ffi::OsString;

use finwatch_record::Record;
use tempfile::TempDir;

use super::{Digest, Piece, Sources};

/// The lines of a file.
pub fn file(records: &[Record]) -> Vec<u8> {
    let lines = records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap() + "\n");
    lines.collect::<String>().into_bytes()
}

/// Files with these contents, opened; they are there as long as their directory.
pub fn sources<B: AsRef<[u8]>>(files: &[B]) -> (TempDir, Sources) {
    let directory = tempfile::tempdir().unwrap();
    let names: Vec<OsString> = (0..files.len())
        .map(|n| directory.path().join(n.to_string()).into())
        .collect();
    for (name, bytes) in names.iter().zip(files) {
        std::fs::write(name, bytes).unwrap();
    }
    let sources = Sources::open(&names).unwrap();
    (directory, sources)
}

/// What is kept of files with these contents.
pub fn digest<P: Piece>(files: &[Vec<u8>]) -> Digest<P> {
    let (_directory, mut sources) = sources(files);
    let (digest, is_complete) = Digest::read(&mut sources);
    assert!(is_complete);
    digest
}

//! What can keep a heap dump from being read at all; damage inside one is [`crate::Damage`] and does not.

use std::io;
use std::path::{Path, PathBuf};

/// A file that gives no answer, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {reason}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// A compressed dump, or one from a pipe, needs room on the disk to be looked at more than once.
    #[error(
        "cannot unpack {} into a temporary file below {}: {reason}; \
         point TMPDIR at a directory with room for the whole dump, or unpack the dump yourself",
        shown(path),
        shown(directory)
    )]
    Unpack {
        /// The dump.
        path: PathBuf,
        /// Where it was unpacked to.
        directory: PathBuf,
        /// What the system, or the decompressor, says.
        reason: io::Error,
    },
    /// Not what the HPROF format begins with.
    #[error(
        "{} is not a heap dump: it begins with {begins}, a dump begins with 'JAVA PROFILE 1.0'; \
         make one with `jcmd PID GC.heap_dump FILE.hprof`",
        shown(path)
    )]
    NotADump {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        begins: String,
    },
    /// Nothing in it.
    #[error(
        "{} is empty: the disk was full or the JVM ended before it wrote the dump",
        shown(path)
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It ends before the first record.
    #[error(
        "{} ends inside its header, after {length} bytes: there is nothing to tell",
        shown(path)
    )]
    CutInHeader {
        /// The file.
        path: PathBuf,
        /// How long it is.
        length: u64,
    },
    /// The header says how long an object id is; there are ids of 4 and of 8 bytes.
    #[error(
        "{} says that its object ids have {size} bytes; there are heap dumps with 4 and with 8",
        shown(path)
    )]
    IdSize {
        /// The file.
        path: PathBuf,
        /// What it says.
        size: u32,
    },
    /// Objects are numbered with 32 bits.
    #[error(
        "{} has more than 4,294,967,294 objects, more than this can number",
        shown(path)
    )]
    TooManyObjects {
        /// The file.
        path: PathBuf,
    },
}

/// In quotes, and with everything escaped that a terminal would obey.
fn shown(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_shown_escaped() {
        let error = Error::Empty {
            path: "a\u{1b}[2Jé.hprof".into(),
        };
        assert!(
            error
                .to_string()
                .starts_with("'a\\u{1b}[2Jé.hprof' is empty"),
            "{error}"
        );
    }
}

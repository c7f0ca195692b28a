//! Keeps a page from being written over a file that it is made of.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::bail;

use crate::quote::Quoted;
use crate::stream::STDIN;

/// Refuses to write to one of the files to read, whatever name it goes by.
///
/// # Errors
///
/// The output is one of them.
pub fn refuse(output: &Path, inputs: &[OsString]) -> anyhow::Result<()> {
    let Some(output) = identity(output) else {
        return Ok(());
    };
    let is_output = |input: &&OsString| match *input == STDIN {
        true => identity(Path::new("/dev/stdin")) == Some(output),
        false => identity(Path::new(input)) == Some(output),
    };
    match inputs.iter().find(is_output) {
        Some(input) => bail!(
            "the page would overwrite {}, one of the files to read",
            Quoted(input)
        ),
        None => Ok(()),
    }
}

/// Device and inode of a file that keeps what is written to it.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.dev(), metadata.ino()))
}

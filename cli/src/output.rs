//! Where a page goes: into a file, never over one that it is made of, or to stdout.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, bail};

use crate::quote::Quoted;
use crate::stdout::stdout;
use crate::stream::STDIN;

/// As the name of an output.
pub const STDOUT: &str = "-";

/// Refuses to write to one of the files to read, whatever name it goes by.
///
/// # Errors
///
/// The output is one of them.
pub fn refuse_to_overwrite(output: &Path, inputs: &[OsString]) -> anyhow::Result<()> {
    if output == Path::new(STDOUT) {
        return Ok(());
    }
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

/// Writes the page.
///
/// # Errors
///
/// The output can't be written to.
pub fn write(output: &Path, page: &str) -> anyhow::Result<()> {
    if output == Path::new(STDOUT) {
        let mut stdout = stdout();
        stdout.write_all(page.as_bytes())?;
        return Ok(stdout.flush()?);
    }
    fs::write(output, page)
        .with_context(|| format!("the page {} can't be written", Quoted(output.as_os_str())))
}

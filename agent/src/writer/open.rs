//! Opening the path of the option `out`, and refusing what somebody may have planted.
//!
//! Records hold class names and stacks of somebody's program. They go into a file that
//! belongs to the user that the JVM runs as, under one name, not through a symbolic link
//! in the last component; directories on the way are that user's business. Everything is
//! checked by name before the opening, so that nothing foreign is even opened, and on
//! the descriptor after it, so that nothing can be put there in between. Descriptors
//! are close-on-exec, never wait, and never 0 to 2.

use std::{
    fs::{File, FileType, Metadata, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

use rustix::fs::OFlags;

use super::trouble::Trouble;

/// What was found at the path, open for writing.
pub(super) enum Opened {
    /// A regular file, ours alone, open for appending and reading.
    Regular(File),
    /// A FIFO that somebody reads.
    Fifo(File),
    /// A character device.
    Device(File),
}

/// Opens what is at `path`, or creates a file of mode 0600 there.
pub(super) fn open(path: &Path) -> Result<Opened, Trouble> {
    let (file, is_new) = match std::fs::symlink_metadata(path) {
        Ok(found) => (open_existing(path, &found)?, false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (create(path)?, true),
        Err(error) => return Err(Trouble::doing("looking at it")(error)),
    };
    let file = above_stdio(file)?;
    let found = file.metadata().map_err(Trouble::doing("looking at it"))?;
    // What was just made is nobody else's, whomever a file system that maps owners names.
    if !is_new {
        check(&found)?;
    }
    Ok(classify(file, found.file_type()))
}

fn open_existing(path: &Path, found: &Metadata) -> Result<File, Trouble> {
    check(found)?;
    let is_fifo = found.file_type().is_fifo();
    // Reading tells whether a file ends in half a line. A FIFO opened for reading too
    // would have a reader: ourselves.
    let result = options().read(found.is_file()).open(path);
    result.map_err(|error| match error.raw_os_error() {
        Some(code) if is_fifo && code == rustix::io::Errno::NXIO.raw_os_error() => {
            Trouble::NoReader(error)
        }
        _ => Trouble::doing("opening it")(error),
    })
}

fn create(path: &Path) -> Result<File, Trouble> {
    let result = options().read(true).create_new(true).mode(0o600).open(path);
    result.map_err(Trouble::doing("creating it"))
}

fn options() -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut options = OpenOptions::new();
    options
        .append(true)
        .custom_flags(flags.bits().cast_signed());
    options
}

/// A program may have closed its standard streams: 0 to 2 are its to open again.
fn above_stdio(file: File) -> Result<File, Trouble> {
    if file.as_raw_fd() > 2 {
        return Ok(file);
    }
    let moved = rustix::io::fcntl_dupfd_cloexec(&file, 3);
    Ok(moved.map_err(Trouble::doing("opening it"))?.into())
}

fn check(found: &Metadata) -> Result<(), Trouble> {
    let kind = found.file_type();
    match refusal(kind) {
        Some(why) => Err(Trouble::Refused(why)),
        None if kind.is_char_device() => Ok(()),
        None => check_owner(found),
    }
}

fn refusal(kind: FileType) -> Option<&'static str> {
    if kind.is_symlink() {
        Some("it is a symbolic link, which somebody may have planted: name the file itself")
    } else if kind.is_dir() {
        Some("it is a directory: name a file in it")
    } else if kind.is_socket() {
        Some("it is a socket: write `unix:` before the path")
    } else if kind.is_block_device() {
        Some("it is a disk: name a file")
    } else {
        None
    }
}

fn check_owner(found: &Metadata) -> Result<(), Trouble> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Trouble::Refused(
            "it belongs to another user, or to one whom its file system names instead: remove it or name another file",
        ));
    }
    if found.nlink() > 1 {
        return Err(Trouble::Refused(
            "it has more than one name (a hard link), which somebody may have planted: remove it or name another file",
        ));
    }
    Ok(())
}

fn classify(file: File, kind: FileType) -> Opened {
    if kind.is_file() {
        Opened::Regular(file)
    } else if kind.is_fifo() {
        Opened::Fifo(file)
    } else {
        Opened::Device(file)
    }
}

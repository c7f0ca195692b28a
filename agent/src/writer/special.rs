//! The stream in a FIFO or a character device that the option `out` names.
//!
//! Opened by us alone and without waiting (`O_NONBLOCK` is on our own open file
//! description), so a reader that stalls is a `SlowReader` here, never a wait. One
//! `write` a line: the kernel keeps those up to `PIPE_BUF` whole among other writers.
//! A device is written and nothing else: not locked, rotated, cut or chmod'ed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{FileTypeExt, OpenOptionsExt},
    },
};

use rustix::fs::OFlags;

use super::{outbox::Outbox, trouble::Trouble};

/// Writes line after line until the outbox is empty or `file` takes no more.
pub(super) fn write_lines(file: &mut File, outbox: &mut Outbox) -> Result<(), Trouble> {
    while !outbox.is_empty() {
        write_line(file, outbox)?;
    }
    Ok(())
}

/// Writes the first line, or as much of it as there is room for.
pub(super) fn write_line(file: &mut File, outbox: &mut Outbox) -> Result<(), Trouble> {
    match file.write(outbox.first_line()) {
        Ok(0) => Err(Trouble::SlowReader),
        Ok(taken) => {
            outbox.advance(taken);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

pub(super) fn refused(error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::WouldBlock => Trouble::SlowReader,
        io::ErrorKind::BrokenPipe => Trouble::NoReader(error),
        _ => Trouble::doing("writing it")(error),
    }
}

/// Reads out of a FIFO that its reader has left what that one did not read: with its
/// last descriptor closed the kernel would throw it away.
pub(super) fn take_back_unread(fifo: &File, outbox: &mut Outbox) {
    let mut unread = Vec::new();
    let is_fifo = fifo
        .metadata()
        .is_ok_and(|found| found.file_type().is_fifo());
    if is_fifo && let Ok(mut reader) = reading_end(fifo) {
        // Ends in `WouldBlock`, for we hold a writing end; what was read is in `unread`.
        let _ = reader.read_to_end(&mut unread);
    }
    outbox.take_back(&unread);
}

fn reading_end(fifo: &File) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed())
        .open(format!("/proc/self/fd/{}", fifo.as_raw_fd()))
}

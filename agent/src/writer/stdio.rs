//! The stream on the JVM's standard output or error, between the program's own prints.
//!
//! The program shares the open file description, so its flags stay as they are: whether
//! a write would wait is asked before each one. Where the kernel lets us open the same
//! pipe or terminal once more (`/proc/self/fd`), that description is our own and never
//! waits, whatever the program prints in between. Our descriptor is close-on-exec and
//! above 2, so what the program does to its own later does not matter. Whole lines, one
//! write each.

use std::{
    fs::{File, FileType, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::fs::{FileTypeExt, OpenOptionsExt},
    },
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
};

use super::{
    outbox::Outbox,
    pipe::{self, Room},
    socket, special,
    trouble::Trouble,
};
use crate::log;

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standard {
    Output,
    Error,
}

/// One of the standard streams, once it is in use.
pub(super) struct StdioSink {
    which: Standard,
    open: Option<Open>,
    said_too_long: bool,
}

struct Open {
    file: File,
    kind: FileType,
    /// The description is shared with the program, and waits.
    shared: bool,
}

impl StdioSink {
    pub(super) fn new(which: Standard) -> StdioSink {
        StdioSink {
            which,
            open: None,
            said_too_long: false,
        }
    }

    /// Writes all lines, or says why not.
    pub(super) fn send(&mut self, outbox: &mut Outbox) -> Result<(), Trouble> {
        if self.open.is_none() {
            self.open = Some(Open::new(self.which).map_err(Trouble::doing("opening it"))?);
        }
        while let Some(open) = &mut self.open
            && !outbox.is_empty()
        {
            if open.write_line(outbox)? == Fits::No {
                self.drop_too_long(outbox);
            }
        }
        Ok(())
    }

    fn drop_too_long(&mut self, outbox: &mut Outbox) {
        if !std::mem::replace(&mut self.said_too_long, true) {
            log::warn(format_args!(
                "a record of {} bytes does not fit into the pipe behind {}: it is dropped and counted, like others of that size; list fewer `classes` or write to a file",
                outbox.first_line().len(),
                self.which.name(),
            ));
        }
        outbox.drop_line();
    }
}

impl Standard {
    fn borrow(self) -> BorrowedFd<'static> {
        match self {
            Standard::Output => rustix::stdio::stdout(),
            Standard::Error => rustix::stdio::stderr(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Standard::Output => "stdout",
            Standard::Error => "stderr",
        }
    }
}

/// Whether the first line can ever be written whole.
#[derive(PartialEq)]
enum Fits {
    Yes,
    No,
}

impl Open {
    fn new(which: Standard) -> io::Result<Open> {
        Open::duplicate(which.borrow())
    }

    fn duplicate(fd: BorrowedFd<'_>) -> io::Result<Open> {
        let file = File::from(rustix::io::fcntl_dupfd_cloexec(fd, 3)?);
        let kind = file.metadata()?.file_type();
        let own = reopen(&file, kind);
        Ok(Open {
            shared: own.is_none(),
            file: own.unwrap_or(file),
            kind,
        })
    }

    fn write_line(&mut self, outbox: &mut Outbox) -> Result<Fits, Trouble> {
        if self.kind.is_socket() {
            let bytes = outbox.first_line().len();
            socket::send_some(&self.file, outbox, bytes)?;
            return Ok(Fits::Yes);
        }
        if self.kind.is_fifo() && !self.has_room(outbox)? {
            return Ok(Fits::No);
        }
        if self.shared {
            self.poll()?;
        }
        special::write_line(&mut self.file, outbox)?;
        Ok(Fits::Yes)
    }

    /// `false`: never. Half a line is finished whatever room that leaves.
    fn has_room(&self, outbox: &Outbox) -> Result<bool, Trouble> {
        let bytes = outbox.first_line().len();
        let room = || pipe::room_for(&self.file, bytes).map_err(Trouble::doing("looking at it"));
        match room()? {
            _ if outbox.mid_line() => Ok(true),
            Room::Enough => Ok(true),
            Room::Later => {
                self.poll()?;
                Err(Trouble::SlowReader)
            }
            Room::Never => {
                // Refused, or not enough: the second look tells.
                let _ = pipe::enlarge_for(&self.file, bytes);
                Ok(room()? != Room::Never)
            }
        }
    }

    /// Tells a reader that is gone from one that has no room now.
    fn poll(&self) -> Result<(), Trouble> {
        let mut fds = [PollFd::new(&self.file, PollFlags::OUT)];
        poll(&mut fds, Some(&Timespec::default()))
            .map_err(|errno| Trouble::doing("looking at it")(errno))?;
        let events = fds[0].revents();
        if events.intersects(PollFlags::ERR | PollFlags::HUP) {
            Err(Trouble::NoReader(io::ErrorKind::BrokenPipe.into()))
        } else if events.contains(PollFlags::OUT) {
            Ok(())
        } else {
            Err(Trouble::SlowReader)
        }
    }
}

/// A description of our own on the same pipe or terminal. Not for a regular file, whose
/// offset has to stay shared, and not where another user made the pipe.
fn reopen(file: &File, kind: FileType) -> Option<File> {
    if !kind.is_fifo() && !kind.is_char_device() {
        return None;
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    OpenOptions::new()
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .ok()
}

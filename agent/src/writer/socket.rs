//! The stream in a Unix stream socket that somebody listens on.
//!
//! Nothing here waits: connecting, when the listener's queue is full, and sending, when
//! the reader has no room, are tried again later by the writer. A reader that leaves is
//! looked for again, and a new connection always begins with a whole line: the one that
//! the old connection tore goes out again from its start.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::fs::FileTypeExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    net::{
        AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send,
        socket_with,
    },
};

use super::{outbox::Outbox, trouble::Trouble};

/// A listener's path and the connection to it.
pub(super) struct SocketSink {
    path: PathBuf,
    connection: Option<OwnedFd>,
}

impl SocketSink {
    pub(super) fn new(path: PathBuf) -> SocketSink {
        SocketSink {
            path,
            connection: None,
        }
    }

    /// Sends all lines, or says why not.
    pub(super) fn send(&mut self, outbox: &mut Outbox) -> Result<(), Trouble> {
        if self.connection.is_none() {
            outbox.rewind_line();
            self.connection = Some(connect_to(&self.path)?);
        }
        while let Some(connection) = &self.connection
            && !outbox.is_empty()
        {
            let bytes = outbox.unsent().len();
            let sent = send_some(connection, outbox, bytes);
            sent.inspect_err(|trouble| self.close_unless_slow(trouble))?;
        }
        Ok(())
    }

    fn close_unless_slow(&mut self, trouble: &Trouble) {
        if !matches!(trouble, Trouble::SlowReader) {
            self.connection = None;
        }
    }
}

/// Sends of the first `bytes` of the outbox what there is room for.
pub(super) fn send_some(
    socket: impl AsFd,
    outbox: &mut Outbox,
    bytes: usize,
) -> Result<(), Trouble> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    match send(socket, &outbox.unsent()[..bytes], flags) {
        Ok(taken) => {
            outbox.advance(taken);
            Ok(())
        }
        Err(Errno::INTR) => Ok(()),
        Err(Errno::AGAIN) => Err(Trouble::SlowReader),
        Err(error @ (Errno::PIPE | Errno::CONNRESET)) => Err(Trouble::NoReader(error.into())),
        Err(error) => Err(Trouble::doing("sending to it")(error)),
    }
}

/// Through a handle on the very inode that was looked at, so that no symbolic link gets
/// in between; which also lets a path be longer than an address may.
fn connect_to(path: &Path) -> Result<OwnedFd, Trouble> {
    // Not with `OpenOptions`: on musl that takes `O_PATH` for a way of access, and leaves it out.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|errno| absent_or("looking at it")(errno.into()))?;
    let kind = handle
        .metadata()
        .map_err(Trouble::doing("looking at it"))?
        .file_type();
    if !kind.is_socket() {
        return Err(Trouble::Refused(
            "it is no socket (a symbolic link is not followed): name the socket that a program listens on",
        ));
    }
    let connecting = || absent_or("connecting to it");
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}", handle.as_raw_fd()))
        .map_err(|errno| connecting()(errno.into()))?;
    let socket = stream_socket().map_err(|errno| connecting()(errno.into()))?;
    match connect(&socket, &address) {
        Ok(()) => Ok(socket),
        // The queue of connections not accepted yet is full.
        Err(Errno::AGAIN) => Err(Trouble::NoReader(Errno::AGAIN.into())),
        Err(errno) => Err(connecting()(errno.into())),
    }
}

fn absent_or(doing: &'static str) -> impl FnOnce(io::Error) -> Trouble {
    move |error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Trouble::NoReader(error),
        _ => Trouble::doing(doing)(error),
    }
}

/// Never one of the program's standard descriptors, should it have closed them.
fn stream_socket() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match socket.as_raw_fd() {
        0..=2 => rustix::io::fcntl_dupfd_cloexec(&socket, 3),
        _ => Ok(socket),
    }
}

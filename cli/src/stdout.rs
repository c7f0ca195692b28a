//! The answer, on stdout.

use std::io::{self, ErrorKind, StdoutLock, Write};

/// Stdout for an answer. A reader may have enough of it (`finwatch … | head`): the rest is thrown away, and the exit
/// code is what it would have been.
pub struct Stdout(StdoutLock<'static>);

/// Locks stdout.
pub fn stdout() -> Stdout {
    Stdout(io::stdout().lock())
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_unread(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_unread(self.0.flush(), ())
    }
}

fn unless_unread<T>(written: io::Result<T>, all: T) -> io::Result<T> {
    written.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(all),
        kind => Err(io::Error::new(
            kind,
            format!("stdout can't be written to: {error}"),
        )),
    })
}

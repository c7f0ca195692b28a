//! The destination in force, whichever kind it is.

use super::Target;
use super::{
    outbox::Outbox,
    path::PathSink,
    rotate::Rotation,
    socket::SocketSink,
    stdio::{Standard, StdioSink},
    trouble::{Trouble, named},
};
use crate::options::Destination;

/// A destination with its name.
pub(super) struct Place {
    pub(super) sink: Sink,
    pub(super) name: String,
}

impl Place {
    pub(super) fn of(target: &Target) -> Place {
        let rotation = Rotation::new(target.rotate_bytes, target.keep);
        Place {
            sink: Sink::new(&target.out, rotation),
            name: name_of(&target.out),
        }
    }
}

/// Where the lines go. Opens itself when it is first written, and again after a failure.
pub(super) enum Sink {
    Path(PathSink),
    Stdio(StdioSink),
    Socket(SocketSink),
}

impl Sink {
    pub(super) fn new(destination: &Destination, rotation: Rotation) -> Sink {
        match destination {
            Destination::File(path) => Sink::Path(PathSink::new(path.clone(), rotation)),
            Destination::Stdout => Sink::Stdio(StdioSink::new(Standard::Output)),
            Destination::Stderr => Sink::Stdio(StdioSink::new(Standard::Error)),
            Destination::Unix(path) => Sink::Socket(SocketSink::new(path.clone())),
        }
    }

    /// Writes all lines of `outbox`, or as many as can be written now without waiting.
    pub(super) fn send(&mut self, outbox: &mut Outbox) -> Result<(), Trouble> {
        match self {
            Sink::Path(sink) => sink.send(outbox),
            Sink::Stdio(sink) => sink.send(outbox),
            Sink::Socket(sink) => sink.send(outbox),
        }
    }
}

/// The destination as a message names it.
fn name_of(destination: &Destination) -> String {
    match destination {
        Destination::File(path) => named(path),
        Destination::Stdout => Standard::Output.name().to_owned(),
        Destination::Stderr => Standard::Error.name().to_owned(),
        Destination::Unix(path) => format!("the socket {}", named(path)),
    }
}

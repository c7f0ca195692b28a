//! Streams of records, read from files, from stdin, and from whatever else a stream has got into.
//!
//! A stream may be damaged: its last line torn, lines of another program between its own, records that a newer agent
//! made. What can be read is read, and the rest is told line by line, in words ([`Problem`]).
//!
//! [`parse`] reads one line. [`read`] reads whole files, as fast as all processors together can, and in their order.
//! [`Digest`] keeps of them what is wanted of each JVM.
//! [`Follower`] reads a file that is being written, from near its end on.

mod block;
mod digest;
#[cfg(test)]
pub mod examples;
mod follow;
mod line;
mod progress;
mod read;
mod source;
mod sources;
mod span;
#[cfg(test)]
mod tests;

pub use block::{Block, RawLine};
pub use digest::{Digest, File, Files, Piece};
pub use follow::{Follower, Presence, Splitter, rotated};
pub use line::{Line, Problem, parse, pieces, problem};
pub use progress::Progress;
pub use read::read;
pub use source::{STDIN, Source};
pub use sources::Sources;
pub use span::{Place, Span};

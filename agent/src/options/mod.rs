//! What the user asked for: the flag, the environment and the config file, resolved.

use std::{path::PathBuf, time::Duration};

/// The options in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the stream goes.
    pub out: Destination,
    /// Time between samples.
    pub interval: Duration,
    /// Size in bytes at which a file is rotated.
    pub rotate_bytes: u64,
    /// How many rotated files stay.
    pub keep: u32,
    /// How many classes a sample lists.
    pub classes: usize,
    /// A record per collection.
    pub gc: bool,
    /// The agent's own messages on stderr.
    pub log: LogLevel,
}

/// Where the stream goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file, FIFO or device, its name's `%` escapes expanded.
    File(PathBuf),
    /// The JVM's standard output.
    Stdout,
    /// The JVM's standard error.
    Stderr,
    /// A Unix stream socket that someone listens on.
    Unix(PathBuf),
}

/// How much the agent says on stderr, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What the user must know.
    Error,
    /// What went wrong and was coped with.
    Warn,
    /// What was done.
    Info,
    /// What only a developer of the agent wants.
    Debug,
}

//! Why a class file was not rewritten.

use thiserror::Error;

/// A class file that is left as it is. Messages are of bounded length whatever the input holds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// The bytes break the class file format (JVMS chapter 4) or hold something newer than we know.
    #[error("not a class file that finwatch can read: {0}")]
    Malformed(String),
    /// The class is well formed but is not written the way the redirection needs it.
    #[error("{place}: expected {expected}, found {found}")]
    Shape {
        /// Class or method, as `java.lang.ref.Finalizer.register(Object)`.
        place: &'static str,
        /// The instructions or members that must be there.
        expected: &'static str,
        /// What is there instead.
        found: String,
    },
    /// Every hook call that the redirection would add is already made: nothing is left to do.
    #[error("already redirected: the calls to java.lang.ref.FinwatchHook are in place")]
    AlreadyRedirected,
    /// The result would exceed a limit of the format: 65535 bytes of code or constants,
    /// or a branch further than 16 bits reach.
    #[error("no room in the class file: {0}")]
    NoRoom(&'static str),
}

pub(super) type Result<T> = std::result::Result<T, Refused>;

pub(super) fn malformed<T>(what: impl Into<String>) -> Result<T> {
    Err(Refused::Malformed(what.into()))
}

/// A name out of a class file, fit for a message: printable and short.
pub(super) fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 80;
    let head = name.get(..LONGEST).unwrap_or(name);
    let dots = if name.len() > LONGEST { "..." } else { "" };
    format!("{}{dots}", head.escape_ascii())
}

/// A refusal for a class of another shape.
pub(super) fn shape<T>(place: &'static str, expected: &'static str, found: String) -> Result<T> {
    Err(Refused::Shape {
        place,
        expected,
        found,
    })
}

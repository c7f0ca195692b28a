//! Why lines do not go out, and what the user is told about it.
//!
//! An outage is one word on stderr when it begins, one more where its reason changes and
//! one when it is over, however often the writer tries: a disk that is full for a week
//! is two lines in the log.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use super::pace::{Delays, Paces};
use crate::log;

/// Why the destination has not taken all lines.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// No room for now; the reader is slow or stands still.
    #[error("its reader is slow or stands still")]
    SlowReader,
    /// Nobody is at the other end.
    #[error("nobody reads it: {0}")]
    NoReader(io::Error),
    /// Another process writes this file.
    #[error(
        "another process writes it: this one stands aside and takes over when that ends (give each its own file, `%p` in the name is the process id)"
    )]
    Aside,
    /// Not a place where records may go.
    #[error("{0}")]
    Refused(&'static str),
    /// What the system says.
    #[error("{doing}: {error}")]
    Io {
        doing: &'static str,
        error: io::Error,
    },
}

impl Trouble {
    /// For `map_err`: what was being done when the system refused.
    pub(super) fn doing<E: Into<io::Error>>(doing: &'static str) -> impl FnOnce(E) -> Trouble {
        move |error| Trouble::Io {
            doing,
            error: error.into(),
        }
    }

    /// Whether this is worth counting as an error.
    pub(super) fn is_failure(&self) -> bool {
        !matches!(self, Trouble::SlowReader | Trouble::Aside)
    }

    pub(super) fn delays(&self, paces: &Paces) -> Delays {
        match self {
            Trouble::SlowReader => paces.slow_reader,
            Trouble::NoReader(_) | Trouble::Aside => paces.absent,
            Trouble::Refused(_) | Trouble::Io { .. } => paces.failure,
        }
    }
}

/// No more than one word about an outage in this time.
const QUIET: Duration = Duration::from_secs(60);

/// What has been said about the present outage.
pub(super) struct Spokesman {
    /// The destination, as a message names it.
    destination: String,
    said: Option<String>,
    dropped_before: u64,
    last_said: Option<Instant>,
}

impl Spokesman {
    pub(super) fn new(destination: String) -> Spokesman {
        Spokesman {
            destination,
            said: None,
            dropped_before: 0,
            last_said: None,
        }
    }

    /// Lines do not go out, `dropped` records are lost so far. A reader that is slow is
    /// worth a word only once that costs records.
    pub(super) fn trouble(&mut self, trouble: &Trouble, dropped: u64, now: Instant) {
        let costs_nothing = dropped == self.dropped_before;
        if matches!(trouble, Trouble::SlowReader) && costs_nothing {
            return;
        }
        let words = trouble.to_string();
        if self.said.as_ref() == Some(&words) || self.is_quiet(now) {
            return;
        }
        log::warn(format_args!(
            "cannot write to {}: {words}; trying again, records that find no room are dropped and counted",
            self.destination
        ));
        self.said = Some(words);
        self.last_said = Some(now);
    }

    /// Lines go out.
    pub(super) fn success(&mut self, dropped: u64) {
        if self.said.take().is_some() {
            log::warn(format_args!(
                "writing to {} again, {} records were dropped meanwhile",
                self.destination,
                dropped - self.dropped_before
            ));
        }
        self.dropped_before = dropped;
    }

    fn is_quiet(&self, now: Instant) -> bool {
        self.last_said
            .is_some_and(|last| now.saturating_duration_since(last) < QUIET)
    }
}

/// A path for a message.
pub(super) fn named(path: &Path) -> String {
    format!("\"{}\"", log::shown(path))
}

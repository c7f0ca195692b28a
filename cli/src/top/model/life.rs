//! Whether a stream lives: whether its JVM still writes.

use finwatch_record::StopReason;

use super::Model;

/// Time between samples where nothing tells it: the agent's default.
const USUAL_INTERVAL_MS: u64 = 5000;

/// A JVM may be late with a sample by this much more than one interval: a long pause, a
/// machine that has other things to do.
const LATE_MS: u64 = 5000;

/// Whether a stream lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// No record was read yet.
    Unborn,
    /// Records come as they should.
    Live {
        /// Age of the last record.
        age_ms: u64,
    },
    /// No record has come for longer than the interval between samples.
    Silent {
        /// Age of the last record.
        age_ms: u64,
    },
    /// The agent said that it stops.
    Stopped {
        /// Why.
        reason: StopReason,
        /// Age of the last record.
        age_ms: u64,
    },
}

impl Model {
    /// Whether the stream lives, at a moment in milliseconds since 1970.
    pub fn life(&self, now_ms: u64) -> Life {
        let Some(place) = self.place else {
            return Life::Unborn;
        };
        // The clock of another host may be ahead of ours.
        let age_ms = now_ms.saturating_sub(place.made_ms);
        let interval_ms = self.interval_ms.unwrap_or(USUAL_INTERVAL_MS);
        match self.stopped {
            Some(reason) => Life::Stopped { reason, age_ms },
            None if age_ms > 2 * interval_ms + LATE_MS => Life::Silent { age_ms },
            None => Life::Live { age_ms },
        }
    }
}

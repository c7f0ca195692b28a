//! `stall`: the JVM stands still.

use serde::{Deserialize, Serialize};

/// `stall`: no thread of the JVM has got any time for longer than the option `stall` says.
/// Told by the writer, which needs no JVM, while it lasts and when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stall {
    /// Whether it still lasts.
    pub state: StallState,
    /// When the JVM last showed signs of life before it, in milliseconds since it started.
    pub since_uptime_ms: u64,
    /// How long it has lasted until now, or lasted in all.
    pub duration_ms: f64,
    /// A stop-the-world pause of the collector is running now, or was when it ended.
    pub in_gc_pause: bool,
}

/// Whether a stall still lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StallState {
    /// It lasts.
    Ongoing,
    /// It is over.
    Over,
}

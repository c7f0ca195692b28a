//! CPU time of this command and of what it started, from `getrusage`, in milliseconds.

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Of all children that have ended: the difference over one child is that child's.
pub fn children_ms() -> Result<f64> {
    of(UsageWho::RUSAGE_CHILDREN)
}

/// Of this command alone.
pub fn self_ms() -> Result<f64> {
    of(UsageWho::RUSAGE_SELF)
}

fn of(who: UsageWho) -> Result<f64> {
    let usage = getrusage(who)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(micros as f64 / 1e3)
}

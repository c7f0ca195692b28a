//! How often a JVM is looked at.

use finwatch_record::Start;

/// Milliseconds between two samples, as the agent's options say; `None` where that is no duration.
pub fn of(start: &Start) -> Option<u64> {
    let interval = start.agent.options.get("interval")?;
    let interval = humantime::parse_duration(interval).ok()?;
    Some(u64::try_from(interval.as_millis()).unwrap_or(u64::MAX))
}

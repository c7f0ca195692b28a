//! What the time of the finalizer thread goes into.

use super::{ClassName, Known, history::Class};

/// The time spent inside `finalize()` in the last while.
pub(super) struct Busy<'a> {
    /// Since when, in milliseconds since the JVM started.
    pub since_ms: u64,
    /// The part of the time that was spent there, estimated from the calls that were timed.
    pub share: f64,
    /// The class that most of it goes into.
    pub most_costly: Option<Costly<'a>>,
}

/// A class and the time that its `finalize()` takes.
pub(super) struct Costly<'a> {
    pub name: &'a ClassName,
    /// The part of the time of all classes.
    pub share: f64,
    /// Mean duration of a call.
    pub mean_ms: f64,
    pub calls_per_s: f64,
}

impl Busy<'_> {
    /// Over at least so many milliseconds until now; `None` where that is not known yet.
    pub fn over<'a>(known: &Known<'a>, window_ms: u64) -> Option<Busy<'a>> {
        let from_ms = known.now.uptime_ms.checked_sub(window_ms)?;
        let since_ms = known.classes.whole_series().before(from_ms)?.uptime_ms;
        let elapsed_ms = (known.now.uptime_ms - since_ms).max(1) as f64;
        let mut total_ms = 0.0;
        let mut most: Option<(f64, f64, u64, &Class)> = None;
        for class in known.classes.iter() {
            let (calls, mean_ms) = spent(class, since_ms);
            let cost_ms = calls as f64 * mean_ms;
            total_ms += cost_ms;
            if cost_ms > most.map_or(0.0, |(cost_ms, ..)| cost_ms) {
                most = Some((cost_ms, mean_ms, calls, class));
            }
        }
        let most_costly = most.map(|(cost_ms, mean_ms, calls, class)| Costly {
            name: &class.name,
            share: cost_ms / total_ms,
            mean_ms,
            calls_per_s: calls as f64 * 1000.0 / elapsed_ms,
        });
        Some(Busy {
            since_ms,
            share: total_ms / elapsed_ms,
            most_costly,
        })
    }
}

/// Calls since then and their mean duration, of those that were timed or, if none was, of
/// all that ever were.
fn spent(class: &Class, since_ms: u64) -> (u64, f64) {
    let before = class.series.before(since_ms).copied().unwrap_or_default();
    let calls = class.now.ended().saturating_sub(before.ended());
    let (now, then) = (class.now.finalize_ns, before.finalize_ns);
    let (count, sum) = match now.count.saturating_sub(then.count) {
        0 => (now.count, now.sum),
        count => (count, now.sum.saturating_sub(then.sum)),
    };
    (calls, sum as f64 / count.max(1) as f64 / 1e6)
}

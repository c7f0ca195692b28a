//! `finalizer_slow`: the finalizer thread is inside `finalize()` all the time, in calls that
//! take long. It keeps up, or does not (that is `pending_growth`), but has no reserve.

use finwatch_record::{AlertKind, Severity};

use super::{Known, busy::Busy, evidence::Evidence, raised::Finding};

/// The part of the time inside `finalize()` to be busy all the time, and to be so still.
const BUSY: f64 = 0.8;
const STILL_BUSY: f64 = 0.5;

/// How long before the time that is judged the JVM must not have stood still: a call that went on meanwhile ends later.
const RESUMED_MS: u64 = 1000;

/// A shorter mean duration is not slow, there are just many.
const SLOW_MS: f64 = 1.0;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    of_most_costly(known).into_iter().collect()
}

fn of_most_costly(known: &Known) -> Option<Finding> {
    let busy = Busy::over(known, known.thresholds.patience_ms())?;
    let costly = busy.most_costly?;
    let is_raised = known
        .raised
        .contains(AlertKind::FinalizerSlow, Some(costly.name));
    let judged_from_ms = busy.since_ms.saturating_sub(RESUMED_MS);
    if !is_raised && known.standstills.since(judged_from_ms) > 0 {
        return None;
    }
    let least = if is_raised { STILL_BUSY } else { BUSY };
    let mut points = known.classes.whole_series().since(busy.since_ms);
    let always_pending = points.all(|point| point.counts.pending > 0);
    let holds = busy.share >= least && costly.mean_ms >= SLOW_MS && (always_pending || is_raised);
    holds.then(|| Finding {
        kind: AlertKind::FinalizerSlow,
        severity: Severity::Warning,
        class: Some(costly.name.clone()),
        cause_class: None,
        since_ms: busy.since_ms,
        evidence: Evidence::default()
            .measure("busy_share", busy.share)
            .measure("class_time_share", costly.share)
            .measure("mean_ms", costly.mean_ms)
            .measure("calls_per_s", costly.calls_per_s)
            .count("pending", known.whole.pending),
        advice: format!(
            "{}.finalize() takes {:.1} ms a call and fills the finalizer thread's time: close these \
             objects explicitly, so that finalize() has nothing left to do.",
            costly.name.class, costly.mean_ms
        ),
    })
}

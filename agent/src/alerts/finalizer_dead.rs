//! `finalizer_dead`: nobody takes objects from the queue any more.
//!
//! Where the threads can be looked at, because the thread has ended. Elsewhere, because
//! objects are pending, none is inside `finalize()`, and none has left the queue for a
//! long time.

use finwatch_record::{AlertKind, FinalizerState, Severity};

use super::{Known, evidence::Evidence, raised::Finding};

/// Without a look at the thread, this many times the option `stuck`.
const STUCK_TIMES: u64 = 2;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let since_ms = match known.finalizer_thread {
        Some(thread) if thread.state == FinalizerState::Dead => Some(thread.since_uptime_ms),
        Some(_) => None,
        None => idle_since(known),
    };
    let found = since_ms.map(|since_ms| Finding {
        kind: AlertKind::FinalizerDead,
        severity: Severity::Critical,
        class: None,
        cause_class: None,
        since_ms,
        evidence: Evidence::default()
            .count("pending", known.whole.pending)
            .count("enqueued_total", known.whole.enqueued_total)
            .count("finalized_total", known.whole.finalized_total),
        advice:
            "The thread Finalizer has ended or takes nothing from its queue: nothing is finalized \
                 any more and what waits is never freed, so restart the JVM, and look in its \
                 output for the error that ended the thread."
                .to_owned(),
    });
    found.into_iter().collect()
}

/// Since when objects have been pending and none of them taken.
fn idle_since(known: &Known) -> Option<u64> {
    // Where nothing is hooked, how many were taken is not known.
    if known.whole.enqueued_total < known.whole.pending {
        return None;
    }
    let wanted_ms = STUCK_TIMES * known.thresholds.stuck_ms();
    let from_ms = known.now.uptime_ms.checked_sub(wanted_ms)?;
    known.classes.untouched_since(from_ms)
}

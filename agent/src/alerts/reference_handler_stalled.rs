//! `reference_handler_stalled`: the collector finds dead objects, and nobody puts them into the
//! queue.

use finwatch_record::{AlertKind, ReferenceHandlerState, Severity};

use super::{Known, evidence::Evidence, raised::Finding};

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let has = match state(known) {
        ReferenceHandlerState::Stalled => {
            "does not get on: its stack is in the record finalizer_thread, so look there for the lock \
             or the call it is stuck in (a cleaner, a reference queue) and free it,"
        }
        ReferenceHandlerState::Dead => {
            "has ended: look in the JVM's output for the error that ended it,"
        }
        _ => return Vec::new(),
    };
    let since_ms = known
        .pending_list
        .map_or(known.now.uptime_ms, |waiting| waiting.stalled_since_ms);
    vec![Finding {
        kind: AlertKind::ReferenceHandlerStalled,
        severity: Severity::Critical,
        class: None,
        cause_class: None,
        since_ms,
        evidence: Evidence::default()
            .count("stalled_ms", known.now.uptime_ms.saturating_sub(since_ms))
            .count("registered", known.whole.registered)
            .count("pending", known.whole.pending),
        advice: format!(
            "The thread Reference Handler {has} or restart the JVM; until then no dead object is queued, so none is \
             finalized and no weak or phantom reference is enqueued."
        ),
    }]
}

/// With the heap full the thread can't be looked at: it is as it was while the list is not empty.
fn state(known: &Known) -> ReferenceHandlerState {
    let is_raised = || {
        known
            .raised
            .contains(AlertKind::ReferenceHandlerStalled, None)
    };
    match known.finalizer_thread {
        Some(thread) => thread.reference_handler.state,
        None if known.pending_list.is_some() && is_raised() => ReferenceHandlerState::Stalled,
        None => ReferenceHandlerState::Unknown,
    }
}

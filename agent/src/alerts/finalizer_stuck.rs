//! `finalizer_stuck`: one call of `finalize()` does not end.
//!
//! The ledger alone proves it: an object of the class is inside, and none has left since.

use finwatch_record::{AlertKind, FinalizerThread, Severity};

use super::{Known, evidence::Evidence, raised::Finding};

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let stuck_ms = known.thresholds.stuck_ms();
    let inside = known.classes.iter().filter_map(|class| {
        let since_ms = class.inside_since_ms?;
        let stood_still_ms = known.standstills.since(since_ms);
        let inside_ms = (known.now.uptime_ms - since_ms).saturating_sub(stood_still_ms);
        (inside_ms >= stuck_ms).then_some((class, since_ms, inside_ms))
    });
    inside
        .map(|(class, since_ms, inside_ms)| Finding {
            kind: AlertKind::FinalizerStuck,
            severity: Severity::Critical,
            class: Some(class.name.clone()),
            cause_class: None,
            since_ms,
            evidence: Evidence::default()
                .count("inside_ms", inside_ms)
                .count("running", class.now.counts.running)
                .count("pending", known.whole.pending),
            advice: advice(&class.name.class, known.finalizer_thread),
        })
        .collect()
}

/// The thread's record is about this class if it is inside its `finalize()`.
fn advice(class: &str, thread: Option<&FinalizerThread>) -> String {
    let thread = thread.filter(|thread| thread.class.as_deref() == Some(class));
    let lock = thread.and_then(|thread| thread.lock.as_ref());
    let Some(lock) = lock else {
        return format!(
            "One call of {class}.finalize() does not end, and no object of any class is finalized \
             before it does: see what it waits for in the stack of the thread Finalizer."
        );
    };
    let is_deadlock = thread.is_some_and(|thread| thread.deadlock);
    match &lock.owner {
        Some(owner) if is_deadlock => format!(
            "{class}.finalize() and the thread {:?} wait for each other's locks (here: one of class {}) \
             and never will go on: only a restart helps now; let finalize() take no lock.",
            owner.thread, lock.class
        ),
        Some(owner) => format!(
            "{class}.finalize() waits for a lock of class {} that the thread {:?} has: no object is \
             finalized before it lets go.",
            lock.class, owner.thread
        ),
        None => format!(
            "{class}.finalize() waits for something of class {}: no object is finalized before it goes on.",
            lock.class
        ),
    }
}

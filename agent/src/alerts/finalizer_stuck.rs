//! `finalizer_stuck`: one call of `finalize()` does not end.
//!
//! The ledger alone proves it: an object of the class is inside, and none has left since. Of a call that had
//! begun before anybody counted, the thread's stack tells.

use finwatch_record::{AlertKind, FinalizerState, FinalizerThread, Severity};

use super::{ClassName, Known, evidence::Evidence, raised::Finding};

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let stuck_ms = known.thresholds.stuck_ms();
    let mut inside: Vec<(ClassName, u64, u64)> = known
        .classes
        .iter()
        .filter_map(|class| {
            let since_ms = class.inside_since_ms?;
            Some((class.name.clone(), since_ms, class.now.counts.running))
        })
        .collect();
    if inside.is_empty() {
        inside.extend(began_unseen(known));
    }
    let each = inside.into_iter().filter_map(|(class, since_ms, running)| {
        let stood_still_ms = known.standstills.since(since_ms);
        let inside_ms = (known.now.uptime_ms - since_ms).saturating_sub(stood_still_ms);
        (inside_ms >= stuck_ms).then(|| Finding {
            kind: AlertKind::FinalizerStuck,
            severity: Severity::Critical,
            cause_class: None,
            since_ms,
            evidence: Evidence::default()
                .count("inside_ms", inside_ms)
                .count("running", running)
                .count("pending", known.whole.pending),
            advice: advice(&class.class, known.finalizer_thread),
            class: Some(class),
        })
    });
    each.collect()
}

/// What the ledger knows of no call of, but the thread is stuck in.
fn began_unseen(known: &Known) -> Option<(ClassName, u64, u64)> {
    let thread = known.finalizer_thread?;
    let class = ClassName {
        class: thread.class.clone()?,
        loader: thread.loader.clone(),
    };
    (thread.state == FinalizerState::Stuck).then_some((class, thread.since_uptime_ms, 1))
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

#[cfg(test)]
mod tests {
    use finwatch_record::{
        AwaitedLock, FinalizerState, LockOwner, ReferenceHandler, ReferenceHandlerState,
    };

    use super::*;

    fn inside(class: &str, lock: Option<AwaitedLock>, deadlock: bool) -> FinalizerThread {
        FinalizerThread {
            state: FinalizerState::Stuck,
            since_uptime_ms: 0,
            class: Some(class.to_owned()),
            loader: None,
            finalize_ms: None,
            cpu_ms_total: None,
            stack: Vec::new(),
            lock,
            deadlock,
            reference_handler: ReferenceHandler {
                state: ReferenceHandlerState::Waiting,
                stack: Vec::new(),
            },
            secondary: Vec::new(),
        }
    }

    #[test]
    fn a_restart_is_advised_for_a_deadlock_alone() {
        let lock = |owner: Option<LockOwner>| AwaitedLock {
            class: "Pool".to_owned(),
            owner,
        };
        let owner = LockOwner {
            thread: "closer".to_owned(),
            state: "blocked".to_owned(),
            stack: Vec::new(),
        };
        let owned = Some(lock(Some(owner)));
        let says = |class, lock, deadlock| advice("A", Some(&inside(class, lock, deadlock)));
        let deadlock = says("A", owned.clone(), true);
        assert!(
            deadlock.contains("\"closer\" wait for each other's locks"),
            "{deadlock}"
        );
        let waits = says("A", owned.clone(), false);
        assert!(
            waits.contains("a lock of class Pool that the thread \"closer\" has"),
            "{waits}"
        );
        let unowned = says("A", Some(lock(None)), false);
        assert!(
            unowned.contains("waits for something of class Pool"),
            "{unowned}"
        );
        for unknown in [
            advice("A", None),
            says("A", None, false),
            says("B", owned, true),
        ] {
            assert!(unknown.contains("see what it waits for"), "{unknown}");
        }
    }
}

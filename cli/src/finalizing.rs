//! What the threads that finalize are doing, in words. As it came: not escaped.

use finwatch_record::{FinalizerState, FinalizerThread, ReferenceHandlerState};

use crate::numbers::milliseconds;

/// What the finalizer thread does, as was told so many milliseconds ago. Begins with a verb.
pub fn words(thread: &FinalizerThread, told_ms: u64) -> String {
    let state = match thread.state {
        FinalizerState::Waiting => "waits for work",
        FinalizerState::Running => "works",
        FinalizerState::Blocked => "is BLOCKED",
        FinalizerState::Starved => "gets no CPU time",
        FinalizerState::Stuck => "is STUCK",
        FinalizerState::Dead => "is DEAD",
        FinalizerState::Unknown => "does what this finwatch does not know",
    };
    let mut words = state.to_owned();
    // While it works, the next moment it is in another one.
    if let Some(class) = &thread.class
        && thread.state != FinalizerState::Running
    {
        words += &format!(" in finalize() of {class}");
        let ms = thread.finalize_ms.map(|ms| ms + told_ms as f64);
        words += &ms.map_or_else(String::new, |ms| format!(" for {}", milliseconds(ms)));
    }
    if let Some(lock) = &thread.lock {
        words += &format!(", waits for a lock ({})", lock.class);
        if let Some(owner) = &lock.owner {
            words += &format!(" of thread '{}' ({})", owner.thread, owner.state);
        }
    }
    if thread.deadlock {
        words += ", DEADLOCK";
    }
    if let Some(trouble) = reference_handler(thread.reference_handler.state) {
        words += &format!("; the Reference Handler {trouble}");
    }
    words
}

/// Whether finalization does not go on, or will not.
pub fn is_in_trouble(thread: &FinalizerThread) -> bool {
    let state = thread.state;
    matches!(
        state,
        FinalizerState::Starved | FinalizerState::Stuck | FinalizerState::Dead
    ) || thread.deadlock
        || reference_handler(thread.reference_handler.state).is_some()
}

fn reference_handler(state: ReferenceHandlerState) -> Option<&'static str> {
    match state {
        ReferenceHandlerState::Stalled => Some("is STALLED"),
        ReferenceHandlerState::Dead => Some("is DEAD"),
        ReferenceHandlerState::Waiting
        | ReferenceHandlerState::Running
        | ReferenceHandlerState::Unknown => None,
    }
}

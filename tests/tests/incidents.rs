//! What went wrong elsewhere is told here: the right alert, of the right class, in time; and
//! of programs that are all right, nothing.

use finwatch_record::{FinalizerState, FinalizerThread, ReferenceHandlerState};
use finwatch_tests::{
    for_each_jvm_of_the_whole,
    incidents::{self, Setting},
};

/// Shorter than the default: these programs do in seconds what takes hours elsewhere.
const SETTING: Setting = Setting {
    thresholds: "2s",
    times_heap: 1,
};

fn assert_told(program: &str) {
    assert_told_with(program, |_| {});
}

/// The same, with what was told of the finalizer thread.
fn assert_told_of_thread(program: &str, check: impl Fn(&FinalizerThread)) {
    assert_told_with(program, |thread| {
        check(thread.unwrap_or_else(|| panic!("nothing is told of the finalizer thread")));
    });
}

fn assert_stuck_in(thread: &FinalizerThread, method: &str) {
    assert_eq!(thread.state, FinalizerState::Stuck, "{thread:?}");
    let inside = |frame: &String| frame.starts_with(method);
    assert!(thread.stack.iter().any(inside), "{thread:?}");
    assert!(thread.finalize_ms >= Some(2000.0), "{thread:?}");
}

fn assert_lock(thread: &FinalizerThread, class: &str, owner: &str) {
    let lock = thread.lock.as_ref().expect("a lock");
    let holder = lock.owner.as_ref().expect("an owner");
    assert_eq!(
        (lock.class.as_str(), holder.thread.as_str()),
        (class, owner)
    );
    assert!(!holder.stack.is_empty(), "{thread:?}");
}

fn assert_told_with(program: &str, check: impl Fn(Option<&FinalizerThread>)) {
    let incident = incidents::incident(program);
    for_each_jvm_of_the_whole(|case| {
        if !case.collects() {
            // Without collections nothing is ever found unreachable or held.
            return;
        }
        let outcome = incident.run(case, SETTING);
        let told = &outcome.told;
        for alert in told {
            assert!(!alert.advice.is_empty() && !alert.evidence.is_empty());
            assert!(alert.since_uptime_ms <= outcome.after.as_millis() as u64);
        }
        assert!(
            outcome.heap_share < incident.heap_share,
            "told when the heap was {:.0}% full: {told:?}",
            outcome.heap_share * 100.0
        );
        check(outcome.thread.as_ref());
    });
}

fn assert_nothing_is_told(name: &str) {
    let program = incidents::HEALTHY.iter().find(|each| each.name == name);
    let program = program.unwrap_or_else(|| panic!("no healthy program '{name}'"));
    for_each_jvm_of_the_whole(|case| {
        if case.collects() {
            assert_eq!(program.run(case, SETTING), []);
        }
    });
}

#[test]
fn statements_held_by_a_timer() {
    assert_told("TimerStatements");
}

#[test]
fn statements_queued_faster_than_a_slow_finalizer_runs() {
    assert_told("QueuedStatements");
}

#[test]
fn a_finalizer_blocked_on_a_lock_of_the_application() {
    assert_told_of_thread("LockedFinalizer", |thread| {
        assert_stuck_in(thread, "incident.LockedFinalizer$Connection.finalize(");
        assert_lock(thread, "incident.LockedFinalizer$Pool", "pool owner");
        assert!(!thread.deadlock, "{thread:?}");
    });
}

#[test]
fn a_deadlock_between_close_and_finalize() {
    assert_told_of_thread("CloseDeadlock", |thread| {
        assert_stuck_in(thread, "incident.CloseDeadlock$Statement.finalize(");
        assert_lock(thread, "incident.CloseDeadlock$ConnectionLock", "closer");
        assert!(thread.deadlock, "{thread:?}");
    });
}

#[test]
fn a_finalizer_that_waits_for_the_network() {
    assert_told_of_thread("NetworkFinalizer", |thread| {
        assert_stuck_in(thread, "incident.NetworkFinalizer$Session.finalize(");
        assert_eq!(thread.lock, None);
    });
}

#[test]
fn a_finalizer_that_throws_each_time() {
    assert_told("ThrowingFinalizer");
}

#[test]
fn a_finalizer_that_resurrects() {
    assert_told("ResurrectingFinalizer");
}

#[test]
fn registration_from_many_threads() {
    assert_told("RegistrationContention");
}

#[test]
fn a_finalizer_thread_that_gets_no_cpu() {
    assert_told("StarvedFinalizer");
}

#[test]
fn a_finalizer_thread_that_an_error_has_ended() {
    assert_told_of_thread("KilledFinalizer", |thread| {
        assert_eq!(thread.state, FinalizerState::Dead, "{thread:?}");
    });
}

#[test]
fn a_reference_handler_that_waits_for_a_lock() {
    assert_told_of_thread("StalledHandler", |thread| {
        let handler = &thread.reference_handler;
        assert_eq!(handler.state, ReferenceHandlerState::Stalled, "{thread:?}");
        let enqueues = |frame: &String| frame.starts_with("java.lang.ref.ReferenceQueue.enqueue");
        assert!(handler.stack.iter().any(enqueues), "{thread:?}");
    });
}

#[test]
fn objects_held_by_a_static_collection() {
    assert_told("StaticCollection");
}

#[test]
fn two_leaks_at_once() {
    assert_told("TwoLeaks");
}

#[test]
fn steady_finalization_is_healthy() {
    assert_nothing_is_told("steady");
}

#[test]
fn bursts_are_healthy() {
    assert_nothing_is_told("bursts");
}

#[test]
fn a_spike_at_start_up_is_healthy() {
    assert_nothing_is_told("start-up");
}

#[test]
fn an_hour_of_normal_load_is_healthy() {
    assert_nothing_is_told("hour");
}

#[test]
fn a_cache_of_soft_references_is_healthy() {
    assert_nothing_is_told("soft-cache");
}

//! What the finalizer thread is in, and what `finalize()` does.

use super::*;

#[test]
fn a_call_that_does_not_end_is_stuck_until_it_does() {
    let mut program = Program::new(&["Stuck"]);
    program.classes[0].register(5000);
    program.classes[0].enqueue(5000);
    program.run(5, |program, _| program.classes[0].finalize(10, 1_000));
    program.classes[0].begin();
    program.run(30, |program, _| {
        program.classes[0].register(100);
        program.classes[0].enqueue(100);
    });
    let stuck = |state| (AlertKind::FinalizerStuck, "Stuck", state);
    assert_eq!(program.told(), [stuck(Raised)]);
    assert_eq!(program.told[0].since_uptime_ms, 6_000);
    program.classes[0].counts.running -= 1;
    program.classes[0].counts.finalized_total += 1;
    program.sample();
    assert_eq!(program.told(), [stuck(Raised), stuck(Cleared)]);
    program.run(20, |program, _| program.classes[0].finalize(1000, 1_000));
    assert_eq!(program.told().len(), 2, "{:?}", program.told());
}

fn looked_at(state: FinalizerState, handler: ReferenceHandlerState) -> FinalizerThread {
    FinalizerThread {
        state,
        since_uptime_ms: 3_000,
        class: None,
        loader: None,
        finalize_ms: None,
        cpu_ms_total: None,
        stack: Vec::new(),
        lock: None,
        deadlock: false,
        reference_handler: ReferenceHandler {
            state: handler,
            stack: Vec::new(),
        },
        secondary: Vec::new(),
    }
}

#[test]
fn a_stalled_reference_handler_stays_told_while_the_heap_is_too_full_to_look() {
    let mut program = Program::new(&["Found"]);
    let step = |program: &mut Program, _| program.classes[0].register(100);
    program.pending_list = Some(WAITING);
    program.thread = Some(looked_at(
        FinalizerState::Waiting,
        ReferenceHandlerState::Stalled,
    ));
    program.run(5, step);
    let stalled = |state| (AlertKind::ReferenceHandlerStalled, "", state);
    assert_eq!(program.told(), [stalled(Raised)]);
    assert_eq!(program.told[0].since_uptime_ms, WAITING.stalled_since_ms);
    program.thread = None;
    program.run(30, step);
    assert_eq!(program.told(), [stalled(Raised)]);
    program.pending_list = None;
    program.run(30, step);
    assert_eq!(program.told(), [stalled(Raised), stalled(Cleared)]);
}

#[test]
fn a_queue_that_nobody_takes_from_has_no_thread() {
    let mut program = Program::new(&["Waits"]);
    program.run(5, |program, _| {
        program.classes[0].register(100);
        program.classes[0].enqueue(100);
        program.classes[0].finalize(100, 1_000);
    });
    program.run(30, |program, _| {
        program.classes[0].register(100);
        program.classes[0].enqueue(100);
    });
    assert_eq!(program.told(), [(AlertKind::FinalizerDead, "", Raised)]);
    assert_eq!(program.evidence("finalized_total"), 500.0);
}

#[test]
fn a_thread_that_was_looked_at_is_dead_when_it_has_ended() {
    let mut program = Program::new(&["Waits"]);
    let step = |program: &mut Program, _| {
        program.classes[0].register(100);
        program.classes[0].enqueue(100);
    };
    let thread = |state| Some(looked_at(state, ReferenceHandlerState::Waiting));
    let dead = |state| (AlertKind::FinalizerDead, "", state);
    program.thread = thread(FinalizerState::Waiting);
    program.run(40, step);
    assert_eq!(program.told(), []);
    program.thread = thread(FinalizerState::Dead);
    program.run(1, step);
    assert_eq!(program.told(), [dead(Raised)]);
    assert_eq!(program.told[0].since_uptime_ms, 3_000);
    program.thread = thread(FinalizerState::Waiting);
    program.run(1, step);
    assert_eq!(program.told(), [dead(Raised), dead(Cleared)]);
}

#[test]
fn of_a_queue_whose_length_alone_is_known_nothing_is_told() {
    let mut program = Program::new(&["Unknown"]);
    program.run(120, |program, second| {
        program.classes[0].counts.pending = 5 + second % 3;
    });
    assert_eq!(program.told(), []);
}

#[test]
fn a_habit_of_throwing_is_told_and_a_single_exception_is_not() {
    let mut program = Program::new(&["Throws", "Threw"]);
    program.run(40, |program, second| {
        for class in &mut program.classes {
            class.register(10);
            class.enqueue(10);
        }
        program.classes[0].throw(10);
        program.classes[1].throw(u64::from(second % 20 == 0));
        program.classes[1].finalize(10, 1_000);
    });
    let throws = |state| (AlertKind::FinalizerThrows, "Throws", state);
    assert_eq!(program.told(), [throws(Raised)]);
    program.run(60, |program, _| {
        program.classes[0].register(10);
        program.classes[0].enqueue(10);
        program.classes[0].finalize(10, 1_000);
    });
    assert_eq!(program.told(), [throws(Raised), throws(Cleared)]);
}

#[test]
fn throwing_is_a_habit_where_half_of_the_calls_throw_and_until_hardly_any_do() {
    let mut program = Program::new(&["Throws"]);
    let throws = |state| (AlertKind::FinalizerThrows, "Throws", state);
    for (threw, told) in [
        (40, vec![]),
        (60, vec![throws(Raised)]),
        (15, vec![throws(Raised)]),
        (8, vec![throws(Raised), throws(Cleared)]),
    ] {
        program.run(60, |program, _| {
            program.classes[0].register(100);
            program.classes[0].enqueue(100);
            program.classes[0].throw(threw);
            program.classes[0].finalize(100, 1_000);
        });
        assert_eq!(program.told(), told, "{threw} of 100 throw");
    }
    assert_eq!(program.evidence("threw_share"), 0.15);
}

#[test]
fn nine_exceptions_are_no_habit() {
    let mut program = Program::new(&["Throws"]);
    let throw = |program: &mut Program, objects| {
        program.classes[0].register(objects);
        program.classes[0].enqueue(objects);
        program.classes[0].throw(objects);
        program.sample();
    };
    throw(&mut program, 9);
    assert_eq!(program.told(), []);
    throw(&mut program, 1);
    assert_eq!(
        program.told(),
        [(AlertKind::FinalizerThrows, "Throws", Raised)]
    );
    assert_eq!(program.evidence("threw_share"), 1.0);
}

/// So many objects are made and finalized each second, and so many others wait.
fn finalize_each(program: &mut Program, waiting: u64, objects: u64, each_us: u64) {
    let class = &mut program.classes[0];
    class.register(waiting);
    class.enqueue(waiting);
    program.run(60, |program, _| {
        program.classes[0].register(objects);
        program.classes[0].enqueue(objects);
        program.classes[0].finalize(objects, each_us * 1000);
    });
}

#[test]
fn a_finalizer_is_slow_where_its_calls_fill_the_time_and_until_they_fill_less_than_half() {
    let mut program = Program::new(&["Slow"]);
    let slow = |state| (AlertKind::FinalizerSlow, "Slow", state);
    for (objects, told) in [
        (500, vec![]),
        (600, vec![slow(Raised)]),
        (400, vec![slow(Raised)]),
        (270, vec![slow(Raised), slow(Cleared)]),
    ] {
        finalize_each(&mut program, 10, objects, 1500);
        assert_eq!(program.told(), told, "{objects} a second");
    }
    let busy_share = program.evidence("busy_share");
    assert!((0.5..0.6).contains(&busy_share), "{busy_share}");
    assert_eq!(program.evidence("class_time_share"), 1.0);
    assert_eq!(program.evidence("mean_ms"), 1.5);
    let calls_per_s = program.evidence("calls_per_s");
    assert!(
        (calls_per_s * 1.5 / 1000.0 - busy_share).abs() < 0.001,
        "{calls_per_s}"
    );
}

#[test]
fn a_finalizer_that_is_called_all_the_time_for_short_is_not_slow() {
    let mut program = Program::new(&["Short"]);
    finalize_each(&mut program, 10, 1100, 800);
    assert_eq!(program.told(), []);
}

#[test]
fn a_finalizer_that_is_done_with_all_before_more_come_is_not_slow() {
    let mut program = Program::new(&["Slow"]);
    finalize_each(&mut program, 0, 600, 1500);
    assert_eq!(program.told(), []);
}

#[test]
fn a_finalizer_that_resurrects_is_told_when_enough_have_survived() {
    let mut program = Program::new(&["Pooled", "Few", "Well"]);
    let resurrects = |state| (AlertKind::FinalizerResurrects, "Pooled", state);
    program.run(40, |program, second| {
        for (class, objects) in program.classes.iter_mut().zip([100, 1, 100]) {
            class.register(objects);
            class.enqueue(objects);
            class.finalize(objects, 1_000);
        }
        // The fates of two are known after each collection.
        if second % 10 == 9 {
            for fate in [second % 20 == 9, true] {
                program.classes[0].finalized.was_seen(fate);
                program.classes[1].finalized.was_seen(true);
                program.classes[2].finalized.was_seen(false);
            }
        }
    });
    assert_eq!(program.told(), [resurrects(Raised)]);
    assert_eq!(program.evidence("watched"), 4.0);
    assert_eq!(program.evidence("survived_share"), 0.75);
    // Of the last sixteen a third, then fewer.
    (0..20).for_each(|fate| program.classes[0].finalized.was_seen(fate >= 15));
    program.run(40, |_, _| {});
    assert_eq!(program.told(), [resurrects(Raised)]);
    (0..13).for_each(|_| program.classes[0].finalized.was_seen(false));
    program.run(40, |_, _| {});
    assert_eq!(program.told(), [resurrects(Raised), resurrects(Cleared)]);
}

#[test]
fn a_finalizer_that_resurrects_fewer_than_half_is_told_of_nothing() {
    let mut program = Program::new(&["Some"]);
    for survived in [true, true, false, false, false] {
        program.classes[0].finalized.was_seen(survived);
    }
    program.run(60, |program, _| {
        program.classes[0].register(100);
        program.classes[0].enqueue(100);
        program.classes[0].finalize(100, 1_000);
    });
    assert_eq!(program.told(), []);
}

/// A call of `finalize()` is going on while the JVM stands still for nine seconds, in a program whose calls are
/// short, or in one whose call does not end.
fn after_a_standstill(ends: bool, is_known: bool) -> Program {
    const LASTED: u64 = 9;
    let mut program = Program::new(&["Fine"]);
    program.classes[0].register(1000);
    program.classes[0].enqueue(1000);
    program.run(5, |program, _| program.classes[0].finalize(10, 20_000));
    program.classes[0].begin();
    program.run(2, |_, _| {});
    let from_ms = program.seconds * 1000;
    program.seconds += LASTED;
    if is_known {
        program.alerts.stood_still(Standstill {
            from_ms,
            until_ms: from_ms + LASTED * 1000,
        });
    }
    if ends {
        program.classes[0].counts.running -= 1;
        program.classes[0].finalize(1, LASTED * 1_000_000_000);
    }
    program.run(4, |_, _| {});
    program
}

#[test]
fn a_standstill_of_the_jvm_is_no_stuck_call() {
    let stuck = (AlertKind::FinalizerStuck, "Fine", Raised);
    assert_eq!(after_a_standstill(false, false).told(), [stuck]);
    let mut program = after_a_standstill(false, true);
    assert_eq!(program.told(), []);
    assert!(!program.alerts.wants_a_look(program.seconds * 1000));
    program.run(5, |_, _| {});
    assert_eq!(program.told(), [stuck]);
    assert!((9000.0..12_000.0).contains(&program.evidence("inside_ms")));
}

#[test]
fn a_call_that_lasted_through_a_standstill_of_the_jvm_is_not_slow() {
    let slow = |mut program: Program| {
        program.run(20, |program, _| program.classes[0].finalize(10, 20_000));
        let told = program.told();
        let mut told = told.iter();
        told.any(|told| *told == (AlertKind::FinalizerSlow, "Fine", Raised))
    };
    assert!(slow(after_a_standstill(true, false)));
    assert!(!slow(after_a_standstill(true, true)));
}

//! The queue grows, or only seems to.

use super::*;

#[test]
fn a_queue_that_is_never_worked_off_is_told_with_the_class_that_costs_the_time() {
    let mut program = Program::new(&["Many", "Slow"]);
    program.run(60, |program, _| {
        program.classes[0].register(1000);
        program.classes[0].enqueue(1000);
        program.classes[0].finalize(400, 1_000);
        program.classes[1].register(100);
        program.classes[1].enqueue(100);
        program.classes[1].finalize(90, 10_000_000);
    });
    let grows = (AlertKind::PendingGrowth, "Many", Raised);
    assert!(program.told().contains(&grows), "{:?}", program.told());
    let alert = program
        .told
        .iter()
        .find(|a| a.kind == AlertKind::PendingGrowth);
    assert_eq!(alert.unwrap().cause_class.as_deref(), Some("Slow"));
    let rate = |name: &str| alert.unwrap().evidence[name].as_f64().unwrap();
    assert!((rate("arriving_per_s") - 1100.0).abs() < 10.0);
    assert!((rate("leaving_per_s") - 490.0).abs() < 10.0);
    let slow = (AlertKind::FinalizerSlow, "Slow", Raised);
    assert!(program.told().contains(&slow), "{:?}", program.told());

    program.run(200, |program, _| program.classes[0].finalize(1000, 1000));
    let over = (AlertKind::PendingGrowth, "Many", Cleared);
    assert!(program.told().contains(&over), "{:?}", program.told());
}

/// A collection every twelve seconds, each of which finds more than the thread gets done until the next.
#[test]
fn a_queue_that_grows_with_each_of_a_few_collections_is_told_before_the_third() {
    let mut program = Program::new(&["Many"]);
    let step = |program: &mut Program, second| {
        program.classes[0].register(1000);
        if second % 12 == 11 {
            program.classes[0].enqueue(12_000);
        }
        program.classes[0].finalize(300, 1_000);
    };
    program.run(18, step);
    assert_eq!(program.told(), []);
    program.run(15, step);
    let grows = (AlertKind::PendingGrowth, "Many", Raised);
    assert!(program.told().contains(&grows), "{:?}", program.told());
}

/// Some objects are found by young collections, the others grow old and are found all at once: made are `made` a second,
/// worked off 1,000.
fn run_with_old_objects(program: &mut Program, seconds: u64, made: u64) {
    program.run(seconds, |program, second| {
        let class = &mut program.classes[0];
        class.register(made);
        if second % 25 == 24 {
            class.enqueue(class.counts.registered - class.counts.pending);
        } else if second % 5 == 4 {
            class.enqueue(2_000);
        }
        class.finalize(1_000, 1_000);
    });
}

#[test]
fn a_queue_that_grows_by_what_had_grown_old_is_told() {
    let mut program = Program::new(&["Old"]);
    run_with_old_objects(&mut program, 50, 1_500);
    let grows = (AlertKind::PendingGrowth, "Old", Raised);
    assert!(program.told().contains(&grows), "{:?}", program.told());
    let alert = program.told.iter().find(|alert| alert.kind == grows.0);
    let rate = |name: &str| alert.unwrap().evidence[name].as_f64().unwrap();
    assert!(rate("arriving_per_s") > rate("leaving_per_s"), "{alert:?}");
}

#[test]
fn a_thread_that_keeps_up_with_what_had_grown_old_is_none() {
    let mut program = Program::new(&["Old"]);
    run_with_old_objects(&mut program, 300, 800);
    assert_eq!(program.told(), []);
}

#[test]
fn a_burst_that_is_worked_off_is_no_backlog() {
    let mut program = Program::new(&["Burst"]);
    program.run(600, |program, second| {
        if second % 60 < 2 {
            program.classes[0].register(100_000);
            program.classes[0].enqueue(100_000);
        }
        program.classes[0].finalize(5_000, 1_000);
    });
    assert_eq!(program.told(), []);
}

/// Between two samples there may be more time than the alert waits.
#[test]
fn a_queue_that_grows_is_told_however_rarely_it_is_looked_at() {
    for interval in [1, 5, 9, 10, 15, 30, 60] {
        let mut program = Program::new(&["Old"]);
        program.interval = interval;
        program.run(600, |program, second| {
            let class = &mut program.classes[0];
            class.register(20_000);
            if second == 100 {
                class.enqueue(class.counts.registered);
            }
            class.finalize(8_000, 100_000);
        });
        let grows = (AlertKind::PendingGrowth, "Old", Raised);
        let told = program.told();
        assert!(told.contains(&grows), "each {interval} s: {told:?}");
    }
}

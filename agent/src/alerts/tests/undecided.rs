//! Objects of which no collection has told whether somebody holds them.

use super::*;

#[test]
fn growth_that_only_young_collections_saw_is_floating_until_a_full_one_decides() {
    let grow = |program: &mut Program, _| {
        program.classes[0].register(100);
        program.used_bytes += 60_000;
        program.collect("Copy");
    };
    let mut program = Program::new(&["Promoted"]);
    program.run(700, grow);
    let floating = (AlertKind::RegisteredFloating, "Promoted", Raised);
    assert_eq!(program.told(), [floating]);

    program.classes[0].enqueue(70_000);
    program.classes[0].finalize(70_000, 1000);
    program.used_bytes = 4 << 20;
    program.collect("MarkSweepCompact");
    program.run(30, |_, _| {});
    let cleared = (AlertKind::RegisteredFloating, "Promoted", Cleared);
    assert_eq!(program.told(), [floating, cleared]);

    // The same again is what this class does.
    program.run(700, grow);
    assert_eq!(program.told().len(), 2);
}

#[test]
fn the_first_full_collection_that_leaves_nearly_all_of_what_grew_decides() {
    let mut program = Program::new(&["Promoted"]);
    program.run(70, |program, _| {
        program.classes[0].register(1000);
        program.used_bytes += 600_000;
        program.collect("Copy");
    });
    assert_eq!(program.told(), []);
    program.collect("MarkSweepCompact");
    program.run(2, |_, _| {});
    let leak = (AlertKind::RegisteredLeak, "Promoted", Raised);
    assert_eq!(program.told(), [leak]);
    assert!((program.evidence("bytes_per_object_estimate") - 600.0).abs() < 30.0);
}

#[test]
fn a_walk_for_the_holders_decides_what_collections_can_not() {
    let mut program = Program::new(&["Promoted"]);
    program.promote(700, 100, 60_000);
    program.alerts.holders(&held("Promoted", 69_990));
    program.run(20, |_, _| {});
    let floating = |state| (AlertKind::RegisteredFloating, "Promoted", state);
    let leak = (AlertKind::RegisteredLeak, "Promoted", Raised);
    assert_eq!(program.told(), [floating(Raised), leak, floating(Cleared)]);
}

#[test]
fn what_fills_half_the_heap_is_looked_for_before_a_collection_has_to() {
    let suspect = Some(("Promoted".to_owned(), None));
    let mut program = half_full();
    assert_eq!(program.alerts.take_suspect(), suspect);
    let objects = program.classes[0].counts.registered;
    program.alerts.suspect_sought(&Holders {
        instances: objects,
        ..held("Promoted", objects)
    });
    program.promote(2, 1000, 1_000_000);
    let leak = (AlertKind::RegisteredLeak, "Promoted", Raised);
    assert_eq!(program.told(), [leak]);
    let left = (MAX - program.used_bytes) as f64 / 1_000_000.0;
    assert!((program.evidence("full_in_s_estimate") - left).abs() < 3.0);
    assert_eq!(program.alerts.take_suspect(), None);

    // It was a cache, and is full now.
    program.run(700, |program, _| program.collect("PS Scavenge"));
    let over = (AlertKind::RegisteredLeak, "Promoted", Cleared);
    assert_eq!(program.told(), [leak, over]);
}

/// Half a heap of objects that are held by what a walk finds, as many of which were finalized before.
fn held_beside_finalized(fate_known: bool) -> Program {
    let mut program = half_full();
    let objects = program.classes[0].counts.registered;
    program.classes[0].register(objects);
    program.classes[0].enqueue(objects);
    program.classes[0].finalize(objects, 1000);
    if fate_known {
        program.classes[0].finalized.was_seen(false);
    }
    assert!(program.alerts.take_suspect().is_some());
    program.alerts.suspect_sought(&Holders {
        instances: objects,
        ..held("Promoted", objects)
    });
    program.promote(2, 1000, 1_000_000);
    program
}

#[test]
fn held_objects_that_may_be_resurrected_ones_are_told_of_nothing() {
    assert_eq!(held_beside_finalized(false).told(), []);
}

#[test]
fn held_objects_of_a_class_that_resurrects_none_are_a_leak() {
    let leak = (AlertKind::RegisteredLeak, "Promoted", Raised);
    assert_eq!(held_beside_finalized(true).told(), [leak]);
}

#[test]
fn what_was_looked_for_in_vain_is_a_suspect_again_with_twice_as_many() {
    let mut program = half_full();
    let before = program.classes[0].counts.registered;
    assert!(program.alerts.take_suspect().is_some());
    program.alerts.suspect_sought(&held("Promoted", 100));
    while program.classes[0].counts.registered < 2 * before {
        assert_eq!(program.alerts.take_suspect(), None);
        program.promote(1, 1000, 100_000);
    }
    assert!(program.alerts.take_suspect().is_some());
    assert_eq!(program.told(), []);
}

/// Half a heap of objects that nobody holds, some of which were finalized in so much time each.
fn unheld(finalize_ns: u64) -> Program {
    let mut program = Program::new(&["Promoted"]);
    program.classes[0].register(100);
    program.classes[0].enqueue(100);
    program.classes[0].finalize(100, finalize_ns);
    while program.alerts.take_suspect().is_none() {
        program.promote(1, 1000, 1_000_000);
    }
    program.alerts.suspect_sought(&held("Promoted", 0));
    program.promote(2, 1000, 1_000_000);
    program
}

#[test]
fn more_objects_than_can_be_finalized_are_told_before_they_are_queued() {
    let mut program = unheld(1_500_000);
    let floating = |state| (AlertKind::RegisteredFloating, "Promoted", state);
    assert_eq!(program.told(), [floating(Raised)]);
    assert!((program.evidence("thread_share") - 1.5).abs() < 0.1);
    let objects = program.evidence("undecided");
    assert!((program.evidence("work_off_s") - objects * 0.0015).abs() < 0.001);

    // The collection that queues them.
    let objects = program.classes[0].counts.registered;
    program.classes[0].enqueue(objects);
    program.classes[0].finalize(objects, 1_500_000);
    program.collect("PS MarkSweep");
    program.run(30, |_, _| {});
    assert_eq!(program.told(), [floating(Raised), floating(Cleared)]);
}

#[test]
fn dead_objects_that_are_soon_finalized_are_told_of_nothing() {
    assert_eq!(unheld(500_000).told(), []);
}

#[test]
fn a_walk_for_the_holders_of_a_cache_tells_of_no_leak() {
    let mut program = Program::new(&["Cached"]);
    program.promote(20, 2000, 1_000_000);
    program.alerts.holders(&held("Cached", 39_990));
    program.run(60, |program, _| program.collect("PS Scavenge"));
    assert_eq!(program.told(), []);
}

#[test]
fn a_cache_that_is_full_and_that_no_full_collection_looks_at_is_told_of_nothing() {
    let mut program = Program::new(&["Cached"]);
    program.promote(60, 1000, 500_000);
    program.run(1000, |program, _| program.collect("PS Scavenge"));
    assert_eq!(program.told(), []);
}

/// Held are those that are no longer registered.
#[test]
fn a_walk_decides_nothing_where_objects_are_resurrected() {
    let mut program = Program::new(&["Pooled"]);
    program.classes[0].finalized.was_seen(true);
    program.promote(700, 100, 60_000);
    program.alerts.holders(&held("Pooled", 70_000));
    program.run(20, |_, _| {});
    let floating = (AlertKind::RegisteredFloating, "Pooled", Raised);
    assert_eq!(program.told(), [floating]);
}

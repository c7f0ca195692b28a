//! The heap fills up, or only seems to.

use super::*;

/// What a collection may call held as long as they are young there, while those that were resurrected fill the heap.
#[test]
fn a_heap_full_of_resurrected_objects_is_not_a_leak_of_registered_ones() {
    let mut program = Program::new(&["Pooled"]);
    for _ in 0..4 {
        program.classes[0].finalized.was_seen(true);
    }
    program.run(70, |program, second| {
        program.classes[0].register(1000);
        program.classes[0].enqueue(900);
        program.classes[0].finalize(900, 1000);
        program.used_bytes += 900_000;
        if second % 10 == 9 {
            program.collect("PS MarkSweep");
        }
    });
    assert!(
        program
            .told()
            .iter()
            .all(|(kind, ..)| *kind != AlertKind::RegisteredLeak)
    );
}

#[test]
fn a_heap_that_fills_up_without_finalizable_objects_names_no_class() {
    let mut program = Program::new(&["Steady"]);
    program.classes[0].register(5000);
    program.run(100, |program, second| {
        program.used_bytes += 500_000;
        if second % 5 == 4 {
            program.collect("PS MarkSweep");
        }
    });
    assert_eq!(program.told(), [(AlertKind::HeapExhaustion, "", Raised)]);
    assert_eq!(program.told[0].cause_class, None);
    assert!(program.evidence("full_in_s_estimate") > 10.0);
    assert!(program.evidence("confidence") > 0.99);
}

/// A cache fills up at start, between the first collections and the next.
#[test]
fn a_heap_that_filled_up_once_between_two_collections_is_no_trend() {
    let mut program = Program::new(&["Steady"]);
    program.used_bytes = 20 << 20;
    program.run(12, |program, _| program.collect("Shenandoah Cycles"));
    program.run(60, |_, _| {});
    program.used_bytes = 40 << 20;
    for _ in 0..2 {
        program.used_bytes += 100_000;
        program.collect("Shenandoah Cycles");
        program.run(10, |_, _| {});
        assert_eq!(program.told(), []);
    }
}

/// Three collections in a line say little while the heap has room.
#[test]
fn a_load_that_rises_and_falls_is_no_exhaustion() {
    let mut program = Program::new(&["Steady"]);
    program.used_bytes = 28_000_000;
    for change in [
        4_000_000, 4_000_000, 4_000_000, -4_000_000, -4_000_000, -4_000_000,
    ] {
        program.run(10, |_, _| {});
        program.used_bytes = program.used_bytes.saturating_add_signed(change);
        program.collect("PS MarkSweep");
        program.sample();
    }
    assert_eq!(program.told(), []);
}

/// JRuby begins its work, and Shenandoah goes from cycle to cycle: what is made during one counts as in use after it.
#[test]
fn a_step_and_some_unrest_are_no_trend() {
    let mut program = Program::new(&["Steady"]);
    let left = [4, 4, 5, 5, 6, 8, 9, 9, 31, 31, 32, 35, 33, 39, 37, 39, 43];
    program.collect_each(1, "Shenandoah Cycles", left);
    program.run(1, |_, _| {});
    assert_eq!(program.told(), []);
}

/// More than half of the heap is in use from now on, and there is room.
#[test]
fn growth_that_has_ended_is_no_exhaustion_any_more() {
    let mut program = Program::new(&["Steady"]);
    program.collect_each(5, "PS MarkSweep", (16..46).step_by(3));
    assert_eq!(program.told(), [(AlertKind::HeapExhaustion, "", Raised)]);
    program.collect_each(5, "PS MarkSweep", [42, 41].repeat(12));
    assert_eq!(
        program.told().last(),
        Some(&(AlertKind::HeapExhaustion, "", Cleared))
    );
}

/// Serial gives up a young collection where nothing more can be promoted, and collects all.
#[test]
fn what_a_young_collection_leaves_after_a_full_one_is_not_taken_to_live() {
    let mut program = Program::new(&["Steady"]);
    for _ in 0..6 {
        program.used_bytes = 20_000_000;
        program.collect("MarkSweepCompact");
        program.used_bytes = 66_000_000;
        program.collect("Copy");
        program.run(5, |_, _| {});
    }
    assert_eq!(program.told(), []);
}

/// Shenandoah can hardly keep up: what was made during a cycle fills the heap after it.
#[test]
fn what_was_made_during_a_cycle_is_not_taken_to_live() {
    let mut program = Program::new(&["Steady"]);
    for megabytes in [18, 40, 66, 20].repeat(6) {
        program.used_bytes = megabytes * 1_000_000;
        program.collect("Shenandoah Cycles");
        program.run(2, |_, _| {});
    }
    assert_eq!(program.told(), []);
}

/// JRuby begins its work, ZGC can hardly keep up, and cycle follows cycle: what they left, in MB of 160, second by second.
#[test]
fn what_was_made_during_several_cycles_is_not_taken_to_live() {
    let mut program = Program::new(&["Steady"]);
    let left: [&[u64]; 16] = [
        &[10],
        &[],
        &[16],
        &[],
        &[24],
        &[],
        &[98, 90],
        &[130, 66],
        &[142, 46],
        &[134, 52],
        &[134, 64],
        &[120, 72],
        &[122, 66],
        &[122, 88, 130],
        &[82, 124],
        &[82, 116, 90],
    ];
    for left in left {
        for megabytes in left {
            program.used_bytes = megabytes * (MAX / 160);
            program.collect("ZGC Cycles");
        }
        program.run(1, |_, _| {});
    }
    program.run(1, |_, _| {});
    assert_eq!(program.told(), []);
}

/// A cycle of G1: marking ends, and mixed collections free what it found dead.
fn g1_cycle(program: &mut Program, marked_bytes: u64, live_bytes: u64) {
    program.used_bytes = marked_bytes;
    program.collect("G1 Young Generation");
    program.collect("G1 Concurrent GC");
    program.collect("G1 Concurrent GC");
    program.run(10, |_, _| {});
    program.used_bytes = live_bytes;
    program.collect("G1 Young Generation");
    program.run(10, |_, _| {});
}

#[test]
fn what_g1_has_marked_and_not_freed_yet_is_not_taken_to_live() {
    let mut program = Program::new(&["Steady"]);
    for (marked, live) in [(40, 36), (46, 40), (47, 44), (56, 40), (53, 41), (57, 45)] {
        g1_cycle(&mut program, marked << 20, live << 20);
    }
    assert_eq!(program.told(), []);
}

#[test]
fn a_leak_that_g1_sees_is_told() {
    let mut program = Program::new(&["Steady"]);
    for live in [36, 40, 44, 48, 52, 56] {
        g1_cycle(&mut program, (live + 4) << 20, live << 20);
    }
    assert_eq!(program.told(), [(AlertKind::HeapExhaustion, "", Raised)]);
}

#[test]
fn a_heap_that_stays_full_stays_told_until_there_is_room() {
    let mut program = Program::new(&["Steady"]);
    let exhaustion = |state| (AlertKind::HeapExhaustion, "", state);
    program.collect_each(10, "PS MarkSweep", [36, 40, 44, 48, 52]);
    program.collect_each(10, "PS MarkSweep", [52; 8]);
    assert_eq!(program.told(), [exhaustion(Raised)]);
    // Seven tenths of the heap are in use still, but more than a tenth of the most is free.
    program.collect_each(10, "PS MarkSweep", [46; 4]);
    assert_eq!(program.told(), [exhaustion(Raised), exhaustion(Cleared)]);
}

#[test]
fn a_collection_leaves_room_or_none() {
    let mut program = Program::new(&["Steady"]);
    for (megabytes, left_room) in [(57, true), (58, false)] {
        program.used_bytes = megabytes << 20;
        program.collect("PS MarkSweep");
        program.sample();
        let looked = program.alerts.take_looked().unwrap();
        assert_eq!(looked.left_room, left_room, "{megabytes} of 64");
    }
}

/// A load that goes up and down to the same heights.
#[test]
fn what_was_lived_with_before_is_no_exhaustion() {
    let mut program = Program::new(&["Steady"]);
    program.used_bytes = 56 << 20;
    let left = [56, 36, 42, 49, 55, 36, 42, 49, 55];
    program.collect_each(10, "PS MarkSweep", left);
    program.run(10, |_, _| {});
    assert_eq!(program.told(), []);
}

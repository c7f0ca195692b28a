//! Objects that soft references keep, or nobody does.

use super::*;

/// What a walk found of a class: nearly all of so many instances kept by soft references.
fn softly_held(class: &str, instances: u64) -> Holders {
    Holders {
        instances,
        unheld: None,
        softly_held: Some(instances / 10 * 9),
        ..held(class, 0)
    }
}

/// A cache that fills up, with a full collection each second.
fn fill(program: &mut Program, seconds: u64) {
    program.run(seconds, |program, _| {
        program.classes[0].register(700);
        program.used_bytes += 700_000;
        program.collect("PS MarkSweep");
    });
}

/// Half a heap of objects that soft references keep, as was found on suspicion.
fn cache() -> Program {
    let mut program = half_full();
    assert!(program.alerts.take_suspect().is_some());
    let objects = program.classes[0].counts.registered;
    let holders = softly_held("Promoted", objects);
    program.alerts.suspect_sought(&holders);
    program
}

#[test]
fn what_soft_references_keep_is_no_leak_and_no_exhaustion() {
    let mut program = cache();
    assert_eq!(program.alerts.take_suspect(), None);
    fill(&mut program, 26);
    assert!(program.used_bytes > MAX / 4 * 3);
    assert_eq!(program.told(), []);
    // There are half as many more.
    assert!(program.alerts.take_suspect().is_some());
}

#[test]
fn a_heap_that_is_full_is_told_whatever_keeps_it_full() {
    let mut program = cache();
    while program.used_bytes < MAX / 100 * 97 {
        fill(&mut program, 1);
    }
    fill(&mut program, 1);
    assert_eq!(program.told(), [(AlertKind::HeapExhaustion, "", Raised)]);
    assert_eq!(program.told[0].severity, Severity::Critical);
}

#[test]
fn what_collections_find_held_is_looked_at_before_it_is_told() {
    let mut program = Program::new(&["Cached"]);
    program.used_bytes = MAX / 4;
    fill(&mut program, 12);
    assert_eq!(program.told(), []);
    let suspect = Some(("Cached".to_owned(), None));
    assert_eq!(program.alerts.take_suspect(), suspect);
}

#[test]
fn of_several_suspects_the_one_with_most_objects_is_looked_at() {
    let mut program = Program::new(&["Few", "Many", "Some"]);
    while program.used_bytes < MAX / 2 {
        program.classes[1].register(2000);
        program.classes[2].register(1500);
        program.promote(1, 1000, 1_000_000);
    }
    let suspect = Some(("Many".to_owned(), None));
    assert_eq!(program.alerts.take_suspect(), suspect);
}

#[test]
fn it_is_looked_for_again_after_a_while_and_told_if_it_is_held_by_then() {
    let mut program = cache();
    program.run(119, |program, _| program.collect("PS MarkSweep"));
    assert_eq!(program.alerts.take_suspect(), None);
    program.run(2, |program, _| program.collect("PS MarkSweep"));
    assert!(program.alerts.take_suspect().is_some());
    let objects = program.classes[0].counts.registered;
    program.alerts.suspect_sought(&Holders {
        instances: objects,
        ..held("Promoted", objects)
    });
    fill(&mut program, 30);
    let leak = (AlertKind::RegisteredLeak, "Promoted", Raised);
    assert!(program.told().contains(&leak), "{:?}", program.told());
}

#[test]
fn a_leak_that_turns_out_to_be_a_cache_is_cleared_and_looked_at_again_where_there_are_many_more() {
    let mut program = Program::new(&["Cached"]);
    program.used_bytes = MAX / 2;
    fill(&mut program, 20);
    let both = |state| {
        [
            (AlertKind::RegisteredLeak, "Cached", state),
            (AlertKind::HeapExhaustion, "", state),
        ]
    };
    assert_eq!(program.told(), both(Raised));
    program.alerts.holders(&softly_held("Cached", 14_000));
    fill(&mut program, 12);
    assert_eq!(program.told()[2..], both(Cleared));
    assert!(program.alerts.take_suspect().is_some());
    program.alerts.suspect_sought(&held("Cached", 70_000));
    fill(&mut program, 10);
    assert_eq!(program.told()[4..], both(Raised));
}

#[test]
fn a_cache_that_fills_up_is_no_leak() {
    let mut program = Program::new(&["Cached"]);
    program.run(20, |program, _| {
        program.classes[0].register(2000);
        program.used_bytes += 1_000_000;
        program.collect("ZGC Cycles");
    });
    program.run(600, |program, _| program.collect("ZGC Cycles"));
    assert_eq!(program.told(), []);
}

/// The collection that finds dead objects leaves them in the heap: only the next one frees them.
#[test]
fn a_cache_in_a_heap_that_is_full_of_dead_objects_is_no_leak() {
    let mut program = Program::new(&["Cached"]);
    program.run(12, |program, _| {
        program.classes[0].register(1000);
        program.used_bytes += 1 << 20;
        program.collect("Shenandoah Cycles");
    });
    program.run(30, |program, second| {
        program.classes[0].register(1000);
        program.used_bytes += 1 << 20;
        if second == 29 {
            program.collect("Shenandoah Cycles");
            program.classes[0].enqueue(26_000);
        }
    });
    program.run(3, |program, _| program.classes[0].finalize(26_000, 1000));
    assert_eq!(program.told(), []);
}

#[test]
fn dead_objects_that_a_full_collection_finds_each_time_are_no_leak() {
    let mut program = Program::new(&["Floating"]);
    let low = program.used_bytes;
    program.run(1000, |program, second| {
        program.classes[0].register(1000);
        program.used_bytes += 500_000;
        if second % 60 == 59 {
            let dead = program.classes[0].counts.registered;
            program.classes[0].enqueue(dead);
            program.classes[0].finalize(dead, 1000);
            program.used_bytes = low;
            program.collect("MarkSweepCompact");
        } else if second % 2 == 0 {
            // Young collections find most of the others.
            program.classes[0].register(3000);
            program.classes[0].enqueue(3000);
            program.classes[0].finalize(3000, 1000);
            program.collect("Copy");
        }
    });
    assert_eq!(program.told(), []);
}

//! Objects that somebody holds.

use super::*;

#[test]
fn a_leak_that_full_collections_see_is_told_once_with_its_bytes() {
    let mut program = Program::new(&["Leaked", "Fine"]);
    program.run(80, |program, second| {
        program.classes[0].register(1000);
        program.classes[1].register(500);
        program.classes[1].enqueue(500);
        program.classes[1].finalize(500, 1000);
        program.used_bytes += 500_000;
        if second % 5 == 4 {
            program.collect("MarkSweepCompact");
        }
    });
    let leaks: Vec<_> = program
        .told()
        .into_iter()
        .filter(|(kind, ..)| *kind == AlertKind::RegisteredLeak)
        .collect();
    assert_eq!(leaks, [(AlertKind::RegisteredLeak, "Leaked", Raised)]);
    let leak = program
        .told
        .iter()
        .find(|a| a.kind == AlertKind::RegisteredLeak);
    let bytes = leak.unwrap().evidence["bytes_per_object_estimate"].as_f64();
    assert!((bytes.unwrap() - 500.0).abs() < 25.0, "{bytes:?}");
}

#[test]
fn what_is_on_the_way_to_the_queue_is_no_leak() {
    let mut program = Program::new(&["Found"]);
    let step = |program: &mut Program, second| {
        program.classes[0].register(1000);
        program.used_bytes += 500_000;
        if second % 5 == 4 {
            program.collect("MarkSweepCompact");
        }
    };
    program.pending_list = Some(WAITING);
    program.run(80, step);
    assert!(!program.told.iter().any(is_leak), "{:?}", program.told());
    program.pending_list = None;
    program.run(40, step);
    assert!(program.told.iter().any(is_leak), "{:?}", program.told());
}

/// So many objects a second are held, and the heap fills up.
fn hold(program: &mut Program, seconds: u64, objects: u64, bytes: u64) {
    program.run(seconds, |program, second| {
        program.classes[0].register(objects);
        program.used_bytes += bytes;
        if second % 5 == 4 {
            program.collect("MarkSweepCompact");
        }
    });
}

fn is_leak(alert: &Alert) -> bool {
    alert.kind == AlertKind::RegisteredLeak
}

#[test]
fn fewer_than_many_are_no_leak() {
    let mut program = Program::new(&["Few"]);
    hold(&mut program, 95, 10, 500_000);
    assert!(!program.told.iter().any(is_leak), "{:?}", program.told());
    hold(&mut program, 15, 10, 500_000);
    assert!(program.told.iter().any(is_leak), "{:?}", program.told());
}

#[test]
fn what_becomes_a_few_in_a_hundred_more_is_no_leak() {
    let mut program = Program::new(&["Steady"]);
    program.used_bytes = 12 << 20;
    hold(&mut program, 5, 10_000, 5_000_000);
    hold(&mut program, 100, 40, 20_000);
    assert!(!program.told.iter().any(is_leak), "{:?}", program.told());
    hold(&mut program, 60, 400, 200_000);
    assert!(program.told.iter().any(is_leak), "{:?}", program.told());
}

/// 70,000 objects were made and are held, as collections have seen.
fn leaking(collector: &str) -> Program {
    let mut program = Program::new(&["Leaked"]);
    program.run(70, |program, second| {
        program.classes[0].register(1000);
        program.used_bytes += 500_000;
        if second % 5 == 4 {
            program.collect(collector);
        }
    });
    program
}

#[test]
fn a_leak_is_over_when_a_collection_finds_less_than_half_of_it() {
    let mut program = leaking("ZGC Cycles");
    program.classes[0].enqueue(60_000);
    program.classes[0].finalize(60_000, 1000);
    program.used_bytes = 8 << 20;
    program.run(60, |program, second| {
        if second % 5 == 4 {
            program.collect("ZGC Cycles");
        }
    });
    let of_kind = |kind| {
        let told = program.told.iter().filter(move |a| a.kind == kind);
        told.map(|a| a.state).collect::<Vec<_>>()
    };
    assert_eq!(of_kind(AlertKind::RegisteredLeak), [Raised, Cleared]);
    assert_eq!(of_kind(AlertKind::HeapExhaustion), [Raised, Cleared]);
    assert_eq!(program.alerts.raised(), []);
}

#[test]
fn a_leak_that_stands_still_is_told_for_as_long_as_full_collections_find_it() {
    let mut program = leaking("MarkSweepCompact");
    assert!(
        program
            .alerts
            .raised()
            .iter()
            .any(|alert| alert.kind == AlertKind::RegisteredLeak)
    );
    // No young collection follows.
    program.classes[0].enqueue(1000);
    program.classes[0].finalize(1000, 1000);
    program.collect("MarkSweepCompact");
    program.run(60, |_, _| {});
    let cleared = (AlertKind::RegisteredLeak, "Leaked", Cleared);
    assert!(!program.told().contains(&cleared), "{:?}", program.told());
}

#[test]
fn what_does_not_grow_for_ten_minutes_is_no_leak_any_more() {
    let mut program = leaking("ZGC Cycles");
    let leaks = |program: &Program| -> Vec<AlertState> {
        let told = program.told.iter().filter(|alert| is_leak(alert));
        told.map(|alert| alert.state).collect()
    };
    program.run(580, |program, second| {
        if second % 5 == 4 {
            program.collect("ZGC Cycles");
        }
    });
    assert_eq!(leaks(&program), [Raised]);
    program.run(60, |program, second| {
        if second % 5 == 4 {
            program.collect("ZGC Cycles");
        }
    });
    assert_eq!(leaks(&program), [Raised, Cleared]);
}

/// Nothing says that it matters but that it goes on for ten minutes.
#[test]
fn a_slow_leak_in_a_heap_with_room_is_told_where_it_is_a_fiftieth_of_it() {
    for (bytes_of_each, is_told) in [(500, true), (30, false)] {
        let mut program = Program::new(&["Slow"]);
        let mut run = |seconds| {
            program.run(seconds, |program, second| {
                program.classes[0].register(40);
                program.used_bytes += 40 * bytes_of_each;
                if second % 50 == 49 {
                    program.collect("MarkSweepCompact");
                }
            });
            program.told.iter().any(is_leak)
        };
        assert!(!run(600), "{bytes_of_each} bytes each");
        assert_eq!(run(100), is_told, "{bytes_of_each} bytes each");
    }
}

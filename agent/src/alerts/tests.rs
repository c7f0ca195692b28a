//! Made-up programs and the alerts that come of them. What real ones look like, and that
//! healthy ones raise nothing, is tested on real JVMs.

use std::time::{Duration, SystemTime};

use finwatch_record::{
    Alert, AlertKind, AlertState, Collection, CollectionPauses, Counts, FinalizeDurations,
    FinalizerState, Holders, Memory, Pool, PoolChange, PoolKind, ReferenceHandler,
    ReferenceHandlerState, Severity, Usage,
};
use proptest::prelude::*;

use super::*;

mod backlog;

const MAX: u64 = 64 << 20;

const WAITING: Waiting = Waiting {
    since_ms: 1000,
    stalled_since_ms: 2000,
};

/// One class of a made-up program.
#[derive(Clone)]
struct Made {
    name: &'static str,
    counts: Counts,
    finalize_ns: FinalizeDurations,
    finalized: Finalized,
}

impl Made {
    fn register(&mut self, objects: u64) {
        self.counts.registered += objects;
        self.counts.registered_total += objects;
    }

    fn enqueue(&mut self, objects: u64) {
        self.counts.pending += objects;
        self.counts.enqueued_total += objects;
    }

    fn begin(&mut self) {
        self.counts.pending -= 1;
        self.counts.registered -= 1;
        self.counts.running += 1;
    }

    fn finalize(&mut self, objects: u64, each_ns: u64) {
        let objects = objects.min(self.counts.pending);
        self.counts.pending -= objects;
        self.counts.registered -= objects;
        self.counts.finalized_total += objects;
        self.finalize_ns.count += objects;
        self.finalize_ns.sum += objects * each_ns;
    }

    fn throw(&mut self, objects: u64) {
        self.finalize(objects, 1000);
        self.counts.finalized_total -= objects;
        self.counts.threw_total += objects;
    }
}

/// What a walk found: so many of 70,000 held.
fn held(class: &str, held: u64) -> Holders {
    Holders {
        class: class.to_owned(),
        loader: None,
        instances: 70_000,
        held,
        sampled: None,
        unheld: Some(70_000 - held),
        softly_held: None,
        paths: Vec::new(),
        soft_paths: Vec::new(),
        complete: true,
        incomplete_reason: None,
        looked_uptime_ms: None,
        stw_ms: None,
        stw_ms_max: None,
    }
}

/// A made-up program, one step a second.
struct Program {
    alerts: Alerts,
    seconds: u64,
    /// Seconds between two samples.
    interval: u64,
    classes: Vec<Made>,
    used_bytes: u64,
    pauses: u64,
    told: Vec<Alert>,
    thread: Option<FinalizerThread>,
    pending_list: Option<Waiting>,
}

impl Program {
    fn new(names: &[&'static str]) -> Program {
        let class = |&name| Made {
            name,
            counts: Counts::default(),
            finalize_ns: FinalizeDurations::default(),
            finalized: Finalized::default(),
        };
        Program {
            alerts: Alerts::new(
                Thresholds {
                    patience: Duration::from_secs(10),
                    stuck: Duration::from_secs(10),
                    many: 1000,
                },
                21,
            ),
            seconds: 0,
            interval: 1,
            classes: names.iter().map(class).collect(),
            used_bytes: 4 << 20,
            pauses: 0,
            told: Vec::new(),
            thread: None,
            pending_list: None,
        }
    }

    fn collect(&mut self, collector: &str) {
        let pool = |name: &str, bytes| PoolChange {
            name: name.to_owned(),
            before_bytes: bytes,
            after_bytes: bytes,
        };
        self.pauses += 1;
        self.alerts.collection(&Collection {
            collector: Some(collector.to_owned()),
            action: matches!(collector, "PS MarkSweep" | "MarkSweepCompact")
                .then(|| "end of major GC".to_owned()),
            cause: None,
            id: None,
            start_uptime_ms: (self.seconds * 1000).saturating_sub(500),
            duration_ms: 10.0,
            pauses: CollectionPauses::default(),
            pools: vec![pool("Heap", self.used_bytes), pool("Metaspace", 1 << 30)],
        });
    }

    /// A second passes.
    fn sample(&mut self) {
        self.seconds += 1;
        let usage = |used_bytes, max_bytes| Usage {
            used_bytes,
            committed_bytes: used_bytes,
            max_bytes,
        };
        let pool = |name: &str, kind| Pool {
            name: name.to_owned(),
            kind,
            usage: usage(0, None),
            after_gc_bytes: None,
        };
        let memory = Memory {
            heap: usage(self.used_bytes, Some(MAX)),
            non_heap: usage(0, None),
            pools: vec![
                pool("Heap", PoolKind::Heap),
                pool("Metaspace", PoolKind::NonHeap),
            ],
            buffers: Vec::new(),
        };
        let mut whole = Counts::default();
        self.classes.iter().for_each(|class| whole += class.counts);
        let uptime_ms = self.seconds * 1000;
        let seen = Seen {
            now: Moment {
                uptime_ms,
                time: SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30),
            },
            whole,
            memory: Some(&memory),
            pauses_total: self.pauses,
            finalizer_thread: self.thread.as_ref(),
            pending_list: self.pending_list,
        };
        let classes = self.classes.iter().map(|class| ClassNow {
            class: class.name,
            loader: None,
            counts: class.counts,
            finalize_ns: class.finalize_ns,
            finalized: class.finalized,
        });
        let told = self.alerts.sample(&seen, classes);
        self.told.extend(told);
    }

    /// So many seconds, in each of which this happens; not after each is there a sample.
    fn run(&mut self, seconds: u64, mut step: impl FnMut(&mut Program, u64)) -> &mut Program {
        for second in 0..seconds {
            step(self, second);
            match (self.seconds + 1) % self.interval {
                0 => self.sample(),
                _ => self.seconds += 1,
            }
        }
        self
    }

    /// So many seconds pass before each collection; these are what they leave.
    fn collect_each(
        &mut self,
        seconds: u64,
        collector: &str,
        megabytes: impl IntoIterator<Item = u64>,
    ) {
        for megabytes in megabytes {
            self.used_bytes = megabytes << 20;
            self.run(seconds, |_, _| {});
            self.collect(collector);
        }
    }

    /// So many seconds, in each of which so many objects of the first class are made and promoted.
    fn promote(&mut self, seconds: u64, objects: u64, bytes: u64) {
        self.run(seconds, |program, _| {
            program.classes[0].register(objects);
            program.used_bytes += bytes;
            program.collect("PS Scavenge");
        });
    }

    /// What was told until now: kind, class, state.
    fn told(&self) -> Vec<(AlertKind, &str, AlertState)> {
        let told = self.told.iter();
        told.map(|a| (a.kind, a.class.as_deref().unwrap_or_default(), a.state))
            .collect()
    }

    fn evidence(&self, name: &str) -> f64 {
        self.told.last().unwrap().evidence[name].as_f64().unwrap()
    }
}

use AlertState::{Cleared, Raised};

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

/// So that the heap is half full and nobody has looked at the old generation.
fn half_full() -> Program {
    let mut program = Program::new(&["Promoted"]);
    while program.used_bytes < MAX / 2 {
        assert_eq!(program.alerts.take_suspect(), None);
        program.promote(1, 1000, 1_000_000);
    }
    program
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Whatever the counts are, even ones that no ledger would give: no panic, and what is
    /// raised and cleared alternates.
    #[test]
    fn any_stream_raises_and_clears_in_turn(
        steps in prop::collection::vec((0..4_u8, any::<[u32; 7]>(), 0..80_u64, 0..5_u8), 1..150),
    ) {
        let mut program = Program::new(&["A", "B", "C", "D"]);
        let collectors = ["Copy", "MarkSweepCompact", "G1 Young Generation", "G1 Concurrent GC", ""];
        for (class, n, megabytes, collector) in steps {
            program.classes[usize::from(class)].counts = Counts {
                registered: n[0].into(),
                pending: n[1].into(),
                running: u64::from(n[2] % 3),
                registered_total: n[3].into(),
                enqueued_total: n[4].into(),
                finalized_total: n[5].into(),
                threw_total: n[6].into(),
            };
            program.used_bytes = megabytes << 20;
            program.seconds += u64::from(n[0] % 20);
            program.sample();
            program.collect(collectors[usize::from(collector)]);
        }
        let mut states = std::collections::BTreeMap::new();
        for alert in &program.told {
            let key = (alert.kind, alert.class.clone());
            let before = states.insert(key, alert.state).unwrap_or(Cleared);
            prop_assert_ne!(before, alert.state);
        }
    }
}

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
mod finalizer;
mod heap;
mod leak;
mod softly_kept;
mod undecided;

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
/// So that the heap is half full and nobody has looked at the old generation.
fn half_full() -> Program {
    let mut program = Program::new(&["Promoted"]);
    while program.used_bytes < MAX / 2 {
        assert_eq!(program.alerts.take_suspect(), None);
        program.promote(1, 1000, 1_000_000);
    }
    program
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

//! Which part of the heap a collection has looked at.
//!
//! A finalizable object that nobody holds is found by a collection that looks where it
//! lies. The VM's notifications name the collector and what ended; nothing in them says
//! "old generation", so it is read from the names. An unknown collector is taken to
//! look at the young generation only: then nothing is called held that may not be.

use finwatch_record::Collection;

/// What a collection tells about objects that it did not enqueue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that were there when it began are held.
    Whole,
    /// Those in the young generation were held; others it did not look at.
    Young,
    /// A remark or cleanup pause of G1's concurrent cycle: the end of marking or just after.
    G1Concurrent,
    /// Nothing: a part of a collection that is told by itself, too.
    Part,
}

/// By the names of the collectors' beans and of what ended (HotSpot's `TraceMemoryManagerStats`
/// and each collector's `MonitoringSupport`).
pub fn of(collection: &Collection) -> Scope {
    let collector = collection.collector.as_deref().unwrap_or_default();
    match collector {
        "" => Scope::Part,
        "G1 Concurrent GC" => Scope::G1Concurrent,
        // One generation, or both at once.
        "ZGC Cycles" | "ZGC Major Cycles" => Scope::Whole,
        "Shenandoah Cycles" if !is_generational(collection) => Scope::Whole,
        name if name.ends_with(" Pauses") => Scope::Part,
        // Serial, Parallel, CMS (a cycle as well as what it falls back to) and G1's full
        // collections. The last one before the agent listened has no action: its name tells.
        "MarkSweepCompact" | "PS MarkSweep" | "ConcurrentMarkSweep" | "G1 Old Generation" => {
            Scope::Whole
        }
        _ if is_major(collection) => Scope::Whole,
        _ => Scope::Young,
    }
}

/// Whether the VM says that the whole heap was collected, and the collector has freed what
/// it found dead.
pub fn is_major(collection: &Collection) -> bool {
    collection.action.as_deref() == Some("end of major GC")
}

/// Whether the application stood still for all of a collection of the whole heap: what it has left is
/// reachable. Not so of CMS, whose bean speaks of cycles as well as of full collections.
pub fn is_full(collection: &Collection) -> bool {
    let collector = collection.collector.as_deref().unwrap_or_default();
    ["MarkSweepCompact", "PS MarkSweep", "G1 Old Generation"].contains(&collector)
}

/// Shenandoah's generational mode (JEP 404) tells young and old cycles under one name.
fn is_generational(collection: &Collection) -> bool {
    let mut pools = collection.pools.iter();
    pools.any(|pool| pool.name == "Shenandoah Young Gen")
}

#[cfg(test)]
mod tests {
    use finwatch_record::{CollectionPauses, PoolChange};

    use super::*;

    fn collection(collector: Option<&str>, action: &str) -> Collection {
        Collection {
            collector: collector.map(str::to_owned),
            action: Some(action.to_owned()),
            cause: None,
            id: None,
            start_uptime_ms: 0,
            duration_ms: 0.0,
            pauses: CollectionPauses::default(),
            pools: Vec::new(),
        }
    }

    #[test]
    fn every_collector_of_every_jdk_is_known() {
        for (collector, action, scope) in [
            ("Copy", "end of minor GC", Scope::Young),
            ("MarkSweepCompact", "end of major GC", Scope::Whole),
            ("PS Scavenge", "end of minor GC", Scope::Young),
            ("PS MarkSweep", "end of major GC", Scope::Whole),
            ("ParNew", "end of minor GC", Scope::Young),
            ("ConcurrentMarkSweep", "end of major GC", Scope::Whole),
            ("G1 Young Generation", "end of minor GC", Scope::Young),
            (
                "G1 Concurrent GC",
                "end of concurrent GC pause",
                Scope::G1Concurrent,
            ),
            ("G1 Old Generation", "end of major GC", Scope::Whole),
            ("ZGC Cycles", "end of GC cycle", Scope::Whole),
            ("ZGC Pauses", "end of GC pause", Scope::Part),
            ("ZGC Minor Cycles", "end of GC cycle", Scope::Young),
            ("ZGC Minor Pauses", "end of GC pause", Scope::Part),
            ("ZGC Major Cycles", "end of GC cycle", Scope::Whole),
            ("ZGC Major Pauses", "end of GC pause", Scope::Part),
            ("Shenandoah Cycles", "end of GC cycle", Scope::Whole),
            ("Shenandoah Pauses", "Final Mark", Scope::Part),
            ("Epsilon Heap", "", Scope::Young),
        ] {
            assert_eq!(
                of(&collection(Some(collector), action)),
                scope,
                "{collector}"
            );
        }
        assert_eq!(of(&collection(None, "")), Scope::Part);
    }

    #[test]
    fn a_cycle_of_generational_shenandoah_may_be_a_young_one() {
        let mut cycle = collection(Some("Shenandoah Cycles"), "end of GC cycle");
        let pool = |name: &str| PoolChange {
            name: name.to_owned(),
            before_bytes: 0,
            after_bytes: 0,
        };
        cycle.pools = vec![pool("Shenandoah")];
        assert_eq!(of(&cycle), Scope::Whole);
        cycle.pools = ["Shenandoah Young Gen", "Shenandoah Old Gen"]
            .map(pool)
            .into();
        assert_eq!(of(&cycle), Scope::Young);
    }

    #[test]
    fn an_unknown_collector_is_believed_when_it_says_major() {
        let unknown = |action| of(&collection(Some("New GC"), action));
        assert_eq!(unknown("end of major GC"), Scope::Whole);
        assert_eq!(unknown("end of minor GC"), Scope::Young);
    }
}

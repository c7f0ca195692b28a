//! The heap after collections.

use std::collections::BTreeSet;

use finwatch_record::{Collection, Memory, PoolKind, Severity};

use super::{
    reachable::Looked,
    scope::{self, Scope},
    series::{Series, Timed},
};

/// How full the heap is after collections, for what fills it to be urgent.
const HALF: f64 = 0.5;

/// Use of the heap after a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collected {
    /// When the collection ended, in milliseconds since the JVM started.
    pub uptime_ms: u64,
    /// Bytes in use then.
    pub used_bytes: u64,
}

impl Timed for Collected {
    fn uptime_ms(&self) -> u64 {
        self.uptime_ms
    }
}

/// What is known of the heap.
#[derive(Debug, Default)]
pub struct Heap {
    pools: BTreeSet<String>,
    max_bytes: Option<u64>,
    last: Option<Collected>,
    fresh: Option<Collected>,
    /// The last collection for which the application stood still: how much lives is known.
    full: Option<Collected>,
    /// Of the last concurrent cycle that counts: how much lives is known at the next one.
    cycle: Option<Collected>,
    live: Series<Collected>,
}

impl Heap {
    /// A sample tells which pools are the heap, and how large it may get.
    pub fn sample(&mut self, memory: &Memory) {
        self.max_bytes = memory.heap.max_bytes;
        let heap = memory.pools.iter().filter(|p| p.kind == PoolKind::Heap);
        if self.pools.len() != heap.clone().count() {
            self.pools = heap.map(|pool| pool.name.clone()).collect();
        }
    }

    /// A collection has ended.
    pub fn collection(&mut self, collection: &Collection) {
        if !matches!(scope::of(collection), Scope::Whole | Scope::Young) {
            return;
        }
        let heap = collection
            .pools
            .iter()
            .filter(|pool| self.pools.contains(&pool.name));
        let used_bytes = heap.map(|pool| pool.after_bytes).sum();
        if used_bytes == 0 {
            return;
        }
        let collected = Collected {
            uptime_ms: collection.start_uptime_ms + collection.duration_ms as u64,
            used_bytes,
        };
        // What a full collection finds dead may have lived the last time: that is known exactly.
        let before = match scope::is_major(collection) {
            true => None,
            false => self.live.last_mut(),
        };
        for live in before.into_iter().chain(&mut self.cycle) {
            live.used_bytes = live.used_bytes.min(used_bytes);
        }
        if scope::is_full(collection) {
            self.full = Some(collected);
        }
        self.last = Some(collected);
        self.fresh = Some(collected);
    }

    /// The whole heap was looked at. What a full collection leaves lives. What a concurrent cycle leaves does
    /// not: all that was made while it ran is in it, and G1 frees what it found dead in the mixed collections
    /// that follow. What is in use from one cycle to the next, at the least, is taken to live. Where cycles follow
    /// closely, those that are `cycles_ms` apart count: they can hardly keep up, and most of them leave little room.
    pub fn whole(&mut self, looked: Looked, spacing_ms: u64, cycles_ms: u64) {
        let full = self.full.take();
        let cycle = self
            .cycle
            .take_if(|cycle| full.is_some() || looked.ended_ms >= cycle.uptime_ms + cycles_ms);
        for live in cycle.into_iter().chain(full) {
            self.live.push_newest(live, spacing_ms);
        }
        if !looked.is_full && self.cycle.is_none() {
            self.cycle = self.last.map(|last| Collected {
                uptime_ms: looked.ended_ms,
                used_bytes: last.used_bytes,
            });
        }
    }

    /// The last collection since this was last asked.
    pub fn take_fresh(&mut self) -> Option<Collected> {
        self.fresh.take()
    }

    /// The most that the heap may grow to.
    pub fn max_bytes(&self) -> Option<u64> {
        self.max_bytes
    }

    /// The last collection of whatever kind.
    pub fn last(&self) -> Option<Collected> {
        self.last
    }

    /// Bytes in use after the last collection; 0 before there was one.
    pub fn used_bytes(&self) -> u64 {
        self.last.map_or(0, |last| last.used_bytes)
    }

    /// The same as a part of the heap's maximum.
    pub fn used_share(&self) -> f64 {
        self.share(self.used_bytes() as f64)
    }

    /// How bad it is that something fills the heap.
    pub fn severity(&self) -> Severity {
        if self.used_share() >= HALF {
            Severity::Critical
        } else {
            Severity::Warning
        }
    }

    /// What lived after the collections that looked at the whole heap, oldest first.
    pub fn live(&self) -> &Series<Collected> {
        &self.live
    }

    /// A number of bytes as a part of the heap's maximum; 0 where that is not known.
    pub fn share(&self, bytes: f64) -> f64 {
        self.max_bytes
            .filter(|&max| max > 0)
            .map_or(0.0, |max| bytes / max as f64)
    }
}

#[cfg(test)]
mod tests {
    use finwatch_record::{CollectionPauses, PoolChange};

    use super::*;

    fn collected(heap: &mut Heap, collector: &str, ended_ms: u64) {
        let pool = PoolChange {
            name: "Heap".to_owned(),
            before_bytes: 1000,
            after_bytes: 1000,
        };
        heap.collection(&Collection {
            collector: Some(collector.to_owned()),
            action: None,
            cause: None,
            id: None,
            start_uptime_ms: ended_ms,
            duration_ms: 0.0,
            pauses: CollectionPauses::default(),
            pools: vec![pool],
        });
    }

    fn cycle(ended_ms: u64) -> Looked {
        Looked {
            began_ms: ended_ms,
            ended_ms,
            is_vague: true,
            is_full: false,
            references_ms: 0,
        }
    }

    fn heap() -> Heap {
        Heap {
            pools: BTreeSet::from(["Heap".to_owned()]),
            ..Heap::default()
        }
    }

    fn times(heap: &Heap) -> Vec<u64> {
        heap.live().iter().map(Timed::uptime_ms).collect()
    }

    /// G1 collects all between two cycles that follow each other closely.
    #[test]
    fn what_lives_is_told_in_the_order_of_time() {
        let mut heap = heap();
        collected(&mut heap, "G1 Young Generation", 10_000);
        heap.whole(cycle(10_000), 1, 5000);
        collected(&mut heap, "G1 Old Generation", 12_000);
        for ended_ms in [13_000, 18_000, 23_000] {
            heap.whole(cycle(ended_ms), 1, 5000);
        }
        assert_eq!(times(&heap), [10_000, 12_000, 13_000, 18_000]);
    }

    #[test]
    fn of_cycles_that_follow_each_other_closely_some_count() {
        let mut heap = heap();
        collected(&mut heap, "G1 Young Generation", 10_000);
        for ended_ms in (10_000..=20_000).step_by(1000) {
            heap.whole(cycle(ended_ms), 1, 5000);
        }
        assert_eq!(times(&heap), [10_000, 15_000]);
    }

    #[test]
    fn what_a_full_collection_leaves_is_told_once() {
        let mut heap = heap();
        for ended_ms in [10_000, 20_000, 30_000] {
            collected(&mut heap, "PS MarkSweep", ended_ms);
            let full = Looked {
                is_full: true,
                ..cycle(ended_ms)
            };
            heap.whole(full, 1, 5000);
        }
        assert_eq!(times(&heap), [10_000, 20_000, 30_000]);
    }

    #[test]
    fn a_part_of_a_collection_does_not_tell_what_is_in_use() {
        let mut heap = heap();
        for collector in ["G1 Concurrent GC", "ZGC Pauses"] {
            collected(&mut heap, collector, 10_000);
        }
        assert_eq!(heap.last(), None);
    }
}

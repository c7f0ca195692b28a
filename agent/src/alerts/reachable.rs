//! When a collection has last looked at the whole heap, and since when.
//!
//! Objects that were registered when such a collection began, and have not been enqueued
//! when it has ended, are held by somebody. Its begin may be put too early, never too
//! late: then fewer objects are called held than are.
//!
//! G1 looks at the old generation in a concurrent cycle. Nothing tells when that began, and
//! before JDK 20 no record tells of it at all: but its two pauses, remark and cleanup, are
//! pauses like others, and they have no collection. The cycle that such a pause belongs to
//! began after the pause before the last one, whichever of the two this is.
//!
//! Marking takes what survivor regions refer to for alive, through weak references too
//! (`G1RootRegionScanClosure` discovers none): a cycle tells of a referent only when the reference
//! was in the old generation by then. So does CMS: to its cycles all of the young generation is a root, weak references
//! in it too (`RefDiscoveryPolicy`).
//!
//! Shenandoah treats what weak references and Finalizers refer to as held in four cycles of five, before
//! JDK 16 (`ShenandoahRefProcFrequency`; JDK-8254315 took it out). Nothing tells which is the fifth.
//!
//! What an object in the finalizer's queue refers to is held until that is finalized, its own `finalize()` over or
//! not: what a collection has left is resurrected only if the queue has been empty in between.
//!
//! Generational ZGC finds dead finalizable objects in the old generation only. A young one
//! has to be promoted before a major cycle says anything about it.

use std::collections::VecDeque;

use finwatch_record::Collection;

use super::scope::{self, Scope};

/// Collections of generational ZGC after which a finalizable object has been promoted, be it
/// dead or not: young collections keep them all, and ZGC promotes the sooner the more it has
/// to keep (`ZYoungGeneration`'s tenuring threshold).
const ZGC_TENURING: usize = 4;

/// Young collections after which G1 and CMS have promoted whatever lives (`MaxTenuringThreshold` is 15 at most).
const TENURING: usize = 16;

/// Cycles of Shenandoah of which one processes references: the default of `ShenandoahRefProcFrequency`.
const SHENANDOAH_REFERENCES: usize = 5;

/// The first JDK in which each cycle of Shenandoah does.
const SHENANDOAH_ALWAYS: u32 = 16;

/// So many samples that found the queue empty are remembered.
const IDLE: usize = 1024;

/// From the end of a collection until the ReferenceHandler has queued what it found.
const SETTLING_MS: u64 = 200;

/// From the end of `finalize()` until the finalizer thread has left the frames that refer to the object.
const RETURNING_MS: u64 = 100;

/// A collection that looked at the whole heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// Not later than it began, in milliseconds since the JVM started.
    pub began_ms: u64,
    /// Not earlier than it ended.
    pub ended_ms: u64,
    /// The begin is put about a whole cycle too early.
    pub is_vague: bool,
    /// The application stood still for it.
    pub is_full: bool,
    /// A weak reference that was there then, after the `finalize()` of its object, tells now whether that is gone;
    /// 0 where there was no such time yet.
    pub references_ms: u64,
}

/// The collections that looked at the whole heap, one after the other.
#[derive(Debug, Default)]
pub struct Whole {
    /// Ended not long ago: what it found is being queued.
    settling: Option<Looked>,
    /// The last that ended since then.
    newest: Option<Looked>,
    g1: G1,
    young: Last<TENURING>,
    zgc: Last<ZGC_TENURING>,
    /// `None` where each cycle processes references.
    shenandoah: Option<Last<SHENANDOAH_REFERENCES>>,
    samples_ms: [u64; 2],
    /// Samples that found the queue empty, oldest first.
    idle_ms: VecDeque<u64>,
}

/// When the last `MANY` collections of a kind began.
#[derive(Debug, Default)]
struct Last<const MANY: usize>(VecDeque<u64>);

/// The pauses of G1's concurrent cycles.
#[derive(Debug, Default)]
struct G1 {
    /// Collections that were told; each is one pause.
    told: u64,
    /// Pauses without a collection at the last sample.
    untold: Option<u64>,
    /// Those of them that were there at the sample before, too: no record was late.
    certain: u64,
    /// For the last two pauses of concurrent cycles, a time before them, and one since which all that
    /// lived had been promoted then.
    before: VecDeque<(u64, u64)>,
}

impl Whole {
    /// For a JVM of that feature release (8, 11, …).
    pub fn of_jdk(feature: u32) -> Whole {
        Whole {
            shenandoah: (feature < SHENANDOAH_ALWAYS).then(Last::default),
            ..Whole::default()
        }
    }

    /// A collection has ended.
    pub fn collection(&mut self, collection: &Collection) {
        let start_ms = collection.start_uptime_ms;
        let ended_ms = start_ms + collection.duration_ms as u64;
        if is_g1(collection) {
            self.g1.told += 1;
        }
        let name = collection.collector.as_deref().unwrap_or_default();
        let looked_ms = match (name, &mut self.shenandoah) {
            ("ZGC Major Cycles" | "ZGC Minor Cycles", _) => {
                let promoted_ms = self.zgc.oldest_ms();
                self.zgc.collection(start_ms);
                promoted_ms
            }
            ("Shenandoah Cycles", Some(cycles)) => {
                cycles.collection(start_ms);
                cycles.oldest_ms()
            }
            _ => Some(start_ms),
        };
        match (scope::of(collection), looked_ms) {
            (Scope::Whole, Some(began_ms)) => self.looked(Looked {
                began_ms,
                ended_ms,
                is_vague: false,
                is_full: scope::is_full(collection),
                references_ms: match name {
                    "ConcurrentMarkSweep" => self.young.oldest_ms().unwrap_or(0),
                    _ => began_ms.saturating_sub(RETURNING_MS),
                },
            }),
            (Scope::Young, _) => self.young.collection(start_ms),
            (Scope::G1Concurrent, _) => {
                self.concurrent_pause(start_ms, ended_ms);
            }
            _ => {}
        }
    }

    /// A sample was taken. The collection whose finds have been queued by now: not while they may
    /// be on the VM's list still.
    pub fn sample(
        &mut self,
        now_ms: u64,
        pauses_total: u64,
        pending_list_since_ms: Option<u64>,
    ) -> Option<Looked> {
        for _ in 0..self.g1.more_untold(pauses_total) {
            // It was there at the last sample and not at the one before.
            self.concurrent_pause(self.samples_ms[0], now_ms);
        }
        self.samples_ms = [self.samples_ms[1], now_ms];
        let settled = self.settling.take_if(|looked| {
            let on_list = pending_list_since_ms.is_some_and(|since| since <= looked.ended_ms);
            looked.ended_ms + SETTLING_MS <= now_ms && !on_list
        });
        if self.settling.is_none() {
            self.settling = self.newest.take();
        }
        settled
    }

    /// At that sample nothing was queued and no `finalize()` running.
    pub fn idle(&mut self, now_ms: u64) {
        if self.idle_ms.len() == IDLE {
            self.idle_ms.pop_front();
        }
        self.idle_ms.push_back(now_ms);
    }

    fn looked(&mut self, mut looked: Looked) {
        let mut idle_ms = self.idle_ms.iter().rev();
        let idle_ms = idle_ms.find(|&&idle_ms| idle_ms <= looked.began_ms);
        looked.references_ms = looked.references_ms.min(*idle_ms.unwrap_or(&0));
        match self.settling {
            None => self.settling = Some(looked),
            Some(_) => self.newest = Some(looked),
        }
    }

    fn concurrent_pause(&mut self, before_ms: u64, ended_ms: u64) {
        let promoted_ms = self.young.oldest_ms().unwrap_or(0);
        self.g1.before.push_back((before_ms, promoted_ms));
        if self.g1.before.len() > 2
            && let Some((began_ms, references_ms)) = self.g1.before.pop_front()
        {
            self.looked(Looked {
                began_ms,
                ended_ms,
                is_vague: true,
                is_full: false,
                references_ms,
            });
        }
    }
}

impl<const MANY: usize> Last<MANY> {
    fn collection(&mut self, start_ms: u64) {
        if self.0.len() == MANY {
            self.0.pop_front();
        }
        self.0.push_back(start_ms);
    }

    /// When the first of them began; `None` where there were fewer yet.
    fn oldest_ms(&self) -> Option<u64> {
        self.0.front().copied().filter(|_| self.0.len() == MANY)
    }
}

impl G1 {
    fn more_untold(&mut self, pauses_total: u64) -> u64 {
        if self.told == 0 {
            return 0;
        }
        let untold = pauses_total.saturating_sub(self.told);
        let Some(before) = self.untold.replace(untold) else {
            self.certain = untold;
            return 0;
        };
        let certain = before.min(untold).max(self.certain);
        certain - std::mem::replace(&mut self.certain, certain)
    }
}

fn is_g1(collection: &Collection) -> bool {
    let name = collection.collector.as_deref().unwrap_or_default();
    name.starts_with("G1 ")
}

#[cfg(test)]
mod tests {
    use finwatch_record::CollectionPauses;

    use super::*;

    fn collection(name: &str, start_uptime_ms: u64) -> Collection {
        Collection {
            collector: Some(name.to_owned()),
            action: None,
            cause: None,
            id: None,
            start_uptime_ms,
            duration_ms: 10.0,
            pauses: CollectionPauses::default(),
            pools: Vec::new(),
        }
    }

    #[test]
    fn a_full_collection_counts_when_what_it_found_has_been_queued() {
        let mut whole = Whole::default();
        whole.idle(800);
        whole.idle(1120);
        whole.collection(&collection("MarkSweepCompact", 1000));
        assert_eq!(whole.sample(1100, 1, None), None);
        whole.collection(&collection("MarkSweepCompact", 1150));
        let looked = |began_ms, references_ms| Looked {
            began_ms,
            ended_ms: began_ms + 10,
            is_vague: false,
            is_full: true,
            references_ms,
        };
        // The queue was empty last; the finalizer thread had left its frames.
        assert_eq!(whole.sample(1300, 2, None), Some(looked(1000, 800)));
        assert_eq!(whole.sample(1400, 2, None), Some(looked(1150, 1050)));
        assert_eq!(whole.sample(1500, 2, None), None);
    }

    #[test]
    fn one_of_five_cycles_of_an_early_shenandoah_tells_and_nobody_knows_which() {
        let first = |feature| {
            let mut whole = Whole::of_jdk(feature);
            whole.idle(950);
            let cycles = (1000..7000).step_by(1000).map(|start| {
                whole.collection(&collection("Shenandoah Cycles", start));
                whole.sample(start + 500, 0, None)
            });
            cycles.flatten().next().unwrap()
        };
        assert_eq!((first(11).began_ms, first(11).references_ms), (1000, 900));
        assert_eq!(first(11).ended_ms, 5010);
        assert_eq!((first(17).began_ms, first(17).ended_ms), (1000, 1010));
    }

    #[test]
    fn a_cycle_of_cms_tells_of_weak_references_that_were_promoted_before_it() {
        let mut whole = Whole::default();
        whole.idle(150);
        let mut references_ms = |young: u64| {
            whole.collection(&collection("ParNew", young));
            whole.collection(&collection("ConcurrentMarkSweep", young + 20));
            whole.sample(young + 300, 0, None).unwrap().references_ms
        };
        let told: Vec<u64> = (100..2000).step_by(100).map(&mut references_ms).collect();
        assert_eq!(told[..15], [0; 15]);
        assert_eq!(told[15..], [100, 150, 150, 150]);
    }

    #[test]
    fn young_collections_do_not_count() {
        let mut whole = Whole::default();
        whole.collection(&collection("Copy", 1000));
        assert_eq!(whole.sample(2000, 1, None), None);
    }

    #[test]
    fn a_pause_of_a_concurrent_cycle_that_is_told_goes_back_to_the_one_before_the_last() {
        let mut whole = Whole::default();
        for start in [1000, 1050, 2000] {
            whole.collection(&collection("G1 Concurrent GC", start));
        }
        let looked = whole.sample(3000, 3, None).unwrap();
        assert_eq!((looked.began_ms, looked.ended_ms), (1000, 2010));
        assert!(looked.is_vague);
        assert_eq!(looked.references_ms, 0);
    }

    #[test]
    fn a_concurrent_cycle_tells_of_weak_references_that_were_promoted_before_it() {
        let mut whole = Whole::default();
        whole.idle(150);
        for start in (0..1700).step_by(100) {
            whole.collection(&collection("G1 Young Generation", start));
        }
        for start in [1700, 1710, 1800] {
            whole.collection(&collection("G1 Concurrent GC", start));
        }
        let looked = whole.sample(3000, 20, None).unwrap();
        assert_eq!((looked.began_ms, looked.references_ms), (1700, 100));
    }

    #[test]
    fn a_major_cycle_of_zgc_says_nothing_of_what_may_be_young() {
        let mut whole = Whole::default();
        for start in [1000, 2000, 3000] {
            whole.collection(&collection("ZGC Minor Cycles", start));
        }
        whole.collection(&collection("ZGC Major Cycles", 4000));
        assert_eq!(whole.sample(5000, 0, None), None);
        whole.collection(&collection("ZGC Major Cycles", 5000));
        let looked = whole.sample(6000, 0, None).unwrap();
        assert_eq!((looked.began_ms, looked.ended_ms), (1000, 5010));
    }

    #[test]
    fn before_jdk_20_pauses_without_a_collection_are_those_of_concurrent_cycles() {
        let mut whole = Whole::default();
        let young = |whole: &mut Whole, start| {
            whole.collection(&collection("G1 Young Generation", start));
        };
        young(&mut whole, 500);
        assert_eq!(whole.sample(1000, 1, None), None);
        // Remark and cleanup of a first cycle, certain one sample later.
        assert_eq!(whole.sample(2000, 3, None), None);
        assert_eq!(whole.sample(3000, 3, None), None);
        // A collection whose record is late is no cycle.
        assert_eq!(whole.sample(4000, 4, None), None);
        young(&mut whole, 3900);
        assert_eq!(whole.sample(5000, 4, None), None);
        // The second cycle.
        assert_eq!(whole.sample(6000, 6, None), None);
        assert_eq!(whole.sample(7000, 6, None), None);
        let looked = whole.sample(8000, 6, None).unwrap();
        assert_eq!((looked.began_ms, looked.ended_ms), (1000, 7000));
    }
}

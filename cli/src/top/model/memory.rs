//! What is known of the heap and of the collections.

use std::collections::VecDeque;

use finwatch_record::{Collection, Gc, Memory, PoolKind, Sample};

use super::cells::cells;

/// Points of the past that are kept, at most.
const MOST_POINTS: usize = 4320;

/// Shares and rates are those of the last samples that span at least this time.
const LATELY_MS: u64 = 10_000;

/// A number of bytes at a moment.
type Bytes = (u64, u64);

/// Pauses until a moment.
#[derive(Debug, Clone, Copy)]
struct Pauses {
    at_ms: u64,
    total_ms: f64,
    longest_ms: f64,
}

/// Heap and collections, as the last records tell.
#[derive(Debug, Clone, Default)]
pub struct MemoryState {
    /// Of the last sample; `None` where the JVM can't be asked.
    pub memory: Option<Memory>,
    /// Of the last sample.
    pub gc: Option<Gc>,
    /// The last collection that was told.
    pub last_collection: Option<Collection>,
    /// What the heap pools held after collections: (uptime in milliseconds, bytes).
    after_gc: VecDeque<Bytes>,
    pauses: VecDeque<Pauses>,
}

impl MemoryState {
    /// Takes in a sample.
    pub fn sample(&mut self, at_ms: u64, sample: &Sample) {
        if sample.memory.is_some() {
            // A sample that could not ask does not make us forget.
            self.memory.clone_from(&sample.memory);
        }
        self.note_pauses(at_ms, &sample.gc);
        self.gc = Some(sample.gc.clone());
        if self.last_collection.is_none()
            && let Some(bytes) = after_gc_of_pools(sample)
        {
            self.note_after_gc(at_ms, bytes);
        }
    }

    /// Takes in a collection.
    pub fn collection(&mut self, at_ms: u64, collection: &Collection) {
        let is_heap = |name: &str| {
            let pools = self.memory.iter().flat_map(|memory| &memory.pools);
            pools
                .clone()
                .any(|pool| pool.kind == PoolKind::Heap && pool.name == name)
        };
        let heap = collection.pools.iter().filter(|pool| is_heap(&pool.name));
        if let Some(bytes) = heap.map(|pool| pool.after_bytes).reduce(|a, b| a + b) {
            self.note_after_gc(at_ms, bytes);
        }
        self.last_collection = Some(collection.clone());
    }

    /// What the heap held after the last collection, bytes.
    pub fn heap_after_gc_bytes(&self) -> Option<u64> {
        self.after_gc.back().map(|(_, bytes)| *bytes)
    }

    /// The same over time, see [`cells`].
    pub fn heap_after_gc_cells(&self, now_ms: u64, span_ms: u64, count: usize) -> Vec<Option<f64>> {
        let values = self
            .after_gc
            .iter()
            .map(|&(at_ms, bytes)| (at_ms, Some(bytes as f64)));
        cells(values, now_ms, span_ms, count)
    }

    /// Collections of all collectors since the JVM started.
    pub fn collections_total(&self) -> Option<u64> {
        let collectors = &self.gc.as_ref()?.collectors;
        let counts = collectors
            .iter()
            .map(|collector| collector.collections_total);
        counts.reduce(|a, b| a + b)
    }

    /// The part of the time, 0 to 1, that the application lately stood still in pauses.
    pub fn paused_lately(&self) -> Option<f64> {
        let (first, last) = (self.pauses.front()?, self.pauses.back()?);
        let time_ms = last.at_ms.checked_sub(first.at_ms).filter(|ms| *ms > 0)?;
        Some(((last.total_ms - first.total_ms) / time_ms as f64).clamp(0.0, 1.0))
    }

    /// The longest pause lately, milliseconds.
    pub fn longest_pause_lately_ms(&self) -> Option<f64> {
        let pauses = self.pauses.iter().map(|pauses| pauses.longest_ms);
        pauses.reduce(f64::max)
    }

    fn note_after_gc(&mut self, at_ms: u64, bytes: u64) {
        self.after_gc.push_back((at_ms, bytes));
        if self.after_gc.len() > MOST_POINTS {
            self.after_gc.pop_front();
        }
    }

    fn note_pauses(&mut self, at_ms: u64, gc: &Gc) {
        self.pauses.push_back(Pauses {
            at_ms,
            total_ms: gc.pause_ms_total,
            longest_ms: gc.pause_ms_max,
        });
        // The first is the last one that is that old.
        while self
            .pauses
            .get(1)
            .is_some_and(|second| second.at_ms + LATELY_MS <= at_ms)
        {
            self.pauses.pop_front();
        }
    }
}

/// Where there are no records of collections (option `gc=off`): what the pools held after
/// their own last collection, if all of them that are in use had one.
fn after_gc_of_pools(sample: &Sample) -> Option<u64> {
    let pools = &sample.memory.as_ref()?.pools;
    let mut heap = pools
        .iter()
        .filter(|pool| pool.kind == PoolKind::Heap)
        .peekable();
    heap.peek()?;
    let after = heap.map(|pool| match pool.after_gc_bytes {
        // 0 is what the JVM says of a pool that was not collected yet.
        Some(0) | None if pool.usage.used_bytes > 0 => None,
        after => after,
    });
    after.sum()
}

#[cfg(test)]
mod tests {
    use super::super::examples::{collection, pool, sample};
    use super::*;

    fn state(pools: &[(&str, u64, Option<u64>)]) -> MemoryState {
        let mut state = MemoryState::default();
        state.sample(1000, &sample_with(pools));
        state
    }

    fn sample_with(pools: &[(&str, u64, Option<u64>)]) -> Sample {
        let mut sample = sample(&[]);
        if let Some(memory) = &mut sample.memory {
            memory.pools = pools
                .iter()
                .map(|&(name, used, after)| pool(name, used, after))
                .collect();
        }
        sample
    }

    #[test]
    fn after_a_collection_the_heap_pools_count_and_no_other() {
        let mut state = state(&[("Eden", 5, None), ("Old", 7, None)]);
        assert_eq!(state.heap_after_gc_bytes(), None);
        state.collection(
            2000,
            &collection(&[("Eden", 1), ("Old", 7), ("Metaspace", 100)]),
        );
        assert_eq!(state.heap_after_gc_bytes(), Some(8));
        state.sample(
            3000,
            &sample_with(&[("Eden", 5, Some(2)), ("Old", 7, Some(2))]),
        );
        assert_eq!(state.heap_after_gc_bytes(), Some(8));
    }

    #[test]
    fn without_records_of_collections_the_pools_tell_once_all_of_them_were_collected() {
        assert_eq!(
            state(&[("Eden", 5, Some(2)), ("Old", 7, Some(0))]).heap_after_gc_bytes(),
            None
        );
        assert_eq!(
            state(&[("Eden", 5, Some(2)), ("Old", 0, Some(0))]).heap_after_gc_bytes(),
            Some(2)
        );
        assert_eq!(
            state(&[("Eden", 5, Some(2)), ("Old", 7, Some(6))]).heap_after_gc_bytes(),
            Some(8)
        );
        assert_eq!(state(&[]).heap_after_gc_bytes(), None);
    }

    #[test]
    fn pauses_are_those_of_the_last_samples() {
        let mut state = MemoryState::default();
        for (at_ms, total_ms, longest) in [
            (0, 0.0, 90.0),
            (5000, 100.0, 40.0),
            (10_000, 500.0, 7.0),
            (15_000, 600.0, 3.0),
        ] {
            let mut sample = sample(&[]);
            sample.gc.pause_ms_total = total_ms;
            sample.gc.pause_ms_max = longest;
            state.sample(at_ms, &sample);
        }
        assert_eq!(state.paused_lately(), Some(0.05));
        assert_eq!(state.longest_pause_lately_ms(), Some(40.0));
    }

    #[test]
    fn a_sample_that_could_not_ask_does_not_make_us_forget() {
        let mut state = state(&[("Eden", 5, None)]);
        let mut blind = sample(&[]);
        blind.memory = None;
        state.sample(2000, &blind);
        assert!(state.memory.is_some());
    }
}

//! The counters of the life of finalizable objects, per slot (a class has a slot).
//!
//! The Java hooks count in native memory and this reads it: any thread, no JNI, no lock.
//! The layout is that of `FinwatchHook.java`; a test compares the numbers.

use finwatch_record::{Counts, FinalizeDurations};

use crate::jvmti::Counters;

/// Slots in every row: the classes that are told apart, and slot [`OTHER`].
pub const SLOTS: usize = 4096;

/// The slot of all classes without one of their own.
pub const OTHER: usize = 0;

/// Rows of registrations that threads share; one uses the row that its id selects.
const STRIPES: usize = 8;

/// Threads with a row of registrations of their own: those whose ids are below this.
const OWNERS: usize = 256;

/// Buckets of the histogram of `finalize()` durations: four to each power of two.
const BUCKETS: usize = 164;

const ENQUEUED: usize = STRIPES;
const STARTED: usize = STRIPES + 1;
const FINALIZED: usize = STRIPES + 2;
const THREW: usize = STRIPES + 3;
const NANOS_SUM: usize = STRIPES + 4;
const NANOS_MAX: usize = STRIPES + 5;
/// Rows that the thread Finalizer has to itself; the row before them is the hooks' own: the duration that they
/// measured last.
const STARTED_ALONE: usize = STRIPES + 7;
const FINALIZED_ALONE: usize = STRIPES + 8;
const HISTOGRAMS: usize = STRIPES + 9;
const OWNED: usize = HISTOGRAMS + BUCKETS;

/// The counters of all slots.
#[derive(Debug, Clone, Copy)]
pub struct Ledger {
    counters: Counters,
}

/// What the hooks counted for one slot, and nothing derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Objects whose Finalizer was put on the chain.
    pub registered: u64,
    /// Objects put into `Finalizer.queue`.
    pub enqueued: u64,
    /// Calls of `finalize()` that have begun.
    pub started: u64,
    /// Of these, those that have returned.
    pub finalized: u64,
    /// Of these, those that threw.
    pub threw: u64,
}

/// What was there before the hooks counted, added to what they count. Negative where the
/// hooks missed an end and not its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Baseline {
    /// Objects on the chain that the hooks did not see registered.
    pub registered: i64,
    /// Objects in the queue that the hooks did not see enqueued.
    pub enqueued: i64,
}

impl Ledger {
    /// A ledger with all counters at 0. Its memory is never given back.
    pub fn allocate() -> Ledger {
        Ledger {
            counters: Counters::new((OWNED + OWNERS) * SLOTS),
        }
    }

    /// The address that the hooks count at.
    pub fn address(self) -> i64 {
        self.counters.address()
    }

    /// What was counted for a slot.
    ///
    /// Read from the last step of a life to the first: an object that takes a step
    /// meanwhile is seen as having taken the steps before it, so no difference is negative. (The end of a call alone may
    /// be seen before its beginning, for nanoseconds, where the processor orders no stores.)
    pub fn counted(self, slot: usize) -> Counted {
        let row = |row: usize| self.counters.get(row * SLOTS + slot);
        let (threw, finalized) = (row(THREW), row(FINALIZED) + row(FINALIZED_ALONE));
        let (started, enqueued) = (row(STARTED) + row(STARTED_ALONE), row(ENQUEUED));
        let registered = self.registered(slot);
        Counted {
            registered,
            enqueued,
            started,
            finalized,
            threw,
        }
    }

    /// Objects of a slot whose Finalizer was put on the chain.
    pub fn registered(self, slot: usize) -> u64 {
        (0..STRIPES)
            .chain(OWNED..OWNED + OWNERS)
            .map(|row| self.counters.get(row * SLOTS + slot))
            .sum()
    }

    /// The `finalize()` durations of a slot: of the calls that the hooks timed.
    pub fn durations(self, slot: usize) -> FinalizeDurations {
        let first = HISTOGRAMS * SLOTS + slot * BUCKETS;
        let buckets: Vec<u64> = (0..BUCKETS)
            .map(|bucket| self.counters.get(first + bucket))
            .collect();
        let max = self.counters.get(NANOS_MAX * SLOTS + slot);
        FinalizeDurations {
            count: buckets.iter().sum(),
            sum: self.counters.get(NANOS_SUM * SLOTS + slot),
            p50: quantile(&buckets, 0.50).min(max),
            p99: quantile(&buckets, 0.99).min(max),
            max,
        }
    }

    /// Sets all counters of a slot to 0: the slot goes to another class.
    pub fn clear(self, slot: usize) {
        for row in (0..HISTOGRAMS).chain(OWNED..OWNED + OWNERS) {
            self.counters.clear(row * SLOTS + slot);
        }
        for bucket in 0..BUCKETS {
            self.counters
                .clear(HISTOGRAMS * SLOTS + slot * BUCKETS + bucket);
        }
    }
}

impl Counted {
    /// The baseline with which nothing is registered or pending.
    pub fn emptied(self) -> Baseline {
        let taken = |counted: u64| self.started as i64 - counted as i64;
        Baseline {
            registered: taken(self.registered),
            enqueued: taken(self.enqueued),
        }
    }

    /// The counts of the wire format. On JDK 8 objects may run at exit without having been
    /// queued (`runFinalizersOnExit`), so differences stop at 0. What was finalized had been
    /// registered, if only before anybody counted (`baseline=off`).
    pub fn with(self, baseline: Baseline) -> Counts {
        let registered_total = self
            .registered
            .saturating_add_signed(baseline.registered)
            .max(self.started);
        let enqueued_total = self.enqueued.saturating_add_signed(baseline.enqueued);
        let registered = registered_total.saturating_sub(self.started);
        Counts {
            registered,
            pending: enqueued_total.saturating_sub(self.started).min(registered),
            running: self.started.saturating_sub(self.finalized + self.threw),
            registered_total,
            enqueued_total,
            finalized_total: self.finalized,
            threw_total: self.threw,
        }
    }
}

/// The value below which the fraction `q` of what a histogram holds lies: the middle of
/// its bucket, which is at most 12.5% off.
fn quantile(buckets: &[u64], q: f64) -> u64 {
    let count: u64 = buckets.iter().sum();
    let rank = (count as f64 * q).ceil().max(1.0) as u64;
    let mut seen = 0;
    for (bucket, &held) in buckets.iter().enumerate() {
        seen += held;
        if held > 0 && seen >= rank {
            return (lower_bound(bucket) + lower_bound(bucket + 1)) / 2;
        }
    }
    0
}

/// The least number of nanoseconds that falls into a bucket, see `FinwatchHook.bucket`.
fn lower_bound(bucket: usize) -> u64 {
    if bucket < 4 {
        return bucket as u64;
    }
    let exponent = (bucket >> 2) + 1;
    (1 << exponent) + ((bucket as u64 & 3) << (exponent - 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `FinwatchHook.bucket`, to test the bounds against.
    fn bucket(nanos: u64) -> usize {
        if nanos < 4 {
            return nanos as usize;
        }
        let exponent = nanos.ilog2() as usize;
        (((exponent - 1) << 2) + ((nanos >> (exponent - 2)) & 3) as usize).min(BUCKETS - 1)
    }

    #[test]
    fn what_was_finalized_without_having_been_counted_was_registered_all_the_same() {
        let counted = Counted {
            registered: 9,
            enqueued: 24,
            started: 24,
            finalized: 23,
            threw: 0,
        };
        let counts = counted.with(Baseline::default());
        assert_eq!((counts.registered, counts.running), (0, 1));
        let places = counts.registered + counts.running + counts.finalized_total;
        assert_eq!(counts.registered_total, places);
    }

    #[test]
    fn every_bucket_begins_where_the_one_before_ends() {
        for index in 1..BUCKETS {
            let bound = lower_bound(index);
            assert_eq!(bucket(bound), index, "{bound}");
            assert_eq!(bucket(bound - 1), index - 1, "{bound}");
        }
    }

    #[test]
    fn a_quantile_is_at_most_an_eighth_off() {
        for nanos in [4, 5, 77, 1_000, 123_456, 9_999_999_999] {
            let mut buckets = vec![0; BUCKETS];
            buckets[bucket(nanos)] = 10;
            let error = quantile(&buckets, 0.99).abs_diff(nanos) as f64 / nanos as f64;
            assert!(error <= 0.125, "{nanos}: {error}");
        }
    }

    #[test]
    fn quantiles_of_nothing_are_zero() {
        assert_eq!(quantile(&[0; BUCKETS], 0.5), 0);
    }

    #[test]
    fn ends_without_a_beginning_leave_no_negative_count() {
        let counted = Counted {
            registered: 1,
            started: 3,
            finalized: 2,
            ..Counted::default()
        };
        let counts = counted.with(Baseline::default());
        assert_eq!(
            (counts.registered, counts.pending, counts.running),
            (0, 0, 1)
        );
    }

    #[test]
    fn the_layout_is_that_of_the_hooks() {
        let hook = include_str!("../../java-shim/src/java/lang/ref/FinwatchHook.java");
        for line in [
            format!("static final int SLOTS = {SLOTS};"),
            format!("static final int STRIPES = {STRIPES};"),
            format!("static final int BUCKETS = {BUCKETS};"),
            "int ENQUEUED = STRIPES;".to_owned(),
            format!("int STARTED = STRIPES + {};", STARTED - STRIPES),
            format!("int FINALIZED = STRIPES + {};", FINALIZED - STRIPES),
            format!("int THREW = STRIPES + {};", THREW - STRIPES),
            format!("int NANOS_SUM = STRIPES + {};", NANOS_SUM - STRIPES),
            format!("int NANOS_MAX = STRIPES + {};", NANOS_MAX - STRIPES),
            format!(
                "int NANOS_LAST = STRIPES + {};",
                STARTED_ALONE - 1 - STRIPES
            ),
            format!("int STARTED_ALONE = STRIPES + {};", STARTED_ALONE - STRIPES),
            format!(
                "int FINALIZED_ALONE = STRIPES + {};",
                FINALIZED_ALONE - STRIPES
            ),
            format!("int HISTOGRAMS = STRIPES + {};", HISTOGRAMS - STRIPES),
            "int OWNED = HISTOGRAMS + BUCKETS;".to_owned(),
            format!("static final int OWNERS = {OWNERS};"),
        ] {
            assert!(hook.contains(&line), "FinwatchHook.java lacks `{line}`");
        }
    }
}

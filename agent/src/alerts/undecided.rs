//! Objects of a class that no collection has found held, and none dead, and that become more.

use super::{
    Known,
    history::{Class, Undecided},
    registered_leak::RECENT,
    trend,
};

/// Collections in a row after which there were more of them each time.
const COLLECTIONS: usize = 3;

/// The part of the new objects that young collections have found dead, at the most.
const FOUND_DEAD: f64 = 0.5;

/// Collections since the last that looked at the whole heap, after each of which there
/// were more undecided objects.
pub(super) struct Growth {
    pub first: Undecided,
    pub last: Undecided,
    pub collections: usize,
    /// Bytes of the heap that go with one object, if the one grows because of the other.
    pub bytes_per_object: f64,
}

/// What the finalizer thread will have to do if all of them are dead, by the mean duration of the calls of
/// `finalize()` so far.
pub(super) struct Work {
    /// How long that will take it, in seconds.
    pub work_off_s: f64,
    /// The part of its time that those made in the meantime would have taken; more than 1: it can't keep up.
    pub thread_share: f64,
}

impl Growth {
    pub(super) fn of(class: &Class) -> Option<Growth> {
        let growing = class
            .undecided
            .last_while(|earlier, later| later.objects >= earlier.objects);
        let (first, last) = (*growing.clone().next()?, *class.undecided.last()?);
        let line = growing.clone();
        let line = line.map(|p| (p.objects as f64, p.used_bytes as f64));
        let slope = trend::through(line).map_or(0.0, |trend| trend.slope);
        let most = last.used_bytes as f64 / last.objects.max(1) as f64;
        Some(Growth {
            first,
            last,
            collections: growing.len(),
            bytes_per_object: slope.clamp(0.0, most),
        })
    }

    /// How long they have been growing, in milliseconds.
    pub(super) fn lasted_ms(&self) -> u64 {
        self.last.uptime_ms.saturating_sub(self.first.uptime_ms)
    }

    /// Their part of the heap.
    pub(super) fn share(&self, known: &Known) -> f64 {
        let bytes = self.bytes_per_object * self.last.objects as f64;
        known.heap.share(bytes)
    }

    /// They go on becoming more, were never so many when they were found dead, and young collections find
    /// few of them dead.
    pub(super) fn goes_on(&self, known: &Known, class: &Class) -> bool {
        let halfway_ms = self.first.uptime_ms.midpoint(self.last.uptime_ms);
        let halfway = class.undecided.before(halfway_ms);
        let since = |point: &Undecided| self.last.objects.saturating_sub(point.objects) as f64;
        let (first, last) = (self.first.counts, self.last.counts);
        let enqueued = last.enqueued_total.saturating_sub(first.enqueued_total);
        self.collections >= COLLECTIONS
            && self.last.objects > self.first.objects
            && halfway.is_some_and(|halfway| since(halfway) >= RECENT * since(&self.first))
            && self.last.objects >= known.thresholds.many
            && self.last.objects / 2 > class.found_dead
            && enqueued as f64 <= FOUND_DEAD * self.registered() as f64
    }

    /// `None` before any call was timed.
    pub(super) fn work(&self, class: &Class) -> Option<Work> {
        let timed = class.now.finalize_ns;
        let mean_s = timed.sum as f64 / timed.count as f64 / 1e9;
        let made = self.registered() as f64;
        (timed.count > 0 && self.lasted_ms() > 0).then(|| Work {
            work_off_s: self.last.objects as f64 * mean_s,
            thread_share: made * mean_s * 1000.0 / self.lasted_ms() as f64,
        })
    }

    /// Objects made in the meantime.
    fn registered(&self) -> u64 {
        let (first, last) = (self.first.counts, self.last.counts);
        last.registered_total.saturating_sub(first.registered_total)
    }

    /// Seconds until the heap is full if it goes on like that; not a number where it does not grow.
    pub(super) fn full_in_s(&self, max_bytes: u64) -> f64 {
        let grown = self.last.used_bytes as f64 - self.first.used_bytes as f64;
        let left = max_bytes.saturating_sub(self.last.used_bytes) as f64;
        match grown > 0.0 {
            true => left * self.lasted_ms() as f64 / 1000.0 / grown,
            false => f64::NAN,
        }
    }
}

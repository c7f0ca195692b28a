//! When the agent's own thread takes a sample: at the interval, and after collections.

use std::time::{Duration, Instant};

use finwatch_record::Trigger;

/// After a pause the ReferenceHandler gets this much time to queue what was found before a
/// sample is taken, and notifications to arrive.
const SETTLING: Duration = Duration::from_millis(100);

/// Least time from a sample to one after a collection, where collections follow each other
/// closely; the interval if that is shorter.
const SPACING: Duration = Duration::from_secs(1);

/// The times of the next samples.
#[derive(Debug)]
pub struct Schedule {
    interval: Duration,
    /// When the next sample of the interval is due.
    next: Instant,
    last: Option<Instant>,
    /// When the sample after a collection is due, if there was one.
    after_pause: Option<Instant>,
}

impl Schedule {
    /// The first sample is due at once.
    pub fn new(interval: Duration, now: Instant) -> Schedule {
        Schedule {
            interval,
            next: now,
            last: None,
            after_pause: None,
        }
    }

    /// Goes on at another interval, beginning now.
    pub fn set_interval(&mut self, interval: Duration, now: Instant) {
        if interval != self.interval {
            self.interval = interval;
            self.next = now;
        }
    }

    /// A pause of the collector has ended.
    pub fn paused(&mut self, now: Instant) {
        let spacing = SPACING.min(self.interval);
        let due =
            |last: Option<Instant>| last.map_or(now, |last| last + spacing).max(now + SETTLING);
        self.after_pause.get_or_insert_with(|| due(self.last));
    }

    /// Whether a sample is due, and why.
    pub fn due(&self, now: Instant) -> Option<Trigger> {
        if now >= self.next {
            return Some(Trigger::Interval);
        }
        self.after_pause
            .filter(|&due| now >= due)
            .map(|_| Trigger::Gc)
    }

    /// A sample has been taken. A thread that came late does not take the samples that it
    /// has missed.
    pub fn taken(&mut self, trigger: Trigger, now: Instant) {
        self.last = Some(now);
        self.after_pause = None;
        if trigger == Trigger::Interval {
            self.next = (self.next + self.interval).max(now);
        }
    }

    /// When to look again, if nothing happens before.
    pub fn until(&self) -> Instant {
        self.after_pause.map_or(self.next, |due| due.min(self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    #[test]
    fn the_interval_is_kept_whatever_collections_come_between() {
        let start = Instant::now();
        let mut schedule = Schedule::new(INTERVAL, start);
        assert_eq!(schedule.due(start), Some(Trigger::Interval));
        schedule.taken(Trigger::Interval, start);
        let later = start + Duration::from_secs(2);
        schedule.paused(later);
        assert_eq!(schedule.due(later), None);
        assert_eq!(schedule.due(later + SETTLING), Some(Trigger::Gc));
        schedule.taken(Trigger::Gc, later + SETTLING);
        assert_eq!(schedule.until(), start + INTERVAL);
    }

    #[test]
    fn collections_in_quick_succession_make_one_sample_a_second() {
        let start = Instant::now();
        let mut schedule = Schedule::new(INTERVAL, start);
        schedule.taken(Trigger::Interval, start);
        schedule.paused(start);
        schedule.paused(start + Duration::from_millis(300));
        assert_eq!(schedule.until(), start + SPACING);
    }

    #[test]
    fn a_late_thread_takes_one_sample_and_not_all_it_missed() {
        let start = Instant::now();
        let mut schedule = Schedule::new(INTERVAL, start);
        let late = start + 10 * INTERVAL;
        schedule.taken(Trigger::Interval, late);
        assert_eq!(schedule.until(), late);
        schedule.taken(Trigger::Interval, late);
        assert_eq!(schedule.until(), late + INTERVAL);
    }
}

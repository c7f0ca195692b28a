//! When to try again: soon while a reader is slow, at a slow and slowing pace while the
//! destination fails.

use std::time::{Duration, Instant};

/// From the first delay to the longest; each attempt in vain doubles it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

/// The delays for the two ways in which a destination does not take lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paces {
    /// A reader has no room now. At rest this costs five looks a second, no more.
    pub(super) slow_reader: Delays,
    /// It cannot be opened, connected or written.
    pub(super) failure: Delays,
    /// Nobody reads, or another JVM writes: looked at more often, it costs little.
    pub(super) absent: Delays,
}

impl Paces {
    /// What production uses.
    pub(super) const DEFAULT: Paces = Paces {
        slow_reader: Delays::from_millis(1, 200),
        failure: Delays::from_millis(1_000, 30_000),
        absent: Delays::from_millis(500, 5_000),
    };
}

impl Delays {
    pub(super) const fn from_millis(first: u64, longest: u64) -> Delays {
        Delays {
            first: Duration::from_millis(first),
            longest: Duration::from_millis(longest),
        }
    }
}

/// The next attempt of one writer.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Option<Instant>,
    last_delay: Duration,
}

impl Pace {
    /// Something was written: the next attempt is now.
    pub(super) fn reset(&mut self) {
        *self = Pace::default();
    }

    /// An attempt at `now` was in vain.
    pub(super) fn delay(&mut self, now: Instant, delays: Delays) {
        let doubled = self.last_delay.saturating_mul(2);
        self.last_delay = doubled.clamp(delays.first, delays.longest);
        self.next = Some(now + self.last_delay);
    }

    /// How long to wait for the next attempt; zero: it is due.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.next
            .map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let (now, mut pace) = (Instant::now(), Pace::default());
        assert_eq!(pace.wait(now), Duration::ZERO);
        let waits: Vec<u128> = (0..7)
            .map(|_| {
                pace.delay(now, Paces::DEFAULT.failure);
                pace.wait(now).as_millis()
            })
            .collect();
        assert_eq!(waits, [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        pace.reset();
        assert_eq!(pace.wait(now), Duration::ZERO);
    }

    #[test]
    fn a_reader_that_is_slow_is_looked_at_soon_even_after_failures() {
        let (now, mut pace) = (Instant::now(), Pace::default());
        pace.delay(now, Paces::DEFAULT.failure);
        pace.delay(now, Paces::DEFAULT.slow_reader);
        assert_eq!(pace.wait(now), Paces::DEFAULT.slow_reader.longest);
    }
}

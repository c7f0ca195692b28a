//! Whether the JVM stands still.
//!
//! The agent's own thread goes through the VM now and then, which it can't while the JVM is
//! stopped or gets no time, and notes that in the pause clock. The writer's thread, which the JVM
//! does not know, looks at that note.

use std::time::Duration;

use finwatch_record::{Stall, StallState};

use crate::pauses::PauseClock;

/// Signs of life, and looks at them, in the time that the JVM may stand still.
const LOOKS: u32 = 5;

/// Time between two looks.
const LOOKS_EVERY: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(200)..=Duration::from_secs(1);

/// The time between two signs of life, or two looks.
pub fn beat(limit: Duration) -> Duration {
    (limit / LOOKS).clamp(*LOOKS_EVERY.start(), *LOOKS_EVERY.end())
}

/// What the writer's thread has seen.
#[derive(Debug, Default)]
pub struct Lookout {
    /// The last sign of life before the stall that was told, and how long it lasted when it was told
    /// last, in microseconds.
    told: Option<(u64, u64)>,
}

impl Lookout {
    /// Looks once: a stall that has begun to be one, goes on or is over. While it lasts it is told each
    /// time that it has become twice as long.
    pub fn look(&mut self, clock: &PauseClock, limit: Option<Duration>) -> Option<Stall> {
        // In this order: what is alive now is not older than now.
        let alive_us = clock.alive_us();
        let now_us = clock.now_us();
        let limit_us = limit.map(|limit| limit.as_micros() as u64);
        let stall = |state, since_us: u64, duration_us: u64| Stall {
            state,
            since_uptime_ms: clock.uptime_ms_at(since_us),
            duration_ms: duration_us as f64 / 1e3,
            in_gc_pause: clock.is_paused(),
        };
        if let Some((since_us, _)) = self.told
            && (alive_us == 0 || alive_us > since_us)
        {
            self.told = None;
            let until_us = alive_us.max(since_us);
            return Some(stall(StallState::Over, since_us, until_us - since_us));
        }
        let lasted_us = now_us.saturating_sub(alive_us);
        let due_us = match self.told {
            Some((_, told_us)) => told_us * 2,
            None => limit_us?,
        };
        if alive_us == 0 || lasted_us < due_us {
            return None;
        }
        self.told = Some((alive_us, lasted_us));
        Some(stall(StallState::Ongoing, alive_us, lasted_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_told_as_it_doubles_and_when_it_is_over() {
        let clock = PauseClock::begin();
        let mut lookout = Lookout::default();
        let limit = Some(Duration::from_millis(20));
        assert_eq!(
            lookout.look(&clock, limit),
            None,
            "before the first sign of life"
        );
        clock.alive();
        assert_eq!(lookout.look(&clock, limit), None);
        std::thread::sleep(Duration::from_millis(25));
        clock.started();
        let told = lookout.look(&clock, limit).unwrap();
        assert_eq!((told.state, told.in_gc_pause), (StallState::Ongoing, true));
        assert!(told.duration_ms >= 20.0, "{told:?}");
        assert_eq!(lookout.look(&clock, limit), None);
        std::thread::sleep(Duration::from_millis(60));
        let again = lookout.look(&clock, limit).unwrap();
        assert!(again.duration_ms >= 2.0 * told.duration_ms, "{again:?}");
        assert_eq!(again.since_uptime_ms, told.since_uptime_ms);
        clock.finished();
        clock.alive();
        let over = lookout.look(&clock, limit).unwrap();
        assert_eq!((over.state, over.in_gc_pause), (StallState::Over, false));
        assert!(over.duration_ms >= again.duration_ms, "{over:?}");
        assert_eq!(lookout.look(&clock, limit), None);
    }

    #[test]
    fn nothing_is_told_where_it_is_off() {
        let clock = PauseClock::begin();
        clock.alive();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(Lookout::default().look(&clock, None), None);
    }
}

//! The clock of stop-the-world pauses.
//!
//! Fed by the JVMTI garbage collection callbacks, in the VM's thread, where nothing may
//! block and nothing may call JNI: they take a time, add it to atomics and try to send.
//! The receiving end is the agent's own thread, which a pause's end also wakes.
//!
//! These are pauses, not collections: a ZGC cycle has three, a concurrent Shenandoah cycle
//! may report none.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Pauses that may wait for the agent's thread; more than that are counted and not listed.
const MAX_WAITING: usize = 1024;

/// How long the end may have to wait for a sleeper.
const NAP: Duration = Duration::from_millis(10);

/// Without a sign of life for so long the JVM has stood still: more than the time between two of them.
const STANDSTILL_US: u64 = 2_000_000;

/// One pause, in microseconds since the agent was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it began.
    pub start_us: u64,
    /// How long it took.
    pub duration_us: u64,
}

/// A time without a sign of life, in milliseconds since the JVM started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standstill {
    /// The last sign of life before it.
    pub from_ms: u64,
    /// The first after it.
    pub until_ms: u64,
}

/// What wakes the agent's own thread before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// A pause has ended.
    Pause(Pause),
    /// The options are others.
    Options,
    /// The VM ends or the agent is detached.
    End,
}

/// The clock.
pub struct PauseClock {
    origin: Instant,
    /// When it began anew, in microseconds since `origin`.
    loaded_us: AtomicU64,
    /// Microseconds since then, plus 1; 0 outside a pause.
    started: AtomicU64,
    count: AtomicU64,
    total_us: AtomicU64,
    longest_us: AtomicU64,
    /// When the JVM showed a sign of life last; 0: not yet.
    alive_us: AtomicU64,
    /// Where the last standstill began and ended, in microseconds; 0: there was none.
    stood_still_us: [AtomicU64; 2],
    /// The JVM's uptime when this began, in milliseconds.
    uptime_at_load_ms: AtomicU64,
    ended: AtomicBool,
    sender: Sender<Wake>,
    receiver: Receiver<Wake>,
}

/// Sums since the agent was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PauseSums {
    /// Pauses.
    pub count: u64,
    /// Their sum.
    pub total_us: u64,
    /// The longest since the last call of [`PauseClock::sums`].
    pub longest_us: u64,
}

impl PauseClock {
    /// A clock that begins now.
    pub fn begin() -> PauseClock {
        let (sender, receiver) = bounded(MAX_WAITING);
        PauseClock {
            origin: Instant::now(),
            loaded_us: AtomicU64::new(0),
            started: AtomicU64::new(0),
            count: AtomicU64::new(0),
            total_us: AtomicU64::new(0),
            longest_us: AtomicU64::new(0),
            alive_us: AtomicU64::new(0),
            stood_still_us: [AtomicU64::new(0), AtomicU64::new(0)],
            uptime_at_load_ms: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            sender,
            receiver,
        }
    }

    /// Begins anew, for an agent that was detached and is attached again, in a JVM of that age. No
    /// pause is told to it meanwhile.
    pub fn begin_again(&self, uptime: Duration) {
        self.set_uptime_at_load(uptime.as_secs_f64() * 1000.0);
        let since_origin = self.origin.elapsed().as_micros() as u64;
        self.loaded_us.store(since_origin, Relaxed);
        for number in [
            &self.started,
            &self.count,
            &self.total_us,
            &self.longest_us,
            &self.alive_us,
            &self.stood_still_us[0],
            &self.stood_still_us[1],
        ] {
            number.store(0, Relaxed);
        }
        self.ended.store(false, Relaxed);
        self.receiver.try_iter().for_each(drop);
    }

    /// The agent's own thread waits here.
    pub fn wakes(&self) -> &Receiver<Wake> {
        &self.receiver
    }

    /// Wakes the agent's own thread for the last time. Never waits.
    pub fn end(&self) {
        self.ended.store(true, Relaxed);
        // Full: then it is awake, and asks before it sleeps again.
        let _: Result<(), TrySendError<Wake>> = self.sender.try_send(Wake::End);
    }

    /// Sleeps in the midst of something that takes long; `false` where it is to be broken off.
    pub fn sleep(&self, duration: Duration) -> bool {
        let end = Instant::now() + duration;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if self.ended.load(Relaxed) || left.is_zero() {
                return !self.ended.load(Relaxed);
            }
            thread::sleep(left.min(NAP));
        }
    }

    /// Wakes the agent's own thread to look at its options again. Never waits.
    pub fn options_changed(&self) {
        // Full: then it is awake.
        let _: Result<(), TrySendError<Wake>> = self.sender.try_send(Wake::Options);
    }

    /// Microseconds since the agent was loaded.
    pub fn now_us(&self) -> u64 {
        let since_origin = self.origin.elapsed().as_micros() as u64;
        since_origin.saturating_sub(self.loaded_us.load(Relaxed))
    }

    /// The JVM's uptime when this clock began, in milliseconds.
    pub fn set_uptime_at_load(&self, milliseconds: f64) {
        self.uptime_at_load_ms
            .store(milliseconds.max(0.0) as u64, Relaxed);
    }

    /// The JVM's uptime now, in milliseconds.
    pub fn uptime_ms(&self) -> u64 {
        self.uptime_ms_at(self.now_us())
    }

    /// The JVM's uptime at a time of this clock, in milliseconds.
    pub fn uptime_ms_at(&self, us: u64) -> u64 {
        self.uptime_at_load_ms.load(Relaxed) + us / 1000
    }

    /// The JVM lives: the caller, the agent's own thread, has just been through the VM.
    pub fn alive(&self) {
        self.alive_at(self.now_us().max(1));
    }

    fn alive_at(&self, now_us: u64) {
        let before_us = self.alive_us.swap(now_us, Relaxed);
        if before_us != 0 && now_us.saturating_sub(before_us) >= STANDSTILL_US {
            self.stood_still_us[0].store(before_us, Relaxed);
            self.stood_still_us[1].store(now_us, Relaxed);
        }
    }

    /// The last time that the JVM stood still. For the thread that shows that it lives.
    pub fn standstill(&self) -> Option<Standstill> {
        let [from_us, until_us] = [0, 1].map(|end: usize| self.stood_still_us[end].load(Relaxed));
        (until_us != 0).then(|| Standstill {
            from_ms: self.uptime_ms_at(from_us),
            until_ms: self.uptime_ms_at(until_us),
        })
    }

    /// When it last did; 0 where nobody looked yet.
    pub fn alive_us(&self) -> u64 {
        self.alive_us.load(Relaxed)
    }

    /// Whether a stop-the-world pause of the collector is running.
    pub fn is_paused(&self) -> bool {
        self.started.load(Relaxed) != 0
    }

    /// A pause begins. In the VM's thread.
    pub fn started(&self) {
        self.started.store(self.now_us() + 1, Relaxed);
    }

    /// It has ended. In the VM's thread.
    pub fn finished(&self) {
        let started = self.started.swap(0, Relaxed);
        if started == 0 {
            return;
        }
        let start_us = started - 1;
        let duration_us = self.now_us().saturating_sub(start_us);
        self.count.fetch_add(1, Relaxed);
        self.total_us.fetch_add(duration_us, Relaxed);
        self.longest_us.fetch_max(duration_us, Relaxed);
        // Full: the sums have it, the list does not.
        let _ = self.sender.try_send(Wake::Pause(Pause {
            start_us,
            duration_us,
        }));
    }

    /// The sums; the longest begins anew.
    pub fn sums(&self) -> PauseSums {
        PauseSums {
            count: self.count.load(Relaxed),
            total_us: self.total_us.load(Relaxed),
            longest_us: self.longest_us.swap(0, Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_without_a_sign_of_life_is_a_standstill() {
        let clock = PauseClock::begin();
        for us in [10_000_000, 11_999_000, 12_500_000] {
            clock.alive_at(us);
            assert_eq!(clock.standstill(), None);
        }
        clock.alive_at(17_000_000);
        clock.alive_at(18_000_000);
        let stood_still = Standstill {
            from_ms: 12_500,
            until_ms: 17_000,
        };
        assert_eq!(clock.standstill(), Some(stood_still));
    }

    #[test]
    fn an_end_without_a_beginning_is_no_pause() {
        let clock = PauseClock::begin();
        clock.finished();
        assert_eq!(clock.sums().count, 0);
        assert!(clock.wakes().is_empty());
    }

    #[test]
    fn a_list_that_nobody_reads_is_bounded_and_the_sums_stay_exact() {
        let clock = PauseClock::begin();
        for _ in 0..MAX_WAITING + 10 {
            clock.started();
            clock.finished();
        }
        assert_eq!(clock.sums().count, MAX_WAITING as u64 + 10);
        assert_eq!(clock.wakes().len(), MAX_WAITING);
    }

    #[test]
    fn the_longest_begins_anew_with_each_reading() {
        let clock = PauseClock::begin();
        clock.started();
        clock.finished();
        clock.sums();
        assert_eq!(clock.sums().longest_us, 0);
    }
}

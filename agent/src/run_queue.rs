//! How long the finalizer thread waits for a processor, as the kernel counts it: the second number
//! in `/proc/self/task/TID/schedstat` (Linux, Documentation/scheduler/sched-stats.rst). A thread
//! that is runnable to the JVM may be waiting for the network; this one tells.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::kernel_thread;

/// The part of the time that a starved thread waits, at the least.
const MOST_OF_THE_TIME: f64 = 0.5;

/// The name that HotSpot gives the thread, to the kernel too.
const FINALIZER: &str = "Finalizer";

/// What was seen of the finalizer thread.
#[derive(Debug, Default)]
pub struct RunQueue {
    file: Option<PathBuf>,
    last: Option<(Instant, Duration)>,
    starved_since: Option<Instant>,
}

impl RunQueue {
    /// Looks, where the thread has something to do: for how long it has been starved. `None` where it
    /// is not, and where the kernel does not tell.
    pub fn look(&mut self, now: Instant, has_work: bool) -> Option<Duration> {
        if !has_work {
            (self.last, self.starved_since) = (None, None);
            return None;
        }
        let waited = self.waited();
        self.seen(now, waited)
    }

    fn seen(&mut self, now: Instant, waited: Option<Duration>) -> Option<Duration> {
        let last = std::mem::replace(&mut self.last, waited.map(|waited| (now, waited)));
        let ((then, before), waited) = (last?, waited?);
        let elapsed = now.saturating_duration_since(then);
        let waiting = waited.saturating_sub(before);
        if elapsed.is_zero() || waiting.as_secs_f64() < MOST_OF_THE_TIME * elapsed.as_secs_f64() {
            self.starved_since = None;
            return None;
        }
        let since = *self.starved_since.get_or_insert(then);
        Some(now.saturating_duration_since(since))
    }

    fn waited(&mut self) -> Option<Duration> {
        if self.file.is_none() {
            self.file = kernel_thread::named(FINALIZER).map(|thread| thread.join("schedstat"));
        }
        let text = fs::read_to_string(self.file.as_ref()?);
        // Ended: another thread may have its number later.
        let text = text.inspect_err(|_| self.file = None).ok()?;
        waiting(&text)
    }
}

/// The time in the run queue: "cpu wait slices", in nanoseconds.
fn waiting(schedstat: &str) -> Option<Duration> {
    let wait = schedstat.split_ascii_whitespace().nth(1)?;
    wait.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_waits_most_of_the_time_is_starved_since_it_began_to() {
        let (mut queue, start) = (RunQueue::default(), Instant::now());
        let second = Duration::from_secs(1);
        let mut seen = |seconds: u32, waited: f64| {
            queue.seen(start + seconds * second, Some(second.mul_f64(waited)))
        };
        assert_eq!(seen(0, 7.0), None);
        assert_eq!(seen(1, 7.1), None);
        assert_eq!(seen(2, 8.0), Some(second));
        assert_eq!(seen(4, 9.5), Some(3 * second));
        assert_eq!(seen(5, 9.6), None);
        assert_eq!(seen(6, 10.5), Some(second));
    }

    #[test]
    fn without_work_or_word_from_the_kernel_nothing_is_known() {
        let (mut queue, start) = (RunQueue::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(queue.seen(start, Some(Duration::ZERO)), None);
        assert_eq!(queue.seen(start + second, None), None);
        assert_eq!(queue.seen(start + 2 * second, Some(2 * second)), None);
        assert_eq!(queue.look(start + 3 * second, false), None);
        assert_eq!(queue.seen(start + 4 * second, Some(4 * second)), None);
    }

    #[test]
    fn the_kernels_line_is_read() {
        assert_eq!(
            waiting("12 3149307 1\n"),
            Some(Duration::from_nanos(3149307))
        );
        for damaged in ["", "12", "12 x 1"] {
            assert_eq!(waiting(damaged), None);
        }
    }
}

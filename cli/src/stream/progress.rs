//! How far the reading of large files is, on a terminal and nowhere else.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::source::Source;

/// Nothing is shown of what is done sooner.
const PATIENCE: Duration = Duration::from_millis(500);

/// Between two states shown.
const PACE: Duration = Duration::from_millis(100);

/// Cells of the bar.
const CELLS: u64 = 30;

/// A line on stderr that is written over and at the end removed. It shows nothing where stderr is no terminal.
pub struct Progress {
    counters: Vec<Arc<AtomicU64>>,
    /// Of all sources, where all are known.
    size: Option<u64>,
    begun: Instant,
    shown: Option<Instant>,
    is_terminal: bool,
}

impl Progress {
    /// Of the reading of these sources.
    pub fn of(sources: &[Source]) -> Progress {
        Progress {
            counters: sources.iter().map(Source::read_counter).collect(),
            size: sources.iter().map(Source::size).sum(),
            begun: Instant::now(),
            shown: None,
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows the state, where the last is old enough.
    pub fn show(&mut self) {
        let is_due = self
            .shown
            .map_or(self.begun.elapsed() >= PATIENCE, |shown| {
                shown.elapsed() >= PACE
            });
        if !self.is_terminal || !is_due {
            return;
        }
        self.shown = Some(Instant::now());
        let read = self
            .counters
            .iter()
            .map(|c| c.load(Ordering::Relaxed))
            .sum();
        let state = state(read, self.size, self.begun.elapsed());
        // A terminal that takes no bytes is not a reason to stop.
        let _ = write!(io::stderr(), "\r{state}\x1b[K");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn state(read: u64, size: Option<u64>, elapsed: Duration) -> String {
    let mib = |bytes: f64| bytes / f64::from(1 << 20);
    let speed = read as f64 / elapsed.as_secs_f64().max(1e-3);
    let numbers = format!("{:.0} MiB, {:.0} MiB/s", mib(read as f64), mib(speed));
    // A file that grows meanwhile has more than it had.
    let Some(size) = size.map(|size| size.max(read)).filter(|&size| size > 0) else {
        return numbers;
    };
    let done = (CELLS * read / size) as usize;
    let left = (size - read) as f64 / speed.max(1.0);
    format!(
        "[{}{}] {:3}% {numbers}, {left:.0} s left",
        "#".repeat(done),
        "-".repeat(CELLS as usize - done),
        100 * read / size,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_has_a_bar_where_the_size_is_known() {
        let second = Duration::from_secs(1);
        let known = state(256 << 20, Some(1 << 30), second);
        assert_eq!(
            known,
            "[#######-----------------------]  25% 256 MiB, 256 MiB/s, 3 s left"
        );
        assert_eq!(state(1 << 20, None, second), "1 MiB, 1 MiB/s");
    }

    #[test]
    fn a_file_that_grew_is_done_at_most() {
        let state = state(20, Some(10), Duration::from_secs(1));
        assert!(state.contains("] 100% "), "{state}");
    }
}

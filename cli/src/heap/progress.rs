//! How far the reading of a dump is, on a terminal and nowhere else.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use finwatch_hprof::{Phase, Progress};

/// Nothing is shown of what is done sooner.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two states shown.
const PACE: Duration = Duration::from_millis(200);
/// Cells of the bar.
const CELLS: u64 = 30;

/// Does the work, and meanwhile shows the progress on a line of stderr that is removed at the end.
pub fn shown_during<T>(progress: &Progress, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    let (done, ended) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut wait = PATIENCE;
            let mut phase = None;
            while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = PACE;
                let now = progress.now();
                let (_, since) = *phase.insert(match phase {
                    Some((known, since)) if known == now.0 => (known, since),
                    _ => (now.0, Instant::now()),
                });
                // A terminal that takes no bytes is not a reason to stop.
                let _ = write!(io::stderr(), "\r{}\x1b[K", state(now, since.elapsed()));
            }
            let _ = write!(io::stderr(), "\r\x1b[K");
        });
        let result = work();
        drop(done);
        result
    })
}

fn state((phase, done, total): (Phase, u64, u64), elapsed: Duration) -> String {
    let what = match phase {
        Phase::Unpacking => "unpacking",
        Phase::Surveying => "1/5 records",
        Phase::Classifying => "2/5 classes",
        Phase::Linking => "3/5 references",
        Phase::Tracing => "4/5 paths and sizes",
        Phase::Inspecting => "5/5 fields",
    };
    let Some(share) = (CELLS * done.min(total)).checked_div(total) else {
        return what.to_string();
    };
    let speed = done as f64 / elapsed.as_secs_f64().max(1e-3);
    let left = (total - done.min(total)) as f64 / speed.max(1.0);
    format!(
        "[{}{}] {what}, {left:.0} s left",
        "#".repeat(share as usize),
        "-".repeat((CELLS - share) as usize)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_the_share_of_a_phase() {
        let second = Duration::from_secs(1);
        let half = state((Phase::Linking, 50, 100), second);
        assert_eq!(
            half,
            "[###############---------------] 3/5 references, 1 s left"
        );
        assert_eq!(state((Phase::Tracing, 7, 0), second), "4/5 paths and sizes");
        assert!(state((Phase::Unpacking, 7, 5), second).contains("##] unpacking, 0 s left"));
    }
}

//! What a process prints, kept as it comes, and waited for.
//!
//! One thread per stream reads to the end; nothing a JVM prints can block it for want
//! of a reader.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Everything that came out of one stream of a process.
#[derive(Clone)]
pub struct Capture {
    shared: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Default for Capture {
    /// Of a stream that goes elsewhere: empty and at its end.
    fn default() -> Capture {
        Capture::with(State {
            bytes: Vec::new(),
            ended: true,
        })
    }
}

impl Capture {
    fn with(state: State) -> Capture {
        Capture {
            shared: Arc::new((Mutex::new(state), Condvar::new())),
        }
    }

    /// Reads in a thread of its own until the stream ends.
    pub fn of(mut stream: impl Read + Send + 'static) -> Capture {
        let capture = Capture::with(State {
            bytes: Vec::new(),
            ended: false,
        });
        let kept = capture.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                kept.change(|state| state.bytes.extend_from_slice(&buffer[..length]));
            }
            kept.change(|state| state.ended = true);
        });
        capture
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.shared.1.notify_all();
    }

    /// What came so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    /// What came so far, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// The lines that came so far.
    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(String::from).collect()
    }

    /// Waits for a whole line that fits, from the byte `from` on, and gives it together
    /// with the place after it; `Err` says whether the stream ended or the time did.
    pub fn line(
        &self,
        from: usize,
        limit: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<(String, usize), &'static str> {
        let end = Instant::now() + limit;
        let mut state = self.state();
        let mut position = from;
        loop {
            while let Some(length) = state.bytes[position..].iter().position(|&b| b == b'\n') {
                let line =
                    String::from_utf8_lossy(&state.bytes[position..position + length]).into_owned();
                position += length + 1;
                if fits(&line) {
                    return Ok((line, position));
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                return Err(if state.ended {
                    "the stream ended"
                } else {
                    "nothing more came"
                });
            }
            let waited = self.shared.1.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for the end of the stream; false when it does not come in time.
    pub fn wait_for_end(&self, limit: Duration) -> bool {
        let waited = self
            .shared
            .1
            .wait_timeout_while(self.state(), limit, |state| !state.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }
}

//! The writer: records in, JSON lines out.
//!
//! A plain thread, "finwatch writer", that the JVM does not know. Whatever becomes of
//! the destination (a full disk, a reader that stalls or leaves, a file that is moved
//! away), the program notices nothing, the writer never waits for it, every line is
//! whole, and every record that is lost is counted. What can't be written now is tried
//! again, and the stream goes on by itself.
//!
//! [`thread`] is the loop and [`outbox`] the lines that it holds; [`sink`] and those
//! below it know one kind of destination each; [`trouble`] and [`pace`] are what happens
//! when that takes nothing. A stream that is moved elsewhere goes on from the start of the
//! first line that its old place did not take.

mod file;
mod open;
mod outbox;
mod pace;
mod path;
mod pipe;
mod rotate;
mod signals;
mod sink;
mod socket;
mod special;
mod stdio;
#[cfg(test)]
mod tests;
mod thread;
mod trouble;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};

use self::{pace::Paces, sink::Place, thread::Control, thread::WriterThread};
use crate::{log, options::Destination, stream::Stream};

/// The thread's deepest work is serializing a record.
const STACK_BYTES: usize = 256 * 1024;

/// As the kernel shows it, which cuts names at 15 bytes.
const THREAD_NAME: &str = "finwatch writer";

/// Something that is to be done now and then without the JVM: it says in what time again. `None`:
/// in [`IDLE_ROUND`], to see whether there is anything to do by then.
pub type Rounds = Box<dyn FnMut() -> Option<Duration> + Send>;

/// Nothing to do.
pub fn no_rounds(_: &Stream) -> Rounds {
    Box::new(|| None)
}

/// Time between two rounds on which there is nothing to do.
const IDLE_ROUND: Duration = Duration::from_secs(10);

/// Where the lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The destination.
    pub out: Destination,
    /// Size in bytes at which a regular file is rotated, at a line boundary.
    pub rotate_bytes: u64,
    /// How many rotated files stay.
    pub keep: u32,
}

/// The owner's hold on the writer thread.
///
/// Dropped without [`Writer::finish`] the thread makes one last attempt and ends by
/// itself; nobody waits for it.
#[must_use = "dropping the writer ends the stream without waiting for what is still unwritten"]
pub struct Writer {
    control: Sender<Control>,
    ended: Receiver<bool>,
    thread: JoinHandle<()>,
    /// Keeps the channel connected as long as the writer lives.
    _stream: Stream,
}

impl Writer {
    /// Starts the thread, which goes its `rounds` meanwhile. The destination is opened by the thread with the first record;
    /// whatever is wrong with it then is told on stderr and tried again.
    ///
    /// # Errors
    /// The thread cannot be made: the process may have no more of them.
    pub fn start(
        target: &Target,
        rounds: impl FnOnce(&Stream) -> Rounds,
    ) -> io::Result<(Stream, Writer)> {
        Writer::start_paced(target, Paces::DEFAULT, rounds)
    }

    fn start_paced(
        target: &Target,
        paces: Paces,
        rounds: impl FnOnce(&Stream) -> Rounds,
    ) -> io::Result<(Stream, Writer)> {
        let (stream, records) = Stream::new();
        let (control, commands) = crossbeam_channel::unbounded();
        let (end, ended) = crossbeam_channel::bounded(1);
        let counters = stream.counters();
        let place = Place::of(target);
        let rounds = rounds(&stream);
        let body = WriterThread::new(records, commands, stream.counters(), place, paces, rounds);
        let builder = Builder::new()
            .name(THREAD_NAME.to_owned())
            .stack_size(STACK_BYTES);
        let thread = signals::spawn_without_signals(builder, move || {
            let complete = run_caught(body);
            counters.end();
            // The owner may be gone, which is its right.
            let _ = end.send(complete);
        })?;
        let writer = Writer {
            control,
            ended,
            thread,
            _stream: stream.clone(),
        };
        Ok((stream, writer))
    }

    /// Moves the stream: what was made before this returns still goes to the old place, as
    /// far as that takes it at once, and everything else to the new one. Returns `within` that
    /// time: whether the thread has moved, which it does in any case.
    pub fn redirect(&self, target: &Target, within: Duration) -> bool {
        let (moved, has_moved) = crossbeam_channel::bounded(1);
        let to = Control::Redirect(Place::of(target), moved);
        self.control.send(to).is_ok() && has_moved.recv_timeout(within).is_ok()
    }

    /// Writes everything made so far and ends the thread; records made later are dropped
    /// and counted. Returns `within` that time even if a reader stalls: `true` if
    /// everything was written. A destination that fails, rather than being slow, is not
    /// waited for.
    pub fn finish(self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        if self.control.send(Control::Finish(deadline)).is_err() {
            return false;
        }
        match self.ended.recv_deadline(deadline) {
            Ok(complete) => {
                // It has nothing left to do, and has caught its panics.
                let _ = self.thread.join();
                complete
            }
            Err(_) => false,
        }
    }
}

/// A mistake of ours ends the stream, never the JVM.
fn run_caught(body: WriterThread) -> bool {
    catch_unwind(AssertUnwindSafe(|| body.run())).unwrap_or_else(|_| {
        log::error(format_args!(
            "the writer failed, which is a mistake in finwatch: the stream ends here, the program goes on"
        ));
        false
    })
}

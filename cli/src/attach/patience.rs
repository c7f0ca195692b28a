//! Waiting for a JVM: not for ever, not past its end, and not past a Ctrl-C.
//!
//! While something of ours lies about that must be removed again, the signals that would
//! end this command are held back and looked for at every wait.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::jvm::Process;

/// The longest step of a wait for something that cannot be polled.
const LONGEST_STEP: Duration = Duration::from_millis(50);

/// Why a wait was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GaveUp {
    /// It lasted too long.
    TimeIsUp,
    /// The process has ended.
    Ended,
    /// Somebody wants this command to end.
    Interrupted,
}

/// The bounds of every wait for one JVM.
pub struct Patience<'a> {
    process: &'a Process,
    limit: Duration,
    until: Instant,
    signals: SignalFd,
    before: SigSet,
}

impl<'a> Patience<'a> {
    /// Waits that last so long at most; from now on signals are held back.
    pub fn with(process: &'a Process, limit: Duration) -> io::Result<Patience<'a>> {
        let mut held_back = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            held_back.add(signal);
        }
        let before = held_back.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Patience {
            process,
            limit,
            until: Instant::now() + limit,
            signals: SignalFd::with_flags(&held_back, flags)?,
            before,
        })
    }

    /// Begins the time anew, for the next step.
    pub fn renew(&mut self) {
        self.until = Instant::now() + self.limit;
    }

    /// How long a step may last.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Waits until the file is ready for one of these events, or has an error or end.
    pub fn wait_for(&self, file: BorrowedFd<'_>, events: PollFlags) -> Result<(), GaveUp> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if self.wait(Some((file, events)), left)? {
                return Ok(());
            }
        }
    }

    /// Asks again and again, at first soon, until there is an answer.
    pub fn ask<T, E: From<GaveUp>>(
        &self,
        mut question: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<T, E> {
        let mut step = Duration::from_millis(1);
        loop {
            if let Some(answer) = question()? {
                return Ok(answer);
            }
            self.wait(None, step)?;
            step = (step * 2).min(LONGEST_STEP);
        }
    }

    /// Waits at most so long; whether the file is ready.
    fn wait(
        &self,
        file: Option<(BorrowedFd<'_>, PollFlags)>,
        most: Duration,
    ) -> Result<bool, GaveUp> {
        if Instant::now() >= self.until {
            return Err(GaveUp::TimeIsUp);
        }
        let mut waited = vec![PollFd::from_borrowed_fd(
            self.signals.as_fd(),
            PollFlags::IN,
        )];
        let end = self.process.end();
        waited.extend(end.map(|end| PollFd::new(end, PollFlags::IN)));
        waited.extend(file.map(|(file, events)| PollFd::from_borrowed_fd(file, events)));
        let timeout = Timespec::try_from(most).ok();
        // An interrupted wait is a short one.
        let _ = poll(&mut waited, timeout.as_ref());
        let is_ready = |at: usize| waited.get(at).is_some_and(|fd| !fd.revents().is_empty());
        let at_file = 1 + usize::from(end.is_some());
        match () {
            () if is_ready(0) => Err(GaveUp::Interrupted),
            // What it said before it ended is still worth reading.
            () if file.is_some() && is_ready(at_file) => Ok(true),
            () if self.has_ended(end.is_some() && is_ready(1)) => Err(GaveUp::Ended),
            () => Ok(false),
        }
    }

    fn has_ended(&self, told: bool) -> bool {
        told || self.process.end().is_none() && self.process.status().is_err()
    }
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        // A signal that was held back ends this command now, as it would have then.
        let _ = self.before.thread_set_mask();
    }
}

//! The life of the writer thread: wait for records, make lines of them, send the lines.
//!
//! It is the only one that touches the destination, and never attached to the JVM: it
//! goes on while the VM stands still at a safepoint. It drains the channel even while it
//! cannot write. A busy stream goes out in batches of whole lines; a quiet one wakes the
//! thread for its records and for its rounds.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, at, never, select};
use finwatch_record::Record;

use super::{
    IDLE_ROUND, Rounds,
    outbox::Outbox,
    pace::{Pace, Paces},
    sink::{Place, Sink},
    trouble::{Spokesman, Trouble},
};
use crate::stream::Counters;

/// Lines are gathered up to so many bytes before they are written, if more records wait.
const BATCH_BYTES: usize = 1 << 16;

/// How long a busy stream is left alone between two batches. Without it the thread would
/// go to sleep after every record of a burst, and each next one would have to wake it,
/// at the sender's cost. The channel holds five times what a fast sender makes meanwhile.
const LINGER: Duration = Duration::from_micros(100);

/// What the writer's owner tells its thread. The owner's end without a word means: stop.
pub(super) enum Control {
    /// Write everything made so far, until this time at most, and end.
    Finish(Instant),
    /// Write what can be written at once, go on with this place, and say so.
    Redirect(Place, Sender<()>),
}

/// What woke the thread.
enum Woken {
    Record(Record),
    TimeToTry,
    Round,
    Redirect(Place, Sender<()>),
    Finish(Instant),
    Abandoned,
}

pub(super) struct WriterThread {
    records: Receiver<Record>,
    control: Receiver<Control>,
    counters: Arc<Counters>,
    outbox: Outbox,
    sink: Sink,
    paces: Paces,
    pace: Pace,
    spokesman: Spokesman,
    rounds: Rounds,
    /// When the next round is due.
    round: Instant,
}

impl WriterThread {
    pub(super) fn new(
        records: Receiver<Record>,
        control: Receiver<Control>,
        counters: Arc<Counters>,
        place: Place,
        paces: Paces,
        rounds: Rounds,
    ) -> WriterThread {
        WriterThread {
            records,
            control,
            outbox: Outbox::new(Arc::clone(&counters)),
            counters,
            sink: place.sink,
            paces,
            pace: Pace::default(),
            spokesman: Spokesman::new(place.name),
            rounds,
            round: Instant::now(),
        }
    }

    /// Returns when the owner says so: whether everything made was written.
    pub(super) fn run(mut self) -> bool {
        let mut busy = false;
        loop {
            if busy {
                thread::sleep(LINGER);
            }
            let now = Instant::now();
            if now >= self.round {
                self.round = now + (self.rounds)().unwrap_or(IDLE_ROUND);
            }
            match self.wait() {
                Woken::Record(record) => busy = self.gather(&record) > 1,
                Woken::TimeToTry => busy = false,
                Woken::Round => busy = false,
                Woken::Redirect(place, moved) => self.redirect(place, &moved),
                Woken::Finish(deadline) => return self.finish(deadline),
                Woken::Abandoned => return self.finish(Instant::now()),
            }
            if self.pace.wait(Instant::now()).is_zero() {
                // Paced and told already.
                let _ = self.attempt();
            }
        }
    }

    fn wait(&self) -> Woken {
        let time_to_try = match self.outbox.is_empty() {
            true => never(),
            false => {
                let now = Instant::now();
                at(now + self.pace.wait(now))
            }
        };
        select! {
            recv(self.control) -> control => match control {
                Ok(Control::Finish(deadline)) => Woken::Finish(deadline),
                Ok(Control::Redirect(place, moved)) => Woken::Redirect(place, moved),
                Err(_) => Woken::Abandoned,
            },
            recv(self.records) -> record => record.map_or(Woken::Abandoned, Woken::Record),
            recv(time_to_try) -> _ => Woken::TimeToTry,
            recv(at(self.round)) -> _ => Woken::Round,
        }
    }

    /// The old place gets what waits in the channel too, but is not waited for.
    fn redirect(&mut self, place: Place, moved: &Sender<()>) {
        while let Ok(record) = self.records.try_recv() {
            self.gather(&record);
        }
        // What it does not take goes to the new one.
        let _ = self.attempt();
        self.sink = place.sink;
        self.outbox.rewind_line();
        self.pace.reset();
        self.spokesman = Spokesman::new(place.name);
        // The owner may have stopped waiting.
        let _ = moved.send(());
    }

    /// Makes lines of `first` and of those that wait behind it: how many.
    fn gather(&mut self, first: &Record) -> usize {
        self.outbox.push(first);
        let mut records = 1;
        while self.outbox.unsent().len() < BATCH_BYTES
            && let Ok(record) = self.records.try_recv()
        {
            self.outbox.push(&record);
            records += 1;
        }
        records
    }

    /// Writes what can be written now, and paces the next attempt by what came of it.
    fn attempt(&mut self) -> Result<(), Trouble> {
        let before = self.outbox.unsent().len();
        let sent = self.sink.send(&mut self.outbox);
        let now = Instant::now();
        if self.outbox.unsent().len() < before {
            self.pace.reset();
        }
        self.counters.set_writer_cpu_ns(thread_cpu_ns());
        match &sent {
            Ok(()) => self.spokesman.success(self.counters.dropped()),
            Err(trouble) => self.failed(trouble, now),
        }
        sent
    }

    fn failed(&mut self, trouble: &Trouble, now: Instant) {
        if trouble.is_failure() {
            self.counters.count_write_error();
        }
        self.pace.delay(now, trouble.delays(&self.paces));
        let dropped = self.counters.dropped();
        self.spokesman.trouble(trouble, dropped, now);
    }

    /// A reader that is slow is waited for until `deadline`; a destination that fails
    /// gets one more attempt, because nothing will mend it in so short a time.
    fn finish(&mut self, deadline: Instant) -> bool {
        loop {
            if !self.outbox.is_full()
                && let Ok(record) = self.records.try_recv()
            {
                self.gather(&record);
            }
            if self.outbox.is_empty() && self.records.is_empty() {
                return true;
            }
            let sent = self.attempt();
            let now = Instant::now();
            match sent {
                _ if now >= deadline => return self.outbox.is_empty() && self.records.is_empty(),
                Ok(()) => {}
                Err(Trouble::SlowReader) => {
                    thread::sleep(self.pace.wait(now).min(deadline - now));
                }
                Err(_) => return false,
            }
        }
    }
}

fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

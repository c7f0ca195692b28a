//! The sending side of the stream of records.
//!
//! The agent's threads and the thread that ends the VM make records here; a GC callback
//! never does. Sending never waits for the writer: the channel is bounded, a record that
//! finds it full is dropped and counted. The number of a record is given and the record
//! sent under one short lock, so the order in the channel is the order of `seq`, and
//! every number that is missing in the stream is one count in `records_dropped_total`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use crossbeam_channel::{Receiver, Sender};
use finwatch_record::{Body, Record, VERSION};
use parking_lot::Mutex;

/// Records that may wait for the writer. It drains them even while it cannot write, so
/// this has to last for a burst, not for an outage.
const CAPACITY: usize = 1024;

/// Makes records and sends them to the writer thread. Clones feed the same stream; any
/// thread may hold one.
#[derive(Clone)]
pub struct Stream {
    records: Sender<Record>,
    counters: Arc<Counters>,
    pid: u32,
}

impl Stream {
    /// A stream and the end that the writer reads.
    pub(crate) fn new() -> (Stream, Receiver<Record>) {
        let (sender, receiver) = crossbeam_channel::bounded(CAPACITY);
        let stream = Stream {
            records: sender,
            counters: Arc::default(),
            pid: std::process::id(),
        };
        (stream, receiver)
    }

    /// Makes a record of `body` and sends it; `uptime_ms` is milliseconds since the JVM
    /// started. Never waits: with the writer behind or gone the record is dropped and
    /// counted.
    pub fn emit(&self, body: Body, uptime_ms: u64) {
        let mut made = self.counters.made.lock();
        // A thread may have looked at the clock and then waited for another's record.
        made.uptime_ms = made.uptime_ms.max(uptime_ms);
        let record = self.record(body, made.uptime_ms, made.records);
        made.records += 1;
        if made.ended || self.records.try_send(record).is_err() {
            self.counters.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn record(&self, body: Body, uptime_ms: u64, seq: u64) -> Record {
        Record {
            v: VERSION,
            kind: body.type_name().to_owned(),
            ts: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            seq,
            pid: self.pid,
            uptime_ms,
            body,
        }
    }

    /// Records made that never reach the stream: one for each `seq` that is missing in it.
    pub fn records_dropped_total(&self) -> u64 {
        self.counters.dropped.load(Ordering::Relaxed)
    }

    /// Attempts to open, connect or write that failed. A reader that is merely slow is
    /// no error.
    pub fn write_errors_total(&self) -> u64 {
        self.counters.write_errors.load(Ordering::Relaxed)
    }

    /// Records that the kernel has taken whole.
    pub fn records_written_total(&self) -> u64 {
        self.counters.written.load(Ordering::Relaxed)
    }

    /// CPU time of the writer thread, milliseconds, as of its last write
    /// (`CLOCK_THREAD_CPUTIME_ID`).
    pub fn writer_cpu_ms(&self) -> f64 {
        self.counters.writer_cpu_ns.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// Records made, by whatever thread.
    pub fn records_made_total(&self) -> u64 {
        self.counters.made.lock().records
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }
}

/// What the two sides of the stream count together.
#[derive(Default)]
pub(crate) struct Counters {
    made: Mutex<Made>,
    dropped: AtomicU64,
    write_errors: AtomicU64,
    written: AtomicU64,
    writer_cpu_ns: AtomicU64,
}

#[derive(Default)]
struct Made {
    /// Records made, which is the next `seq`.
    records: u64,
    /// The latest `uptime_ms`.
    uptime_ms: u64,
    /// The writer is gone: what is made from now on is dropped.
    ended: bool,
}

impl Counters {
    pub(crate) fn count_written(&self, records: u64) {
        self.written.fetch_add(records, Ordering::Relaxed);
    }

    /// Records that seemed written and were not: the kernel gave them back unread.
    pub(crate) fn take_back_written(&self, records: u64) {
        self.written.fetch_sub(records, Ordering::Relaxed);
    }

    pub(crate) fn set_writer_cpu_ns(&self, nanoseconds: u64) {
        self.writer_cpu_ns.store(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_write_error(&self) {
        self.write_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// The writer's last call: whatever was made and not written is lost now, be it in
    /// the channel, in the writer's hands or not sent yet.
    pub(crate) fn end(&self) {
        let mut made = self.made.lock();
        made.ended = true;
        let written = self.written.load(Ordering::Relaxed);
        self.dropped
            .store(made.records - written, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Body {
        Body::Unknown(serde_json::Map::new())
    }

    #[test]
    fn threads_that_emit_at_once_are_sent_in_the_order_of_seq() {
        let (stream, records) = Stream::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..CAPACITY / 4).for_each(|_| stream.emit(body(), 7)));
            }
        });
        let seqs: Vec<u64> = records.try_iter().map(|record| record.seq).collect();
        assert_eq!(seqs, (0..CAPACITY as u64).collect::<Vec<_>>());
        assert_eq!(stream.records_dropped_total(), 0);
    }

    #[test]
    fn a_full_channel_drops_and_counts_and_the_seq_goes_on() {
        let (stream, records) = Stream::new();
        (0..CAPACITY + 3).for_each(|_| stream.emit(body(), 7));
        assert_eq!(stream.records_dropped_total(), 3);
        records.try_iter().for_each(drop);
        stream.emit(body(), 8);
        let after = records.try_recv().unwrap();
        assert_eq!((after.seq, after.uptime_ms), (CAPACITY as u64 + 3, 8));
    }

    #[test]
    fn a_record_that_comes_late_is_not_of_an_earlier_time() {
        let (stream, records) = Stream::new();
        for uptime_ms in [7, 6, 8] {
            stream.emit(body(), uptime_ms);
        }
        let times: Vec<u64> = records.try_iter().map(|record| record.uptime_ms).collect();
        assert_eq!(times, [7, 7, 8]);
    }

    #[test]
    fn the_envelope_is_filled_in() {
        let (stream, records) = Stream::new();
        stream.emit(body(), 1234);
        let record = records.try_recv().unwrap();
        assert_eq!((record.v, record.pid), (VERSION, std::process::id()));
        assert_eq!(record.ts.len(), "2026-01-01T00:00:00.000Z".len());
        assert!(humantime::parse_rfc3339(&record.ts).is_ok());
    }

    #[test]
    fn after_the_writer_has_ended_everything_made_is_accounted_for() {
        let (stream, records) = Stream::new();
        (0..5).for_each(|_| stream.emit(body(), 7));
        stream.counters().count_written(2);
        stream.counters().end();
        drop(records);
        assert_eq!(stream.records_dropped_total(), 3);
        stream.emit(body(), 7);
        assert_eq!(stream.records_dropped_total(), 4);
    }
}

//! The writer as a whole, against real files, pipes and sockets.

mod fifos;
mod files;
mod logrotate;
mod planted;
mod rotation;
mod shutdown;
mod sockets;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use finwatch_record::{Body, Collection, CollectionPauses, Record};
use tempfile::TempDir;

use super::{Target, Writer, no_rounds, pace::Delays, pace::Paces};
use crate::{options::Destination, stream::Stream};

/// Long enough for any machine: only a test that fails waits for so long.
const PATIENCE: Duration = Duration::from_secs(60);

const QUICK: Delays = Delays::from_millis(1, 20);

const QUICK_PACES: Paces = Paces {
    slow_reader: QUICK,
    failure: QUICK,
    absent: QUICK,
};

/// A `gc` record whose collector is called `name`.
pub(super) fn body(name: &str) -> Body {
    Body::Gc(Box::new(Collection {
        collector: Some(name.to_owned()),
        action: None,
        cause: None,
        id: None,
        start_uptime_ms: 1,
        duration_ms: 0.5,
        pauses: CollectionPauses::default(),
        pools: Vec::new(),
    }))
}

/// A writer and the stream that feeds it.
struct Fixture {
    stream: Stream,
    writer: Writer,
}

impl Fixture {
    fn start(out: Destination) -> Fixture {
        Fixture::start_rotating(out, u64::MAX, 5)
    }

    fn start_rotating(out: Destination, rotate_bytes: u64, keep: u32) -> Fixture {
        let target = Target {
            out,
            rotate_bytes,
            keep,
        };
        let (stream, writer) = Writer::start_paced(&target, QUICK_PACES, no_rounds).unwrap();
        Fixture { stream, writer }
    }

    fn file(path: &Path) -> Fixture {
        Fixture::start(Destination::File(path.to_owned()))
    }

    fn emit(&self, records: usize) {
        (0..records).for_each(|_| self.stream.emit(body("G1 Young Generation"), 1));
    }

    /// Emits and waits until the kernel has all of it.
    fn emit_through(&self, records: usize) {
        let before = self.stream.records_written_total();
        for n in 1..=records as u64 {
            self.emit(1);
            if n.is_multiple_of(500) {
                self.wait_written(before + n);
            }
        }
        self.wait_written(before + records as u64);
    }

    fn wait_written(&self, records: u64) {
        until("records to be written", || {
            self.stream.records_written_total() >= records
        });
    }

    fn wait_for_errors(&self) {
        let before = self.stream.write_errors_total();
        until("another attempt to fail", || {
            self.stream.write_errors_total() >= before + 2
        });
    }

    fn emit_until_dropped(&self) {
        until("a record to be dropped", || {
            self.emit(100);
            self.stream.records_dropped_total() > 0
        });
    }

    fn finish(self) -> bool {
        self.writer.finish(PATIENCE)
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::yield_now();
    }
}

fn dir_and_path() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stream.jsonl");
    (dir, path)
}

/// The numbers of the records in `text`; every line has to be a whole record.
fn seqs(text: &str) -> Vec<u64> {
    assert!(text.is_empty() || text.ends_with('\n'), "half a line");
    let parse = |line| Record::parse(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    text.lines().map(|line| parse(line).seq).collect()
}

fn seqs_in(path: &Path) -> Vec<u64> {
    seqs(&std::fs::read_to_string(path).unwrap())
}

fn first(records: u64) -> Vec<u64> {
    (0..records).collect()
}

/// Some tests need another user's files, which only root can make.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

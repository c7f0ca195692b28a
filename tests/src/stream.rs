//! The agent's file, read while the JVM writes it.
//!
//! Every line is checked as it comes ([`Checks`]). Waiting is by inotify: a wait ends
//! when the file grows, when the JVM ends, or when the watchdog bites.

use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use finwatch_record::{Body, Collection, Record, Sample, Start, Stop};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::checks::Checks;
use crate::workspace::WATCHDOG;

/// A reader of one stream.
pub struct Stream {
    path: PathBuf,
    ended: Arc<AtomicBool>,
    changes: Inotify,
    position: u64,
    half_line: Vec<u8>,
    records: Vec<Record>,
    looked_at: usize,
    checks: Checks,
}

impl Stream {
    /// A reader from the beginning of the file, which need not be there yet.
    pub(crate) fn of(path: &Path, pid: u32, ended: Arc<AtomicBool>) -> Stream {
        let directory = path.parent().unwrap_or(Path::new("/"));
        let changes = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)
            .and_then(|inotify| {
                let events = AddWatchFlags::IN_MODIFY
                    | AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_MOVED_TO;
                inotify.add_watch(directory, events).map(|_| inotify)
            })
            .unwrap_or_else(|e| panic!("cannot watch {}: {e}", directory.display()));
        Stream {
            path: path.into(),
            ended,
            changes,
            position: 0,
            half_line: Vec::new(),
            records: Vec::new(),
            looked_at: 0,
            checks: Checks::new(pid),
        }
    }

    /// Everything read so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Waits for a record that fits, from the one after the last that was waited for.
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&Record) -> bool) -> Record {
        let start = Instant::now();
        loop {
            let ended = self.ended.load(Ordering::SeqCst);
            self.read();
            while let Some(record) = self.records.get(self.looked_at) {
                self.looked_at += 1;
                if fits(record) {
                    return record.clone();
                }
            }
            assert!(!ended, "the JVM ended, and the stream has no {what}");
            assert!(
                start.elapsed() < WATCHDOG,
                "no {what} in the stream within {WATCHDOG:?}"
            );
            self.wait_for_change();
        }
    }

    /// Waits for a sample that fits.
    pub fn wait_for_sample(&mut self, what: &str, fits: impl Fn(&Sample) -> bool) -> Sample {
        let record = self.wait_for(what, |record| sample(record).is_some_and(&fits));
        match record.body {
            Body::Sample(sample) => *sample,
            _ => unreachable!("only samples fit"),
        }
    }

    /// Waits for a collection that fits.
    pub fn wait_for_gc(&mut self, what: &str, fits: impl Fn(&Collection) -> bool) -> Collection {
        let record = self.wait_for(
            what,
            |record| matches!(&record.body, Body::Gc(gc) if fits(gc)),
        );
        match record.body {
            Body::Gc(gc) => *gc,
            _ => unreachable!("only collections fit"),
        }
    }

    /// Waits for the `start` record.
    pub fn start(&mut self) -> Start {
        self.looked_at = 0;
        let record = self.wait_for("start record", |record| {
            matches!(record.body, Body::Start(_))
        });
        match record.body {
            Body::Start(start) => *start,
            _ => unreachable!("only the start fits"),
        }
    }

    /// A sample that was begun after this call.
    ///
    /// The next one in the file may have been begun before; the agent begins a sample
    /// when it is done with the one before, so the second is new.
    pub fn fresh_sample(&mut self) -> Sample {
        self.read();
        self.looked_at = self.records.len();
        self.wait_for_sample("sample", |_| true);
        self.wait_for_sample("second sample", |_| true)
    }

    /// A sample that was begun after this call and in which nothing is between two steps.
    pub fn quiet_sample(&mut self) -> Sample {
        let sample = self.fresh_sample();
        crate::checks::assert_balanced(&sample);
        sample
    }

    /// Reads the rest of a stream whose JVM has ended and gives its `stop` record, which
    /// must be the last, with every missing record accounted for.
    pub fn stop(&mut self) -> Stop {
        self.read();
        assert!(
            self.half_line.is_empty(),
            "the stream ends with half a line"
        );
        let last = self.records.last();
        let last = last.unwrap_or_else(|| panic!("the stream {} is empty", self.path.display()));
        match &last.body {
            Body::Stop(stop) => {
                self.checks
                    .assert_all_accounted_for(stop.records_dropped_total);
                Stop::clone(stop)
            }
            _ => panic!("the last record is a {}, not the stop", last.kind),
        }
    }

    /// Reads what there is.
    pub fn read(&mut self) {
        let Ok(mut file) = std::fs::File::open(&self.path) else {
            return;
        };
        let mut fresh = Vec::new();
        file.seek(SeekFrom::Start(self.position))
            .and_then(|_| file.read_to_end(&mut fresh))
            .unwrap_or_else(|e| panic!("cannot read {}: {e}", self.path.display()));
        self.position += fresh.len() as u64;
        self.half_line.extend_from_slice(&fresh);
        while let Some(length) = self.half_line.iter().position(|&b| b == b'\n') {
            let line: Vec<u8> = self.half_line.drain(..=length).collect();
            self.take(&line[..length]);
        }
    }

    fn take(&mut self, line: &[u8]) {
        let line = std::str::from_utf8(line)
            .unwrap_or_else(|e| panic!("a line is no UTF-8: {e}: {line:?}"));
        let record = Record::parse(line).unwrap_or_else(|e| panic!("{e}, in the line {line}"));
        self.checks.check(line, &record);
        self.records.push(record);
    }

    /// Waits until something changes in the directory, for half a second at most: the
    /// JVM's end changes nothing there.
    fn wait_for_change(&self) {
        let mut waited = [PollFd::new(self.changes.as_fd(), PollFlags::POLLIN)];
        // A signal may interrupt it, or there is nothing to read: the caller looks anyway.
        let _ = poll(&mut waited, PollTimeout::from(500u16));
        let _ = self.changes.read_events();
    }
}

/// The sample in a record, where it is one.
pub fn sample(record: &Record) -> Option<&Sample> {
    match &record.body {
        Body::Sample(sample) => Some(sample),
        _ => None,
    }
}

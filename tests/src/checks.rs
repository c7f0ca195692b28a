//! What is true of every stream, checked line by line.

use std::collections::BTreeMap;

use finwatch_record::{Body, ClassRow, Counts, Coverage, Record, Sample};

use crate::schema;

/// Larger than anything that is ever counted here: a difference gone below zero.
const ABSURD: u64 = 1 << 53;

/// The state of the checks over one stream.
pub struct Checks {
    pid: u32,
    records: u64,
    /// The number of the first record: a stream may have moved to where it is read.
    first: Option<u64>,
    last: Option<(u64, u64)>,
    totals: Counts,
    coverage: Option<Coverage>,
    /// As the last `start` told them.
    options: Option<BTreeMap<String, String>>,
}

impl Checks {
    /// For the stream of the JVM with that process id.
    pub fn new(pid: u32) -> Checks {
        Checks {
            pid,
            records: 0,
            first: None,
            last: None,
            totals: Counts::default(),
            coverage: None,
            options: None,
        }
    }

    /// Panics where the line breaks a promise of the wire format.
    pub fn check(&mut self, line: &str, record: &Record) {
        schema::assert_valid(line);
        self.check_envelope(line, record);
        assert!(
            self.first != Some(record.seq) || record.seq == 0 || record.kind == "start",
            "the first record that is read is neither the stream's nor a start: {line}"
        );
        match &record.body {
            Body::Start(start) => {
                let options = &start.agent.options;
                let changed = self.options.replace(options.clone());
                assert!(
                    self.first == Some(record.seq)
                        || changed.is_some_and(|before| before != *options),
                    "a start that is not the first record and tells no change: {line}"
                );
            }
            Body::Sample(sample) => {
                let parts = sum(&sample.classes, &sample.classes_omitted.counts);
                assert_eq!(
                    parts, sample.finalizer.counts,
                    "the parts do not add up to the whole: {line}"
                );
                self.check_totals(&sample.coverage, &sample.finalizer.counts, line);
                self.check_missing(sample.agent.records_dropped_total, line);
            }
            Body::Stop(stop) => {
                let parts = sum(&stop.classes, &stop.classes_unloaded.counts);
                assert_eq!(
                    parts, stop.finalizer.counts,
                    "the parts do not add up to the whole: {line}"
                );
                self.check_totals(&stop.coverage, &stop.finalizer.counts, line);
            }
            Body::Gc(gc) => assert!(
                gc.duration_ms >= 0.0 && gc.pauses.total_ms >= 0.0,
                "a negative time: {line}"
            ),
            Body::Alert(_)
            | Body::FinalizerThread(_)
            | Body::HeapDump(_)
            | Body::Holders(_)
            | Body::Sites(_)
            | Body::Stall(_) => {}
            Body::Oom(oom) => assert_eq!(
                sum(&oom.classes, &oom.classes_omitted.counts),
                oom.finalizer,
                "the parts do not add up to the whole: {line}"
            ),
            Body::Unknown(_) => panic!("a record of the unknown type {}: {line}", record.kind),
        }
    }

    fn check_envelope(&mut self, line: &str, record: &Record) {
        assert_eq!(record.pid, self.pid, "not the pid of the JVM: {line}");
        if let Some((seq, uptime)) = self.last {
            assert!(record.seq > seq, "seq {} after {seq}: {line}", record.seq);
            assert!(
                record.uptime_ms >= uptime,
                "uptime_ms goes back from {uptime}: {line}"
            );
        }
        self.first.get_or_insert(record.seq);
        self.last = Some((record.seq, record.uptime_ms));
        self.records += 1;
    }

    /// Totals never go back while they are counted from the same time on, and nothing is negative.
    fn check_totals(&mut self, coverage: &Coverage, now: &Counts, line: &str) {
        assert!(
            fields(now).iter().all(|&value| value < ABSURD),
            "a count went below zero: {line}"
        );
        let before = totals(&self.totals);
        let grown = totals(now)
            .iter()
            .zip(before)
            .all(|(now, before)| *now >= before);
        let is_other = self.coverage.replace(coverage.clone()).as_ref() != Some(coverage);
        assert!(
            grown || is_other,
            "a total goes back, it was {before:?}: {line}"
        );
        self.totals = *now;
    }

    fn missing(&self) -> u64 {
        let first = self.first.unwrap_or(0);
        self.last
            .map_or(0, |(seq, _)| seq + 1 - first - self.records)
    }

    fn check_missing(&self, dropped: u64, line: &str) {
        let missing = self.missing();
        assert!(
            missing <= dropped,
            "{missing} records are missing, {dropped} are told as dropped: {line}"
        );
    }

    /// At the end, what is missing is what was told as dropped.
    pub fn assert_all_accounted_for(&self, dropped: u64) {
        assert_eq!(
            self.missing(),
            dropped,
            "records missing from the stream, and records told as dropped"
        );
    }
}

fn fields(counts: &Counts) -> [u64; 7] {
    let [registered, enqueued, finalized, threw] = totals(counts);
    [
        counts.registered,
        counts.pending,
        counts.running,
        registered,
        enqueued,
        finalized,
        threw,
    ]
}

fn totals(counts: &Counts) -> [u64; 4] {
    [
        counts.registered_total,
        counts.enqueued_total,
        counts.finalized_total,
        counts.threw_total,
    ]
}

/// Rows and rest together.
fn sum(rows: &[ClassRow], rest: &Counts) -> Counts {
    rows.iter()
        .map(|row| &row.counts)
        .chain([rest])
        .fold(Counts::default(), |mut sum, part| {
            sum += *part;
            sum
        })
}

/// Panics unless every object ever registered is in just one place, in all and by class.
/// True when nothing is between two steps.
pub fn assert_balanced(sample: &Sample) {
    assert_places("all classes", &sample.finalizer.counts);
    for row in &sample.classes {
        assert_places(&row.class, &row.counts);
        let ended = row.counts.finalized_total + row.counts.threw_total;
        assert_timed(&row.class, row.finalize_ns.count, ended);
    }
}

/// Panics unless the first 64 calls of a class were timed, of the next at least one in 16, and one in 64 of those
/// after 4096; and at most all.
pub fn assert_timed(class: &str, timed: u64, ended: u64) {
    let sooner = ended.min(4096).saturating_sub(64);
    let later = ended.saturating_sub(4096);
    let least = ended.min(64) + sooner / 16 + later / 64;
    assert!(
        (least..=ended).contains(&timed),
        "{timed} of {ended} calls of {class} were timed, at least {least} should be"
    );
}

fn assert_places(of: &str, counts: &Counts) {
    let places = counts.registered + counts.running + counts.finalized_total + counts.threw_total;
    assert_eq!(
        counts.registered_total, places,
        "{of}: registered_total against the places: {counts:?}"
    );
    assert!(
        counts.pending <= counts.registered,
        "{of}: more pending than registered: {counts:?}"
    );
    assert!(
        counts.enqueued_total <= counts.registered_total,
        "{of}: more enqueued than registered: {counts:?}"
    );
}

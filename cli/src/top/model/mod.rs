//! What is known of a watched JVM, from the records of its stream so far.
//!
//! Plain state: records go in one by one, the view reads. No clock is read here and
//! nothing waits, so the same records always give the same picture.

mod cells;
#[cfg(test)]
pub(crate) mod examples;
mod findings;
mod life;
mod memory;
mod series;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use finwatch_record::{
    AgentCost, Body, ClassRow, Coverage, Finalizer, Holders, OmittedClasses, Record, Sample, Start,
    Stop, StopReason,
};

use crate::alerts;
use crate::interval;
use crate::stream::{Line, Problem};
use crate::time;

pub use findings::Findings;
pub use life::Life;
pub use memory::MemoryState;
pub use series::{Point, Quantity, Series};

/// Points of the past of one class, at most: six hours with a sample every five seconds.
const MOST_POINTS: usize = 4320;

/// Points of the past of all classes together, at most: some 60 MB.
const MOST_POINTS_OF_ALL: usize = 1 << 20;

/// Classes that the last sample did not list are remembered while there are not more than
/// these: they may come back.
const MOST_CLASSES: usize = 8192;

/// A record of another JVM is taken for the stream's own where the one before has been
/// silent for this long; else both are writing to it, and we stay with the first.
const SILENT_MS: u64 = 60_000;

/// A JVM's start, told by two of its records, may differ by this much: somebody set the clock.
const CLOCK_SET_MS: u64 = 300_000;

/// What tells a class from others of the same name: its name and its loader.
pub type ClassKey = (String, Option<String>);

/// A class of finalizable objects.
#[derive(Debug, Clone)]
pub struct Class {
    /// As the last sample that listed it told.
    pub row: ClassRow,
    /// Its counts over time.
    pub past: Series,
}

impl Class {
    /// What tells it from the others.
    pub fn key(&self) -> ClassKey {
        (self.row.class.clone(), self.row.loader.clone())
    }
}

/// Where in the stream we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Process id as the JVM sees it.
    pub pid: u32,
    /// Number of the record.
    pub seq: u64,
    /// When it was made, milliseconds since 1970.
    pub made_ms: u64,
    /// Milliseconds since the JVM started.
    pub uptime_ms: u64,
}

impl Place {
    fn of(record: &Record) -> Place {
        Place {
            pid: record.pid,
            seq: record.seq,
            made_ms: time::parse(&record.ts).unwrap_or(0),
            uptime_ms: record.uptime_ms,
        }
    }

    fn started_ms(&self) -> u64 {
        self.made_ms.saturating_sub(self.uptime_ms)
    }

    /// Whether `later` is of the same stream and comes after this: soon by the clock, unless it is the very next
    /// record, for machines sleep.
    fn goes_on_with(&self, later: &Place) -> bool {
        let is_next = self.seq + 1 == later.seq && self.uptime_ms <= later.uptime_ms;
        let is_soon = self.started_ms().abs_diff(later.started_ms()) < CLOCK_SET_MS;
        self.pid == later.pid && self.seq < later.seq && (is_next || is_soon)
    }
}

/// What there is in the stream besides what can be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Records that are missing between two others.
    pub missing: u64,
    /// Lines that are no whole records of ours, and why the last one is none.
    pub unreadable: u64,
    /// Why the last unreadable line is no record.
    pub last_problem: Option<Problem>,
    /// Records of another JVM that writes to the same file.
    pub of_others: u64,
}

/// The state of a watched JVM.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The `start` record, unless it was rotated away.
    pub start: Option<Start>,
    /// The last record.
    pub place: Option<Place>,
    /// How exact the numbers are, now.
    pub coverage: Option<Coverage>,
    /// The sums of all classes.
    pub finalizer: Option<Finalizer>,
    /// The same over time.
    pub past: Series,
    /// The sums of the classes that the last sample does not list.
    pub omitted: OmittedClasses,
    /// What the agent costs.
    pub agent: Option<AgentCost>,
    /// Heap and collections.
    pub memory: MemoryState,
    /// Alerts and what else the agent found out.
    pub findings: Findings,
    /// Why the stream ended, where it did.
    pub stopped: Option<StopReason>,
    /// What there is besides.
    pub doubts: Doubts,
    /// Time between samples, as far as it can be told, milliseconds.
    pub interval_ms: Option<u64>,
    listed: BTreeMap<ClassKey, Class>,
    unlisted: BTreeMap<ClassKey, Class>,
    /// The `start` record was read ahead: what follows it was left out.
    is_ahead: bool,
    /// The process id of the JVM that was asked for, until a record has it.
    awaited: Option<u32>,
}

impl Model {
    /// Of a stream in which nothing counts before the first record with that process id; any counts without one.
    pub fn of(pid: Option<u32>) -> Model {
        Model {
            awaited: pid,
            ..Model::default()
        }
    }

    /// The classes that the last sample lists.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.listed.values()
    }

    /// Takes in the first record of a file whose next ones are left out.
    pub fn head(&mut self, line: Line) {
        if let Line::Record(record) = line
            && let Body::Start(_) = record.body
        {
            self.record(*record);
            self.is_ahead = true;
        }
    }

    /// Takes in what a line holds.
    pub fn line(&mut self, line: Line) {
        match line {
            Line::Record(record) => self.record(*record),
            Line::Problem(problem) => {
                self.doubts.unreadable += 1;
                self.doubts.last_problem = Some(problem);
            }
        }
    }

    /// Takes in who holds the objects of a class where the JVM was asked that just now.
    pub fn answer(&mut self, holders: Holders) {
        let at_ms = self.place.map_or(0, |place| place.uptime_ms);
        self.findings.note_holders(at_ms, holders);
    }

    fn record(&mut self, record: Record) {
        if self.awaited.is_some_and(|pid| pid != record.pid) {
            self.doubts.of_others += 1;
            return;
        }
        if self.awaited.take().is_some() {
            // An earlier JVM wrote to the same file.
            self.doubts.of_others = 0;
        }
        let place = Place::of(&record);
        if !self.is_ours(&place, &record.body) {
            self.doubts.of_others += 1;
            return;
        }
        self.note_place(place);
        let at_ms = record.uptime_ms;
        match record.body {
            Body::Start(start) => self.start(*start),
            Body::Sample(sample) => self.sample(at_ms, *sample),
            Body::Gc(collection) => self.memory.collection(at_ms, &collection),
            Body::Stop(stop) => self.stop(at_ms, *stop),
            Body::Alert(alert) => self.findings.alert(at_ms, *alert),
            Body::FinalizerThread(thread) => self.findings.note_finalizer_thread(at_ms, *thread),
            Body::Holders(holders) => self.findings.note_holders(at_ms, *holders),
            Body::Sites(sites) => self.findings.note_sites(at_ms, *sites),
            Body::Stall(stall) => self.findings.note_stall(at_ms, *stall),
            Body::Oom(oom) => self.findings.note_out_of_memory(at_ms, *oom),
            Body::HeapDump(_) | Body::Unknown(_) => {}
        }
    }

    /// Whether the record belongs to the stream that is shown, or begins the next one.
    fn is_ours(&self, place: &Place, body: &Body) -> bool {
        let Some(last) = self.place else {
            return true;
        };
        let is_over = self.stopped.is_some() || last.made_ms + SILENT_MS < place.made_ms;
        last.pid == place.pid || is_over || matches!(body, Body::Start(_))
    }

    /// A record that does not go on where the last one was begins a new stream: another
    /// JVM, or the agent was detached and attached again.
    fn note_place(&mut self, place: Place) {
        match self.place {
            Some(last) if last.goes_on_with(&place) && self.stopped.is_none() => {
                let missing = place.seq - last.seq - 1;
                self.doubts.missing += if self.is_ahead { 0 } else { missing };
            }
            Some(_) => {
                *self = Model {
                    doubts: std::mem::take(&mut self.doubts),
                    ..Model::default()
                };
            }
            None => {}
        }
        self.is_ahead = false;
        self.place = Some(place);
    }

    fn start(&mut self, start: Start) {
        self.interval_ms = interval::of(&start);
        if alerts::are_off(&start) {
            self.findings.forget_alerts();
        }
        self.coverage = Some(start.coverage.clone());
        self.start = Some(start);
    }

    fn sample(&mut self, at_ms: u64, sample: Sample) {
        self.memory.sample(at_ms, &sample);
        self.findings.note_sample(sample.alerts_raised);
        self.agent = Some(sample.agent);
        self.omitted = sample.classes_omitted;
        self.ledger(at_ms, sample.coverage, sample.finalizer, sample.classes);
    }

    /// The final ledger lists all classes, also those that were below a sample's list.
    fn stop(&mut self, at_ms: u64, stop: Stop) {
        self.omitted = stop.classes_unloaded;
        self.stopped = Some(stop.reason);
        self.ledger(at_ms, stop.coverage, stop.finalizer, stop.classes);
    }

    fn ledger(
        &mut self,
        at_ms: u64,
        coverage: Coverage,
        finalizer: Finalizer,
        rows: Vec<ClassRow>,
    ) {
        let most = MOST_POINTS.min(MOST_POINTS_OF_ALL / (rows.len() + 1));
        self.past.push(Point::of(at_ms, &finalizer.counts), most);
        self.coverage = Some(coverage);
        self.finalizer = Some(finalizer);
        self.unlisted.append(&mut self.listed);
        for row in rows.into_iter().filter(|row| !row.unloaded) {
            self.list(at_ms, row, most);
        }
        if self.unlisted.len() > MOST_CLASSES {
            self.unlisted.clear();
        }
    }

    fn list(&mut self, at_ms: u64, row: ClassRow, most: usize) {
        let key = (row.class.clone(), row.loader.clone());
        let known = self.unlisted.remove(&key);
        let mut past = known.map(|class| class.past).unwrap_or_default();
        past.push(Point::of_class(at_ms, &row), most);
        self.listed.insert(key, Class { row, past });
    }
}

//! What is kept of one JVM while its stream is read: the last word on everything.

use std::collections::BTreeMap;

use finwatch_record::{
    Alert, Body, ClassRow, Coverage, Finalizer, FinalizerThread, Holders, Record, Sites, Stall,
    StallState, Start, StopReason, Usage,
};
use serde::{Serialize, Serializer};

use super::exhaustion::{self, Exhaustion};
use crate::alerts::{self, Alerts, Word};
use crate::stream::{Piece, Span};
use crate::time::timestamp;

/// So many classes with holders or sites are kept.
const MOST: usize = 500;

/// A class and its loader.
type ClassKey = (String, Option<String>);

/// One JVM, or the part of its stream that is in one file.
#[derive(Debug)]
pub struct Known {
    pub span: Span,
    pub start: Option<Start>,
    /// How the stream ended.
    pub stop: Option<StopReason>,
    /// The last ledger.
    pub ledger: Option<Ledger>,
    /// The use of the heap when it was last told.
    pub heap: Option<Usage>,
    /// Whether the last collection told what it has left, or was a bare pause.
    pub collections_are_told: Option<bool>,
    alerts: Alerts,
    pub finalizer_thread: Option<Told<FinalizerThread>>,
    pub stall: Option<Told<Stall>>,
    pub oom: Option<Exhaustion>,
    /// The heap has had room since then, or since the records began.
    has_room: bool,
    holders: BTreeMap<ClassKey, Told<Holders>>,
    sites: BTreeMap<ClassKey, Told<Sites>>,
}

/// The counts of a sample, or of the stop.
#[derive(Debug)]
pub struct Ledger {
    pub coverage: Coverage,
    pub finalizer: Finalizer,
    pub classes: Vec<ClassRow>,
}

/// What a record told, and when.
#[derive(Debug, Clone, Serialize)]
pub struct Told<T> {
    /// Milliseconds since 1970.
    #[serde(rename = "ts", serialize_with = "as_timestamp")]
    pub at_ms: u64,
    #[serde(flatten)]
    pub what: T,
}

/// Milliseconds since 1970 as the records have times.
pub fn as_timestamp<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&timestamp(*ms))
}

impl Piece for Known {
    fn new(span: Span) -> Known {
        Known {
            span,
            start: None,
            stop: None,
            ledger: None,
            heap: None,
            collections_are_told: None,
            alerts: Alerts::default(),
            finalizer_thread: None,
            stall: None,
            oom: None,
            has_room: false,
            holders: BTreeMap::new(),
            sites: BTreeMap::new(),
        }
    }

    fn span(&self) -> &Span {
        &self.span
    }

    fn span_mut(&mut self) -> &mut Span {
        &mut self.span
    }

    fn take(&mut self, at_ms: u64, record: Record) {
        let uptime_ms = record.uptime_ms;
        match record.body {
            Body::Start(start) => {
                if alerts::are_off(&start) {
                    self.alerts.forget_raised();
                }
                self.start = Some(*start);
                self.stop = None;
            }
            Body::Sample(sample) => {
                self.alerts.take_sample(sample.alerts_raised);
                // Whoever makes samples goes on.
                self.stall = self.stall.take().filter(|stall| !is_ongoing(stall));
                let heap = sample.memory.map(|memory| memory.heap);
                self.has_room |= heap.as_ref().is_some_and(exhaustion::has_room);
                self.heap = heap.or(self.heap);
                self.ledger = Some(Ledger {
                    coverage: sample.coverage,
                    finalizer: sample.finalizer,
                    classes: sample.classes,
                });
            }
            Body::Stop(stop) => {
                self.stop = Some(stop.reason);
                self.ledger = Some(Ledger {
                    coverage: stop.coverage,
                    finalizer: stop.finalizer,
                    classes: stop.classes,
                });
            }
            Body::Alert(alert) => self.alerts.take(at_ms, *alert),
            Body::FinalizerThread(thread) => {
                self.finalizer_thread = Some(Told::new(at_ms, *thread));
            }
            Body::Stall(stall) => self.stall = Some(Told::new(at_ms, *stall)),
            Body::Oom(oom) => {
                for alert in &oom.alerts {
                    self.alerts.take_known(at_ms, alert.clone());
                }
                for holders in &oom.holders {
                    self.hold(holders.looked_ms(at_ms, uptime_ms), holders.clone());
                }
                self.exhausted(Exhaustion::new(at_ms, *oom));
            }
            Body::Holders(holders) => self.hold(holders.looked_ms(at_ms, uptime_ms), *holders),
            Body::Sites(sites) => {
                let key = (sites.class.clone(), sites.loader.clone());
                keep(&mut self.sites, key, Told::new(at_ms, *sites));
            }
            Body::Gc(gc) => self.collections_are_told = Some(gc.collector.is_some()),
            Body::HeapDump(_) | Body::Unknown(_) => {}
        }
    }

    fn append(&mut self, later: Known) {
        self.span.append(&later.span);
        if later.span.is_new_watch() {
            // An agent that was attached again knows nothing of what the one before it raised.
            self.alerts.forget_raised();
            (self.finalizer_thread, self.stall) = (None, None);
        }
        if later.start.as_ref().is_some_and(alerts::are_off) {
            self.alerts.forget_raised();
        }
        if later.ledger.is_some() {
            self.stall = self.stall.take().filter(|stall| !is_ongoing(stall));
        }
        self.start = later.start.or(self.start.take());
        self.stop = later.stop;
        self.ledger = later.ledger.or(self.ledger.take());
        self.heap = later.heap.or(self.heap);
        self.collections_are_told = later.collections_are_told.or(self.collections_are_told);
        self.finalizer_thread = later.finalizer_thread.or(self.finalizer_thread.take());
        self.stall = later.stall.or(self.stall.take());
        if let Some(oom) = later.oom {
            self.exhausted(oom);
        }
        self.has_room |= later.has_room;
        self.alerts.append(later.alerts);
        for (key, holders) in later.holders {
            keep(&mut self.holders, key, holders);
        }
        for (key, sites) in later.sites {
            keep(&mut self.sites, key, sites);
        }
    }
}

impl Known {
    /// The alerts that are raised and not cleared.
    pub fn raised(&self) -> impl Iterator<Item = Told<Alert>> {
        self.alerts.raised().map(Told::of)
    }

    /// How many are raised that no record tells of.
    pub fn untold_alerts(&self) -> u64 {
        self.alerts.untold()
    }

    /// The alerts that were cleared and not raised again.
    pub fn cleared(&self) -> impl Iterator<Item = Told<Alert>> {
        self.alerts.cleared().map(Told::of)
    }

    /// The row of a class in the last ledger; without a loader, that of the first of this name.
    pub fn class(&self, class: &str, loader: Option<&str>) -> Option<&ClassRow> {
        let mut rows = self.ledger.iter().flat_map(|ledger| &ledger.classes);
        rows.find(|row| row.class == class && is_same(row.loader.as_deref(), loader))
    }

    /// Who holds the objects of a class, as last told.
    pub fn holders(&self, class: &str, loader: Option<&str>) -> Option<&Told<Holders>> {
        last_of(&self.holders, class, loader)
    }

    /// Where the objects of a class are made, as last told.
    pub fn sites(&self, class: &str, loader: Option<&str>) -> Option<&Told<Sites>> {
        last_of(&self.sites, class, loader)
    }

    /// Whether what ran out is over.
    pub fn is_oom_over(&self) -> bool {
        let now_ms = self.span.last_ms;
        let oom = self.oom.as_ref();
        oom.is_some_and(|oom| oom.is_over(now_ms, self.has_room))
    }

    fn exhausted(&mut self, mut oom: Exhaustion) {
        oom.follows_room |= std::mem::take(&mut self.has_room);
        self.oom = Some(match self.oom.take() {
            Some(earlier) => earlier.and_then(oom),
            None => oom,
        });
    }

    fn hold(&mut self, at_ms: u64, holders: Holders) {
        let key = (holders.class.clone(), holders.loader.clone());
        keep(&mut self.holders, key, Told::new(at_ms, holders));
    }
}

impl<T> Told<T> {
    pub fn new(at_ms: u64, what: T) -> Told<T> {
        Told { at_ms, what }
    }
}

impl Told<Alert> {
    fn of(word: &Word) -> Told<Alert> {
        Told::new(word.at_ms, word.alert.clone())
    }
}

/// Whether it has not been told to be over.
pub fn is_ongoing(stall: &Told<Stall>) -> bool {
    stall.what.state == StallState::Ongoing
}

/// Whether both loaders are the same, as far as they were told apart.
fn is_same(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn last_of<'a, T>(
    all: &'a BTreeMap<ClassKey, Told<T>>,
    class: &str,
    loader: Option<&str>,
) -> Option<&'a Told<T>> {
    let of_class = all
        .iter()
        .filter(|((name, of), _)| name == class && is_same(of.as_deref(), loader));
    of_class.map(|(_, told)| told).max_by_key(|told| told.at_ms)
}

fn keep<K: Ord, T>(all: &mut BTreeMap<K, T>, key: K, what: T) {
    if all.len() < MOST || all.contains_key(&key) {
        all.insert(key, what);
    }
}

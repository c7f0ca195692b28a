//! What is wrong, found out from samples and collections alone.
//!
//! On the agent's own thread, after each collection and each sample; it never calls the
//! JVM and has no clock: time is what the samples say. Its memory is bounded whatever the
//! application does: a fixed number of classes, a fixed number of points of each.
//!
//! Each kind of alert is a file with one function that says, for the present moment, of which
//! classes its condition holds ([`Finding`]). [`raised`] makes alerts of that: raised when a
//! condition begins to hold, cleared when it has not held for a while, each once. While it lasts it
//! is told again, so that a stream that begins later has it too.

mod busy;
mod evidence;
mod finalizer_dead;
mod finalizer_resurrects;
mod finalizer_slow;
mod finalizer_stuck;
mod finalizer_throws;
mod heap;
mod heap_exhaustion;
mod history;
mod pending_growth;
mod raised;
mod reachable;
mod reference_handler_stalled;
mod registered_floating;
mod registered_leak;
mod scope;
mod series;
mod softly_kept;
mod standstills;
mod suspect;
#[cfg(test)]
mod tests;
mod trend;
mod undecided;

use std::time::{Duration, SystemTime};

use finwatch_record::{
    Alert, AlertKind, ClassRow, Collection, Counts, FinalizeDurations, FinalizerThread, Holders,
    Memory,
};

pub use finalizer_resurrects::Finalized;
use history::Classes;
use raised::{Finding, Raised};

use self::{heap::Heap, reachable::Whole, standstills::Standstills, suspect::Why};
use crate::{pauses::Standstill, pending_list::Waiting};

/// What decides whether something is wrong, from the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// How long a condition must last to be an alert, and must have ended to be none.
    pub patience: Duration,
    /// How long one call of `finalize()` may take.
    pub stuck: Duration,
    /// Fewer objects than this are never a leak or a backlog.
    pub many: u64,
}

impl Thresholds {
    fn patience_ms(&self) -> u64 {
        self.patience.as_millis() as u64
    }

    fn stuck_ms(&self) -> u64 {
        self.stuck.as_millis() as u64
    }
}

/// When something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the JVM started.
    pub uptime_ms: u64,
    /// The same as wall-clock time.
    pub time: SystemTime,
}

/// The counts of one class at one moment.
#[derive(Debug, Clone, Copy)]
pub struct ClassNow<'a> {
    /// Binary name.
    pub class: &'a str,
    /// Defining loader.
    pub loader: Option<&'a str>,
    /// Its counts.
    pub counts: Counts,
    /// How long its `finalize()` took.
    pub finalize_ns: FinalizeDurations,
    /// What became of its objects afterwards.
    pub finalized: Finalized,
}

impl<'a> From<&'a ClassRow> for ClassNow<'a> {
    fn from(row: &'a ClassRow) -> ClassNow<'a> {
        ClassNow {
            class: &row.class,
            loader: row.loader.as_deref(),
            counts: row.counts,
            finalize_ns: row.finalize_ns,
            finalized: Finalized::default(),
        }
    }
}

/// A sample as far as alerts need it.
pub struct Seen<'a> {
    /// When.
    pub now: Moment,
    /// All classes together.
    pub whole: Counts,
    /// Memory, where the runtime tells.
    pub memory: Option<&'a Memory>,
    /// Stop-the-world pauses of the collector until now.
    pub pauses_total: u64,
    /// What the finalizer thread does, where it was looked at.
    pub finalizer_thread: Option<&'a FinalizerThread>,
    /// Since when references wait on the VM's list of those to be queued.
    pub pending_list: Option<Waiting>,
}

/// A collection that looked at the whole heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WholeHeap {
    /// A weak reference that was there then tells now whether its object is gone, in milliseconds since the
    /// JVM started.
    pub references_ms: u64,
    /// The application stood still for it: it alone tells that.
    pub is_full: bool,
    /// Less than nine tenths of the heap are in use after it.
    pub left_room: bool,
}

/// The part of the heap that leaves no room.
const NO_ROOM: f64 = 0.9;

/// Everything known, for the functions that judge.
struct Known<'a> {
    thresholds: Thresholds,
    now: Moment,
    whole: Counts,
    classes: &'a Classes,
    heap: &'a Heap,
    finalizer_thread: Option<&'a FinalizerThread>,
    pending_list: Option<Waiting>,
    standstills: &'a Standstills,
    /// What is raised already: to stay so may take less than to become so.
    raised: &'a Raised,
}

/// Finds out what is wrong.
pub struct Alerts {
    thresholds: Thresholds,
    classes: Classes,
    heap: Heap,
    whole: Whole,
    /// The last collection that looked at the whole heap, until it is [taken](Alerts::take_looked).
    looked: Option<WholeHeap>,
    /// The class whose holders should be looked for, until it is [taken](Alerts::take_suspect), and why.
    suspect: Option<(ClassName, Why)>,
    /// Why the last was taken.
    suspected: Why,
    standstills: Standstills,
    raised: Raised,
}

impl Alerts {
    /// Nothing is known yet, but the feature release of the JVM (8, 11, …).
    pub fn new(thresholds: Thresholds, jdk: u32) -> Alerts {
        Alerts {
            thresholds,
            classes: Classes::default(),
            heap: Heap::default(),
            whole: Whole::of_jdk(jdk),
            looked: None,
            suspect: None,
            suspected: Why::Undecided,
            standstills: Standstills::default(),
            raised: Raised::default(),
        }
    }

    /// Judges by other thresholds from now on.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
    }

    /// A collection has ended; to be told before the sample that follows it.
    pub fn collection(&mut self, collection: &Collection) {
        self.heap.collection(collection);
        self.whole.collection(collection);
    }

    /// The JVM has stood still; to be told before what was seen since then.
    pub fn stood_still(&mut self, last: Standstill) {
        self.standstills.note(last);
    }

    /// A sample was taken: what begins, what becomes worse and what ends with it.
    pub fn sample<'a>(
        &mut self,
        seen: &Seen<'_>,
        classes: impl Iterator<Item = ClassNow<'a>>,
    ) -> Vec<Alert> {
        if let Some(memory) = seen.memory {
            self.heap.sample(memory);
        }
        let spacing_ms = self.thresholds.patience_ms() / 16;
        self.classes
            .sample(seen.now.uptime_ms, seen.whole, classes, spacing_ms);
        let looked = self.whole.sample(
            seen.now.uptime_ms,
            seen.pauses_total,
            seen.pending_list.map(|waiting| waiting.since_ms),
        );
        let queued = seen.whole.pending + seen.whole.running;
        if queued == 0 && seen.pending_list.is_none() {
            self.whole.idle(seen.now.uptime_ms);
        }
        if let Some(looked) = looked {
            self.heap
                .whole(looked, 2 * spacing_ms, self.thresholds.patience_ms() / 2);
            self.looked = Some(WholeHeap {
                references_ms: looked.references_ms,
                is_full: looked.is_full,
                left_room: self.heap.used_share() < NO_ROOM,
            });
            self.classes.whole(looked, &self.heap, 2 * spacing_ms);
        }
        if let Some(collected) = self.heap.take_fresh() {
            self.classes.collected(collected, 2 * spacing_ms);
        }
        let known = self.known(seen);
        let suspect = suspect::suspect(&known).map(|(class, why)| (class.name.clone(), why));
        let findings = known.judge();
        self.suspect = suspect;
        let patience_ms = self.thresholds.patience_ms();
        self.raised.update(seen.now, findings, patience_ms)
    }

    /// The last collection that looked at the whole heap and queued what it found. Told once.
    pub fn take_looked(&mut self) -> Option<WholeHeap> {
        self.looked.take()
    }

    /// The class, and its loader, of which it is to be found out whether its objects are held. Told once for so many
    /// objects.
    pub fn take_suspect(&mut self) -> Option<(String, Option<String>)> {
        let (name, why) = self.suspect.take()?;
        self.classes.suspect(&name, why);
        self.suspected = why;
        Some((name.class, name.loader))
    }

    /// The holders of the suspect that was taken were looked for, without a stop. Of objects that no collection has
    /// found held or dead it says something where nearly all are held, or nearly none.
    pub fn suspect_sought(&mut self, holders: &Holders) {
        let held = holders.held as f64 / holders.instances as f64;
        let says = held >= registered_leak::SURVIVAL || held <= 1.0 - registered_leak::SURVIVAL;
        let is_undecided = self.suspected == Why::Undecided;
        self.classes
            .holders(holders, |_| true, says && is_undecided);
    }

    /// The holders of a class were looked for: what collections could not decide is decided.
    pub fn holders(&mut self, holders: &Holders) {
        let raised = &self.raised;
        let in_question = |class: &ClassName| {
            let kinds = [AlertKind::RegisteredFloating, AlertKind::RegisteredLeak];
            kinds.iter().any(|&kind| raised.contains(kind, Some(class)))
        };
        self.classes.holders(holders, in_question, true);
    }

    /// The call of `finalize()` that has been going on longest at the last sample.
    pub fn inside(&self) -> Option<Inside> {
        let inside = self.classes.iter().filter_map(|class| {
            let since_ms = class.inside_since_ms?;
            Some(Inside {
                class: class.name.class.clone(),
                loader: class.name.loader.clone(),
                since_ms,
                stood_still_ms: self.standstills.since(since_ms),
            })
        });
        inside.min_by_key(|inside| inside.since_ms)
    }

    /// Whether there is reason to look at the finalizer thread: a call has been going on for
    /// long, or objects have been pending for a while and none was taken.
    pub fn wants_a_look(&self, now_ms: u64) -> bool {
        let stuck_ms = self.thresholds.stuck_ms();
        let long_inside = self
            .inside()
            .is_some_and(|inside| inside.lasted_ms(now_ms) >= stuck_ms);
        long_inside || self.untouched_since(now_ms).is_some()
    }

    /// Since when objects have been pending, none taken and no call of `finalize()` seen, if for long.
    pub fn untouched_since(&self, now_ms: u64) -> Option<u64> {
        let stuck_ms = self.thresholds.stuck_ms();
        self.classes
            .untouched_since(now_ms.saturating_sub(stuck_ms))
    }

    /// The alerts that are raised and not cleared.
    pub fn raised(&self) -> Vec<Alert> {
        self.raised.alerts()
    }

    /// How many they are.
    pub fn count_raised(&self) -> u64 {
        self.raised.len() as u64
    }

    /// Whether one of them is about a class, or about what it costs others.
    pub fn are_about(&self, class: &str, loader: Option<&str>) -> bool {
        self.raised.is_about(class, loader)
    }

    /// Those of them that are not told already, to be told again.
    pub fn again(&self, told: &[Alert]) -> Vec<Alert> {
        self.raised.again(told)
    }

    fn known<'a>(&'a self, seen: &'a Seen) -> Known<'a> {
        Known {
            thresholds: self.thresholds,
            now: seen.now,
            whole: seen.whole,
            classes: &self.classes,
            heap: &self.heap,
            finalizer_thread: seen.finalizer_thread,
            pending_list: seen.pending_list,
            standstills: &self.standstills,
            raised: &self.raised,
        }
    }
}

impl Known<'_> {
    fn judge(&self) -> Vec<Finding> {
        let judges = [
            finalizer_stuck::judge,
            finalizer_dead::judge,
            reference_handler_stalled::judge,
            finalizer_throws::judge,
            finalizer_resurrects::judge,
            finalizer_slow::judge,
            pending_growth::judge,
            registered_leak::judge,
            registered_floating::judge,
            heap_exhaustion::judge,
        ];
        judges.iter().flat_map(|judge| judge(self)).collect()
    }
}

/// A call of `finalize()` that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Class of the object.
    pub class: String,
    /// Its defining loader.
    pub loader: Option<String>,
    /// Since when, as far as samples tell, in milliseconds since the JVM started.
    pub since_ms: u64,
    /// For how long the JVM has stood still since then.
    pub stood_still_ms: u64,
}

impl Inside {
    /// For how long it has been going on, but for the time that the JVM stood still.
    pub fn lasted_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.since_ms + self.stood_still_ms)
    }
}

/// A class as it is told apart from others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct ClassName {
    class: String,
    loader: Option<String>,
}

/// What an alert is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: AlertKind,
    class: Option<ClassName>,
}

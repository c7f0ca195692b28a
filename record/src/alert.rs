//! `alert`: something is wrong, or is no longer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// `alert`: a condition that was raised or cleared.
///
/// An alert is known by its `kind`, `class` and `loader`. It is raised once and cleared
/// once; one that still holds when the stream ends is not cleared. While it lasts it is told again:
/// after each `start`, when somebody attaches, every ten minutes and when it has become critical.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Alert {
    /// What is wrong.
    pub kind: AlertKind,
    /// Whether it begins, goes on or ends with this record.
    pub state: AlertState,
    /// How bad it is, or was.
    pub severity: Severity,
    /// The class of finalizable objects that it is about; `null` where it is about none in
    /// particular.
    pub class: Option<String>,
    /// The defining loader of `class`, as in the rows of a sample.
    pub loader: Option<String>,
    /// The class that is to blame, where that is another one: the finalizer that costs the
    /// thread its time need not be that of the objects that wait.
    pub cause_class: Option<String>,
    /// Since when the condition holds, as far as samples tell: RFC 3339, UTC, milliseconds.
    pub since: String,
    /// The same in milliseconds since the JVM started.
    pub since_uptime_ms: u64,
    /// The numbers that led to it, in a record that clears it the last that there were; the
    /// name carries the unit. Which there are is told at each kind. A name with `_estimate`
    /// is an estimate from trends.
    pub evidence: BTreeMap<String, Number>,
    /// What to do, one sentence for a person.
    pub advice: String,
}

/// What makes an alert another one: its kind, its class and the loader of that.
pub type AlertKey<'a> = (AlertKind, Option<&'a str>, Option<&'a str>);

impl Alert {
    /// What it is known by.
    pub fn key(&self) -> AlertKey<'_> {
        (self.kind, self.class.as_deref(), self.loader.as_deref())
    }
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// The queue grows because more arrives than leaves. `class`: what is queued most,
    /// `cause_class`: what costs the finalizer thread most of its time. Evidence: `pending`,
    /// `class_pending`, `arriving_per_s`, `leaving_per_s`, `work_off_s` (for what is pending, if
    /// nothing more came), `busy_share` (part of the time inside `finalize()`),
    /// `cause_time_share`, `cause_mean_ms`.
    PendingGrowth,
    /// Objects of a class become more although collections have looked at the old
    /// generation: somebody holds them. Evidence: `registered`, `pending`, `held` (found held by
    /// the last of those collections, at the least), `collections`, `held_growth_per_s`,
    /// `heap_used_after_gc_bytes`, `heap_max_bytes`, `bytes_per_object_estimate`,
    /// `heap_share_estimate`. Where a search for their holders found that out before such a collection
    /// came, there are `full_in_s_estimate` and no `collections` and `held_growth_per_s`.
    RegisteredLeak,
    /// Objects of a class become more and no collection has looked at the old generation:
    /// held or not, that can't be told before one has. Evidence: `undecided` (how many),
    /// `registered`, `pending`, `collections`, `heap_used_after_gc_bytes`, `heap_max_bytes`,
    /// `bytes_per_object_estimate`, `full_in_s_estimate`; if all are dead, `work_off_s` (for them) and
    /// `thread_share` (of the finalizer thread's time, for as many as were made; more than 1: it can't keep up).
    RegisteredFloating,
    /// One call of `finalize()` does not end. Evidence: `inside_ms`, `running`, `pending`.
    FinalizerStuck,
    /// The finalizer thread is busy all the time with calls that take long. Evidence:
    /// `busy_share`, `class_time_share`, `mean_ms`, `calls_per_s`, `pending`.
    FinalizerSlow,
    /// There is no finalizer thread any more, or it takes nothing from the queue. Evidence:
    /// `pending`, `enqueued_total`, `finalized_total`.
    FinalizerDead,
    /// The thread `Reference Handler`, which fills the queue, does not get on or has ended: nothing
    /// becomes pending any more. Evidence: `stalled_ms`, `registered`, `pending`.
    ReferenceHandlerStalled,
    /// `finalize()` of a class makes its objects reachable again: they are no longer registered,
    /// and stay. Evidence: `finalized_total`, `watched` (the last objects of which it is known what became of them
    /// after `finalize()`), `survived_share` (of those, in collections of the whole heap),
    /// `resurrected_estimate`, `heap_used_after_gc_bytes`, `heap_max_bytes`.
    FinalizerResurrects,
    /// `finalize()` of a class throws, which the JDK swallows. Evidence: `threw_total`,
    /// `finalized_total`, `threw_share` (of the last calls).
    FinalizerThrows,
    /// What lives in the heap after collections is trending to the heap's maximum.
    /// `cause_class`: the class whose number grows with it. Evidence: `heap_live_bytes`,
    /// `heap_max_bytes`, `collections`, `growth_bytes_per_s`, `confidence` (0 to 1: how well a
    /// straight line explains the growth), `full_in_s_estimate`, with a class also
    /// `bytes_per_object_estimate` and `growth_share_estimate`.
    HeapExhaustion,
    /// A kind that this version of the crate does not know.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// Whether an alert begins, goes on or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The condition holds.
    Raised,
    /// It has been raised and not cleared, with the numbers of now.
    Ongoing,
    /// It has ended.
    Cleared,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a look in the day.
    Warning,
    /// Worth waking somebody: left alone, it ends the service.
    Critical,
}

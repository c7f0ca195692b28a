//! The facts of the answer: what the prose is made of, and what `--json` prints.

use std::cmp::Reverse;

use finwatch_record::{
    Alert, Coverage, CoverageLevel, Finalizer, FinalizerThread, Holders, OutOfMemory, Severity,
    Sites, Stall, StopReason, Usage,
};
use serde::Serialize;

use super::alert::{self, Now, class_of};
use super::beside::InDump;
use super::dump::{Dump, Trouble};
use super::exhaustion;
use super::known::{Known, Told, is_ongoing};
use super::moment::length;
use super::outlook::Outlook;
use super::same_jvm;
use super::steps::{self, Findings};
use super::triage;
use crate::alerts;
use crate::finalizing;
use crate::interval;
use crate::numbers::{counted, grouped, milliseconds};
use crate::time::timestamp;

/// A JVM that has been silent for longer than another by this much, and for more than a few samples, is not there any
/// more.
const SILENT_MS: u64 = 60_000;

/// Whom the question is about, where it was asked by a process id.
#[derive(Debug, Default)]
pub struct Subject {
    /// The process id from here.
    pub pid: Option<u32>,
    /// The one that the records have.
    pub own_pid: Option<u32>,
    /// When it was asked, milliseconds since 1970: the JVM is there, so its stream should not be silent.
    pub now_ms: Option<u64>,
}

impl Subject {
    /// Whether there are JVMs, and none of them is the one that was asked about.
    pub fn is_missing_in(&self, jvms: &[Known]) -> bool {
        let is_other = |own_pid| move |jvm: &Known| jvm.span.pid() != u64::from(own_pid);
        let own_pid = self.own_pid.filter(|_| !jvms.is_empty());
        own_pid.is_some_and(|own_pid| jvms.iter().all(is_other(own_pid)))
    }
}

/// What is wrong with a JVM.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Process id, as the question had it, or else as the records have it; of a dump alone that in its name, or 0.
    pub pid: u64,
    /// Main class or jar.
    pub program: Option<String>,
    /// Whether anything is wrong.
    pub is_wrong: bool,
    /// What is wrong, or that nothing is, one sentence.
    pub headline: String,
    /// Time of the first record; of a dump alone, when it was made.
    pub first_ts: String,
    /// Time of the last record: that of the answer.
    pub last_ts: String,
    /// How many records there are; 0 where there is no stream.
    pub records: u64,
    /// Why the stream ended; `null` where it has no end.
    pub stopped: Option<StopReason>,
    /// What is wrong, the most important first: a cause before what follows from it.
    pub alerts: Vec<Raised>,
    /// How many more are raised of which no record tells.
    pub alerts_untold: u64,
    /// The alerts that are over, the latest first.
    pub cleared: Vec<Told<Alert>>,
    /// Who holds the objects of the class that the first alert is about.
    pub holders: Option<Told<Holders>>,
    /// Where they are made.
    pub sites: Option<Told<Sites>>,
    /// How long is left.
    pub outlook: Outlook,
    /// The last word on the threads that finalize.
    pub finalizer_thread: Option<Told<FinalizerThread>>,
    /// The JVM stands still.
    pub stall: Option<Told<Stall>>,
    /// The first time that memory, or something else, ran out.
    pub oom: Option<Told<OutOfMemory>>,
    /// That is over: the heap has had room since, or nothing has run out again for ten minutes.
    pub oom_is_over: bool,
    /// What to do, the most urgent first.
    pub steps: Vec<String>,
    /// The counts of all classes at the end.
    pub finalizer: Option<Finalizer>,
    /// Use of the heap at the end.
    pub heap: Option<Usage>,
    /// How exact the counts are.
    pub coverage: Option<Coverage>,
    /// What a heap dump of the JVM tells, where one was given.
    pub dump: Option<InDump>,
    /// What there is in the files besides.
    pub others: Vec<Other>,
    /// Times of the first and the last record, milliseconds since 1970.
    #[serde(skip)]
    pub span_ms: (u64, u64),
    /// The question named the process id, so that commands can.
    #[serde(skip)]
    pub is_asked_by_pid: bool,
    #[serde(skip)]
    alerts_are_off: bool,
    /// Alerts about the heap need to know what collections have left in it.
    #[serde(skip)]
    collections_are_told: bool,
    /// The JVM is there and its stream has been silent for so many milliseconds, which is long.
    #[serde(skip)]
    silent_ms: Option<u64>,
    /// Milliseconds between two samples, where the stream tells.
    #[serde(skip)]
    interval_ms: Option<u64>,
}

/// An alert that is raised and not cleared.
#[derive(Debug, Serialize)]
pub struct Raised {
    /// What is wrong, as far as it goes without naming the JVM.
    pub headline: String,
    /// It follows from the first one.
    pub is_consequence: bool,
    #[serde(flatten)]
    pub alert: Told<Alert>,
}

/// Another JVM in the files.
#[derive(Debug, Serialize)]
pub struct Other {
    /// What is wrong with it, or that nothing is, one sentence.
    pub headline: String,
    /// Whether anything is.
    pub is_wrong: bool,
    /// Time of its last record.
    pub last_ts: String,
    /// The same, milliseconds since 1970.
    #[serde(skip)]
    pub last_ms: u64,
}

impl Explanation {
    /// Of the JVM that was asked about, of the one that the dump seems to be of, or of the one that is worst off now;
    /// `None` where there is none, and no dump.
    pub fn of(mut jvms: Vec<Known>, dump: Option<&Dump>, subject: &Subject) -> Option<Explanation> {
        let own_pid = subject.own_pid.map(u64::from);
        let beside = match dump {
            Some(dump) if jvms.is_empty() => {
                jvms.push(dump.alone());
                Some((0, dump, Vec::new()))
            }
            Some(dump) => nearest(&jvms, dump, own_pid),
            None => None,
        };
        let place_of_dump = beside.as_ref().map(|(place, ..)| *place);
        let mut beside = beside;
        let of_jvm = |(place, known)| {
            let beside = beside.take_if(|(of, ..)| *of == place);
            Explanation::of_jvm(known, beside.map(|(_, dump, doubts)| (dump, doubts)))
        };
        let mut all: Vec<Explanation> = jvms.into_iter().enumerate().map(of_jvm).collect();
        let latest_ms = all.iter().map(|jvm| jvm.span_ms.1).max()?;
        let rank = |jvm: &Explanation| {
            let is_it = own_pid == Some(jvm.pid);
            // That one is there: what had its process id before is not, whatever was wrong with it.
            let is_now = !is_it && jvm.silent_for(latest_ms).is_none() && jvm.stopped.is_none();
            let severity = is_now.then(|| jvm.severity());
            (is_it, severity, jvm.span_ms.1)
        };
        let worst = (0..all.len()).max_by_key(|place| rank(&all[*place]))?;
        let place = place_of_dump.unwrap_or(worst);
        let mut chosen = all.remove(place);
        chosen.others = all.iter().rev().map(Other::of).collect();
        if let Some(pid) = subject.pid {
            chosen.pid = u64::from(pid);
            chosen.is_asked_by_pid = true;
        }
        chosen.silent_ms = subject.now_ms.and_then(|now_ms| chosen.silent_for(now_ms));
        // The two name the process id.
        chosen.headline = chosen.headline();
        chosen.steps = chosen.steps();
        Some(chosen)
    }

    fn of_jvm(known: Known, beside: Option<(&Dump, Vec<String>)>) -> Explanation {
        let alerts = triage::in_order(known.raised());
        let of_alert = alerts.first().and_then(|alert| class_of(&alert.what));
        let trouble = beside.as_ref().and_then(|(dump, _)| dump.trouble());
        let of_dump = trouble.as_ref().and_then(Trouble::class);
        let class = of_alert.or(of_dump.map(|class| (class, None)));
        let in_dump = |(class, loader)| {
            let (dump, _) = beside.as_ref()?;
            let holders = dump.holders(class, loader)?;
            Some(Told::new(dump.at_ms, holders.clone()))
        };
        let in_stream = |(class, loader)| known.holders(class, loader).cloned();
        let holders = class.and_then(|class| in_dump(class).or_else(|| in_stream(class)));
        let sites = class.and_then(|(class, loader)| known.sites(class, loader));
        let sites = sites.cloned();
        let dump = beside.map(|(dump, doubts)| {
            InDump::of(dump, alerts.first().map(|alert| &alert.what), doubts)
        });
        let mut cleared: Vec<Told<Alert>> = known.cleared().collect();
        cleared.sort_by_key(|alert| Reverse(alert.at_ms));
        let start = known.start.as_ref();
        let command = start.and_then(|start| start.jvm.command.as_deref());
        let program = command.and_then(|command| command.split_whitespace().next());
        let alerts_are_off = start.is_some_and(alerts::are_off);
        // Whatever has ended stands still no longer.
        let is_there = |stall: &Told<Stall>| is_ongoing(stall) && known.stop.is_none();
        let oom_is_over = known.is_oom_over();
        let oom = known.oom.as_ref().map(|oom| oom.first.clone());
        let mut jvm = Explanation {
            pid: known.span.pid(),
            program: program.map(str::to_owned),
            is_wrong: false,
            headline: String::new(),
            first_ts: timestamp(known.span.first_ms),
            last_ts: timestamp(known.span.last_ms),
            records: known.span.records,
            stopped: known.stop,
            outlook: Outlook::of(oom.as_ref().filter(|_| !oom_is_over), &alerts),
            alerts: raised(&known, alerts),
            alerts_untold: known.untold_alerts(),
            cleared,
            holders,
            sites,
            finalizer_thread: known.finalizer_thread,
            stall: known.stall.filter(is_there),
            oom,
            oom_is_over,
            steps: Vec::new(),
            finalizer: known.ledger.as_ref().map(|ledger| ledger.finalizer),
            heap: known.heap,
            coverage: known.ledger.map(|ledger| ledger.coverage),
            dump,
            others: Vec::new(),
            span_ms: (known.span.first_ms, known.span.last_ms),
            is_asked_by_pid: false,
            alerts_are_off,
            collections_are_told: known.collections_are_told != Some(false),
            silent_ms: None,
            interval_ms: start.and_then(interval::of),
        };
        jvm.is_wrong = jvm.severity().is_some();
        jvm
    }

    /// The finalizer thread, where it is in trouble.
    pub fn troubled_thread(&self) -> Option<&Told<FinalizerThread>> {
        let thread = self.finalizer_thread.as_ref();
        thread.filter(|thread| finalizing::is_in_trouble(&thread.what))
    }

    /// How bad it is; `None` where nothing is wrong.
    fn severity(&self) -> Option<Severity> {
        let is_critical =
            self.exhausted().is_some() || self.stall.is_some() || self.troubled_thread().is_some();
        let is_untold = self.alerts_untold > 0;
        let in_dump = self.dump.as_ref().and_then(|dump| dump.trouble.as_ref());
        let of_dump = in_dump.map(Trouble::severity);
        let alerts = self.alerts.iter().map(|raised| raised.alert.what.severity);
        alerts
            .chain(of_dump)
            .chain(is_critical.then_some(Severity::Critical))
            .chain(is_untold.then_some(Severity::Warning))
            .max()
    }

    /// What has run out, where that is not over.
    fn exhausted(&self) -> Option<&Told<OutOfMemory>> {
        self.oom.as_ref().filter(|_| !self.oom_is_over)
    }

    /// How long the stream has been silent, where that is long.
    fn silent_for(&self, now_ms: u64) -> Option<u64> {
        let long_ms = self
            .interval_ms
            .map_or(SILENT_MS, |ms| SILENT_MS.max(ms.saturating_mul(3)));
        let silent_ms = now_ms.saturating_sub(self.span_ms.1);
        (self.stopped.is_none() && silent_ms > long_ms).then_some(silent_ms)
    }

    /// Whether there is a stream, and not a dump alone.
    pub fn has_stream(&self) -> bool {
        self.records > 0
    }

    /// What the JVM is called; where there is a dump alone, how the dump is.
    fn name(&self) -> String {
        match (&self.program, &self.dump) {
            (_, Some(dump)) if !self.has_stream() => dump.name(),
            (Some(program), _) => format!("PID {} ({program})", self.pid),
            (None, _) => format!("PID {}", self.pid),
        }
    }

    fn headline(&self) -> String {
        let name = self.name();
        if let Some(first) = self.alerts.first() {
            let subject = alert::subject(first.alert.what.kind, &name);
            return format!("{subject}{}.", first.headline);
        }
        if let Some(stall) = &self.stall {
            let lasted = milliseconds(stall.what.duration_ms);
            return format!("{name} STANDS STILL, for {lasted} when it was last told.");
        }
        if let Some(thread) = self.troubled_thread() {
            let told_ms = self.span_ms.1.saturating_sub(thread.at_ms);
            let words = finalizing::words(&thread.what, told_ms);
            return format!("{name}: the finalizer thread {words}.");
        }
        if let Some(oom) = self.exhausted() {
            return format!("{name} {}.", exhaustion::words(&oom.what));
        }
        match &self.dump {
            Some(dump) if dump.trouble.is_some() || !self.has_stream() => {
                dump.headline(&name) + "."
            }
            _ if self.alerts_untold > 0 => {
                let (alerts, are) = match self.alerts_untold {
                    1 => ("an alert".to_owned(), "is"),
                    many => (grouped(many) + " alerts", "are"),
                };
                format!("{name}: {alerts} {are} raised of which these records do not tell.")
            }
            _ => self.all_is_well(&name),
        }
    }

    fn all_is_well(&self, name: &str) -> String {
        let Some(finalizer) = &self.finalizer else {
            return format!("Nothing is known to be wrong with {name}: there is no sample yet.");
        };
        let counts = finalizer.counts;
        let counts = format!(
            "{} registered, {} pending, {} in finalize()",
            counted(counts.registered, "object"),
            grouped(counts.pending),
            grouped(counts.running)
        );
        let level = self.coverage.as_ref().map(|coverage| coverage.level);
        let why_unknown = match level {
            Some(CoverageLevel::Disabled) => Some("it runs without finalization"),
            Some(CoverageLevel::PendingOnly) => Some("only what is pending can be counted"),
            _ if self.alerts_are_off => Some("alerts are switched off"),
            _ if !self.collections_are_told => {
                Some("no collection has told what it left, so a leak is not told either")
            }
            _ => None,
        };
        if let Some(silent_ms) = self.silent_ms {
            let silent = length(silent_ms);
            return format!(
                "Nothing is known to be wrong with {name}, but it has told nothing for {silent}: {counts} then."
            );
        }
        match why_unknown {
            Some(why) => format!("Nothing is known to be wrong with {name}, but {why}: {counts}."),
            None => format!("Nothing is wrong with {name}: {counts}."),
        }
    }

    fn steps(&self) -> Vec<String> {
        let pid = match self.is_asked_by_pid {
            true => self.pid.to_string(),
            false => "PID".to_owned(),
        };
        let thread = self.troubled_thread();
        let findings = Findings {
            pid: &pid,
            holders: self.holders.as_ref().map(|told| &told.what),
            finalizer_thread: thread.map(|told| &told.what),
            has_ended: self.stopped == Some(StopReason::VmDeath),
            exhausted: self.exhausted().map(|told| &told.what),
            dump: self.dump.as_ref(),
        };
        let in_dump = self.dump.as_ref().and_then(|dump| dump.trouble.as_ref());
        match (self.alerts.first(), in_dump) {
            (Some(first), _) => steps::of_alert(&first.alert.what, &findings),
            (None, Some(trouble)) => steps::of_dump(trouble, self.has_stream(), &findings),
            (None, None) if self.severity() == Some(Severity::Critical) => {
                steps::without_alert(&findings)
            }
            (None, None) if self.alerts_untold > 0 => steps::of_untold(&findings),
            (None, None) => Vec::new(),
        }
    }
}

/// The JVM that the dump is most likely of, its place among all and what speaks against it; the one that was asked
/// about goes before all others.
fn nearest<'a>(
    jvms: &[Known],
    dump: &'a Dump,
    own_pid: Option<u64>,
) -> Option<(usize, &'a Dump, Vec<String>)> {
    let places = jvms.iter().enumerate();
    let all = places.map(|(place, jvm)| (place, dump, same_jvm::doubts(dump, jvm)));
    all.min_by_key(|(place, _, doubts)| {
        let span = &jvms[*place].span;
        let is_other = own_pid.is_some_and(|pid| pid != span.pid());
        (is_other, doubts.len(), dump.at_ms.abs_diff(span.last_ms))
    })
}

impl Other {
    fn of(jvm: &Explanation) -> Other {
        Other {
            headline: jvm.headline(),
            is_wrong: jvm.is_wrong,
            last_ts: jvm.last_ts.clone(),
            last_ms: jvm.span_ms.1,
        }
    }
}

fn raised(known: &Known, alerts: Vec<Told<Alert>>) -> Vec<Raised> {
    let first = alerts.first().map(|alert| alert.what.clone());
    let raised = |alert: Told<Alert>| Raised {
        headline: alert::headline(&alert.what, now(known, &alert.what)),
        is_consequence: first
            .as_ref()
            .is_some_and(|first| triage::explains(first, &alert.what)),
        alert,
    };
    alerts.into_iter().map(raised).collect()
}

fn now(known: &Known, alert: &Alert) -> Now {
    let class = alert.class.as_deref();
    let row = class.and_then(|class| known.class(class, alert.loader.as_deref()));
    Now {
        class: row.map(|row| row.counts),
        whole: known.ledger.as_ref().map(|ledger| ledger.finalizer.counts),
    }
}

//! The facts of the answer: what the prose is made of, and what `--json` prints.

use std::cmp::Reverse;

use finwatch_record::{
    Alert, Coverage, CoverageLevel, Finalizer, FinalizerThread, Holders, OutOfMemory, Severity,
    Sites, Stall, StallState, StopReason, Usage,
};
use serde::Serialize;

use super::alert::{self, Now};
use super::known::{Known, Told};
use super::outlook::Outlook;
use super::steps::{self, Findings};
use super::triage;
use crate::finalizing;
use crate::numbers::{grouped, milliseconds};
use crate::time::timestamp;

/// A JVM that has been silent for longer than another by this much is not there any more.
const SILENT_MS: u64 = 60_000;

/// Whom the question is about, where it was asked by a process id.
#[derive(Debug, Default)]
pub struct Subject {
    /// The process id from here.
    pub pid: Option<u32>,
    /// The one that the records have.
    pub own_pid: Option<u32>,
}

/// What is wrong with a JVM.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Process id, as the question had it, or else as the records have it.
    pub pid: u64,
    /// Main class or jar.
    pub program: Option<String>,
    /// Whether anything is wrong.
    pub is_wrong: bool,
    /// What is wrong, or that nothing is, one sentence.
    pub headline: String,
    /// Time of the first record.
    pub first_ts: String,
    /// Time of the last record: that of the answer.
    pub last_ts: String,
    /// How many records there are.
    pub records: u64,
    /// Why the stream ended; `null` where it has no end.
    pub stopped: Option<StopReason>,
    /// What is wrong, the most important first: a cause before what follows from it.
    pub alerts: Vec<Raised>,
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
    /// The first time that memory ran out.
    pub oom: Option<Told<OutOfMemory>>,
    /// What to do, the most urgent first.
    pub steps: Vec<String>,
    /// The counts of all classes at the end.
    pub finalizer: Option<Finalizer>,
    /// Use of the heap at the end.
    pub heap: Option<Usage>,
    /// How exact the counts are.
    pub coverage: Option<Coverage>,
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
    /// Of the JVM that was asked about, or of the one that is worst off now; `None` where there
    /// is none.
    pub fn of(jvms: Vec<Known>, subject: &Subject) -> Option<Explanation> {
        let own_pid = subject.own_pid.map(u64::from);
        let mut all: Vec<Explanation> = jvms.into_iter().map(Explanation::of_jvm).collect();
        let latest_ms = all.iter().map(|jvm| jvm.span_ms.1).max()?;
        let rank = |jvm: &Explanation| {
            let last_ms = jvm.span_ms.1;
            let is_now = jvm.stopped.is_none() && last_ms.saturating_add(SILENT_MS) >= latest_ms;
            let severity = is_now.then(|| jvm.severity());
            (own_pid == Some(jvm.pid), severity, last_ms)
        };
        let place = (0..all.len()).max_by_key(|place| rank(&all[*place]))?;
        let mut chosen = all.remove(place);
        chosen.others = all.iter().rev().map(Other::of).collect();
        if let Some(pid) = subject.pid {
            chosen.pid = u64::from(pid);
            chosen.is_asked_by_pid = true;
        }
        // The two name the process id.
        chosen.headline = chosen.headline();
        chosen.steps = chosen.steps();
        Some(chosen)
    }

    fn of_jvm(known: Known) -> Explanation {
        let alerts = triage::in_order(known.raised());
        let class = alerts.first().and_then(|alert| class_of(&alert.what));
        let holders = class.and_then(|(class, loader)| known.holders(class, loader));
        let sites = class.and_then(|(class, loader)| known.sites(class, loader));
        let (holders, sites) = (holders.cloned(), sites.cloned());
        let mut cleared: Vec<Told<Alert>> = known.cleared().cloned().collect();
        cleared.sort_by_key(|alert| Reverse(alert.at_ms));
        let start = known.start.as_ref();
        let command = start.and_then(|start| start.jvm.command.as_deref());
        let program = command.and_then(|command| command.split_whitespace().next());
        let alerts_are_off = start.is_some_and(|start| {
            start
                .agent
                .options
                .get("alerts")
                .is_some_and(|v| v == "off")
        });
        // Whatever has ended stands still no longer.
        let is_ongoing =
            |stall: &Told<Stall>| stall.what.state == StallState::Ongoing && known.stop.is_none();
        let mut jvm = Explanation {
            pid: known.span.pid,
            program: program.map(str::to_owned),
            is_wrong: false,
            headline: String::new(),
            first_ts: timestamp(known.span.first_ms),
            last_ts: timestamp(known.span.last_ms),
            records: known.span.records,
            stopped: known.stop,
            outlook: Outlook::of(known.oom.as_ref(), &alerts),
            alerts: raised(&known, alerts),
            cleared,
            holders,
            sites,
            finalizer_thread: known.finalizer_thread,
            stall: known.stall.filter(is_ongoing),
            oom: known.oom,
            steps: Vec::new(),
            finalizer: known.ledger.as_ref().map(|ledger| ledger.finalizer),
            heap: known.heap,
            coverage: known.ledger.map(|ledger| ledger.coverage),
            others: Vec::new(),
            span_ms: (known.span.first_ms, known.span.last_ms),
            is_asked_by_pid: false,
            alerts_are_off,
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
            self.oom.is_some() || self.stall.is_some() || self.troubled_thread().is_some();
        let alerts = self.alerts.iter().map(|raised| raised.alert.what.severity);
        alerts
            .chain(is_critical.then_some(Severity::Critical))
            .max()
    }

    /// What the JVM is called.
    fn name(&self) -> String {
        match &self.program {
            Some(program) => format!("PID {} ({program})", self.pid),
            None => format!("PID {}", self.pid),
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
        if let Some(oom) = &self.oom {
            return format!("{name} RAN OUT of memory: {}.", oom.what.description);
        }
        self.all_is_well(&name)
    }

    fn all_is_well(&self, name: &str) -> String {
        let Some(finalizer) = &self.finalizer else {
            return format!("Nothing is known to be wrong with {name}: there is no sample yet.");
        };
        let counts = finalizer.counts;
        let counts = format!(
            "{} objects are registered, {} pending, {} in finalize()",
            grouped(counts.registered),
            grouped(counts.pending),
            grouped(counts.running)
        );
        let level = self.coverage.as_ref().map(|coverage| coverage.level);
        let why_unknown = match level {
            Some(CoverageLevel::Disabled) => Some("it runs without finalization"),
            Some(CoverageLevel::PendingOnly) => Some("only what is pending can be counted"),
            _ if self.alerts_are_off => Some("alerts are switched off"),
            _ => None,
        };
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
        };
        match self.alerts.first() {
            Some(first) => steps::of_alert(&first.alert.what, &findings),
            None if self.is_wrong => steps::without_alert(&findings),
            None => Vec::new(),
        }
    }
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

/// The class whose objects are the trouble, and its loader.
fn class_of(alert: &Alert) -> Option<(&str, Option<&str>)> {
    match (&alert.class, &alert.cause_class) {
        (Some(class), _) => Some((class, alert.loader.as_deref())),
        (None, cause) => cause.as_deref().map(|class| (class, None)),
    }
}

fn now(known: &Known, alert: &Alert) -> Now {
    let class = alert.class.as_deref();
    let row = class.and_then(|class| known.class(class, alert.loader.as_deref()));
    Now {
        class: row.map(|row| row.counts),
        whole: known.ledger.as_ref().map(|ledger| ledger.finalizer.counts),
    }
}

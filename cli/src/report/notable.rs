//! What is notable about a JVM, in plain words, the worst first. What the agent found out itself, its alerts, comes
//! first; the rest is seen in the numbers, also of streams of an agent that raises none.

use finwatch_record::{CoverageLevel, Severity, StopReason};
use serde::Serialize;

use super::alerts::End;
use super::classes::Class;
use super::jvm::Jvm;
use super::series::Series;
use crate::exhausted;
use crate::numbers::{bytes, grouped, milliseconds, nanoseconds};

/// Fewer objects are not worth a word.
const MANY: f64 = 1000.0;

/// A `finalize()` that runs longer is.
const LONG_MS: u64 = 10_000;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    Critical,
    Warning,
    Info,
}

/// A sentence, and when, milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notable {
    pub weight: Weight,
    pub text: String,
    pub from_ms: Option<u64>,
    pub to_ms: Option<u64>,
}

impl Notable {
    fn new(weight: Weight, text: String) -> Notable {
        Notable {
            weight,
            text,
            from_ms: None,
            to_ms: None,
        }
    }

    fn at(mut self, from_ms: u64, to_ms: u64) -> Notable {
        (self.from_ms, self.to_ms) = (Some(from_ms), Some(to_ms));
        self
    }
}

/// All there is to say.
pub fn notable(jvm: &Jvm) -> Vec<Notable> {
    let mut all = Vec::new();
    exhausted(jvm, &mut all);
    alerts(jvm, &mut all);
    stalls(jvm, &mut all);
    // What follows is what the alerts say too.
    if jvm.incidents.alerts.shown.is_empty() {
        all.extend(jvm.classes.worst().into_iter().take(5).filter_map(growing));
        all.extend(pending(jvm));
        all.extend(standstill(jvm));
    }
    all.extend(slowest(jvm));
    all.extend(throwing(jvm));
    all.extend(heap(jvm));
    all.extend(pauses(jvm));
    all.extend(coverage(jvm));
    all.extend(dropped(jvm));
    all.extend(end(jvm));
    all.extend(cost(jvm));
    all.sort_by_key(|notable| notable.weight);
    all
}

fn count(number: f64) -> String {
    grouped(number as u64)
}

fn exhausted(jvm: &Jvm, all: &mut Vec<Notable>) {
    // The first tells most: those after it are its consequences.
    let Some(oom) = jvm.incidents.ooms.first() else {
        return;
    };
    let told = &oom.told;
    let what = exhausted::words(told.resource);
    let mut text = format!(
        "The JVM {what} ({}) with {} finalizable objects registered, {} of them pending",
        told.description,
        grouped(told.registered),
        grouped(told.pending),
    );
    if let Some((class, registered)) = &told.worst {
        text += &format!("; {} are {class}", grouped(*registered));
    }
    match jvm.incidents.ooms.len() {
        1 => text += ".",
        times => text += &format!(". This was the first of {times} times."),
    }
    all.push(Notable::new(Weight::Critical, text).at(oom.time_ms, oom.time_ms));
}

fn alerts(jvm: &Jvm, all: &mut Vec<Notable>) {
    for alert in &jvm.incidents.alerts.shown {
        let told = &alert.told;
        let weight = match told.severity {
            Severity::Critical => Weight::Critical,
            Severity::Warning => Weight::Warning,
        };
        let to = alert.to_ms.unwrap_or(jvm.span.last_ms);
        let about = told.class.as_deref().unwrap_or("The JVM");
        let state = match alert.end {
            End::Open => "",
            End::Cleared => " (over)",
            End::Unknown => " (not known any more)",
        };
        let kind = serde_json::to_value(told.kind).unwrap_or_default();
        let kind = kind.as_str().unwrap_or("alert").replace('_', " ");
        let text = format!("{about}: {kind}{state}. {}", told.advice);
        all.push(Notable::new(weight, text).at(alert.from_ms, to));
    }
}

fn stalls(jvm: &Jvm, all: &mut Vec<Notable>) {
    let longest = jvm
        .incidents
        .stalls
        .iter()
        .max_by(|a, b| a.told.duration_ms.total_cmp(&b.told.duration_ms));
    let Some(stall) = longest else {
        return;
    };
    let why = if stall.told.in_gc_pause {
        ", in a pause of the collector"
    } else {
        ""
    };
    let text = format!(
        "The JVM stood still {}, the longest time for {}{why}.",
        times(jvm.incidents.stalls.len() as u64),
        milliseconds(stall.told.duration_ms),
    );
    let from = stall.time_ms.saturating_sub(stall.told.duration_ms as u64);
    all.push(Notable::new(Weight::Critical, text).at(from, stall.time_ms));
}

/// A class that has more objects in every quarter of the time than in the one before.
fn growing(class: &Class) -> Option<Notable> {
    let [first, second, third, fourth] = class.registered.ranges::<4>();
    let quarters = [first?, second?, third?, fourth?];
    let grows = quarters
        .windows(2)
        .all(|pair| pair[0].1 < pair[1].1 && pair[0].0 < pair[1].0);
    let ((low, _), (_, high)) = (quarters[0], quarters[3]);
    let pending = class.pending.last().unwrap_or(0.0);
    let registered = class.registered.last()?;
    if !grows || high < MANY || high < 2.0 * low || pending > registered / 2.0 {
        return None;
    }
    let text = format!(
        "{}: registered objects grew from {} to {} and {} are pending. Something still refers to the rest: \
         look for who holds them.",
        class.class,
        count(low),
        count(high),
        count(pending),
    );
    Some(Notable::new(Weight::Warning, text))
}

fn pending(jvm: &Jvm) -> Option<Notable> {
    let [.., third, fourth] = jvm.finalizer.pending.ranges::<4>();
    let (third, fourth) = (third?, fourth?);
    let now = jvm.finalizer.pending.last()?;
    let (time_ms, highest) = jvm.finalizer.pending.max()?;
    if highest < MANY {
        return None;
    }
    let (weight, text) = if fourth.0 > third.0 && fourth.1 > third.1 && now > highest / 2.0 {
        let text = "objects wait for the finalizer thread and become more: it does not keep up.";
        (Weight::Warning, format!("{} {text}", count(now)))
    } else {
        let text = format!(
            "Up to {} objects waited for the finalizer thread; {} at the end.",
            count(highest),
            count(now)
        );
        (Weight::Info, text)
    };
    Some(Notable::new(weight, text).at(time_ms, time_ms))
}

fn standstill(jvm: &Jvm) -> Option<Notable> {
    let (from, to) = jvm.standstill.longest?;
    let length_ms = to - from;
    if length_ms < LONG_MS {
        return None;
    }
    let (weight, end) = match jvm.standstill.is_last {
        true => (Weight::Critical, ", and at the end still did"),
        false => (Weight::Warning, ""),
    };
    let text = format!(
        "One finalize() ran for {} without an end of any other{end}. Meanwhile nothing is finalized.",
        milliseconds(length_ms as f64),
    );
    Some(Notable::new(weight, text).at(from, to))
}

fn slowest(jvm: &Jvm) -> Option<Notable> {
    let classes = jvm.classes.worst();
    let slowest = classes
        .iter()
        .max_by(|a, b| busy_ms(a).total_cmp(&busy_ms(b)))?;
    let length_ms = (jvm.span.last_ms - jvm.span.first_ms).max(1) as f64;
    let share = busy_ms(slowest) / length_ms;
    if share < 0.05 || slowest.counts.ended() == 0 {
        return None;
    }
    let text = format!(
        "finalize() of {} took {:.0}% of a thread's time: {} calls, {} on average, p99 {}, longest {}.",
        slowest.class,
        100.0 * share.min(1.0),
        grouped(slowest.counts.ended()),
        nanoseconds(mean_ns(slowest) as u64),
        nanoseconds(slowest.finalize_ns.p99),
        nanoseconds(slowest.finalize_ns.max),
    );
    let weight = if share > 0.5 {
        Weight::Warning
    } else {
        Weight::Info
    };
    Some(Notable::new(weight, text))
}

fn mean_ns(class: &Class) -> f64 {
    class.finalize_ns.sum as f64 / class.finalize_ns.count.max(1) as f64
}

/// Not all calls are timed.
fn busy_ms(class: &Class) -> f64 {
    mean_ns(class) * class.counts.ended() as f64 / 1e6
}

fn throwing(jvm: &Jvm) -> Option<Notable> {
    let threw = jvm
        .finalizer
        .threw_total
        .last()
        .filter(|threw| *threw > 0.0)?;
    let classes = jvm.classes.worst();
    let worst = classes
        .iter()
        .max_by_key(|class| class.counts.threw_total)?;
    let text = format!(
        "finalize() ended with an exception {}, {} of them in {}. The JVM swallows these silently.",
        times(threw as u64),
        grouped(worst.counts.threw_total),
        worst.class,
    );
    Some(Notable::new(Weight::Warning, text))
}

fn heap(jvm: &Jvm) -> Option<Notable> {
    let max = jvm.memory.heap_max_bytes? as f64;
    let last = jvm.memory.heap_after_gc.last()?;
    let (time_ms, _) = jvm.memory.heap_after_gc.max()?;
    let share = last / max;
    let first = jvm.memory.heap_after_gc.first()?;
    if share < 0.8 {
        return None;
    }
    let weight = if share > 0.95 {
        Weight::Critical
    } else {
        Weight::Warning
    };
    let text = format!(
        "After the last collection {:.0}% of the heap's {} were still in use; it was {} at first.",
        100.0 * share.min(1.0),
        size(max),
        size(first),
    );
    Some(Notable::new(weight, text).at(time_ms, time_ms))
}

fn size(number: f64) -> String {
    spaced(&bytes(number as u64))
}

/// A size as on the charts: `92.8 MiB` for the terminal's `92.8M`.
pub fn spaced(bytes: &str) -> String {
    let digits = bytes.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match &bytes[digits.len()..] {
        "" => format!("{digits} B"),
        unit => format!("{digits} {unit}iB"),
    }
}

fn pauses(jvm: &Jvm) -> Option<Notable> {
    let (time_ms, longest) = jvm.pause_ms_max.max()?;
    let total = growth(&jvm.pause_ms_total);
    let length_ms = (jvm.span.last_ms - jvm.span.first_ms).max(1) as f64;
    let share = total / length_ms;
    if longest < 1000.0 && share < 0.05 {
        return None;
    }
    let weight = if share > 0.25 {
        Weight::Warning
    } else {
        Weight::Info
    };
    let text = format!(
        "Collections stopped the application for {:.1}% of the time, at most {} at once.",
        100.0 * share.min(1.0),
        milliseconds(longest),
    );
    Some(Notable::new(weight, text).at(time_ms, time_ms))
}

fn growth(total: &Series) -> f64 {
    (total.last().unwrap_or(0.0) - total.first().unwrap_or(0.0)).max(0.0)
}

fn coverage(jvm: &Jvm) -> Option<Notable> {
    let coverage = jvm.coverage.as_ref()?;
    let what = match coverage.level {
        CoverageLevel::Exact => return None,
        CoverageLevel::Baseline => "Totals count from when finwatch came in",
        CoverageLevel::PendingOnly => "Only the JVM's own number of pending objects is known",
        CoverageLevel::Disabled => "The JVM runs without finalization",
    };
    let weight = match coverage.level {
        CoverageLevel::PendingOnly => Weight::Warning,
        _ => Weight::Info,
    };
    Some(Notable::new(
        weight,
        format!("{what}: {}.", coverage.reason),
    ))
}

fn dropped(jvm: &Jvm) -> Option<Notable> {
    let dropped = jvm
        .agent
        .records_dropped_total
        .last()
        .filter(|dropped| *dropped > 0.0)?;
    let text = format!(
        "{} records never reached the stream (a full disk, a reader that was too slow): there are gaps in the charts.",
        count(dropped),
    );
    Some(Notable::new(Weight::Warning, text))
}

fn end(jvm: &Jvm) -> Option<Notable> {
    let text = match jvm.stop {
        Some(StopReason::VmDeath) => return None,
        Some(StopReason::Detach) => "finwatch was detached; the JVM went on.",
        None => "The stream has no end: the JVM still ran, or was killed.",
    };
    Some(Notable::new(Weight::Info, text.to_owned()).at(jvm.span.last_ms, jvm.span.last_ms))
}

fn cost(jvm: &Jvm) -> Option<Notable> {
    let length_ms = jvm
        .span
        .last_ms
        .checked_sub(jvm.span.first_ms)
        .filter(|ms| *ms > 0)? as f64;
    let cpu = growth(&jvm.agent.cpu_ms_total);
    let stopped = jvm.agent.stw_ms_total.last()?;
    let text = format!(
        "finwatch itself took {:.3}% of a processor and asked the application to stop for {} in all.",
        100.0 * cpu / length_ms,
        milliseconds(stopped),
    );
    Some(Notable::new(Weight::Info, text))
}

fn times(number: u64) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        number => format!("{} times", grouped(number)),
    }
}

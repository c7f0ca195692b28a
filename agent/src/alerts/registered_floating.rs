//! `registered_floating`: objects of a class become more, enough to matter, and no collection
//! has looked at the old generation since: held or dead, that can't be told before one has,
//! or before their holders have been looked for.
//!
//! In the ordinary course a collection will look soon: when the old generation is full, at the
//! latest. So it is told where that takes long.
//!
//! A class whose objects turned out to be dead the last time is not told again before it has
//! many more of them.

use finwatch_record::{AlertKind, Severity};

use super::{Known, evidence::Evidence, history::Class, raised::Finding, undecided::Growth};

/// The class's part of the heap to matter.
const CLASS_SHARE: f64 = 0.15;

/// How many times the option `patience` it takes to be long.
const LONG: u64 = 60;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let classes = known.classes.iter();
    classes.filter_map(|class| of_class(known, class)).collect()
}

fn of_class(known: &Known, class: &Class) -> Option<Finding> {
    let raised_ms = |kind| known.raised.since(kind, Some(&class.name));
    if raised_ms(AlertKind::RegisteredLeak).is_some() {
        return None;
    }
    let growth = Growth::of(class)?;
    let holds = match raised_ms(AlertKind::RegisteredFloating) {
        Some(raised_ms) => !is_decided_since(class, raised_ms),
        None => matters(known, class, &growth),
    };
    holds.then(|| Finding {
        kind: AlertKind::RegisteredFloating,
        severity: Severity::Warning,
        class: Some(class.name.clone()),
        cause_class: None,
        since_ms: growth.first.uptime_ms,
        evidence: evidence(known, class, &growth),
        advice: format!(
            "{} objects of {} wait for a collection of the old generation, held by somebody or dead: \
             ask for their holders, or run jcmd PID GC.run, which tells by what is left.",
            growth.last.objects, class.name.class
        ),
    })
}

fn is_decided_since(class: &Class, uptime_ms: u64) -> bool {
    let last = class.held.last();
    last.is_some_and(|held| held.uptime_ms > uptime_ms)
}

fn matters(known: &Known, class: &Class, growth: &Growth) -> bool {
    growth.lasted_ms() >= LONG * known.thresholds.patience_ms()
        && growth.share(known) >= CLASS_SHARE
        && growth.goes_on(known, class)
}

fn evidence(known: &Known, class: &Class, growth: &Growth) -> Evidence {
    let max_bytes = known.heap.max_bytes().unwrap_or(0);
    Evidence::default()
        .count("undecided", growth.last.objects)
        .count("registered", class.now.counts.registered)
        .count("pending", class.now.counts.pending)
        .count("collections", growth.collections as u64)
        .count("heap_used_after_gc_bytes", growth.last.used_bytes)
        .count("heap_max_bytes", max_bytes)
        .measure("bytes_per_object_estimate", growth.bytes_per_object)
        .measure("full_in_s_estimate", growth.full_in_s(max_bytes))
}

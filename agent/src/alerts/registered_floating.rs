//! `registered_floating`: objects of a class become more, enough to matter, and no collection
//! has looked at the old generation since: held or dead, that can't be told before one has,
//! or before their holders have been looked for.
//!
//! In the ordinary course a collection will look soon: when the old generation is full, at the
//! latest. So it is told where that takes long.
//!
//! Or where nobody was found to hold them, and the finalizer thread won't be done with what that
//! collection queues all at once: objects are made faster than it can finalize them. Its queue does
//! not say so, being empty as long as they wait.
//!
//! A class whose objects turned out to be dead the last time is not told again before it has
//! many more of them.

use finwatch_record::{AlertKind, Severity};

use super::{
    Known,
    evidence::Evidence,
    history::Class,
    raised::Finding,
    registered_leak::SURVIVAL,
    softly_kept::is_softly_kept,
    undecided::{Growth, Work},
};

/// The class's part of the heap to matter.
const CLASS_SHARE: f64 = 0.15;

/// How many times the option `patience` it takes to be long.
const LONG: u64 = 60;

/// The part of the finalizer thread's time that the objects made in the meantime would take, for it not to be done
/// with them.
const BUSY: f64 = 0.8;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let classes = known.classes.iter();
    classes.filter_map(|class| of_class(known, class)).collect()
}

fn of_class(known: &Known, class: &Class) -> Option<Finding> {
    let raised_ms = |kind| known.raised.since(kind, Some(&class.name));
    if raised_ms(AlertKind::RegisteredLeak).is_some() || is_softly_kept(known, class) {
        return None;
    }
    let growth = Growth::of(class)?;
    let too_much = too_much_work(known, class, &growth);
    let holds = match raised_ms(AlertKind::RegisteredFloating) {
        Some(raised_ms) => !is_decided_since(class, raised_ms),
        None => (too_much.is_some() || is_long(known, &growth)) && matters(known, class, &growth),
    };
    holds.then(|| Finding {
        kind: AlertKind::RegisteredFloating,
        severity: Severity::Warning,
        class: Some(class.name.clone()),
        cause_class: None,
        since_ms: growth.first.uptime_ms,
        evidence: evidence(known, class, &growth),
        advice: advice(class, &growth, too_much),
    })
}

fn advice(class: &Class, growth: &Growth, too_much: Option<Work>) -> String {
    let (objects, class) = (growth.last.objects, &class.name.class);
    match too_much {
        Some(work) => format!(
            "{objects} objects of {class} wait for a collection of the old generation, and nobody was found who \
             holds them: if they are dead it will queue them all at once, {:.0} s of work for the finalizer thread, \
             which can't keep up with what is made. Close them explicitly, so that finalize() has nothing left to \
             do, or make fewer.",
            work.work_off_s
        ),
        None => format!(
            "{objects} objects of {class} wait for a collection of the old generation, held by somebody or dead: \
             ask for their holders, or run jcmd PID GC.run, which tells by what is left."
        ),
    }
}

fn is_decided_since(class: &Class, uptime_ms: u64) -> bool {
    let last = class.held.last();
    last.is_some_and(|held| held.uptime_ms > uptime_ms)
}

fn is_long(known: &Known, growth: &Growth) -> bool {
    growth.lasted_ms() >= LONG * known.thresholds.patience_ms()
}

fn matters(known: &Known, class: &Class, growth: &Growth) -> bool {
    growth.share(known) >= CLASS_SHARE && growth.goes_on(known, class)
}

/// What the finalizer thread will have to do, where a walk found nobody who holds the objects, and where it is too
/// much.
fn too_much_work(known: &Known, class: &Class, growth: &Growth) -> Option<Work> {
    let walked = class.walked?;
    let work = growth.work(class)?;
    (walked.held as f64 <= (1.0 - SURVIVAL) * walked.instances as f64
        && work.thread_share >= BUSY
        && work.work_off_s >= known.thresholds.patience.as_secs_f64())
    .then_some(work)
}

fn evidence(known: &Known, class: &Class, growth: &Growth) -> Evidence {
    let max_bytes = known.heap.max_bytes().unwrap_or(0);
    let work = growth.work(class);
    let of_work = |number: fn(&Work) -> f64| work.as_ref().map_or(f64::NAN, number);
    Evidence::default()
        .count("undecided", growth.last.objects)
        .count("registered", class.now.counts.registered)
        .count("pending", class.now.counts.pending)
        .count("collections", growth.collections as u64)
        .count("heap_used_after_gc_bytes", growth.last.used_bytes)
        .count("heap_max_bytes", max_bytes)
        .measure("bytes_per_object_estimate", growth.bytes_per_object)
        .measure("full_in_s_estimate", growth.full_in_s(max_bytes))
        .measure("work_off_s", of_work(|work| work.work_off_s))
        .measure("thread_share", of_work(|work| work.thread_share))
}

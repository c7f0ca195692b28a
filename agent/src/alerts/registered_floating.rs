//! `registered_floating`: objects of a class become more, enough to matter, and no collection
//! has looked at the old generation since: held or dead, that can't be told before one has,
//! or before their holders have been looked for.
//!
//! In the ordinary course a collection will look soon: when the old generation is full, at the
//! latest. So it is told where that takes long.
//!
//! A class whose objects turned out to be dead the last time is not told again before it has
//! many more of them.
//!
//! Where the heap is half full by then, the ordinary course may be too late: Parallel looks when its old
//! generation is full, and then the heap is, too. The class is a suspect there. Nothing is told of it, but
//! its holders are looked for without a stop, and if its objects have some that is a leak.

use finwatch_record::{AlertKind, Severity};

use super::{
    Known,
    evidence::Evidence,
    history::{Class, Undecided},
    raised::Finding,
    registered_leak::{CLASS_SHARE as LEAK_SHARE, HEAP_SHARE, RECENT},
    trend,
};

/// Collections in a row after which there were more of them each time.
const COLLECTIONS: usize = 3;

/// The class's part of the heap to matter.
const CLASS_SHARE: f64 = 0.15;

/// How many times the option `patience` it takes to be long.
const LONG: u64 = 60;

/// The part of the new objects that young collections have found dead, at the most.
const FOUND_DEAD: f64 = 0.5;

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
        None => growth.matters(known, class),
    };
    holds.then(|| Finding {
        kind: AlertKind::RegisteredFloating,
        severity: Severity::Warning,
        class: Some(class.name.clone()),
        cause_class: None,
        since_ms: growth.first.uptime_ms,
        evidence: growth.evidence(known, class),
        advice: format!(
            "{} objects of {} wait for a collection of the old generation, held by somebody or dead: \
             ask for their holders, or run jcmd PID GC.run, which tells by what is left.",
            growth.last.objects, class.name.class
        ),
    })
}

/// The class whose objects, if they are held, are a leak that no collection has seen yet. Not the one that
/// was a suspect with half as many.
pub(super) fn suspect<'a>(known: &Known<'a>) -> Option<&'a Class> {
    if known.heap.used_share() < HEAP_SHARE {
        return None;
    }
    let is_leak = |class: &Class| {
        let kind = AlertKind::RegisteredLeak;
        known.raised.contains(kind, Some(&class.name))
    };
    let suspects = known.classes.iter().filter(|class| {
        !is_leak(class) && Growth::of(class).is_some_and(|growth| growth.is_suspect(known, class))
    });
    suspects.max_by_key(|class| class.undecided_now())
}

fn is_decided_since(class: &Class, uptime_ms: u64) -> bool {
    let last = class.held.last();
    last.is_some_and(|held| held.uptime_ms > uptime_ms)
}

/// Collections since the last that looked at the whole heap, after each of which there
/// were more undecided objects.
pub(super) struct Growth {
    first: Undecided,
    last: Undecided,
    collections: usize,
    bytes_per_object: f64,
}

impl Growth {
    pub(super) fn of(class: &Class) -> Option<Growth> {
        let growing = class
            .undecided
            .last_while(|earlier, later| later.objects >= earlier.objects);
        let (first, last) = (*growing.clone().next()?, *class.undecided.last()?);
        let line = growing.clone();
        let line = line.map(|p| (p.objects as f64, p.used_bytes as f64));
        let slope = trend::through(line).map_or(0.0, |trend| trend.slope);
        let most = last.used_bytes as f64 / last.objects.max(1) as f64;
        Some(Growth {
            first,
            last,
            collections: growing.len(),
            bytes_per_object: slope.clamp(0.0, most),
        })
    }

    fn matters(&self, known: &Known, class: &Class) -> bool {
        self.lasted_ms() >= LONG * known.thresholds.patience_ms()
            && self.share(known) >= CLASS_SHARE
            && self.goes_on(known, class)
    }

    fn is_suspect(&self, known: &Known, class: &Class) -> bool {
        self.lasted_ms() >= known.thresholds.patience_ms()
            && self.share(known) >= LEAK_SHARE
            && self.last.objects / 2 >= class.suspected
            && self.goes_on(known, class)
    }

    fn lasted_ms(&self) -> u64 {
        self.last.uptime_ms.saturating_sub(self.first.uptime_ms)
    }

    fn share(&self, known: &Known) -> f64 {
        let bytes = self.bytes_per_object * self.last.objects as f64;
        known.heap.share(bytes)
    }

    /// They go on becoming more, were never so many when they were found dead, and young collections find
    /// few of them dead.
    fn goes_on(&self, known: &Known, class: &Class) -> bool {
        let halfway_ms = self.first.uptime_ms.midpoint(self.last.uptime_ms);
        let halfway = class.undecided.before(halfway_ms);
        let since = |point: &Undecided| self.last.objects.saturating_sub(point.objects) as f64;
        let (first, last) = (self.first.counts, self.last.counts);
        let registered = last.registered_total.saturating_sub(first.registered_total);
        let enqueued = last.enqueued_total.saturating_sub(first.enqueued_total);
        self.collections >= COLLECTIONS
            && self.last.objects > self.first.objects
            && halfway.is_some_and(|halfway| since(halfway) >= RECENT * since(&self.first))
            && self.last.objects >= known.thresholds.many
            && self.last.objects / 2 > class.found_dead
            && enqueued as f64 <= FOUND_DEAD * registered as f64
    }

    /// Seconds until the heap is full if it goes on like that; not a number where it does not grow.
    pub(super) fn full_in_s(&self, max_bytes: u64) -> f64 {
        let grown = self.last.used_bytes as f64 - self.first.used_bytes as f64;
        let left = max_bytes.saturating_sub(self.last.used_bytes) as f64;
        match grown > 0.0 {
            true => left * self.lasted_ms() as f64 / 1000.0 / grown,
            false => f64::NAN,
        }
    }

    fn evidence(&self, known: &Known, class: &Class) -> Evidence {
        let max_bytes = known.heap.max_bytes().unwrap_or(0);
        Evidence::default()
            .count("undecided", self.last.objects)
            .count("registered", class.now.counts.registered)
            .count("pending", class.now.counts.pending)
            .count("collections", self.collections as u64)
            .count("heap_used_after_gc_bytes", self.last.used_bytes)
            .count("heap_max_bytes", max_bytes)
            .measure("bytes_per_object_estimate", self.bytes_per_object)
            .measure("full_in_s_estimate", self.full_in_s(max_bytes))
    }
}

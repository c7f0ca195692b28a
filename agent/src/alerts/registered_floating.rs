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

use super::{
    Known,
    evidence::Evidence,
    history::{Class, Undecided},
    raised::Finding,
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

fn is_decided_since(class: &Class, uptime_ms: u64) -> bool {
    let last = class.held.last();
    last.is_some_and(|held| held.uptime_ms > uptime_ms)
}

/// Collections since the last that looked at the whole heap, after each of which there
/// were more undecided objects.
struct Growth {
    first: Undecided,
    last: Undecided,
    collections: usize,
    bytes_per_object: f64,
}

impl Growth {
    fn of(class: &Class) -> Option<Growth> {
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
        let lasted_ms = self.last.uptime_ms.saturating_sub(self.first.uptime_ms);
        let (first, last) = (self.first.counts, self.last.counts);
        let registered = last.registered_total.saturating_sub(first.registered_total);
        let enqueued = last.enqueued_total.saturating_sub(first.enqueued_total);
        self.collections >= COLLECTIONS
            && lasted_ms >= LONG * known.thresholds.patience_ms()
            && self.last.objects >= known.thresholds.many
            && self.last.objects / 2 > class.found_dead
            && enqueued as f64 <= FOUND_DEAD * registered as f64
            && known
                .heap
                .share(self.bytes_per_object * self.last.objects as f64)
                >= CLASS_SHARE
    }

    fn evidence(&self, known: &Known, class: &Class) -> Evidence {
        let seconds = self.last.uptime_ms.saturating_sub(self.first.uptime_ms) as f64 / 1000.0;
        let grown = (self.last.used_bytes as f64 - self.first.used_bytes as f64) / seconds;
        let max_bytes = known.heap.max_bytes().unwrap_or(0);
        let left = max_bytes.saturating_sub(self.last.used_bytes) as f64;
        Evidence::default()
            .count("undecided", self.last.objects)
            .count("registered", class.now.counts.registered)
            .count("pending", class.now.counts.pending)
            .count("collections", self.collections as u64)
            .count("heap_used_after_gc_bytes", self.last.used_bytes)
            .count("heap_max_bytes", max_bytes)
            .measure("bytes_per_object_estimate", self.bytes_per_object)
            .measure(
                "full_in_s_estimate",
                if grown > 0.0 { left / grown } else { f64::NAN },
            )
    }
}

//! `registered_leak`: objects of a class become more although collections have looked at
//! the whole heap: somebody holds them.
//!
//! Each such collection says of a class how many objects it found held, at the least. A
//! cache that fills up grows too, for a while. It is a leak where it matters: the heap is
//! half full and the class has a considerable part in that, or it has been growing for long. And
//! it is none where soft references were found to keep them.

use finwatch_record::AlertKind;

use super::{
    Known,
    evidence::Evidence,
    history::{Class, Held},
    raised::Finding,
    softly_kept::is_softly_kept,
    trend, undecided,
};

/// Collections in a row none of which found fewer held than the one before.
const COLLECTIONS: usize = 3;

/// The same where nothing else says that it matters.
const MANY_COLLECTIONS: usize = 6;

/// The growth from the first to the last of them, as a part of what was held at first.
const GROWTH: f64 = 0.1;

/// The part of the growth, or of the time it took, that makes it one that goes on.
pub(super) const RECENT: f64 = 0.25;

/// The part of the objects that one collection must leave to decide by itself.
pub(super) const SURVIVAL: f64 = 0.9;

/// How full the heap is after collections, and the class's part of it, to matter.
pub(super) const HEAP_SHARE: f64 = 0.5;
pub(super) const CLASS_SHARE: f64 = 0.2;

/// The part of all that makes it a leak that is reason enough to look who holds them.
const NEARLY: f64 = 0.5;

/// How many times the option `patience` is long: for growth to matter whatever the heap is
/// like, and without growth to be over.
const LONG: u64 = 60;

/// The class's part of the heap to matter when it has been growing for long.
const CLASS_SHARE_IN_THE_LONG_RUN: f64 = 0.02;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let classes = known.classes.iter();
    classes.filter_map(|class| of_class(known, class)).collect()
}

fn of_class(known: &Known, class: &Class) -> Option<Finding> {
    if is_softly_kept(known, class) {
        return None;
    }
    let growth = Growth::of(class);
    let walked = walked_and_held(known, class);
    let raised_ms = known
        .raised
        .since(AlertKind::RegisteredLeak, Some(&class.name));
    let leaks = growth.as_ref().is_some_and(|growth| {
        growth.is_certain
            && growth.is_a_leak(known, 1.0)
            && !is_less_than_resurrected(known, class, growth)
    });
    if !(leaks || walked || raised_ms.is_some() && still_there(known, class)) {
        return None;
    }
    let since_ms = match &growth {
        Some(growth) => growth.began_ms,
        None => {
            let undecided = class.undecided.iter().map(|undecided| undecided.uptime_ms);
            undecided.chain(raised_ms).next()?
        }
    };
    Some(Finding {
        kind: AlertKind::RegisteredLeak,
        severity: known.heap.severity(),
        class: Some(class.name.clone()),
        cause_class: None,
        since_ms,
        evidence: evidence(known, class, growth.as_ref())?,
        advice: format!(
            "Objects of {} are held by somebody and become more, closed or not: find the collection, \
             timer or thread that refers to them; waiting for the garbage collector is no use.",
            class.name.class
        ),
    })
}

/// It will be told as one if it goes on.
pub(super) fn is_nearly_a_leak(known: &Known, class: &Class) -> bool {
    Growth::of(class).is_some_and(|growth| growth.is_a_leak(known, NEARLY))
}

/// A walk found most of them held while no collection could tell, and they have become more since long
/// ago. Where `finalize()` resurrects objects, or may do so as none of them was watched to its end, those that it
/// found may be no longer registered.
fn walked_and_held(known: &Known, class: &Class) -> bool {
    let long_ms = LONG * known.thresholds.patience_ms();
    let long_ago = known.now.uptime_ms.checked_sub(long_ms);
    let before = long_ago.and_then(|at_ms| class.series.before(at_ms));
    let ended = class.now.ended();
    let resurrected = class
        .resurrected()
        .map_or(ended, |resurrected| resurrected as u64);
    class.walked.is_some_and(|walked| {
        let held = walked.held.saturating_sub(resurrected);
        held >= known.thresholds.many && held >= walked.instances / 2
    }) && !class.finalized.has_survivors()
        && class.not_pending() >= known.thresholds.many
        && before.is_none_or(|before| class.not_pending() > before.not_pending())
}

/// The heap fills with objects of the class that are not registered any more, which is told already.
fn is_less_than_resurrected(known: &Known, class: &Class, growth: &Growth) -> bool {
    let kind = AlertKind::FinalizerResurrects;
    known.raised.contains(kind, Some(&class.name))
        && class
            .resurrected()
            .is_some_and(|resurrected| growth.to as f64 <= resurrected)
}

/// Once raised: over when a collection finds less than half of the most there was, or no more
/// for long.
fn still_there(known: &Known, class: &Class) -> bool {
    let Some(last) = class.held.last() else {
        return false;
    };
    let most = class.held.iter().map(|held| held.objects).max();
    let long_ago = last
        .uptime_ms
        .checked_sub(LONG * known.thresholds.patience_ms());
    let before = long_ago.and_then(|at_ms| class.held.before(at_ms));
    last.objects >= most.unwrap_or(0) / 2
        && before.is_none_or(|before| last.objects > before.objects)
}

/// More and more objects that collections found held.
struct Growth {
    began_ms: u64,
    ended_ms: u64,
    /// Objects held at the begin and at the end.
    from: u64,
    to: u64,
    /// The collections that say so.
    collections: usize,
    live_bytes: f64,
    /// Bytes of the heap that go with one object, if the one grows because of the other.
    bytes_per_object: f64,
    /// It goes on for so long, and by so many collections, that it may be judged.
    is_certain: bool,
}

impl Growth {
    fn of(class: &Class) -> Option<Growth> {
        Growth::in_last_collection(class).or_else(|| Growth::over_collections(class))
    }

    /// Objects became more while nobody looked at the whole heap; then one collection did, and
    /// nearly all were held.
    fn in_last_collection(class: &Class) -> Option<Growth> {
        let last = class.held.last()?;
        let before = class.held.last_points(2).next();
        let before = before.filter(|before| before.uptime_ms < last.uptime_ms);
        let from = before.map_or(0, |before| before.objects);
        let late = last.existed.saturating_sub(last.existed_halfway) as f64;
        let grown = last.existed.saturating_sub(from) as f64;
        let survived = last.objects as f64 >= SURVIVAL * last.existed as f64;
        let goes_on = late >= RECENT * grown && grown >= RECENT * last.existed as f64;
        let bytes_per_object = at_most_all(last, last.bytes_per_object?);
        (survived && goes_on).then_some(Growth {
            began_ms: before.map_or(class.first_seen_ms, |before| before.uptime_ms),
            ended_ms: last.began_ms,
            from,
            to: last.objects,
            collections: 1,
            live_bytes: live_bytes(last, bytes_per_object),
            bytes_per_object,
            is_certain: true,
        })
    }

    /// Collections in a row that looked at the whole heap found more each time.
    fn over_collections(class: &Class) -> Option<Growth> {
        let growing = class
            .held
            .last_while(|earlier, later| later.objects >= earlier.objects);
        let (first, last) = (*growing.clone().next()?, *class.held.last()?);
        let points = growing.clone();
        let points = points.map(|held| (held.objects as f64, held.used_bytes as f64));
        let bytes_per_object = at_most_all(&last, trend::through(points)?.slope);
        let halfway = class
            .held
            .before(first.uptime_ms.midpoint(last.uptime_ms))?;
        let late = last.objects.saturating_sub(halfway.objects) as f64;
        // The first of those whose begin is vague speaks of the one before it, too.
        let collections = growing.len() + usize::from(first.is_vague);
        Some(Growth {
            began_ms: first.began_ms,
            ended_ms: last.uptime_ms,
            from: first.objects,
            to: last.objects,
            collections,
            live_bytes: live_bytes(&last, bytes_per_object),
            bytes_per_object,
            is_certain: collections >= COLLECTIONS
                && late >= RECENT * (last.objects - first.objects) as f64,
        })
    }

    fn class_share(&self, known: &Known) -> f64 {
        known.heap.share(self.bytes_per_object * self.to as f64)
    }

    /// Whether it has come to that `part` of what makes it a leak. The class's part of the heap counts only where there
    /// are collections enough to estimate that.
    fn is_a_leak(&self, known: &Known, part: f64) -> bool {
        let patience_ms = part * known.thresholds.patience_ms() as f64;
        let lasted_ms = self.ended_ms.saturating_sub(self.began_ms) as f64;
        let much = (self.to - self.from.min(self.to)) as f64 > part * GROWTH * self.from as f64;
        let soon = lasted_ms >= patience_ms
            && known.heap.share(self.live_bytes) >= part * HEAP_SHARE
            && (self.class_share(known) >= part * CLASS_SHARE || !self.is_certain);
        let in_the_long_run = lasted_ms >= LONG as f64 * patience_ms
            && self.collections as f64 >= part * MANY_COLLECTIONS as f64
            && self.class_share(known) >= part * CLASS_SHARE_IN_THE_LONG_RUN;
        let many = self.to as f64 >= part * known.thresholds.many as f64;
        many && much && (soon || in_the_long_run)
    }
}

/// What the heap holds but for the dead objects of the class.
fn live_bytes(held: &Held, bytes_per_object: f64) -> f64 {
    held.used_bytes as f64 - held.dead as f64 * bytes_per_object
}

/// No more than all that is in the heap.
fn at_most_all(held: &Held, bytes_per_object: f64) -> f64 {
    let most = held.used_bytes as f64 / (held.objects + held.dead).max(1) as f64;
    bytes_per_object.clamp(0.0, most)
}

fn evidence(known: &Known, class: &Class, growth: Option<&Growth>) -> Option<Evidence> {
    let held = class.held.last().map_or(0, |held| held.objects);
    let walked = class.walked.map_or(0, |walked| walked.held);
    let max_bytes = known.heap.max_bytes().unwrap_or(0);
    let evidence = Evidence::default()
        .count("registered", class.now.counts.registered)
        .count("pending", class.now.counts.pending)
        .count("held", held.max(walked))
        .count("heap_used_after_gc_bytes", known.heap.last()?.used_bytes)
        .count("heap_max_bytes", max_bytes);
    let Some(growth) = growth else {
        let Some(undecided) = undecided::Growth::of(class) else {
            return Some(evidence);
        };
        let share = known.heap.share(undecided.bytes_per_object * walked as f64);
        return Some(
            evidence
                .measure("bytes_per_object_estimate", undecided.bytes_per_object)
                .measure("heap_share_estimate", share)
                .measure("full_in_s_estimate", undecided.full_in_s(max_bytes)),
        );
    };
    let seconds = growth.ended_ms.saturating_sub(growth.began_ms) as f64 / 1000.0;
    let grown = growth.to.saturating_sub(growth.from) as f64;
    Some(
        evidence
            .count("collections", growth.collections as u64)
            .measure("held_growth_per_s", grown / seconds)
            .measure("bytes_per_object_estimate", growth.bytes_per_object)
            .measure("heap_share_estimate", growth.class_share(known)),
    )
}

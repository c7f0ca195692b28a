//! Classes whose objects soft references keep, as a walk for their holders found: a cache. Collections find
//! them held and the heap fills up with them, and yet the collector has room where it needs some.
//!
//! It is what the walk has found, so it is believed for a while only. Before that is over, or when there are many
//! more, the class is looked at again, which stops nothing.

use finwatch_record::Holders;

use super::{
    Known,
    history::Class,
    registered_leak::{HEAP_SHARE, SURVIVAL},
};

/// How many times the option `patience` it takes until the class is looked at again, and until the walk is not believed
/// any more. What was a cache may be a leak by then.
const LONG: u64 = 12;
const TOO_LONG: u64 = 2 * LONG;

/// So many times as many objects that the class is looked at again.
const MANY: f64 = 1.4;

/// The part of the objects that soft references must keep.
const KEPT: f64 = 0.5;

/// The part of them that must be there for the collector to have room.
const LEFT: f64 = 0.5;

/// What a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftlyKept {
    /// Objects of the class then.
    objects: u64,
    /// When, in milliseconds since the JVM started.
    uptime_ms: u64,
}

impl SoftlyKept {
    /// `None` where they are held otherwise, or where it is not known.
    pub(super) fn of(holders: &Holders, class: &Class) -> Option<SoftlyKept> {
        let instances = holders.instances as f64;
        let softly = holders.softly_held? as f64;
        let are_held = holders.held as f64 > (1.0 - SURVIVAL) * instances;
        let keep = softly > 0.0 && softly >= KEPT * instances && !are_held;
        keep.then_some(SoftlyKept {
            objects: class.not_pending(),
            uptime_ms: class.now.uptime_ms,
        })
    }

    /// How many times as many objects there are now.
    fn times(self, class: &Class) -> f64 {
        class.not_pending() as f64 / self.objects.max(1) as f64
    }

    /// How many times the option `patience` ago that was.
    fn age(self, known: &Known) -> u64 {
        let age_ms = known.now.uptime_ms.saturating_sub(self.uptime_ms);
        age_ms / known.thresholds.patience_ms().max(1)
    }
}

/// Whether that is so now, as far as is known.
pub(super) fn is_softly_kept(known: &Known, class: &Class) -> bool {
    class
        .softly_kept
        .is_some_and(|kept| kept.age(known) < TOO_LONG)
}

/// Whether the class, of which that is so, should be looked at again.
pub(super) fn is_due(known: &Known, class: &Class) -> bool {
    class.softly_kept.is_some_and(|kept| {
        kept.times(class) >= MANY
            || known.heap.used_share() >= HEAP_SHARE && kept.age(known) >= LONG
    })
}

/// Whether the collector has room where it needs some: that is so of a class, and most of its objects are there.
pub(super) fn is_cache_there(known: &Known) -> bool {
    known.classes.iter().any(|class| {
        let is_there = |kept: SoftlyKept| kept.times(class) >= LEFT;
        is_softly_kept(known, class) && class.softly_kept.is_some_and(is_there)
    })
}

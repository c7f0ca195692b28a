//! Classes whose objects soft references keep, as a walk for their holders found: a cache. Collections find
//! them held and the heap fills up with them, and yet the collector has room where it needs some.
//!
//! It is what the walk has found, so it is believed for a while only, and while there are about as many. Then
//! the class is looked at again, which stops nothing.

use finwatch_record::Holders;

use super::{Known, history::Class, registered_leak::SURVIVAL};

/// How many times the option `patience` a walk is believed, before the class is looked at again.
const LONG: u64 = 60;

/// The part of the objects that soft references must keep.
const KEPT: f64 = 0.5;

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
        (softly >= KEPT * instances && holders.held as f64 <= (1.0 - SURVIVAL) * instances)
            .then_some(SoftlyKept {
                objects: class.not_pending(),
                uptime_ms: class.now.uptime_ms,
            })
    }

    fn age_ms(self, known: &Known) -> u64 {
        known.now.uptime_ms.saturating_sub(self.uptime_ms)
    }
}

/// Whether that is so now, as far as is known.
pub(super) fn is_softly_kept(known: &Known, class: &Class) -> bool {
    let believed_ms = 2 * LONG * known.thresholds.patience_ms();
    class.softly_kept.is_some_and(|kept| {
        let objects = class.not_pending();
        objects <= 2 * kept.objects
            && objects >= kept.objects / 2
            && kept.age_ms(known) < believed_ms
    })
}

/// Whether the class should be looked at again.
pub(super) fn is_due(known: &Known, class: &Class) -> bool {
    let long_ms = LONG * known.thresholds.patience_ms();
    is_softly_kept(known, class)
        && class
            .softly_kept
            .is_some_and(|kept| kept.age_ms(known) >= long_ms)
}

//! The class that is looked at more closely, before anything is told of it: if its objects are held that
//! is a leak, and no collection has said so yet; if they are not they may be more than the finalizer thread can
//! get done.
//!
//! In the ordinary course a collection says so. It may be too late: Parallel looks when its old generation
//! is full, and then the heap is, too. So where the heap is half full, holders are looked for without
//! a stop: if there are some, `registered_leak` is told, if not perhaps `registered_floating`. And what was
//! a cache of soft references may have become a leak.

use finwatch_record::AlertKind;

use super::{
    Known,
    history::Class,
    registered_leak::{CLASS_SHARE, HEAP_SHARE},
    softly_kept,
    undecided::Growth,
};

/// The class whose objects no collection has found held or dead yet, and that are many. Not the one that was a
/// suspect with half as many.
pub(super) fn suspect<'a>(known: &Known<'a>) -> Option<&'a Class> {
    if known.heap.used_share() < HEAP_SHARE {
        return None;
    }
    let is_leak = |class: &Class| {
        let kind = AlertKind::RegisteredLeak;
        known.raised.contains(kind, Some(&class.name))
    };
    let suspects = known.classes.iter().filter(|class| {
        let looks_it = match softly_kept::is_softly_kept(known, class) {
            true => softly_kept::is_due(known, class),
            false => Growth::of(class).is_some_and(|growth| is_suspect(known, class, &growth)),
        };
        looks_it && !is_leak(class)
    });
    suspects.max_by_key(|class| class.undecided_now())
}

fn is_suspect(known: &Known, class: &Class, growth: &Growth) -> bool {
    growth.lasted_ms() >= known.thresholds.patience_ms()
        && growth.share(known) >= CLASS_SHARE
        && growth.last.objects / 2 >= class.suspected
        && growth.goes_on(known, class)
}

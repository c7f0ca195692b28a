//! The class that is looked at more closely, before anything is told of it.
//!
//! If its objects are held that is a leak, and no collection has said so yet; if they are not they may be more than
//! the finalizer thread can get done. In the ordinary course a collection says so. It may be too late: Parallel looks
//! when its old generation is full, and then the heap is, too. So where the heap is half full, holders are looked for
//! without a stop: if there are some, `registered_leak` is told, if not perhaps `registered_floating`.
//!
//! Or collections find more and more of them held, and if soft references keep them that is none.

use finwatch_record::AlertKind;

use super::{
    Known,
    history::Class,
    registered_leak::{CLASS_SHARE, HEAP_SHARE, is_nearly_a_leak},
    softly_kept,
    undecided::Growth,
};

/// Why a class is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No collection has found its objects held or dead yet, and they are many.
    Undecided,
    /// Soft references may keep them.
    PerhapsCache,
}

/// The class that is looked at, if any. Not one that was looked at with half as many objects.
pub(super) fn suspect<'a>(known: &Known<'a>) -> Option<(&'a Class, Why)> {
    let is_leak = |class: &Class| {
        let kind = AlertKind::RegisteredLeak;
        known.raised.contains(kind, Some(&class.name))
    };
    let suspects = known.classes.iter().filter(|class| !is_leak(class));
    let suspects = suspects.filter_map(|class| Some((class, why(known, class)?)));
    suspects.max_by_key(|(class, _)| class.not_pending())
}

fn why(known: &Known, class: &Class) -> Option<Why> {
    if softly_kept::is_softly_kept(known, class) {
        return softly_kept::is_due(known, class).then_some(Why::PerhapsCache);
    }
    let is_undecided =
        || Growth::of(class).is_some_and(|growth| is_undecided(known, class, &growth));
    if known.heap.used_share() >= HEAP_SHARE && is_undecided() {
        return Some(Why::Undecided);
    }
    let is_new = class.not_pending() / 2 >= class.looked_at;
    (is_new && is_nearly_a_leak(known, class)).then_some(Why::PerhapsCache)
}

fn is_undecided(known: &Known, class: &Class, growth: &Growth) -> bool {
    growth.lasted_ms() >= known.thresholds.patience_ms()
        && growth.share(known) >= CLASS_SHARE
        && growth.last.objects / 2 >= class.suspected
        && growth.goes_on(known, class)
}

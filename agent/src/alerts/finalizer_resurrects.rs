//! `finalizer_resurrects`: `finalize()` of a class makes its objects reachable again. They are no longer
//! registered, will not be finalized a second time, and stay.
//!
//! The ledger knows nothing of an object that has been finalized, so a few of each class are
//! watched, and collections of the whole heap tell whether they are gone.

use finwatch_record::AlertKind;

use super::{Known, evidence::Evidence, history::Class, raised::Finding};

/// Fewer that were watched say nothing.
const WATCHED: u32 = 4;

/// The part of them that must survive, to be told and to be so still.
const MOST_OF_THEM: f64 = 0.5;
const SOME_OF_THEM: f64 = 0.25;

/// What became of the last objects of a class that were watched after their `finalize()`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Finalized {
    /// How many that are.
    pub watched: u32,
    /// A bit for each, the last one's the lowest: set where collections of the whole heap left it.
    survived: u16,
}

impl Finalized {
    /// The fate of one more is known.
    pub fn was_seen(&mut self, survived: bool) {
        self.watched = (self.watched + 1).min(u16::BITS);
        self.survived = self.survived << 1 | u16::from(survived);
    }

    /// Whether any of them survived.
    pub fn has_survivors(&self) -> bool {
        self.survived != 0
    }

    /// The part of them that survived; `None` where there are none.
    pub fn share(&self) -> Option<f64> {
        let watched = (self.watched > 0).then(|| f64::from(self.watched));
        watched.map(|watched| f64::from(self.survived.count_ones()) / watched)
    }
}

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let classes = known.classes.iter();
    classes.filter_map(|class| of_class(known, class)).collect()
}

fn of_class(known: &Known, class: &Class) -> Option<Finding> {
    let share = class.finalized.share()?;
    let resurrected = class.resurrected()?;
    let is_raised = known
        .raised
        .contains(AlertKind::FinalizerResurrects, Some(&class.name));
    let holds = match is_raised {
        true => share >= SOME_OF_THEM,
        false => {
            class.finalized.watched >= WATCHED
                && share >= MOST_OF_THEM
                && resurrected >= known.thresholds.many as f64
        }
    };
    holds.then(|| Finding {
        kind: AlertKind::FinalizerResurrects,
        severity: known.heap.severity(),
        class: Some(class.name.clone()),
        cause_class: None,
        since_ms: class.first_seen_ms,
        evidence: Evidence::default()
            .count("finalized_total", class.now.ended())
            .count("watched", u64::from(class.finalized.watched))
            .measure("survived_share", share)
            .count("resurrected_estimate", resurrected as u64)
            .count("heap_used_after_gc_bytes", known.heap.used_bytes())
            .count("heap_max_bytes", known.heap.max_bytes().unwrap_or(0)),
        advice: format!(
            "{}.finalize() puts its object where it can be reached again, and no collection will ever \
             queue it a second time: let finalize() release what it must and keep no reference to `this`.",
            class.name.class
        ),
    })
}

//! `finalizer_throws`: `finalize()` of a class ends with an exception most of the time. The
//! JDK swallows it, and what should have been released is not.

use finwatch_record::{AlertKind, Severity};

use super::{Known, evidence::Evidence, history::Class, raised::Finding};

/// Fewer exceptions than this are no habit.
const LEAST: u64 = 10;

/// The part of the calls that throw to be a habit, and to be one still.
const MOST_OF_THEM: f64 = 0.5;
const SOME_OF_THEM: f64 = 0.1;

pub(super) fn judge(known: &Known) -> Vec<Finding> {
    let classes = known.classes.iter();
    classes.filter_map(|class| of_class(known, class)).collect()
}

fn of_class(known: &Known, class: &Class) -> Option<Finding> {
    let from = class.calls_from[0];
    let counts = class.now.counts;
    let threw = counts.threw_total.saturating_sub(from.counts.threw_total);
    let ended = class.now.ended().saturating_sub(from.ended());
    let part = threw as f64 / ended.max(1) as f64;
    let is_raised = known
        .raised
        .contains(AlertKind::FinalizerThrows, Some(&class.name));
    let holds = match is_raised {
        true => ended == 0 || part >= SOME_OF_THEM,
        false => threw >= LEAST && part >= MOST_OF_THEM,
    };
    holds.then(|| Finding {
        kind: AlertKind::FinalizerThrows,
        severity: Severity::Warning,
        class: Some(class.name.clone()),
        cause_class: None,
        since_ms: from.uptime_ms,
        evidence: Evidence::default()
            .count("threw_total", counts.threw_total)
            .count("finalized_total", counts.finalized_total)
            .measure("threw_share", part),
        advice: format!(
            "{}.finalize() throws and the JDK swallows the exception, so what it should release may \
             stay: call it by hand in a test to see the exception.",
            class.name.class
        ),
    })
}

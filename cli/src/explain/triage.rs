//! Which of several alerts is told first: the worst, and the cause before what follows from it.

use std::cmp::Reverse;

use finwatch_record::{Alert, AlertKind, Severity};

use super::known::Told;

/// The alerts in the order in which they matter.
pub fn in_order(alerts: impl Iterator<Item = Told<Alert>>) -> Vec<Told<Alert>> {
    let mut ordered: Vec<Told<Alert>> = alerts.collect();
    let alerts = ordered.clone();
    let severity = |cause: &Alert| worst(cause, &alerts);
    ordered.sort_by_key(|alert| {
        let alert = &alert.what;
        let since = alert.since_uptime_ms;
        (Reverse(severity(alert)), depth(alert.kind), since)
    });
    ordered
}

/// What is the cause of another alert is as bad as that.
fn worst(cause: &Alert, all: &[Told<Alert>]) -> Severity {
    let explained = all.iter().filter(|other| explains(cause, &other.what));
    let severities = explained.map(|other| other.what.severity);
    severities.fold(cause.severity, Severity::max)
}

/// Whether one alert is the cause of the other.
pub fn explains(cause: &Alert, other: &Alert) -> bool {
    use AlertKind::*;
    let is_of_class =
        |cause: &Alert| other.cause_class.is_none() || other.cause_class == cause.class;
    match (cause.kind, other.kind) {
        (FinalizerDead | FinalizerStuck, PendingGrowth | FinalizerSlow | HeapExhaustion) => true,
        (ReferenceHandlerStalled, RegisteredLeak | RegisteredFloating | HeapExhaustion) => true,
        (FinalizerSlow, PendingGrowth | HeapExhaustion) => true,
        (PendingGrowth | FinalizerResurrects, HeapExhaustion) => true,
        (RegisteredLeak | RegisteredFloating, HeapExhaustion) => is_of_class(cause),
        _ => false,
    }
}

/// How far down the kind stands among causes and consequences: the causes first.
fn depth(kind: AlertKind) -> u8 {
    match kind {
        AlertKind::ReferenceHandlerStalled => 0,
        AlertKind::FinalizerDead => 1,
        AlertKind::FinalizerStuck => 2,
        AlertKind::FinalizerSlow => 3,
        AlertKind::RegisteredLeak => 4,
        AlertKind::FinalizerResurrects => 5,
        AlertKind::PendingGrowth => 6,
        AlertKind::RegisteredFloating => 7,
        AlertKind::FinalizerThrows => 8,
        AlertKind::HeapExhaustion => 9,
        AlertKind::Unknown => 10,
    }
}

//! What the agent found out beyond counts: alerts, what the finalizer thread does, who holds
//! the objects and where they are made.

use std::collections::BTreeMap;

use finwatch_record::{
    Alert, FinalizerThread, Holders, OutOfMemory, Severity, Sites, Stall, StallState,
};

use crate::alerts::Alerts;

/// Classes of which holders and sites are remembered; past that the whole lot is forgotten.
const MOST_CLASSES: usize = 1024;

/// Something, and when it was told, in milliseconds since the JVM started.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<T> {
    /// When.
    pub at_ms: u64,
    /// What.
    pub what: T,
}

/// What the last records of these types said.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    alerts: Alerts,
    /// What the finalizer thread does.
    pub finalizer_thread: Option<Told<FinalizerThread>>,
    /// The JVM stands still.
    pub stall: Option<Told<Stall>>,
    /// The JVM ran out of something, in its words.
    pub out_of_memory: Option<Told<String>>,
    holders: BTreeMap<String, Told<Holders>>,
    sites: BTreeMap<String, Told<Sites>>,
}

impl Findings {
    /// Alerts that are raised, the worst first, of those the oldest.
    pub fn alerts(&self) -> Vec<&Alert> {
        let mut alerts: Vec<&Alert> = self.raised().collect();
        alerts.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.since_uptime_ms));
        alerts
    }

    /// The worst alert that a class is the object or the cause of.
    pub fn severity(&self, class: &str) -> Option<Severity> {
        let names = |name: &Option<String>| name.as_deref() == Some(class);
        let about = self
            .raised()
            .filter(|alert| names(&alert.class) || names(&alert.cause_class));
        about.map(|alert| alert.severity).max()
    }

    /// How many alerts are raised that no record tells of.
    pub fn untold_alerts(&self) -> u64 {
        self.alerts.untold()
    }

    fn raised(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.raised().map(|word| &word.alert)
    }

    /// Who holds the objects of a class, as last told.
    pub fn holders(&self, class: &str) -> Option<&Told<Holders>> {
        self.holders.get(class)
    }

    /// Where the objects of a class are made, as last told.
    pub fn sites(&self, class: &str) -> Option<&Told<Sites>> {
        self.sites.get(class)
    }

    pub(super) fn alert(&mut self, at_ms: u64, alert: Alert) {
        self.alerts.take(at_ms, alert);
    }

    /// Nobody looks any more whether what was raised goes on.
    pub(super) fn forget_alerts(&mut self) {
        self.alerts.forget_raised();
    }

    /// Whoever makes samples does not stand still.
    pub(super) fn note_sample(&mut self, alerts_raised: Option<u64>) {
        self.alerts.take_sample(alerts_raised);
        self.stall = None;
    }

    pub(super) fn note_finalizer_thread(&mut self, at_ms: u64, what: FinalizerThread) {
        self.finalizer_thread = Some(Told { at_ms, what });
    }

    pub(super) fn note_stall(&mut self, at_ms: u64, stall: Stall) {
        self.stall = match stall.state {
            StallState::Ongoing => Some(Told { at_ms, what: stall }),
            StallState::Over => None,
        };
    }

    pub(super) fn note_holders(&mut self, at_ms: u64, what: Holders) {
        let at_ms = what.looked_uptime_ms.unwrap_or(at_ms);
        note(&mut self.holders, what.class.clone(), Told { at_ms, what });
    }

    pub(super) fn note_sites(&mut self, at_ms: u64, what: Sites) {
        note(&mut self.sites, what.class.clone(), Told { at_ms, what });
    }

    pub(super) fn note_out_of_memory(&mut self, at_ms: u64, oom: OutOfMemory) {
        for alert in oom.alerts {
            self.alerts.take_known(at_ms, alert);
        }
        for holders in oom.holders {
            self.note_holders(at_ms, holders);
        }
        self.out_of_memory = Some(Told {
            at_ms,
            what: oom.description,
        });
    }
}

fn note<T>(known: &mut BTreeMap<String, Told<T>>, class: String, told: Told<T>) {
    if known.len() >= MOST_CLASSES {
        known.clear();
    }
    known.insert(class, told);
}

#[cfg(test)]
mod tests {
    use finwatch_record::AlertKind;

    use super::super::examples::alert;
    use super::*;

    #[test]
    fn the_worst_alert_is_first() {
        let mut findings = Findings::default();
        findings.alert(1, alert(AlertKind::PendingGrowth, None));
        let mut worse = alert(AlertKind::HeapExhaustion, None);
        worse.severity = Severity::Critical;
        findings.alert(1, worse);
        assert_eq!(findings.alerts()[0].kind, AlertKind::HeapExhaustion);
    }

    #[test]
    fn a_class_is_as_bad_as_the_worst_alert_about_it() {
        let mut findings = Findings::default();
        findings.alert(1, alert(AlertKind::RegisteredLeak, Some("A")));
        let mut worse = alert(AlertKind::PendingGrowth, Some("B"));
        worse.severity = Severity::Critical;
        worse.cause_class = Some("A".to_owned());
        findings.alert(1, worse);
        let severities = ["A", "B", "C"].map(|class| findings.severity(class));
        assert_eq!(
            severities,
            [Some(Severity::Critical), Some(Severity::Critical), None]
        );
    }

    #[test]
    fn a_stall_ends() {
        let mut stall = Stall {
            state: StallState::Ongoing,
            since_uptime_ms: 5,
            duration_ms: 9.0,
            in_gc_pause: true,
        };
        let mut findings = Findings::default();
        findings.note_stall(14, stall);
        assert_eq!(findings.stall.as_ref().map(|told| told.at_ms), Some(14));
        stall.state = StallState::Over;
        findings.note_stall(20, stall);
        assert_eq!(findings.stall, None);
        stall.state = StallState::Ongoing;
        findings.note_stall(30, stall);
        findings.note_sample(None);
        assert_eq!(findings.stall, None);
    }
}

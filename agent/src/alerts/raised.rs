//! From conditions to alerts: each is raised once and cleared once, and told again when it becomes worse.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use finwatch_record::{Alert, AlertKind, AlertState, Severity};

use super::{ClassName, Key, Moment, evidence::Evidence};

/// Alerts that are raised at once, at most; a program with more troubles has enough to go on.
const MOST: usize = 64;

/// A condition holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub kind: AlertKind,
    pub severity: Severity,
    pub class: Option<ClassName>,
    pub cause_class: Option<String>,
    /// Since when, in milliseconds since the JVM started.
    pub since_ms: u64,
    pub evidence: Evidence,
    pub advice: String,
}

/// The alerts that are raised and not cleared.
#[derive(Debug, Default)]
pub struct Raised(BTreeMap<Key, Entry>);

#[derive(Debug)]
struct Entry {
    alert: Alert,
    raised_ms: u64,
    /// When the condition last held.
    held_ms: u64,
}

impl Raised {
    /// Whether that alert is raised.
    pub fn contains(&self, kind: AlertKind, class: Option<&ClassName>) -> bool {
        self.since(kind, class).is_some()
    }

    /// When that alert was raised, in milliseconds since the JVM started.
    pub fn since(&self, kind: AlertKind, class: Option<&ClassName>) -> Option<u64> {
        let class = class.cloned();
        let entry = self.0.get(&Key { kind, class })?;
        Some(entry.raised_ms)
    }

    /// Takes what holds now; returns what begins, what becomes worse and what has ended with that. How bad it is
    /// does not become less, for what leads to that goes up and down.
    pub fn update(&mut self, now: Moment, found: Vec<Finding>, patience_ms: u64) -> Vec<Alert> {
        let mut told = Vec::new();
        for finding in found {
            let key = Key {
                kind: finding.kind,
                class: finding.class.clone(),
            };
            if let Some(entry) = self.0.get_mut(&key) {
                entry.held_ms = now.uptime_ms;
                entry.alert.cause_class = finding.cause_class;
                entry.alert.evidence = finding.evidence.into_map();
                entry.alert.advice = finding.advice;
                if finding.severity > entry.alert.severity {
                    entry.alert.severity = finding.severity;
                    told.push(ongoing(&entry.alert));
                }
            } else if self.0.len() < MOST {
                let alert = alert(now, finding);
                told.push(alert.clone());
                let entry = Entry {
                    alert,
                    raised_ms: now.uptime_ms,
                    held_ms: now.uptime_ms,
                };
                self.0.insert(key, entry);
            }
        }
        self.0.retain(|key, entry| {
            let ended = now.uptime_ms > entry.held_ms
                && now.uptime_ms - entry.held_ms >= memory_ms(key.kind, patience_ms);
            if ended {
                entry.alert.state = AlertState::Cleared;
                told.push(entry.alert.clone());
            }
            !ended
        });
        told
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of them is about a class, or about what it costs others.
    pub fn is_about(&self, class: &str, loader: Option<&str>) -> bool {
        self.0.values().any(|Entry { alert, .. }| {
            let is_it = alert.class.as_deref() == Some(class) && alert.loader.as_deref() == loader;
            is_it || alert.cause_class.as_deref() == Some(class)
        })
    }

    /// All of them, as they were raised but for the numbers.
    pub fn alerts(&self) -> Vec<Alert> {
        self.0.values().map(|entry| entry.alert.clone()).collect()
    }

    /// All of them but those that are told already, to be told again.
    pub fn again(&self, told: &[Alert]) -> Vec<Alert> {
        let is_told = |alert: &Alert| told.iter().any(|told| told.key() == alert.key());
        let alerts = self.0.values().map(|entry| &entry.alert);
        let untold = alerts.filter(|alert| !is_told(alert));
        untold.map(ongoing).collect()
    }
}

fn ongoing(alert: &Alert) -> Alert {
    Alert {
        state: AlertState::Ongoing,
        ..alert.clone()
    }
}

/// For how long a condition must not have held. One that is a fact and no trend has
/// ended when it is no longer true.
fn memory_ms(kind: AlertKind, patience_ms: u64) -> u64 {
    match kind {
        AlertKind::FinalizerStuck | AlertKind::FinalizerDead => 0,
        _ => patience_ms,
    }
}

fn alert(now: Moment, finding: Finding) -> Alert {
    let ago = Duration::from_millis(now.uptime_ms.saturating_sub(finding.since_ms));
    // A clock that was never set may say that the JVM is older than time.
    let since = now.time.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH);
    let since = since.max(SystemTime::UNIX_EPOCH);
    let (class, loader) = match finding.class {
        Some(name) => (Some(name.class), name.loader),
        None => (None, None),
    };
    Alert {
        kind: finding.kind,
        state: AlertState::Raised,
        severity: finding.severity,
        class,
        loader,
        cause_class: finding.cause_class,
        since: humantime::format_rfc3339_millis(since).to_string(),
        since_uptime_ms: finding.since_ms,
        evidence: finding.evidence.into_map(),
        advice: finding.advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: AlertKind, class: &str) -> Finding {
        Finding {
            kind,
            severity: Severity::Warning,
            class: Some(ClassName {
                class: class.to_owned(),
                loader: None,
            }),
            cause_class: None,
            since_ms: 500,
            evidence: Evidence::default(),
            advice: String::new(),
        }
    }

    fn at(uptime_ms: u64) -> Moment {
        Moment {
            uptime_ms,
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(10_000 + uptime_ms),
        }
    }

    fn states(alerts: &[Alert]) -> Vec<AlertState> {
        alerts.iter().map(|alert| alert.state).collect()
    }

    #[test]
    fn what_flickers_is_raised_once_and_cleared_once() {
        let mut raised = Raised::default();
        let leak = || vec![finding(AlertKind::RegisteredLeak, "A")];
        let told = raised.update(at(1000), leak(), 300);
        assert_eq!(states(&told), [AlertState::Raised]);
        assert_eq!(told[0].since, "1970-01-01T00:00:10.500Z");
        for (now, found) in [
            (1100, vec![]),
            (1200, leak()),
            (1300, vec![]),
            (1499, vec![]),
        ] {
            assert_eq!(raised.update(at(now), found, 300), []);
        }
        assert_eq!(
            states(&raised.update(at(1500), vec![], 300)),
            [AlertState::Cleared]
        );
        assert_eq!(raised.update(at(1600), vec![], 300), []);
    }

    #[test]
    fn what_is_a_fact_is_cleared_at_once() {
        let mut raised = Raised::default();
        let stuck = vec![finding(AlertKind::FinalizerStuck, "A")];
        raised.update(at(1000), stuck, 300);
        let told = raised.update(at(1001), vec![], 300);
        assert_eq!(states(&told), [AlertState::Cleared]);
    }

    #[test]
    fn what_becomes_worse_is_told_once_more() {
        let mut raised = Raised::default();
        let leak = |severity, advice: &str| {
            let advice = advice.to_owned();
            let finding = finding(AlertKind::RegisteredLeak, "A");
            vec![Finding {
                severity,
                advice,
                ..finding
            }]
        };
        raised.update(at(1000), leak(Severity::Warning, "soon"), 300);
        let worse = raised.update(at(1100), leak(Severity::Critical, "now"), 300);
        assert_eq!(states(&worse), [AlertState::Ongoing]);
        assert_eq!(
            (worse[0].severity, worse[0].advice.as_str()),
            (Severity::Critical, "now")
        );
        assert_eq!(
            raised.update(at(1200), leak(Severity::Warning, "soon"), 300),
            []
        );
        assert_eq!(raised.alerts()[0].severity, Severity::Critical);
    }

    #[test]
    fn what_goes_on_is_told_again_unless_it_has_just_been_told() {
        let mut raised = Raised::default();
        let told = raised.update(at(1000), vec![finding(AlertKind::RegisteredLeak, "A")], 300);
        assert_eq!(raised.again(&told), []);
        let both = ["A", "B"].map(|class| finding(AlertKind::RegisteredLeak, class));
        let told = raised.update(at(1100), both.to_vec(), 300);
        let again = raised.again(&told);
        assert_eq!(states(&again), [AlertState::Ongoing]);
        assert_eq!(again[0].class.as_deref(), Some("A"));
    }

    #[test]
    fn the_cause_is_told_as_it_is_now() {
        let mut raised = Raised::default();
        for cause in ["Slow", "Slower"] {
            let finding = finding(AlertKind::PendingGrowth, "A");
            let cause_class = Some(cause.to_owned());
            let found = Finding {
                cause_class,
                ..finding
            };
            raised.update(at(1000), vec![found], 300);
        }
        assert_eq!(raised.again(&[])[0].cause_class.as_deref(), Some("Slower"));
    }

    #[test]
    fn an_alert_is_about_its_class_of_that_loader_and_about_what_costs_the_time() {
        let mut raised = Raised::default();
        let name = |class: &str| ClassName {
            class: class.to_owned(),
            loader: Some("app".to_owned()),
        };
        let found = ["A", "B"].map(|class| Finding {
            class: Some(name(class)),
            cause_class: (class == "B").then(|| "Slow".to_owned()),
            ..finding(AlertKind::PendingGrowth, class)
        });
        raised.update(at(1000), found.into(), 300);
        assert!(raised.is_about("A", Some("app")));
        assert!(raised.is_about("Slow", None));
        assert!(!raised.is_about("A", None));
        assert!(!raised.is_about("C", Some("app")));
    }

    #[test]
    fn two_classes_are_two_alerts_and_there_is_an_end_to_them() {
        let mut raised = Raised::default();
        let many = (0..1000).map(|n| finding(AlertKind::RegisteredLeak, &n.to_string()));
        assert_eq!(raised.update(at(1000), many.collect(), 300).len(), MOST);
        assert_eq!(raised.alerts().len(), MOST);
    }
}

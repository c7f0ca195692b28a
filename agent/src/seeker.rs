//! Of which classes the holders are to be looked for, and when.
//!
//! Looking stops the application, so it is not done all the time: once for each alert, and
//! with so much time in between that it stays a small part of all. Looking on suspicion, without
//! a stop, never has an alert wait.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use finwatch_record::{Alert, AlertKind, AlertState};

/// The time between two walks, as a multiple of what the last one took.
const SPACING: u32 = 20;

/// Classes that wait, at the most.
const MOST_WAITING: usize = 16;

/// A class and its loader.
type Class = (String, Option<String>);

/// The classes that wait for their turn.
#[derive(Debug, Default)]
pub struct Seeker {
    waiting: VecDeque<Class>,
    next: Option<Instant>,
    next_suspect: Option<Instant>,
}

impl Seeker {
    /// An alert was told.
    pub fn raised(&mut self, alert: &Alert) {
        let is_about_holders = matches!(
            alert.kind,
            AlertKind::RegisteredLeak
                | AlertKind::RegisteredFloating
                | AlertKind::FinalizerResurrects
        );
        // What goes on has been looked for, or waits.
        let matters = is_about_holders && alert.state != AlertState::Ongoing;
        let Some(name) = alert.class.clone().filter(|_| matters) else {
            return;
        };
        let class = (name, alert.loader.clone());
        self.waiting.retain(|waiting| *waiting != class);
        if alert.state == AlertState::Raised && self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(class);
        }
    }

    /// The class whose turn it is.
    pub fn due(&mut self, now: Instant) -> Option<Class> {
        let is_rested = self.next.is_none_or(|next| now >= next);
        is_rested.then(|| self.waiting.pop_front())?
    }

    /// Whether the last walk was long enough ago for one on suspicion.
    pub fn may_suspect(&self, now: Instant) -> bool {
        let next = self.next.max(self.next_suspect);
        next.is_none_or(|next| now >= next)
    }

    /// The holders of a class that was [due](Seeker::due) were looked for.
    pub fn sought(&mut self, began: Instant, ended: Instant) {
        self.next = rest(began, ended);
    }

    /// The holders of a class were looked for on suspicion.
    pub fn sought_suspect(&mut self, began: Instant, ended: Instant) {
        self.next_suspect = rest(began, ended);
    }
}

fn rest(began: Instant, ended: Instant) -> Option<Instant> {
    let took = ended.saturating_duration_since(began);
    ended.checked_add(took.saturating_mul(SPACING).max(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(class: &str, kind: AlertKind, state: AlertState) -> Alert {
        Alert {
            kind,
            state,
            severity: finwatch_record::Severity::Warning,
            class: Some(class.to_owned()),
            loader: None,
            cause_class: None,
            since: String::new(),
            since_uptime_ms: 0,
            evidence: Default::default(),
            advice: String::new(),
        }
    }

    #[test]
    fn each_in_its_turn_and_not_all_the_time() {
        let (mut seeker, now) = (Seeker::default(), Instant::now());
        assert_eq!(seeker.due(now), None);
        for class in ["A", "B", "C", "A"] {
            seeker.raised(&alert(class, AlertKind::RegisteredLeak, AlertState::Raised));
        }
        seeker.raised(&alert("D", AlertKind::FinalizerSlow, AlertState::Raised));
        seeker.raised(&alert("C", AlertKind::RegisteredLeak, AlertState::Cleared));
        seeker.raised(&alert("B", AlertKind::RegisteredLeak, AlertState::Ongoing));
        assert_eq!(seeker.due(now), Some(("B".to_owned(), None)));
        let ended = now + Duration::from_secs(2);
        seeker.sought(now, ended);
        assert_eq!(seeker.due(ended + Duration::from_secs(39)), None);
        let next = seeker.due(ended + Duration::from_secs(41));
        assert_eq!(next, Some(("A".to_owned(), None)));
        assert_eq!(seeker.due(ended + Duration::from_secs(42)), None);
    }

    #[test]
    fn a_suspect_waits_for_an_alert_and_no_alert_for_a_suspect() {
        let (mut seeker, now) = (Seeker::default(), Instant::now());
        assert!(seeker.may_suspect(now));
        let ended = now + Duration::from_secs(2);
        seeker.sought_suspect(now, ended);
        assert!(!seeker.may_suspect(ended + Duration::from_secs(39)));
        seeker.raised(&alert("A", AlertKind::RegisteredLeak, AlertState::Raised));
        assert_eq!(seeker.due(ended), Some(("A".to_owned(), None)));
        seeker.sought(ended, ended + Duration::from_secs(2));
        assert!(!seeker.may_suspect(ended + Duration::from_secs(41)));
        assert!(seeker.may_suspect(ended + Duration::from_secs(43)));
    }
}

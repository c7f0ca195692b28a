//! What a stream says of alerts: the last word on each. Records may be missing, rotated away or dropped; each sample
//! tells how many alerts are raised, which puts that right as far as it goes.

use std::collections::BTreeMap;

use finwatch_record::{Alert, AlertKind, AlertState, Start};

/// So many are kept; an agent raises 64 at once.
const MOST: usize = 500;

/// What an alert is known by, kept.
type Key = (AlertKind, Option<String>, Option<String>);

/// The last word on each alert.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    last: BTreeMap<Key, Word>,
    /// As the last sample counts them that does.
    raised_at_sample: Option<u64>,
}

/// What an alert's last record says.
#[derive(Debug, Clone)]
pub struct Word {
    /// When that was, on whatever clock the times are given.
    pub at_ms: u64,
    /// The record.
    pub alert: Alert,
    is_after_sample: bool,
}

impl Word {
    fn is_raised(&self) -> bool {
        self.alert.state != AlertState::Cleared
    }

    /// Whether the last sample counts it.
    fn is_counted(&self) -> bool {
        match self.alert.state {
            AlertState::Raised => !self.is_after_sample,
            AlertState::Ongoing => true,
            AlertState::Cleared => self.is_after_sample,
        }
    }
}

impl Alerts {
    /// Takes the next record of an alert.
    pub fn take(&mut self, at_ms: u64, alert: Alert) {
        self.put(at_ms, alert, true);
    }

    /// Takes an alert that was raised at some time before this, unless there is a record of that.
    pub fn take_known(&mut self, at_ms: u64, alert: Alert) {
        if !self.last.get(&key(&alert)).is_some_and(Word::is_raised) {
            self.put(at_ms, alert, false);
        }
    }

    /// Takes what a sample counts. Where that is less than what is known, the record that cleared it is missing; one
    /// that goes on has been told again, so it is the one that was told longest ago.
    pub fn take_sample(&mut self, raised: Option<u64>) {
        self.follow(raised);
        self.drop_over();
    }

    /// Adds what came after.
    pub fn append(&mut self, later: Alerts) {
        if later.raised_at_sample.is_some() {
            self.follow(later.raised_at_sample);
        }
        for word in later.last.into_values() {
            self.put(word.at_ms, word.alert, word.is_after_sample);
        }
        self.drop_over();
    }

    /// Those that are raised and not cleared.
    pub fn raised(&self) -> impl Iterator<Item = &Word> {
        self.last.values().filter(|word| word.is_raised())
    }

    /// Those that were cleared and not raised again.
    pub fn cleared(&self) -> impl Iterator<Item = &Word> {
        self.last.values().filter(|word| !word.is_raised())
    }

    /// How many are raised, by the last sample, of which no record is known.
    pub fn untold(&self) -> u64 {
        let counted = self.last.values().filter(|word| word.is_counted());
        let raised = self.raised_at_sample.unwrap_or(0);
        raised.saturating_sub(counted.count() as u64)
    }

    /// What was raised is not known to be so any more.
    pub fn forget_raised(&mut self) {
        self.last.retain(|_, word| !word.is_raised());
        self.raised_at_sample = None;
    }

    /// A sample counts so many: all that is known was told before it.
    fn follow(&mut self, raised: Option<u64>) {
        for word in self.last.values_mut() {
            word.is_after_sample = false;
        }
        self.raised_at_sample = raised;
    }

    fn put(&mut self, at_ms: u64, alert: Alert, is_after_sample: bool) {
        let key = key(&alert);
        if self.last.len() >= MOST && !self.last.contains_key(&key) {
            self.last.retain(|_, word| word.is_raised());
        }
        if self.last.len() < MOST || self.last.contains_key(&key) {
            let word = Word {
                at_ms,
                alert,
                is_after_sample,
            };
            self.last.insert(key, word);
        }
    }

    fn drop_over(&mut self) {
        let Some(raised) = self.raised_at_sample else {
            return;
        };
        let words = self.last.values().filter(|word| word.is_after_sample);
        let after = words.filter(|word| word.is_counted()).count();
        let before = self.last.iter();
        let before = before.filter(|(_, word)| word.is_raised() && !word.is_after_sample);
        let mut before: Vec<(u64, Key)> = before
            .map(|(key, word)| (word.at_ms, key.clone()))
            .collect();
        before.sort();
        let there_are = (raised as usize).saturating_sub(after);
        let over = before.len().saturating_sub(there_are);
        for (_, key) in before.into_iter().take(over) {
            self.last.remove(&key);
        }
    }
}

/// Whether nothing is looked for from there on: what was raised may go on or not.
pub fn are_off(start: &Start) -> bool {
    let option = start.agent.options.get("alerts");
    option.is_some_and(|value| value == "off")
}

fn key(alert: &Alert) -> Key {
    let (kind, class, loader) = alert.key();
    (kind, class.map(str::to_owned), loader.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::model::examples::alert;

    fn of(class: &str, state: AlertState) -> Alert {
        Alert {
            state,
            ..alert(AlertKind::RegisteredLeak, Some(class))
        }
    }

    fn raised(alerts: &Alerts) -> Vec<&str> {
        let raised = alerts.raised();
        raised
            .filter_map(|word| word.alert.class.as_deref())
            .collect()
    }

    #[test]
    fn an_alert_stays_until_it_is_cleared() {
        let mut alerts = Alerts::default();
        alerts.take(1, of("A", AlertState::Raised));
        alerts.take(2, of("B", AlertState::Raised));
        alerts.take_sample(Some(2));
        alerts.take(3, of("A", AlertState::Cleared));
        assert_eq!((raised(&alerts), alerts.untold()), (vec!["B"], 0));
        alerts.take_sample(Some(1));
        assert_eq!((raised(&alerts), alerts.untold()), (vec!["B"], 0));
    }

    #[test]
    fn one_whose_end_is_missing_is_not_raised() {
        let mut alerts = Alerts::default();
        for class in ["A", "B", "C"] {
            alerts.take(1, of(class, AlertState::Raised));
        }
        alerts.take(5, of("A", AlertState::Ongoing));
        alerts.take(6, of("C", AlertState::Ongoing));
        alerts.take_sample(Some(2));
        assert_eq!(raised(&alerts), ["A", "C"]);
        alerts.take_sample(Some(0));
        assert_eq!(raised(&alerts), [""; 0]);
    }

    #[test]
    fn one_whose_beginning_is_missing_is_known_to_be_there() {
        let mut alerts = Alerts::default();
        alerts.take_sample(Some(2));
        assert_eq!(alerts.untold(), 2);
        alerts.take(1, of("A", AlertState::Ongoing));
        alerts.take(1, of("B", AlertState::Raised));
        assert_eq!((raised(&alerts), alerts.untold()), (vec!["A", "B"], 1));
        alerts.take(1, of("C", AlertState::Cleared));
        assert_eq!((raised(&alerts), alerts.untold()), (vec!["A", "B"], 0));
        alerts.take_sample(Some(2));
        assert_eq!((raised(&alerts), alerts.untold()), (vec!["A", "B"], 0));
    }

    #[test]
    fn a_stream_that_counts_none_is_taken_at_its_word() {
        let mut alerts = Alerts::default();
        alerts.take(1, of("A", AlertState::Raised));
        alerts.take_sample(None);
        assert_eq!((raised(&alerts), alerts.untold()), (vec!["A"], 0));
    }

    #[test]
    fn files_that_follow_each_other_are_like_one() {
        let (mut earlier, mut later) = (Alerts::default(), Alerts::default());
        earlier.take(1, of("A", AlertState::Raised));
        earlier.take(2, of("B", AlertState::Raised));
        later.take_sample(Some(2));
        later.take(9, of("A", AlertState::Cleared));
        earlier.append(later);
        assert_eq!((raised(&earlier), earlier.untold()), (vec!["B"], 0));
        let mut last = Alerts::default();
        last.take_sample(Some(0));
        earlier.append(last);
        assert_eq!((raised(&earlier), earlier.untold()), (vec![], 0));
    }
}

//! Alerts, each from when it was raised to when it ended.

use finwatch_record::{Alert, AlertState};
use serde::Serialize;

use crate::time;

/// So many are kept, the first ones.
const MOST: usize = 500;

/// All alerts of a JVM.
#[derive(Debug, Default, Serialize)]
pub struct Alerts {
    /// In the order in which they were first told.
    pub shown: Vec<Shown>,
    /// Too many to keep.
    pub left_out: u64,
    /// The first sample counted none, and no record had told of any.
    #[serde(skip)]
    none_before_ms: Option<u64>,
}

/// An alert. Times are in milliseconds since 1970.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Since when its condition held.
    pub from_ms: u64,
    /// When it ended; `None`: not within the records.
    pub to_ms: Option<u64>,
    pub end: End,
    /// The last word on it, whose state is that of a record.
    pub told: Alert,
}

/// How an alert ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It has not, as far as the records go.
    Open,
    /// Its condition did not hold any more.
    Cleared,
    /// The agent was detached, and knew nothing of it when it was attached again; or alerts were switched off.
    Unknown,
}

impl Alerts {
    /// Takes the next record of an alert.
    pub fn take(&mut self, time_ms: u64, told: Alert) {
        let (to_ms, end) = match told.state {
            AlertState::Cleared => (Some(time_ms), End::Cleared),
            AlertState::Raised | AlertState::Ongoing => (None, End::Open),
        };
        let from_ms = time::parse(&told.since).unwrap_or(time_ms);
        let shown = Shown {
            from_ms,
            to_ms,
            end,
            told,
        };
        self.put(shown);
    }

    /// Takes what a sample counts: where that is nothing, a record that cleared one may be missing.
    pub fn take_sample(&mut self, time_ms: u64, raised: Option<u64>) {
        if raised == Some(0) {
            if self.shown.is_empty() {
                self.none_before_ms.get_or_insert(time_ms);
            }
            self.end(time_ms, End::Cleared);
        }
    }

    /// What is raised at that time is not known to be so any more.
    pub fn lose_sight(&mut self, time_ms: u64) {
        self.end(time_ms, End::Unknown);
    }

    /// Adds those of a later file.
    pub fn append(&mut self, later: Alerts) {
        if let Some(time_ms) = later.none_before_ms {
            self.end(time_ms, End::Cleared);
        }
        self.left_out += later.left_out;
        for shown in later.shown {
            self.put(shown);
        }
    }

    /// The same alert is open at most once, and what goes on or ends was raised before.
    fn put(&mut self, next: Shown) {
        let is_it = |shown: &Shown| shown.end == End::Open && shown.told.key() == next.told.key();
        if let Some(open) = self.shown.iter_mut().rfind(|shown| is_it(shown)) {
            (open.to_ms, open.end, open.told) = (next.to_ms, next.end, next.told);
        } else if self.shown.len() < MOST {
            self.shown.push(next);
        } else {
            self.left_out += 1;
        }
    }

    fn end(&mut self, time_ms: u64, end: End) {
        let open = self.shown.iter_mut();
        for shown in open.filter(|shown| shown.end == End::Open) {
            (shown.to_ms, shown.end) = (Some(time_ms), end);
        }
    }
}

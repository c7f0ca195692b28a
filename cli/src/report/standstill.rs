//! How long at a time one `finalize()` ran and no other ended: a finalizer that is stuck.

use finwatch_record::Counts;
use serde::Serialize;

/// The longest time in which samples saw a `finalize()` running and none ending.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Standstill {
    /// From and to, milliseconds since 1970.
    pub longest: Option<(u64, u64)>,
    /// It lasts until the last sample.
    pub is_last: bool,
    #[serde(skip)]
    current: Option<Current>,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    since_ms: u64,
    ended_total: u64,
}

impl Standstill {
    /// Takes the counts of the next sample.
    pub fn take(&mut self, time_ms: u64, counts: &Counts) {
        let ended_total = counts.finalized_total.wrapping_add(counts.threw_total);
        if counts.running == 0 {
            self.current = None;
            self.is_last = false;
            return;
        }
        match self.current {
            Some(current) if current.ended_total == ended_total => {
                self.is_last = self.extend(current.since_ms, time_ms);
            }
            _ => {
                self.current = Some(Current {
                    since_ms: time_ms,
                    ended_total,
                });
                self.is_last = false;
            }
        }
    }

    /// Adds that of a later file.
    pub fn append(&mut self, later: Standstill) {
        let is_longer = match (self.longest, later.longest) {
            (Some(this), Some(that)) => that.1 - that.0 > this.1 - this.0,
            (None, that) => that.is_some(),
            (Some(_), None) => false,
        };
        if is_longer {
            self.longest = later.longest;
        }
        self.is_last = later.is_last && is_longer;
        self.current = later.current;
    }

    /// How long it was, ms.
    pub fn length_ms(&self) -> u64 {
        self.longest.map_or(0, |(from, to)| to - from)
    }

    /// Whether it is the longest now.
    fn extend(&mut self, since_ms: u64, time_ms: u64) -> bool {
        let is_longest = time_ms.saturating_sub(since_ms) > self.length_ms();
        if is_longest {
            self.longest = Some((since_ms, time_ms));
        }
        is_longest
    }
}

//! When the JVM stood still, or its threads got no time: a guest or a container that was paused, a long collection,
//! SIGSTOP. How long a call of `finalize()` lasted then is not its own fault.

use std::collections::VecDeque;

use crate::pauses::Standstill;

/// Standstills that are remembered.
const MOST: usize = 64;

/// The last of them, oldest first.
#[derive(Debug, Default)]
pub struct Standstills(VecDeque<Standstill>);

impl Standstills {
    /// Takes the last one that was seen, over and over until there is another.
    pub fn note(&mut self, last: Standstill) {
        if self.0.back() == Some(&last) {
            return;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(last);
    }

    /// For how many milliseconds the JVM has stood still since a time.
    pub fn since(&self, from_ms: u64) -> u64 {
        let each = self.0.iter();
        each.map(|one| one.until_ms.saturating_sub(one.from_ms.max(from_ms)))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_before_does_not_count_and_each_counts_once() {
        let mut standstills = Standstills::default();
        for (from_ms, until_ms) in [(1000, 3000), (1000, 3000), (5000, 9000)] {
            standstills.note(Standstill { from_ms, until_ms });
        }
        let since = [0, 2000, 4000, 8000, 9000].map(|from_ms| standstills.since(from_ms));
        assert_eq!(since, [6000, 5000, 4000, 1000, 0]);
    }
}

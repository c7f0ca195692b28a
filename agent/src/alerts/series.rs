//! Points over time, from now back to the beginning, in bounded memory: they become fewer
//! the older they are.

use std::collections::{VecDeque, vec_deque};

/// Points of a series, at the most.
pub const MOST_POINTS: usize = 64;

/// Something that was true at a moment.
pub trait Timed {
    /// Milliseconds since the JVM started.
    fn uptime_ms(&self) -> u64;
}

/// Points over time, oldest first.
#[derive(Debug)]
pub struct Series<T>(VecDeque<T>);

impl<T> Default for Series<T> {
    fn default() -> Series<T> {
        Series(VecDeque::new())
    }
}

impl<T: Timed> Series<T> {
    /// Adds a point, unless the last one is younger than `spacing_ms`.
    pub fn push_spaced(&mut self, point: T, spacing_ms: u64) {
        let last = self.0.back().map(Timed::uptime_ms);
        if last.is_none_or(|last| point.uptime_ms() >= last + spacing_ms) {
            self.push(point);
        }
    }

    /// Adds a point, in place of the last one if that is younger than `spacing_ms` than the
    /// one before it: the newest is always there.
    pub fn push_newest(&mut self, point: T, spacing_ms: u64) {
        let mut ages = self.0.iter().rev().map(Timed::uptime_ms);
        if let (Some(last), Some(before)) = (ages.next(), ages.next())
            && last < before + spacing_ms
        {
            self.0.pop_back();
        }
        self.push(point);
    }

    fn push(&mut self, point: T) {
        let now_ms = point.uptime_ms();
        self.0.push_back(point);
        if self.0.len() > MOST_POINTS {
            self.thin(now_ms);
        }
    }

    /// Takes out the point whose absence leaves the smallest gap for its age.
    fn thin(&mut self, now_ms: u64) {
        let at = |index: usize| self.0[index].uptime_ms();
        let gap = |index: &usize| {
            let between = at(index + 1).saturating_sub(at(index - 1));
            between as f64 / now_ms.saturating_sub(at(*index)).max(1) as f64
        };
        let inner = 1..self.0.len() - 1;
        if let Some(index) = inner.min_by(|a, b| gap(a).total_cmp(&gap(b))) {
            self.0.remove(index);
        }
    }

    /// The youngest point that is not younger than the time.
    pub fn before(&self, uptime_ms: u64) -> Option<&T> {
        let mut newest_first = self.0.iter().rev();
        newest_first.find(|point| point.uptime_ms() <= uptime_ms)
    }

    /// The points from a time on.
    pub fn since(&self, uptime_ms: u64) -> impl Iterator<Item = &T> {
        self.0.iter().filter(move |p| p.uptime_ms() >= uptime_ms)
    }

    /// The last points, oldest first, of which each fits together with the one before it.
    pub fn last_while(&self, mut fits: impl FnMut(&T, &T) -> bool) -> vec_deque::Iter<'_, T> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1)).rev();
        let steps = pairs.take_while(|(earlier, later)| fits(earlier, later));
        let first = self.0.len().saturating_sub(steps.count() + 1);
        self.0.range(first..)
    }

    /// The last points, as many as there are up to this number.
    pub fn last_points(&self, count: usize) -> vec_deque::Iter<'_, T> {
        self.0.range(self.0.len().saturating_sub(count)..)
    }

    /// All points.
    pub fn iter(&self) -> vec_deque::Iter<'_, T> {
        self.0.iter()
    }

    /// The newest point.
    pub fn last(&self) -> Option<&T> {
        self.0.back()
    }

    /// The newest point, to change it.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        self.0.back_mut()
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Timed for u64 {
        fn uptime_ms(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn it_reaches_from_now_to_the_beginning_with_few_points() {
        let mut series = Series::default();
        (0..100_000).for_each(|second| series.push_spaced(second * 1000, 500));
        assert_eq!(series.len(), MOST_POINTS);
        let newest = 99_999_000;
        for age in [1_000, 10_000, 600_000, 30_000_000] {
            let found = series.before(newest - age).unwrap();
            assert!(newest - found < 2 * age, "{age}: {}", newest - found);
        }
        assert_eq!(series.iter().next(), Some(&0));
    }

    #[test]
    fn points_keep_their_distance_and_the_newest_is_there_if_wanted() {
        let (mut spaced, mut newest) = (Series::default(), Series::default());
        for uptime_ms in [0, 40, 80, 120, 160] {
            spaced.push_spaced(uptime_ms, 100);
            newest.push_newest(uptime_ms, 100);
        }
        assert_eq!(spaced.iter().collect::<Vec<_>>(), [&0, &120]);
        assert_eq!(newest.iter().collect::<Vec<_>>(), [&0, &120, &160]);
    }

    #[test]
    fn the_last_points_that_fit_together() {
        let mut series = Series::default();
        (1..3).chain(9..12).for_each(|n| series.push_spaced(n, 0));
        let near = |earlier: &u64, later: &u64| later - earlier < 5;
        assert_eq!(series.last_while(near).collect::<Vec<_>>(), [&9, &10, &11]);
        let empty: Series<u64> = Series::default();
        assert_eq!(empty.last_while(near).count(), 0);
        assert_eq!(series.last_points(2).collect::<Vec<_>>(), [&10, &11]);
    }
}

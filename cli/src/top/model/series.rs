//! The past of a class, or of all of them: what its counts were, and the rates that follow.

use std::collections::VecDeque;

use finwatch_record::{ClassRow, Counts};

use super::cells::cells;

/// Two points are at least this far apart: samples after collections come thick at times.
const APART_MS: u64 = 1000;

/// A rate is that over the shortest time that is at least this long, so that it is not
/// one of two samples that happen to follow each other.
const RATE_MS: u64 = 2000;

/// Counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Point {
    /// Milliseconds since the JVM started.
    pub at_ms: u64,
    /// Objects registered then.
    pub registered: u64,
    /// The part of them that waited.
    pub pending: u64,
    /// Objects inside `finalize()` then.
    pub running: u64,
    /// Objects registered until then.
    pub in_total: u64,
    /// Objects whose `finalize()` had ended until then, well or not.
    pub out_total: u64,
    /// 99th percentile of `finalize()`, nanoseconds; 0 for a sum of classes.
    pub p99_ns: u64,
}

impl Point {
    /// The counts of all classes together.
    pub fn of(at_ms: u64, counts: &Counts) -> Point {
        Point {
            at_ms,
            registered: counts.registered,
            pending: counts.pending,
            running: counts.running,
            in_total: counts.registered_total,
            out_total: counts.finalized_total + counts.threw_total,
            p99_ns: 0,
        }
    }

    /// The counts of one class.
    pub fn of_class(at_ms: u64, row: &ClassRow) -> Point {
        Point {
            p99_ns: row.finalize_ns.p99,
            ..Point::of(at_ms, &row.counts)
        }
    }
}

/// What of a [`Point`] is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// [`Point::registered`].
    Registered,
    /// [`Point::pending`].
    Pending,
    /// Objects registered a second.
    In,
    /// Objects finalized a second.
    Out,
    /// [`Point::p99_ns`].
    P99,
}

/// The points of the past, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Series {
    points: VecDeque<Point>,
}

impl Series {
    /// Adds the present; the oldest points go where there are more than `most`.
    pub fn push(&mut self, point: Point, most: usize) {
        let before = self.points.len().checked_sub(2).map(|i| self.points[i]);
        if before.is_some_and(|before| point.at_ms < before.at_ms + APART_MS) {
            self.points.pop_back();
        }
        self.points.push_back(point);
        let surplus = self.points.len().saturating_sub(most);
        self.points.drain(..surplus);
    }

    /// The time that is known, milliseconds.
    pub fn span_ms(&self) -> u64 {
        let ends = self.points.front().zip(self.points.back());
        ends.map_or(0, |(first, last)| last.at_ms.saturating_sub(first.at_ms))
    }

    /// Objects a second that were registered lately; `None` before there are two points.
    pub fn rate_in(&self) -> Option<f64> {
        self.rate(|point| point.in_total)
    }

    /// Objects a second whose `finalize()` ended lately; `None` before there are two points.
    pub fn rate_out(&self) -> Option<f64> {
        self.rate(|point| point.out_total)
    }

    fn rate(&self, total: impl Fn(&Point) -> u64) -> Option<f64> {
        let last = self.points.back()?;
        let earlier = || self.points.iter().rev().skip(1);
        let base = earlier()
            .find(|point| point.at_ms + RATE_MS <= last.at_ms)
            .or_else(|| earlier().last())?;
        per_second(base, last, total)
    }

    /// The quantity in equal pieces of time, see [`cells`].
    pub fn cells(
        &self,
        quantity: Quantity,
        now_ms: u64,
        span_ms: u64,
        count: usize,
    ) -> Vec<Option<f64>> {
        let previous = std::iter::once(None).chain(self.points.iter().map(Some));
        let points = self.points.iter().zip(previous);
        let values = points.map(|(point, previous)| (point.at_ms, quantity.of(previous, point)));
        cells(values, now_ms, span_ms, count)
    }
}

impl Quantity {
    fn of(self, previous: Option<&Point>, point: &Point) -> Option<f64> {
        match self {
            Quantity::Registered => Some(point.registered as f64),
            Quantity::Pending => Some(point.pending as f64),
            Quantity::In => per_second(previous?, point, |point| point.in_total),
            Quantity::Out => per_second(previous?, point, |point| point.out_total),
            Quantity::P99 => Some(point.p99_ns as f64),
        }
    }
}

fn per_second(from: &Point, to: &Point, total: impl Fn(&Point) -> u64) -> Option<f64> {
    let ms = to.at_ms.checked_sub(from.at_ms).filter(|ms| *ms > 0)?;
    // Totals only grow; a reader of a stream that does otherwise shows no rate below 0.
    let objects = total(to).saturating_sub(total(from));
    Some(objects as f64 * 1000.0 / ms as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: u64, registered: u64, in_total: u64) -> Point {
        Point {
            at_ms,
            registered,
            in_total,
            ..Point::default()
        }
    }

    fn series(points: &[(u64, u64, u64)]) -> Series {
        let mut series = Series::default();
        for &(at_ms, registered, in_total) in points {
            series.push(point(at_ms, registered, in_total), usize::MAX);
        }
        series
    }

    #[test]
    fn a_rate_needs_two_points() {
        assert_eq!(series(&[]).rate_in(), None);
        assert_eq!(series(&[(1000, 5, 5)]).rate_in(), None);
        assert_eq!(series(&[(1000, 5, 5), (6000, 5, 15)]).rate_in(), Some(2.0));
    }

    #[test]
    fn a_rate_is_that_of_two_seconds_at_least() {
        let points = [(0, 0, 0), (5000, 0, 100), (6900, 0, 1000), (7000, 0, 1000)];
        assert_eq!(series(&points).rate_in(), Some(450.0));
    }

    #[test]
    fn totals_that_fall_give_no_rate_below_0() {
        assert_eq!(series(&[(0, 0, 9), (5000, 0, 1)]).rate_in(), Some(0.0));
    }

    #[test]
    fn points_of_the_same_second_are_one() {
        let all = series(&[
            (0, 1, 0),
            (100, 2, 0),
            (200, 3, 0),
            (1100, 4, 0),
            (1150, 5, 0),
        ]);
        let kept: Vec<_> = all.points.iter().map(|point| point.at_ms).collect();
        assert_eq!(kept, [0, 200, 1150]);
    }

    #[test]
    fn the_oldest_points_go() {
        let mut all = Series::default();
        for n in 0..5 {
            all.push(point(n * 1000, n, n), 3);
        }
        let kept: Vec<_> = all.points.iter().map(|point| point.at_ms).collect();
        assert_eq!(kept, [2000, 3000, 4000]);
    }

    #[test]
    fn cells_of_a_rate_are_between_points() {
        let all = series(&[(0, 0, 0), (5000, 0, 50), (10_000, 0, 150)]);
        let cells = all.cells(Quantity::In, 10_000, 15_000, 3);
        assert_eq!(cells, [None, Some(10.0), Some(20.0)]);
    }
}

//! A number over time, in a memory that does not grow with the stream: points that are close are put together, and
//! each keeps the lowest, the highest and the latest of what went into it. So a peak of one sample is seen however
//! long the stream is.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// So many points at most.
const MOST: usize = 400;

/// What was measured in one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    /// When the latest was measured, milliseconds since 1970.
    time_ms: u64,
    last: f64,
    min: f64,
    max: f64,
    count: u64,
}

/// A number over time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Binary logarithm of the width of a stretch in milliseconds.
    width: u32,
    /// In the order of time, at most one in each stretch.
    points: Vec<Point>,
}

impl Series {
    /// Adds a measurement; in whatever order they come, the result is the same.
    pub fn add(&mut self, time_ms: u64, value: f64) {
        self.insert(Point {
            time_ms,
            last: value,
            min: value,
            max: value,
            count: 1,
        });
        self.thin_out();
    }

    /// Adds all that another one holds.
    pub fn merge(&mut self, other: &Series) {
        if other.width > self.width {
            self.widen(other.width);
        }
        other.points.iter().for_each(|point| self.insert(*point));
        self.thin_out();
    }

    /// The latest value.
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|point| point.last)
    }

    /// The value at the beginning, as near as it was kept.
    pub fn first(&self) -> Option<f64> {
        self.points.first().map(|point| point.last)
    }

    /// The highest value, and about when.
    pub fn max(&self) -> Option<(u64, f64)> {
        let highest = self.points.iter().max_by(|a, b| a.max.total_cmp(&b.max));
        highest.map(|point| (point.time_ms, point.max))
    }

    /// The lowest and the highest value in each of `N` equal parts of the time; `None` where a part has none.
    pub fn ranges<const N: usize>(&self) -> [Option<(f64, f64)>; N] {
        let mut ranges = [None; N];
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return ranges;
        };
        let length = last.time_ms - first.time_ms + 1;
        for point in &self.points {
            let part = ((point.time_ms - first.time_ms) * N as u64 / length) as usize;
            let (min, max) = ranges[part].unwrap_or((point.min, point.max));
            ranges[part] = Some((min.min(point.min), max.max(point.max)));
        }
        ranges
    }

    fn insert(&mut self, point: Point) {
        let width = self.width;
        let stretch = |point: &Point| point.time_ms >> width;
        let place = match self.points.last_mut() {
            // Nearly always it is the latest.
            Some(last) if stretch(last) == stretch(&point) => return last.merge(&point),
            Some(last) if stretch(last) > stretch(&point) => self
                .points
                .partition_point(|earlier| stretch(earlier) < stretch(&point)),
            _ => self.points.len(),
        };
        match self.points.get_mut(place) {
            Some(at) if stretch(at) == stretch(&point) => at.merge(&point),
            _ => self.points.insert(place, point),
        }
    }

    fn thin_out(&mut self) {
        while self.points.len() > MOST {
            self.widen(self.width + 1);
        }
    }

    fn widen(&mut self, width: u32) {
        self.width = width;
        self.points.dedup_by(|later, earlier| {
            let is_same = later.time_ms >> width == earlier.time_ms >> width;
            if is_same {
                earlier.merge(later);
            }
            is_same
        });
    }
}

impl Point {
    fn merge(&mut self, other: &Point) {
        if other.time_ms >= self.time_ms {
            self.time_ms = other.time_ms;
            self.last = other.last;
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.count += other.count;
    }
}

/// For the page: a list each, of times as the difference to the one before, and of `min` and `max` only where they are
/// not all what `last` is.
impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let list = |of: fn(&Point) -> f64| -> Vec<Number> {
            self.points.iter().map(|point| Number(of(point))).collect()
        };
        let mut before = 0;
        let times: Vec<u64> = self
            .points
            .iter()
            .map(|point| point.time_ms - std::mem::replace(&mut before, point.time_ms))
            .collect();
        let is_thinned = self.points.iter().any(|point| point.count > 1);
        let mut series = serializer.serialize_struct("Series", 5)?;
        series.serialize_field("t", &times)?;
        series.serialize_field("last", &list(|point| point.last))?;
        if is_thinned {
            series.serialize_field("min", &list(|point| point.min))?;
            series.serialize_field("max", &list(|point| point.max))?;
            let counts: Vec<u64> = self.points.iter().map(|point| point.count).collect();
            series.serialize_field("n", &counts)?;
        }
        series.end()
    }
}

/// Written without a fraction where it has none, and with three digits of it at most.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rounded = (self.0 * 1000.0).round() / 1000.0;
        if rounded.fract() == 0.0 && rounded.abs() < 9e15 {
            serializer.serialize_i64(rounded as i64)
        } else {
            serializer.serialize_f64(rounded)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(values: &[(u64, f64)]) -> Series {
        let mut series = Series::default();
        values
            .iter()
            .for_each(|&(time, value)| series.add(time, value));
        series
    }

    #[test]
    fn few_points_stay_as_they_are() {
        let series = series(&[(1000, 1.5), (3000, 7.0)]);
        let json = serde_json::to_string(&series).unwrap();
        assert_eq!(json, r#"{"t":[1000,2000],"last":[1.5,7]}"#);
    }

    #[test]
    fn a_peak_of_one_sample_in_very_many_is_kept() {
        let values: Vec<(u64, f64)> = (0..200_000)
            .map(|i| {
                (
                    1_700_000_000_000 + i * 5000,
                    if i == 31_415 { 9e9 } else { 5.0 },
                )
            })
            .collect();
        let series = series(&values);
        assert!(series.points.len() > MOST / 4 && series.points.len() <= MOST);
        assert_eq!(series.max().map(|(_, value)| value), Some(9e9));
        assert_eq!(series.points.iter().map(|p| p.count).sum::<u64>(), 200_000);
        assert_eq!(series.last(), Some(5.0));
    }

    proptest! {
        /// Lowest, highest, count and latest are those of all values, in whatever order and pieces they came.
        #[test]
        fn nothing_is_lost(values in prop::collection::vec((0u64..100_000, -100i32..100), 1..2000), cut: prop::sample::Index) {
            let mut values: Vec<(u64, f64)> = values.iter().map(|&(t, v)| (t, f64::from(v))).collect();
            let mut merged = series(&values[cut.index(values.len())..]);
            merged.merge(&series(&values[..cut.index(values.len())]));
            let all = |fold: fn(f64, f64) -> f64| values.iter().map(|v| v.1).reduce(fold).unwrap();
            prop_assert_eq!(merged.max().unwrap().1, all(f64::max));
            prop_assert_eq!(merged.points.iter().map(|p| p.min).reduce(f64::min).unwrap(), all(f64::min));
            prop_assert_eq!(merged.points.iter().map(|p| p.count).sum::<u64>(), values.len() as u64);
            prop_assert!(merged.points.len() <= MOST);
            prop_assert!(merged.points.windows(2).all(|pair| pair[0].time_ms < pair[1].time_ms));
            values.sort_by_key(|value| value.0);
            prop_assert_eq!(merged.points.last().unwrap().time_ms, values.last().unwrap().0);
        }
    }
}

//! A straight line through points, by least squares.

/// How `y` goes with `x`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// What `y` grows by for 1 of `x`.
    pub slope: f64,
    /// The part of the variance of `y` that the line explains, 0 to 1.
    pub r_squared: f64,
}

/// The line through points; `None` for fewer than two different `x`.
pub fn through(points: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Trend> {
    let count = points.clone().count() as f64;
    let (sum_x, sum_y) = points
        .clone()
        .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    (xx > 0.0).then(|| Trend {
        slope: xy / xx,
        r_squared: if yy > 0.0 { xy * xy / (xx * yy) } else { 0.0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found() {
        let points = [(1.0, 3.0), (2.0, 5.0), (4.0, 9.0)];
        let trend = through(points.into_iter()).unwrap();
        assert!((trend.slope - 2.0).abs() < 1e-9 && (trend.r_squared - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_does_not_change_explains_nothing() {
        let points = [(1.0, 3.0), (2.0, 3.0), (4.0, 3.0)];
        let trend = through(points.into_iter()).unwrap();
        assert_eq!((trend.slope, trend.r_squared), (0.0, 0.0));
    }

    #[test]
    fn there_is_no_line_through_one_point() {
        assert_eq!(through(std::iter::empty()), None);
        assert_eq!(through([(1.0, 2.0), (1.0, 3.0)].into_iter()), None);
    }
}

//! Statistics of interleaved pairs.
//!
//! Why pairs: a machine's speed drifts by more than what is measured here (other tenants, turbo, page cache), but little
//! between two runs that follow each other. So each run without the agent is divided into the run with it beside it, and the
//! median of those ratios is the result; the quartiles say how far to trust it. The ratio of the least values is the second
//! opinion: noise only ever adds, so the least of many is close to what the code costs.

/// One run without the agent and one with it, side by side, in the same unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    pub without: f64,
    pub with: f64,
}

/// Median and quartiles of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub lower_quartile: f64,
    pub median: f64,
    pub upper_quartile: f64,
    /// Where the median of many more such numbers lies, with a confidence of 95% (by order statistics; with fewer than six
    /// numbers from the least to the largest, which is less sure).
    pub interval: (f64, f64),
}

impl Spread {
    /// `None` for no numbers at all.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            lower_quartile: quantile(&sorted, 0.25)?,
            median: quantile(&sorted, 0.5)?,
            upper_quartile: quantile(&sorted, 0.75)?,
            interval: interval_of_median(&sorted)?,
        })
    }

    /// No difference from 1 that these numbers show: it is in the interval, or the median within 1% of it.
    pub fn shows_no_difference(&self) -> bool {
        let (low, high) = self.interval;
        low <= 1.0 && 1.0 <= high || (self.median - 1.0).abs() <= 0.01
    }
}

/// Each number lies below the median as likely as above it, so how many do is binomial: as many are left out at either end as
/// lie beyond it with a probability of at most 2.5%.
fn interval_of_median(sorted: &[f64]) -> Option<(f64, f64)> {
    let n = sorted.len();
    let mut ways = 1.0;
    let mut probability = 0.5f64.powi(i32::try_from(n).ok()?);
    let mut beyond = probability;
    let mut out = 0;
    while beyond <= 0.025 && out < n / 2 {
        out += 1;
        ways *= (n + 1 - out) as f64 / out as f64;
        probability = ways * 0.5f64.powi(n as i32);
        beyond += probability;
    }
    let out = out.saturating_sub(1);
    Some((*sorted.get(out)?, *sorted.get(n.checked_sub(1 + out)?)?))
}

/// With the agent by without it, pair by pair.
pub fn ratios(pairs: &[Pair]) -> Option<Spread> {
    Spread::of(pairs.iter().map(|pair| pair.with / pair.without))
}

/// With the agent less without it, pair by pair.
pub fn differences(pairs: &[Pair]) -> Option<Spread> {
    Spread::of(pairs.iter().map(|pair| pair.with - pair.without))
}

/// The least value of each side: what is left when the noise is at its lowest.
pub fn least(pairs: &[Pair]) -> Pair {
    let least = |side: fn(&Pair) -> f64| pairs.iter().map(side).fold(f64::INFINITY, f64::min);
    Pair {
        without: least(|pair| pair.without),
        with: least(|pair| pair.with),
    }
}

/// Linear interpolation between the two neighbours.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let position = q * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(position.floor() as usize)?;
    let above = *sorted.get(position.ceil() as usize)?;
    Some(below + (above - below) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(of: &[(f64, f64)]) -> Vec<Pair> {
        of.iter()
            .map(|&(without, with)| Pair { without, with })
            .collect()
    }

    #[test]
    fn quartiles_interpolate_between_neighbours() {
        let spread = Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(
            (spread.lower_quartile, spread.median, spread.upper_quartile),
            (1.75, 2.5, 3.25)
        );
    }

    #[test]
    fn the_interval_leaves_out_what_chance_would_at_either_end() {
        let interval = |n: u32| Spread::of((1..=n).map(f64::from)).unwrap().interval;
        // Tables of the sign test: 95% lie between the second and the last but one of nine.
        assert_eq!(interval(5), (1.0, 5.0));
        assert_eq!(interval(6), (1.0, 6.0));
        assert_eq!(interval(9), (2.0, 8.0));
        assert_eq!(interval(12), (3.0, 10.0));
    }

    #[test]
    fn a_median_whose_interval_is_above_one_shows_a_difference() {
        let shows = |values: [f64; 6]| !Spread::of(values).unwrap().shows_no_difference();
        assert!(shows([1.02, 1.03, 1.04, 1.05, 1.06, 1.07]));
        assert!(!shows([0.99, 1.03, 1.04, 1.05, 1.06, 1.07]));
        assert!(!shows([1.001, 1.002, 1.003, 1.004, 1.005, 1.006]));
    }

    #[test]
    fn one_value_is_its_own_spread() {
        let spread = Spread::of([7.0]).unwrap();
        assert_eq!((spread.lower_quartile, spread.upper_quartile), (7.0, 7.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_drift_that_both_sides_share_leaves_the_ratio_alone() {
        let drifting = pairs(&[(100.0, 110.0), (200.0, 220.0), (400.0, 440.0)]);
        let spread = ratios(&drifting).unwrap();
        assert!((spread.median - 1.1).abs() < 1e-9);
        assert!(spread.upper_quartile - spread.lower_quartile < 1e-9);
    }

    #[test]
    fn the_least_are_taken_side_by_side() {
        let least = least(&pairs(&[(3.0, 9.0), (5.0, 4.0)]));
        assert_eq!((least.without, least.with), (3.0, 4.0));
    }

    #[test]
    fn differences_keep_their_sign() {
        assert_eq!(differences(&pairs(&[(5.0, 4.0)])).unwrap().median, -1.0);
    }
}

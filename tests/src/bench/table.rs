//! The result: two Markdown tables, one of ratios, one of plain figures.

use std::fmt::{self, Display};

use super::pairs::{self, Pair, Spread};

/// What a figure is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// The median is at most this.
    AtMost(f64),
    /// The median is at least this.
    AtLeast(f64),
    /// The numbers show no difference. Beside it what two runs without the agent differ by.
    Indistinguishable { noise: Spread },
    /// Shown for comparison.
    None,
}

impl Bound {
    fn text(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most}{unit}"),
            Self::AtLeast(least) => format!("≥ {least}{unit}"),
            Self::Indistinguishable { noise } => format!(
                "1.00; noise {:.3}–{:.3}",
                noise.lower_quartile, noise.upper_quartile
            ),
            Self::None => String::new(),
        }
    }

    fn verdict(self, spread: &Spread) -> &'static str {
        let holds = match self {
            Self::AtMost(most) => spread.median <= most,
            Self::AtLeast(least) => spread.median >= least,
            Self::Indistinguishable { .. } => spread.shows_no_difference(),
            Self::None => return "",
        };
        if holds { "yes" } else { "**no**" }
    }
}

/// A benchmark whose result is a ratio.
#[derive(Debug, Clone)]
pub struct Ratio {
    pub jdk: String,
    pub collector: &'static str,
    pub benchmark: String,
    /// What was measured, and its unit.
    pub measure: &'static str,
    pub pairs: Vec<Pair>,
    pub bound: Bound,
}

/// A result that is not a ratio.
#[derive(Debug, Clone)]
pub struct Figure {
    pub jdk: String,
    pub figure: String,
    pub unit: &'static str,
    /// Median of the side without the agent, where there is one.
    pub without: Option<f64>,
    /// Median of the side with it, where it says something beside `spread`.
    pub with: Option<f64>,
    /// What the bound is about: the difference of pairs, or the figure itself.
    pub spread: Spread,
    pub runs: usize,
    pub bound: Bound,
}

impl Figure {
    /// A difference of pairs.
    pub fn difference(
        jdk: String,
        figure: String,
        unit: &'static str,
        pairs: &[Pair],
        bound: Bound,
    ) -> Option<Self> {
        let side = |side: fn(&Pair) -> f64| Some(Spread::of(pairs.iter().map(side))?.median);
        Some(Self {
            jdk,
            figure,
            unit,
            without: side(|pair| pair.without),
            with: side(|pair| pair.with),
            spread: pairs::differences(pairs)?,
            runs: pairs.len(),
            bound,
        })
    }

    /// A figure that only the side with the agent has.
    pub fn alone(
        jdk: String,
        figure: String,
        unit: &'static str,
        values: &[f64],
        bound: Bound,
    ) -> Option<Self> {
        Some(Self {
            jdk,
            figure,
            unit,
            without: None,
            with: None,
            spread: Spread::of(values.iter().copied())?,
            runs: values.len(),
            bound,
        })
    }
}

/// All results, in the order in which they were taken.
#[derive(Debug, Default)]
pub struct Tables {
    pub ratios: Vec<Ratio>,
    pub figures: Vec<Figure>,
    /// What the JVM said that is evidence for a figure, a line each.
    pub notes: Vec<String>,
}

impl Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.ratios.is_empty() {
            f.write_str(RATIO_HEAD)?;
            self.ratios.iter().try_for_each(|row| ratio_row(f, row))?;
        }
        if !self.figures.is_empty() {
            f.write_str(FIGURE_HEAD)?;
            self.figures.iter().try_for_each(|row| figure_row(f, row))?;
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "- {note}"))
    }
}

const RATIO_HEAD: &str = "
| JDK | collector | benchmark | measure | without | with | pairs | median ratio | quartiles | ratio of least | bound | holds |
| --- | --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | --- | --- |
";

const FIGURE_HEAD: &str = "
| JDK | figure | without | with | runs | median (more, where both) | quartiles | bound | holds |
| --- | --- | ---: | ---: | ---: | ---: | --- | --- | --- |
";

fn ratio_row(f: &mut fmt::Formatter<'_>, row: &Ratio) -> fmt::Result {
    let Some(spread) = pairs::ratios(&row.pairs) else {
        return Ok(());
    };
    let least = pairs::least(&row.pairs);
    writeln!(
        f,
        "| {} | {} | {} | {} | {} | {} | {} | {:.3} | {:.3}–{:.3} | {:.3} | {} | {} |",
        row.jdk,
        row.collector,
        row.benchmark,
        row.measure,
        number(least.without),
        number(least.with),
        row.pairs.len(),
        spread.median,
        spread.lower_quartile,
        spread.upper_quartile,
        least.with / least.without,
        row.bound.text(""),
        row.bound.verdict(&spread),
    )
}

fn figure_row(f: &mut fmt::Formatter<'_>, row: &Figure) -> fmt::Result {
    let optional = |value: Option<f64>| value.map(number).unwrap_or_default();
    let unit = row.unit;
    writeln!(
        f,
        "| {} | {} | {} | {} | {} | {}{unit} | {}–{} | {} | {} |",
        row.jdk,
        row.figure,
        optional(row.without),
        optional(row.with),
        row.runs,
        number(row.spread.median),
        number(row.spread.lower_quartile),
        number(row.spread.upper_quartile),
        row.bound.text(unit),
        row.bound.verdict(&row.spread),
    )
}

/// Three significant digits or more: small figures keep theirs, large ones need none behind the point.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    let digits = match magnitude {
        m if m >= 100.0 => 0,
        m if m >= 10.0 => 1,
        m if m >= 1.0 => 2,
        m if m >= 0.1 || m == 0.0 => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(lower_quartile: f64, median: f64, upper_quartile: f64) -> Spread {
        Spread {
            lower_quartile,
            median,
            upper_quartile,
            interval: (lower_quartile, upper_quartile),
        }
    }

    #[test]
    fn verdicts() {
        assert_eq!(Bound::AtMost(1.05).verdict(&spread(1.0, 1.05, 1.2)), "yes");
        assert_eq!(
            Bound::AtMost(1.05).verdict(&spread(1.0, 1.06, 1.2)),
            "**no**"
        );
        assert_eq!(Bound::AtLeast(2.0).verdict(&spread(1.0, 2.0, 3.0)), "yes");
        let noise = spread(0.98, 1.0, 1.02);
        let noise = Bound::Indistinguishable { noise };
        assert_eq!(noise.text(""), "1.00; noise 0.980–1.020");
        assert_eq!(noise.verdict(&spread(0.9, 1.015, 1.1)), "yes");
        assert_eq!(noise.verdict(&spread(1.02, 1.03, 1.1)), "**no**");
        assert_eq!(Bound::None.verdict(&spread(0.0, 0.0, 0.0)), "");
    }

    #[test]
    fn a_row_has_the_least_of_each_side_and_the_median_of_the_ratios() {
        let tables = Tables {
            ratios: vec![Ratio {
                jdk: "17".to_owned(),
                collector: "Epsilon",
                benchmark: "allocation".to_owned(),
                measure: "ns",
                pairs: vec![
                    Pair {
                        without: 100.0,
                        with: 102.0,
                    },
                    Pair {
                        without: 200.0,
                        with: 208.0,
                    },
                    Pair {
                        without: 101.0,
                        with: 104.03,
                    },
                ],
                bound: Bound::AtMost(1.05),
            }],
            ..Tables::default()
        };
        let text = tables.to_string();
        let row = "| 17 | Epsilon | allocation | ns | 100 | 102 | 3 | 1.030 | 1.025–1.035 | 1.020 | ≤ 1.05 | yes |";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn numbers_keep_what_matters() {
        let shown: Vec<_> = [0.0123, 0.5, 1.234, 65.43, 215_000.4, -0.004]
            .map(number)
            .into();
        assert_eq!(
            shown,
            ["0.0123", "0.500", "1.23", "65.4", "215000", "-0.0040"]
        );
    }
}

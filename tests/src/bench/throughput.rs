//! How many records a second the writer takes to a file: an example of the agent's own crate measures it, no JVM in it.

use anyhow::{Result, ensure};

use super::pairs::Spread;
use super::setup::{self, Setup};
use super::table::{Bound, Figure, Tables};

/// The example, which repeats each kind of record itself and prints
/// `KIND: MEDIAN records/s (LEAST to MOST in RUNS runs), …`.
const EXAMPLE: &str = "writer_throughput";

/// The kind that the bound is for: the record that comes most often.
const BOUND_KIND: &str = "gc";

pub fn measure(setup: &Setup, tables: &mut Tables) -> Result<()> {
    let output = setup::output(
        setup::cargo()
            .args([
                "run",
                "--release",
                "-q",
                "-p",
                "finwatch-agent",
                "--example",
                EXAMPLE,
                "--",
            ])
            .arg(setup.file("throughput.jsonl")),
    )?;
    let figures: Vec<_> = output.lines().filter_map(figure).collect();
    ensure!(
        !figures.is_empty(),
        "no line `KIND: N records/s (N to N in N runs)` from the example {EXAMPLE}:\n{output}"
    );
    tables.figures.extend(figures);
    Ok(())
}

fn figure(line: &str) -> Option<Figure> {
    let (kind, rest) = line.split_once(": ")?;
    let (median, rest) = rest.split_once(" records/s (")?;
    let (least, rest) = rest.split_once(" to ")?;
    let (most, rest) = rest.split_once(" in ")?;
    let bound = if kind == BOUND_KIND {
        Bound::AtLeast(200_000.0)
    } else {
        Bound::None
    };
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    Some(Figure {
        jdk: "–".to_owned(),
        figure: format!("writer to a file, {kind} (spread: least to most)"),
        unit: " records/s",
        without: None,
        with: None,
        spread: Spread {
            lower_quartile: least,
            median: median.parse().ok()?,
            upper_quartile: most,
            interval: (least, most),
        },
        runs: rest.split_once(" runs")?.0.parse().ok()?,
        bound,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_line_is_read() {
        let line = "gc: 412345 records/s (390000 to 430000 in 7 runs), 440 bytes each, 181 MB/s";
        let figure = figure(line).unwrap();
        assert_eq!(figure.spread.median, 412_345.0);
        assert_eq!(
            (figure.spread.lower_quartile, figure.spread.upper_quartile),
            (390_000.0, 430_000.0)
        );
        assert_eq!((figure.runs, figure.bound), (7, Bound::AtLeast(200_000.0)));
    }

    #[test]
    fn other_lines_are_not_figures() {
        assert!(figure("gc: no file").is_none());
    }
}

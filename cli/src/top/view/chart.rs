//! Pictures of the past: bars of eighths of a cell.

use crate::top::theme::Theme;

/// Levels in one cell of the screen.
const LEVELS: usize = 8;

/// Bars as lines of text, from top to bottom, `height` of them; the greatest of `values`, or
/// `most` where that is greater, reaches to the top. Nothing stands where nothing is known;
/// 0 is a line at the bottom and any more is higher than that.
pub fn bars(values: &[Option<f64>], most: f64, height: usize, theme: Theme) -> Vec<String> {
    let most = values.iter().flatten().copied().fold(most, f64::max);
    let level = |value: &Option<f64>| value.map(|value| level(value, most, height * LEVELS));
    let levels: Vec<Option<usize>> = values.iter().map(level).collect();
    let row = |row: usize| {
        let below = (height - 1 - row) * LEVELS;
        levels
            .iter()
            .map(|level| cell(*level, below, theme))
            .collect()
    };
    (0..height).map(row).collect()
}

/// From 1, a line at the bottom, to `levels`.
fn level(value: f64, most: f64, levels: usize) -> usize {
    if value <= 0.0 || most <= 0.0 {
        return 1;
    }
    // More than 0 shows, however little it is.
    let share = (value / most * (levels - 1) as f64).ceil() as usize;
    1 + share.clamp(1, levels - 1)
}

fn cell(level: Option<usize>, below: usize, theme: Theme) -> char {
    match level.unwrap_or(0).saturating_sub(below) {
        0 => ' ',
        filled => theme.heights()[filled.min(LEVELS) - 1],
    }
}

/// A bar from left to right, `part` of `width` columns filled.
pub fn gauge(part: f64, width: usize, theme: Theme) -> (String, String) {
    let filled = (part.clamp(0.0, 1.0) * width as f64).round() as usize;
    let (full, empty) = (theme.sign("█", "#"), theme.sign("░", "."));
    (full.repeat(filled), empty.repeat(width - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNICODE: Theme = Theme {
        colours: false,
        unicode: true,
    };
    const ASCII: Theme = Theme {
        colours: false,
        unicode: false,
    };

    #[test]
    fn what_is_not_known_is_empty_and_0_is_a_line() {
        let values = [None, Some(0.0), Some(0.001), Some(50.0), Some(100.0)];
        assert_eq!(bars(&values, 0.0, 1, UNICODE), [" ▁▂▅█"]);
        assert_eq!(bars(&values, 0.0, 1, ASCII), [" _.+@"]);
        assert_eq!(bars(&[Some(0.0); 3], 0.0, 1, UNICODE), ["▁▁▁"]);
    }

    #[test]
    fn more_lines_show_more() {
        let values = [None, Some(0.0), Some(1.0), Some(50.0), Some(100.0)];
        assert_eq!(bars(&values, 0.0, 2, UNICODE), ["   ▁█", " ▁▂██"]);
    }

    #[test]
    fn a_greatest_value_may_be_given() {
        assert_eq!(bars(&[Some(50.0)], 100.0, 1, UNICODE), ["▅"]);
    }

    #[test]
    fn a_gauge_is_filled_in_part() {
        assert_eq!(
            gauge(0.25, 8, ASCII),
            ("##".to_owned(), "......".to_owned())
        );
        assert_eq!(gauge(7.0, 2, ASCII).0, "##");
        assert_eq!(gauge(f64::NAN, 2, ASCII).0, "");
    }
}

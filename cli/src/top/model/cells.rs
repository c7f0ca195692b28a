//! A quantity over time, cut into as many equal pieces as there are columns on the screen.

/// The last value in each of `count` pieces of the `span_ms` up to `now_ms`, oldest first,
/// or the one before that where a piece has none; `None` where nothing was known yet.
///
/// The pieces begin at multiples of their length, so a value stays in its piece while
/// time goes on, and the picture moves by whole columns and does not flicker.
pub fn cells(
    values: impl Iterator<Item = (u64, Option<f64>)>,
    now_ms: u64,
    span_ms: u64,
    count: usize,
) -> Vec<Option<f64>> {
    let length_ms = span_ms.div_ceil(count.max(1) as u64).max(1);
    let first = (now_ms / length_ms + 1).saturating_sub(count as u64);
    let mut cells = vec![None; count];
    let mut before = None;
    for (at_ms, value) in values {
        match (at_ms / length_ms).checked_sub(first) {
            None => before = value,
            Some(place) => {
                let place = usize::try_from(place).unwrap_or(count);
                if let Some(cell) = cells.get_mut(place) {
                    *cell = value;
                }
            }
        }
    }
    // Before the program is as old as the span there are fewer pieces than columns.
    let known = usize::try_from(now_ms / length_ms + 1).unwrap_or(count);
    if known < count {
        cells.rotate_right(count - known);
    }
    for cell in &mut cells {
        *cell = cell.or(before);
        before = *cell;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(points: &[(u64, f64)], now_ms: u64, span_ms: u64, count: usize) -> Vec<Option<f64>> {
        let values = points.iter().map(|&(at_ms, value)| (at_ms, Some(value)));
        cells(values, now_ms, span_ms, count)
    }

    #[test]
    fn each_holds_the_last_value_and_carries_it_on() {
        let points = [(2000, 1.0), (4500, 2.0), (4900, 3.0), (9000, 7.0)];
        let expected = [
            None,
            None,
            Some(1.0),
            Some(1.0),
            Some(3.0),
            Some(3.0),
            Some(3.0),
            Some(3.0),
            Some(3.0),
            Some(7.0),
        ];
        assert_eq!(of(&points, 9999, 10_000, 10), expected);
    }

    #[test]
    fn what_was_before_the_span_is_carried_in() {
        let expected = [Some(1.0), Some(1.0), Some(1.0), Some(7.0)];
        assert_eq!(of(&[(2000, 1.0), (9000, 7.0)], 9000, 4000, 4), expected);
    }

    #[test]
    fn they_stay_where_they_are_when_time_goes_on() {
        let points = [(2500, 1.0), (4000, 2.0), (7000, 3.0)];
        assert_eq!(of(&points, 8000, 10_000, 5), of(&points, 9999, 10_000, 5));
    }

    #[test]
    fn the_present_is_at_the_right_also_when_the_program_is_young() {
        let expected = [None, None, None, Some(1.0), Some(2.0)];
        assert_eq!(of(&[(100, 1.0), (1500, 2.0)], 1999, 5000, 5), expected);
    }

    #[test]
    fn no_column_or_no_time_is_no_mistake() {
        assert_eq!(of(&[(5, 1.0)], 5, 0, 0), []);
        assert_eq!(of(&[(5, 1.0)], 5, 0, 2), [None, Some(1.0)]);
    }
}

//! How large the terminal is, also where it does not know: serial consoles and `docker exec -t` without a terminal
//! of its own say that they have no columns and no lines.

use std::env;
use std::io;

use ratatui::crossterm::terminal;
use ratatui::layout::Rect;

/// Columns, where nobody says how many.
const COLUMNS: u16 = 80;

/// Lines, where nobody says how many.
const LINES: u16 = 24;

/// The whole terminal, or what it is taken for.
///
/// # Errors
///
/// It is gone.
pub fn area() -> io::Result<Rect> {
    let (columns, lines) = terminal::size()?;
    let variable = |name| env::var(name).ok();
    Ok(Rect::new(
        0,
        0,
        known(columns, variable("COLUMNS"), COLUMNS),
        known(lines, variable("LINES"), LINES),
    ))
}

fn known(told: u16, variable: Option<String>, assumed: u16) -> u16 {
    let variable = variable.and_then(|text| text.parse().ok());
    [Some(told), variable]
        .into_iter()
        .flatten()
        .find(|number| *number > 0)
        .unwrap_or(assumed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_is_believed_then_the_environment() {
        let variable = |text: &str| Some(text.to_owned());
        assert_eq!(known(132, variable("100"), COLUMNS), 132);
        assert_eq!(known(0, variable("100"), COLUMNS), 100);
        for useless in [None, variable("0"), variable(""), variable("-1")] {
            assert_eq!(known(0, useless, COLUMNS), COLUMNS);
        }
    }
}

//! Text that fits into a number of columns of a terminal.
//!
//! Names come from somebody's program and may hold anything: control characters are
//! escaped before anything else, and width is counted in columns, not in characters.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use crate::quote::Plain;

/// Text made fit for the terminal.
pub fn plain(text: &str, theme: Theme) -> String {
    let plain = Plain(text).to_string();
    if theme.unicode {
        return plain;
    }
    plain
        .chars()
        .map(|c| if c.is_ascii() { c } else { '?' })
        .collect()
}

/// Columns that the text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The beginning of a text that fits into so many columns, with a sign where something is missing.
pub fn fit(text: &str, columns: usize, theme: Theme) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let sign = theme.sign("…", "~");
    let kept = take(text.graphemes(true), columns.saturating_sub(1));
    let text: String = kept.into_iter().collect();
    if columns == 0 { text } else { text + sign }
}

/// The end of a text that fits, likewise.
pub fn fit_end(text: &str, columns: usize, theme: Theme) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let sign = theme.sign("…", "~");
    let kept = take(text.graphemes(true).rev(), columns.saturating_sub(1));
    let text: String = kept.into_iter().rev().collect();
    if columns == 0 {
        text
    } else {
        sign.to_owned() + &text
    }
}

fn take<'a>(graphemes: impl Iterator<Item = &'a str>, columns: usize) -> Vec<&'a str> {
    let mut left = columns;
    let fits = |grapheme: &&str| match left.checked_sub(width(grapheme)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    graphemes.take_while(fits).collect()
}

/// A class name that fits: its packages are shortened to their first letters, the outermost
/// first, and then its beginning is left out. The simple name says most.
pub fn fit_class(name: &str, columns: usize, theme: Theme) -> String {
    let name = plain(name, theme);
    let mut packages: Vec<&str> = name.split('.').collect();
    for place in 0..packages.len().saturating_sub(1) {
        let shown = packages.join(".");
        if width(&shown) <= columns {
            return shown;
        }
        packages[place] = packages[place].graphemes(true).next().unwrap_or("");
    }
    fit_end(&packages.join("."), columns, theme)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn packages_give_way_first() {
        let name = "org.postgresql.jdbc3g.Jdbc3gPreparedStatement";
        let shown = [45, 44, 35, 34, 30, 29, 20].map(|columns| fit_class(name, columns, UNICODE));
        assert_eq!(
            shown,
            [
                "org.postgresql.jdbc3g.Jdbc3gPreparedStatement",
                "o.postgresql.jdbc3g.Jdbc3gPreparedStatement",
                "o.p.jdbc3g.Jdbc3gPreparedStatement",
                "o.p.jdbc3g.Jdbc3gPreparedStatement",
                "o.p.j.Jdbc3gPreparedStatement",
                "o.p.j.Jdbc3gPreparedStatement",
                "…gPreparedStatement"[..]
                    .to_owned()
                    .replace("…g", "…3g")
                    .as_str(),
            ]
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(fit("語語語", 6, UNICODE), "語語語");
        assert_eq!(fit("語語語", 5, UNICODE), "語語…");
        assert_eq!(fit("語語語", 4, UNICODE), "語…");
        assert_eq!(fit_end("語語語", 4, UNICODE), "…語");
        assert_eq!(fit("語", 0, UNICODE), "");
        assert_eq!(plain("é語", ASCII), "??");
    }

    proptest! {
        #[test]
        fn what_is_fitted_fits_and_holds_nothing_that_a_terminal_obeys(name: String, columns in 0..50usize) {
            for theme in [UNICODE, ASCII] {
                for shown in [
                    fit_class(&name, columns, theme),
                    fit(&plain(&name, theme), columns, theme),
                    fit_end(&plain(&name, theme), columns, theme),
                ] {
                    prop_assert!(width(&shown) <= columns, "{:?} takes {}", shown, width(&shown));
                    prop_assert!(!shown.chars().any(char::is_control));
                    prop_assert!(theme.unicode || shown.is_ascii());
                }
            }
        }
    }
}

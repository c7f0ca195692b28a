//! The last line: what the keys do, or what is being typed.

use ratatui::text::{Line, Span};

use super::{Screen, both_ends};
use crate::top::text::{fit_end, plain};

/// Where the JVM can be asked.
const ASK: (&str, &str) = ("h", "holders");

/// Keys and what they do; on a narrow screen the last are cut off.
const KEYS: [(&str, &str); 8] = [
    ("q", "quit"),
    ("?", "help"),
    ("< >", "sort"),
    ("r", "reverse"),
    ("/", "filter"),
    ("p", "pause"),
    ("Enter", "detail"),
    ("+ -", "span"),
];

pub fn line(screen: &Screen<'_>, columns: u16) -> Line<'static> {
    let (controls, theme) = (screen.controls, screen.theme);
    let filter = plain(&controls.ranking.filter, theme);
    if controls.typing {
        let hint = "  Enter keeps it, Esc takes it back";
        let room = usize::from(columns).saturating_sub(hint.len() + 9);
        return Line::from(vec![
            Span::styled("filter: ", theme.strong()),
            Span::raw(fit_end(&filter, room, theme)),
            Span::styled(" ", theme.bar()),
            Span::styled(hint, theme.faint()),
        ]);
    }
    // The last one is the one to be cut off.
    let (last, first) = KEYS.split_last().unzip();
    let ask = screen.can_ask.then_some(&ASK);
    let keys = first.into_iter().flatten().chain(ask).chain(last);
    let keys = keys.enumerate().flat_map(|(place, (key, what))| {
        let space = if place == 0 { "" } else { "  " };
        [
            Span::styled(format!("{space}{key}"), theme.strong()),
            Span::styled(format!(" {what}"), theme.faint()),
        ]
    });
    let mut right = Vec::new();
    if !filter.is_empty() {
        let filter = fit_end(&filter, 20, theme);
        right.push(Span::styled(format!(" filter: {filter} "), theme.bar()));
    }
    if controls.paused {
        right.push(Span::styled(" PAUSED ", theme.warning().patch(theme.bar())));
    }
    both_ends(keys.collect(), right, columns, theme)
}

//! The help: keys, and what the numbers mean.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::rule;
use crate::top::theme::Theme;

const KEYS: [(&str, &str); 12] = [
    ("q, Ctrl-C", "quit"),
    ("< >, left right", "sort by the column before, after"),
    ("r", "reverse the order"),
    ("up down, PgUp PgDn, Home End", "select a class"),
    ("Enter", "show or hide all about the class selected"),
    (
        "h",
        "ask the JVM who holds the objects of the class (needs 'finwatch top PID')",
    ),
    ("/", "show only classes with a text in their names"),
    ("Esc", "show all again"),
    ("p, space", "hold the screen still, or go on"),
    ("+ -", "pictures of a longer, a shorter past"),
    ("Ctrl-L, Ctrl-Z", "draw anew, suspend"),
    ("?", "this help; any key closes it"),
];

const WORDS: [(&str, &str); 7] = [
    (
        "registered",
        "objects with a finalize() that has not run: they stay in memory",
    ),
    (
        "pending",
        "those of them that nobody holds any more: they are queued",
    ),
    ("run", "objects inside finalize() now"),
    (
        "in/s out/s",
        "objects registered and finalized a second, lately",
    ),
    ("p99", "99 of 100 calls of finalize() took no longer"),
    (
        "after gc",
        "what the heap held after a collection: the live, and more",
    ),
    (
        "coverage",
        "exact, or since when and how far counts can be trusted",
    ),
];

/// Columns of the left side.
const LEFT: usize = 29;
const WIDTH: u16 = 100;
/// Two titles, and one line for each.
const HEIGHT: u16 = (KEYS.len() + WORDS.len() + 2) as u16;

pub fn area(screen: Rect) -> Rect {
    let (width, height) = (screen.width.min(WIDTH), screen.height.min(HEIGHT));
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}

pub fn lines(theme: Theme, columns: u16) -> Vec<Line<'static>> {
    let columns = usize::from(columns);
    let left = LEFT.min(columns / 2);
    let line = |(name, text): &(&'static str, &'static str)| {
        Line::from(vec![
            Span::styled(format!("{name:left$}"), theme.strong()),
            Span::raw(*text),
        ])
    };
    let mut lines = vec![rule("keys", columns, theme)];
    lines.extend(KEYS.iter().map(line));
    lines.push(rule("what the numbers mean", columns, theme));
    lines.extend(WORDS.iter().map(|(name, text)| {
        let left = 12;
        Line::from(vec![
            Span::styled(format!("{name:left$}"), theme.strong()),
            Span::raw(*text),
        ])
    }));
    lines
}

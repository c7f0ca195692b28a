//! The table of classes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{Screen, chart, put, words};
use crate::numbers::{grouped, time};
use crate::top::columns::{Column, Placed, place};
use crate::top::model::Class;
use crate::top::text::{fit, fit_class, plain, width};

/// Classes that fit: not the titles, nor the line about those that are not listed.
pub fn page(area: Rect, screen: &Screen<'_>) -> usize {
    let rest = usize::from(rest(screen).is_some());
    usize::from(area.height).saturating_sub(1 + rest)
}

pub fn draw(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer) {
    let columns = place(area.width.into());
    let classes = screen.controls.ranking.of(screen.model);
    let shown = classes
        .iter()
        .skip(screen.controls.offset)
        .take(page(area, screen));
    let mut lines = vec![titles(&columns, screen)];
    lines.extend(shown.map(|class| row(class, &columns, screen)));
    if classes.is_empty() {
        lines.push(Line::styled(nothing(screen), screen.theme.faint()));
    }
    let rest = rest(screen).map(|words| fit(&words, area.width.into(), screen.theme));
    lines.extend(rest.map(|words| Line::styled(words, screen.theme.faint())));
    put(&lines, area, buffer);
}

fn nothing(screen: &Screen<'_>) -> String {
    let filter = &screen.controls.ranking.filter;
    if screen.model.finalizer.is_none() {
        return format!(
            "waiting for the first sample of {}",
            plain(screen.source, screen.theme)
        );
    }
    match filter.is_empty() {
        true => "no class is listed".to_owned(),
        false => format!(
            "no class has '{}' in its name; Esc shows all",
            plain(filter, screen.theme)
        ),
    }
}

/// What the last sample says of the classes that it does not list.
fn rest(screen: &Screen<'_>) -> Option<String> {
    let omitted = &screen.model.omitted;
    (omitted.count > 0).then(|| {
        let counts = &omitted.counts;
        format!(
            "and {} classes that are not listed (option 'classes'): registered {}, pending {}, finalized {}",
            grouped(omitted.count),
            grouped(counts.registered),
            grouped(counts.pending),
            grouped(counts.finalized_total),
        )
    })
}

fn titles(columns: &[Placed], screen: &Screen<'_>) -> Line<'static> {
    let ranking = &screen.controls.ranking;
    let theme = screen.theme;
    let span = span_title(screen.span_ms());
    Line::from_iter(columns.iter().flat_map(|&(column, room)| {
        let is_sorted = column == ranking.by;
        let title = match column.past() {
            Some(_) => fit(&span, room, theme),
            None => column.title().to_owned(),
        };
        let style = if is_sorted {
            theme.bar().patch(theme.strong())
        } else {
            theme.strong()
        };
        let mark = match (is_sorted, ranking.reverse) {
            (false, _) => " ",
            (true, false) => theme.sign("▼", "v"),
            (true, true) => theme.sign("▲", "^"),
        };
        // The mark has the place between two columns; before the first one there is none.
        let (mark, title) = match column {
            Column::Class => ("", format!("{title}{}", mark.trim_end())),
            _ => (mark, title),
        };
        [
            Span::styled(mark, if is_sorted { style } else { Style::new() }),
            Span::styled(
                padded(&title, room, column.is_text() || column.past().is_some()),
                style,
            ),
        ]
    }))
}

fn span_title(span_ms: u64) -> String {
    let text = time(span_ms / 1000);
    // 10m00s and 3h00m are round.
    text.replace("m00s", "m").replace("h00m", "h")
}

fn row(class: &Class, columns: &[Placed], screen: &Screen<'_>) -> Line<'static> {
    let is_selected = screen.controls.selected.as_ref() == Some(&class.key());
    let line = Line::from_iter(columns.iter().flat_map(|&(column, room)| {
        let space = if column == Column::Class { "" } else { " " };
        let (text, style) = cell(class, column, room, screen);
        [
            Span::raw(space),
            Span::styled(padded(&text, room, column.is_text()), style),
        ]
    }));
    if is_selected {
        line.style(screen.theme.bar())
    } else {
        line
    }
}

fn cell(class: &Class, column: Column, room: usize, screen: &Screen<'_>) -> (String, Style) {
    let theme = screen.theme;
    let value = column.value(class, room, theme);
    match column {
        Column::Class => {
            let severity = screen.model.findings.severity(&class.row.class);
            let style = severity.map(|severity| words::severity(severity).1.style(theme));
            let name = fit_class(&class.row.class, room, theme);
            (name, style.unwrap_or_default())
        }
        Column::Loader => (fit(&value, room, theme), theme.faint()),
        Column::RegisteredPast | Column::PendingPast => {
            (past(class, column, room, screen), theme.chart())
        }
        Column::Pending if class.row.counts.pending > 0 => (value, theme.warning()),
        Column::Threw if class.row.counts.threw_total > 0 => (value, theme.warning()),
        Column::Running if class.row.counts.running > 0 => (value, theme.strong()),
        _ if value == "0" || value == "-" => (value, theme.faint()),
        _ => (value, Style::new()),
    }
}

fn past(class: &Class, column: Column, room: usize, screen: &Screen<'_>) -> String {
    let Some(quantity) = column.past() else {
        return String::new();
    };
    let cells = class
        .past
        .cells(quantity, screen.uptime_ms(), screen.span_ms(), room);
    chart::bars(&cells, 0.0, 1, screen.theme).concat()
}

fn padded(text: &str, room: usize, is_text: bool) -> String {
    let space = " ".repeat(room.saturating_sub(width(text)));
    if is_text {
        format!("{text}{space}")
    } else {
        format!("{space}{text}")
    }
}

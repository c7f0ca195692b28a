//! The screen: a function of what is known, what the keys have changed, and its size.
//!
//! ```text
//! header     the JVM, the sums, the heap, the finalizer thread, alerts
//! table      classes, ranked
//! panes      the class selected, memory pools, collectors: where there is room, or on demand
//! footer     keys
//! ```

mod chart;
mod detail;
mod footer;
mod header;
mod help;
mod memory;
mod table;
#[cfg(test)]
mod tests;
pub mod words;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::controls::Controls;
use super::inquiry::Inquiry;
use super::model::Model;
use super::text::width;
use super::theme::Theme;

/// A screen this high has room for the panes.
const HIGH: u16 = 34;
/// One this wide has room for two panes beside each other.
const WIDE: u16 = 100;
/// And for three.
const VERY_WIDE: u16 = 160;
/// The table keeps so many lines, its titles included.
const LEAST_TABLE: u16 = 5;
/// Lines of the panes where they come on demand.
const LOW_PANES: u16 = 9;

/// All that is shown.
pub struct Screen<'a> {
    /// What is known.
    pub model: &'a Model,
    /// What the keys have changed.
    pub controls: &'a Controls,
    /// Where the stream comes from, as the user named it.
    pub source: &'a str,
    /// What is wrong with that, where something is.
    pub trouble: Option<&'a str>,
    /// The JVM can be asked: it was found by its process id.
    pub can_ask: bool,
    /// How it stands with what the user asked the JVM.
    pub inquiry: Option<&'a Inquiry>,
    /// The process of the JVM is known to have ended.
    pub has_ended: bool,
    /// Now, milliseconds since 1970.
    pub now_ms: u64,
    /// Colours and characters.
    pub theme: Theme,
}

impl Screen<'_> {
    /// The JVM's time that the pictures end with.
    fn uptime_ms(&self) -> u64 {
        self.model.place.map_or(0, |place| place.uptime_ms)
    }

    fn span_ms(&self) -> u64 {
        self.controls.span_ms(self.model.past.span_ms())
    }
}

/// Where what stands.
struct Areas {
    header: Rect,
    table: Rect,
    panes: Rect,
    footer: Rect,
}

impl Areas {
    fn of(area: Rect, screen: &Screen<'_>) -> Areas {
        let panes = match (area.height, screen.controls.detail) {
            (HIGH.., _) => area.height * 2 / 5,
            (_, true) => LOW_PANES.min(area.height.saturating_sub(LEAST_TABLE + 2)),
            (_, false) => 0,
        };
        let room = area.height.saturating_sub(LEAST_TABLE + panes + 1).max(1);
        let header = (header::lines(screen, area.width).len() as u16).min(room);
        let [header, table, panes, footer] = Layout::vertical([
            Constraint::Length(header),
            Constraint::Fill(1),
            Constraint::Length(panes),
            Constraint::Length(1),
        ])
        .areas(area);
        Areas {
            header,
            table,
            panes,
            footer,
        }
    }
}

/// Classes that fit into the table of a screen of that size.
pub fn page(area: Rect, screen: &Screen<'_>) -> usize {
    table::page(Areas::of(area, screen).table, screen)
}

/// Draws the screen.
pub fn draw(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer) {
    let areas = Areas::of(area, screen);
    put(&header::lines(screen, area.width), areas.header, buffer);
    table::draw(screen, areas.table, buffer);
    panes(screen, areas.panes, buffer);
    put(&[footer::line(screen, area.width)], areas.footer, buffer);
    if screen.controls.help {
        let help = help::area(area);
        Clear.render(help, buffer);
        put(&help::lines(screen.theme, help.width), help, buffer);
    }
}

fn panes(screen: &Screen<'_>, area: Rect, buffer: &mut Buffer) {
    let parts: &[Constraint] = match area.width {
        VERY_WIDE.. => &[
            Constraint::Fill(5),
            Constraint::Fill(4),
            Constraint::Fill(4),
        ],
        WIDE.. => &[Constraint::Fill(1), Constraint::Fill(1)],
        _ => &[Constraint::Fill(1)],
    };
    let parts = Layout::horizontal(parts).spacing(2).split(area);
    let mut lines = vec![detail::lines(
        screen,
        parts[0].width.into(),
        area.height.into(),
    )];
    if let Some(part) = parts.get(1) {
        let mut pools = memory::pools(screen, part.width.into());
        let collectors = memory::collectors(screen, parts.last().unwrap_or(part).width.into());
        if parts.len() == 2 {
            // The pools outside of the heap, which come last, give way.
            pools.truncate(usize::from(area.height).saturating_sub(collectors.len()));
            pools.extend(collectors);
            lines.push(pools);
        } else {
            lines.extend([pools, collectors]);
        }
    }
    for (lines, part) in lines.iter().zip(parts.iter()) {
        put(lines, *part, buffer);
    }
}

/// Writes lines from the top; what does not fit is left out.
fn put(lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (row, line) in area.rows().zip(lines) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// A line with something at both ends; where that is too long the left end is cut.
fn both_ends<'a>(
    left: Vec<Span<'a>>,
    right: Vec<Span<'a>>,
    columns: u16,
    theme: Theme,
) -> Line<'a> {
    let right_width: usize = right.iter().map(Span::width).sum();
    let room = usize::from(columns).saturating_sub(right_width);
    let mut spans = Vec::new();
    let mut used = 0;
    for span in left {
        let left = room.saturating_sub(used + 1);
        let text = super::text::fit(&span.content, left, theme);
        used += width(&text);
        spans.push(Span::styled(text, span.style));
    }
    spans.push(Span::raw(" ".repeat(room.saturating_sub(used))));
    spans.extend(right);
    Line::from(spans)
}

/// The title of a pane, as a rule across it.
fn rule(title: &str, columns: usize, theme: Theme) -> Line<'static> {
    let dash = theme.sign("─", "-");
    let title = super::text::fit(title, columns.saturating_sub(6), theme);
    let rest = columns.saturating_sub(width(&title) + 4);
    Line::from(vec![
        Span::styled(format!("{dash}{dash} "), theme.faint()),
        Span::styled(title, theme.strong()),
        Span::styled(format!(" {}", dash.repeat(rest)), theme.faint()),
    ])
}

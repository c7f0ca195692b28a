//! The pane about one class: all that is known of it.

use ratatui::text::{Line, Span};

use super::{Screen, chart, rule, words};
use crate::holding;
use crate::numbers::{grouped, nanoseconds, rate};
use crate::top::inquiry::Inquiry;
use crate::top::model::{Class, Quantity};
use crate::top::text::{fit, fit_class, plain};
use crate::top::theme::Theme;

/// Pictures, in the order in which they are left out where there is no room: the last first.
const PICTURES: [(Quantity, &str); 5] = [
    (Quantity::Registered, "registered"),
    (Quantity::Pending, "pending"),
    (Quantity::In, "in/s"),
    (Quantity::Out, "out/s"),
    (Quantity::P99, "p99"),
];
/// Columns of what stands beside a picture.
const LABEL: usize = 11;
const GREATEST: usize = 14;

/// The class selected, or the first one.
pub fn lines(screen: &Screen<'_>, columns: usize, height: usize) -> Vec<Line<'static>> {
    let Some(class) = screen.controls.class(screen.model) else {
        return vec![rule("class", columns, screen.theme)];
    };
    let title = fit_class(&class.row.class, columns.saturating_sub(6), screen.theme);
    let mut lines = vec![rule(&title, columns, screen.theme)];
    lines.extend(
        facts(class, screen)
            .into_iter()
            .map(|text| Line::raw(fit(&text, columns, screen.theme))),
    );
    lines.extend(findings(class, screen, columns));
    let room = height.saturating_sub(lines.len());
    lines.extend(pictures(class, screen, columns, room));
    lines
}

fn facts(class: &Class, screen: &Screen<'_>) -> Vec<String> {
    let (row, theme) = (&class.row, screen.theme);
    let counts = &row.counts;
    let timed = &row.finalize_ns;
    let loader = row.loader.as_deref().unwrap_or("unknown");
    let source = row.source.as_deref().unwrap_or("unknown");
    let durations = match timed.count {
        0 => "finalize(): none has ended yet".to_owned(),
        count => format!(
            "finalize(): mean {} p50 {} p99 {} max {}, {} timed",
            nanoseconds(timed.sum / count),
            nanoseconds(timed.p50),
            nanoseconds(timed.p99),
            nanoseconds(timed.max),
            grouped(count)
        ),
    };
    vec![
        plain(&format!("loader {loader}, from {source}"), theme),
        format!(
            "ever registered {}, finalized {}, threw {}, queued {}",
            grouped(counts.registered_total),
            grouped(counts.finalized_total),
            grouped(counts.threw_total),
            grouped(counts.enqueued_total)
        ),
        durations,
    ]
}

/// Alerts about the class, who holds its objects and where they are made.
fn findings(class: &Class, screen: &Screen<'_>, columns: usize) -> Vec<Line<'static>> {
    let (findings, theme) = (&screen.model.findings, screen.theme);
    let name = &class.row.class;
    let mut lines = Vec::new();
    for alert in findings.alerts() {
        if alert.class.as_ref() == Some(name) || alert.cause_class.as_ref() == Some(name) {
            let words = format!(
                "{}: {}",
                words::alert_kind(alert.kind),
                words::evidence(alert, theme)
            );
            let style = words::severity(alert.severity).1.style(theme);
            lines.push(Line::styled(fit(&words, columns, theme), style));
        }
    }
    lines.extend(inquiry(name, screen, columns));
    if let Some(told) = findings.holders(name) {
        let paths = told.what.paths.iter().map(|path| ("held", path));
        let soft_paths = told.what.soft_paths.iter();
        let paths = paths.chain(soft_paths.map(|path| ("softly held", path)));
        for (held, path) in paths.take(2) {
            let words = format!(
                "{held}: {} of {} by {}",
                grouped(path.count),
                grouped(told.what.instances),
                holding::path(path)
            );
            lines.push(Line::raw(fit(&plain(&words, theme), columns, theme)));
        }
        if told.what.paths.is_empty() && told.what.soft_paths.is_empty() {
            let instances = grouped(told.what.instances);
            lines.push(Line::raw(format!(
                "held: none of {instances} was found held"
            )));
        }
        if let Some(reason) = &told.what.incomplete_reason {
            let words = format!("not the whole answer: {reason}");
            lines.push(Line::raw(fit(&plain(&words, theme), columns, theme)));
        }
    }
    if let Some(told) = findings.sites(name)
        && let Some(stack) = told.what.stacks.first()
    {
        let frames = stack
            .frames
            .iter()
            .take(3)
            .cloned()
            .collect::<Vec<_>>()
            .join(" < ");
        let percent = 100.0 * told.what.share(stack);
        let words = format!(
            "made: {percent:.0}% (of {} looked at) in {frames}",
            grouped(told.what.sampled)
        );
        lines.push(Line::raw(fit(&plain(&words, theme), columns, theme)));
    }
    lines
}

/// How it stands with the question who holds them.
fn inquiry(name: &str, screen: &Screen<'_>, columns: usize) -> Option<Line<'static>> {
    let theme = screen.theme;
    let inquiry = screen.inquiry.filter(|inquiry| inquiry.class() == name)?;
    let (words, tone) = match inquiry {
        Inquiry::Asked { .. } => (
            format!("asking who holds them {}", theme.sign("…", "...")),
            words::Tone::Good,
        ),
        Inquiry::Failed { why, .. } => (
            format!("who holds them is not known: {why}"),
            words::Tone::Bad,
        ),
    };
    let words = fit(&plain(&words, theme), columns, theme);
    Some(Line::styled(words, tone.style(theme)))
}

fn pictures(class: &Class, screen: &Screen<'_>, columns: usize, room: usize) -> Vec<Line<'static>> {
    let width = columns.saturating_sub(LABEL + GREATEST);
    let of = |&(quantity, name): &(Quantity, &'static str)| {
        let cells = class
            .past
            .cells(quantity, screen.uptime_ms(), screen.span_ms(), width);
        let greatest = cells.iter().flatten().copied().fold(0.0, f64::max);
        Picture {
            quantity,
            name,
            cells,
            greatest,
        }
    };
    let pictures: Vec<Picture> = PICTURES.iter().take(room).map(of).collect();
    // Where nothing is to be seen one line will do; the others share the rest.
    let flat = pictures
        .iter()
        .filter(|picture| picture.greatest == 0.0)
        .count();
    let high = pictures.len() - flat;
    let rest = room - flat;
    let mut seen = 0;
    let lines = pictures.iter().flat_map(|picture| {
        let mut height = 1;
        if picture.greatest > 0.0 {
            height = rest / high + usize::from(seen < rest % high);
            seen += 1;
        }
        picture.lines(height, screen.theme)
    });
    lines.collect()
}

/// A quantity over time.
struct Picture {
    quantity: Quantity,
    name: &'static str,
    cells: Vec<Option<f64>>,
    greatest: f64,
}

impl Picture {
    fn lines(&self, height: usize, theme: Theme) -> Vec<Line<'static>> {
        let bars = chart::bars(&self.cells, 0.0, height, theme).into_iter();
        let line = |(row, bars): (usize, String)| {
            // Name and scale stand beside the first line.
            let (name, greatest) = match row {
                0 => (
                    self.name,
                    format!(" max {}", amount(self.quantity, self.greatest)),
                ),
                _ => ("", String::new()),
            };
            Line::from(vec![
                Span::styled(format!("{name:LABEL$}"), theme.faint()),
                Span::styled(bars, theme.chart()),
                Span::styled(greatest, theme.faint()),
            ])
        };
        bars.enumerate().map(line).collect()
    }
}

fn amount(quantity: Quantity, value: f64) -> String {
    match quantity {
        Quantity::P99 => nanoseconds(value as u64),
        Quantity::In | Quantity::Out => rate(value, 9),
        Quantity::Registered | Quantity::Pending => crate::numbers::count(value as u64, 9),
    }
}

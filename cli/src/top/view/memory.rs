//! The panes about memory pools, collectors and the agent itself.

use finwatch_record::{Pool, PoolKind};
use ratatui::text::{Line, Span};

use super::{Screen, chart, rule};
use crate::numbers::{bytes, grouped, milliseconds};
use crate::top::text::{fit, plain, width};

/// Columns of the numbers of a pool, and the least that its name gets.
const NUMBERS: usize = 27;
const NAME: usize = 12;
/// The narrowest and the widest gauge.
const GAUGE: (usize, usize) = (8, 30);

pub fn pools(screen: &Screen<'_>, columns: usize) -> Vec<Line<'static>> {
    let theme = screen.theme;
    let mut lines = vec![rule("memory pools", columns, theme)];
    let Some(memory) = &screen.model.memory.memory else {
        return lines;
    };
    let room = columns.saturating_sub(NUMBERS);
    let longest = memory.pools.iter().map(|pool| width(&pool.name)).max();
    let most = room.saturating_sub(GAUGE.0 + 1).max(NAME.min(room));
    let name = longest.unwrap_or(0).clamp(NAME.min(most), most);
    let gauge = room.saturating_sub(name + 1).min(GAUGE.1);
    lines.push(Line::styled(
        format!("{:name$}{:>9}{:>9}{:>9}", "", "used", "after gc", "max"),
        theme.strong(),
    ));
    let pools = memory.pools.iter();
    let (heap, rest): (Vec<_>, Vec<_>) = pools.partition(|pool| pool.kind == PoolKind::Heap);
    for pool in heap.into_iter().chain(rest) {
        lines.push(pool_line(pool, name, gauge, screen));
    }
    for buffers in memory.buffers.iter().filter(|buffers| buffers.count > 0) {
        let title = plain(&format!("buffers, {}", buffers.name), theme);
        let title = fit(&title, name, theme);
        lines.push(Line::raw(format!(
            "{title:name$}{:>9}",
            bytes(buffers.used_bytes)
        )));
    }
    lines
}

fn pool_line(pool: &Pool, name: usize, gauge: usize, screen: &Screen<'_>) -> Line<'static> {
    let theme = screen.theme;
    let title = fit(&plain(&pool.name, theme), name, theme);
    // 0 is what the JVM says of a pool that was not collected yet.
    let after = pool
        .after_gc_bytes
        .filter(|bytes| *bytes > 0 || pool.usage.used_bytes == 0);
    let or_dash = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), bytes);
    let mut spans = vec![Span::raw(format!(
        "{title:name$}{:>9}{:>9}{:>9}",
        bytes(pool.usage.used_bytes),
        or_dash(after),
        or_dash(pool.usage.max_bytes)
    ))];
    if let Some(most) = pool.usage.max_bytes.filter(|most| *most > 0) {
        let held = after.unwrap_or(pool.usage.used_bytes);
        let (full, empty) = chart::gauge(held as f64 / most as f64, gauge, theme);
        spans.extend([
            Span::raw(" "),
            Span::styled(full, theme.chart()),
            Span::styled(empty, theme.faint()),
        ]);
    }
    Line::from(spans)
}

pub fn collectors(screen: &Screen<'_>, columns: usize) -> Vec<Line<'static>> {
    let (model, theme) = (screen.model, screen.theme);
    let mut lines = vec![rule("collectors", columns, theme)];
    let mut say = |text: String| lines.push(Line::raw(fit(&text, columns, theme)));
    if let Some(gc) = &model.memory.gc {
        for collector in &gc.collectors {
            let name = plain(&collector.name, theme);
            let time_ms = collector.time_ms_total as f64;
            say(format!(
                "{name}: {} in {}",
                grouped(collector.collections_total),
                milliseconds(time_ms)
            ));
        }
        say(format!(
            "pauses: {} in {}",
            grouped(gc.pauses_total),
            milliseconds(gc.pause_ms_total)
        ));
    }
    if let Some(last) = &model.memory.last_collection {
        let action = last.action.as_deref().unwrap_or("a pause");
        let cause = last.cause.as_deref().unwrap_or("no cause told");
        let words = format!(
            "last: {action}, {cause}, {}",
            milliseconds(last.duration_ms)
        );
        say(plain(&words, theme));
    }
    if let Some(agent) = &model.agent {
        lines.push(rule("finwatch itself", columns, theme));
        lines.push(Line::raw(fit(
            &format!(
                "CPU {}, stops {}, dropped {}, failed writes {}",
                milliseconds(agent.cpu_ms_total),
                milliseconds(agent.stw_ms_total),
                grouped(agent.records_dropped_total),
                grouped(agent.write_errors_total)
            ),
            columns,
            theme,
        )));
    }
    lines
}

//! The head of the screen: which JVM, how it is, and what is wrong.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::words::{self, Tone};
use super::{Screen, both_ends, chart};
use crate::numbers::{bytes, counted, grouped, milliseconds, rate, time};
use crate::top::model::Life;
use crate::top::text::{fit, fit_class, plain, width};

/// Alerts that are shown at most; how many more there are is said.
const MOST_ALERTS: usize = 3;
/// Columns of the heap's gauge.
const GAUGE: usize = 20;

pub fn lines(screen: &Screen<'_>, columns: u16) -> Vec<Line<'static>> {
    let mut lines = vec![who(screen, columns), jvm(screen, columns)];
    if screen.model.finalizer.is_some() {
        lines.extend([
            sums(screen),
            heap(screen, columns),
            collections(screen, columns),
        ]);
    }
    lines.extend(finalizer_thread(screen, columns));
    lines.extend(alerts(screen, columns));
    lines.extend(notices(screen));
    lines
}

fn who(screen: &Screen<'_>, columns: u16) -> Line<'static> {
    let theme = screen.theme;
    let mut left = vec![Span::styled(" finwatch ", theme.bar()), Span::raw(" ")];
    if let Some(place) = screen.model.place {
        left.push(Span::styled(format!("pid {} ", place.pid), theme.strong()));
    }
    left.push(Span::styled(program(screen), theme.strong()));
    let (words, tone) = life(screen);
    both_ends(
        left,
        vec![Span::styled(words, tone.style(theme))],
        columns,
        theme,
    )
}

/// The main class or jar; where that is not known, the stream.
fn program(screen: &Screen<'_>) -> String {
    let start = screen.model.start.as_ref();
    let command = start.and_then(|start| start.jvm.command.as_deref());
    let program = command.and_then(|command| command.split_whitespace().next());
    plain(program.unwrap_or(screen.source), screen.theme)
}

fn life(screen: &Screen<'_>) -> (String, Tone) {
    let ago = |age_ms: u64| match age_ms / 1000 {
        0 => "now".to_owned(),
        seconds => format!("{} ago", time(seconds)),
    };
    match screen.model.life(screen.now_ms) {
        Life::Unborn => ("no record yet".to_owned(), Tone::Warning),
        Life::Live { age_ms } => (format!("live, last record {}", ago(age_ms)), Tone::Good),
        Life::Silent { age_ms } => (format!("SILENT for {}", time(age_ms / 1000)), Tone::Bad),
        Life::Stopped { age_ms, .. } => (format!("STOPPED {}", ago(age_ms)), Tone::Warning),
    }
}

fn jvm(screen: &Screen<'_>, columns: u16) -> Line<'static> {
    let theme = screen.theme;
    let mut words = Vec::new();
    if let Some(start) = &screen.model.start {
        words.push(format!("{} {}", start.jvm.name, start.jvm.version));
        words.extend(start.jvm.gc.clone());
        words.push(format!("on {}", start.host));
    }
    if screen.model.place.is_some() {
        words.insert(
            words.len().min(1),
            format!("up {}", time(screen.uptime_ms() / 1000)),
        );
    }
    let right = screen.model.coverage.as_ref().map(|coverage| {
        let (level, tone) = words::coverage(coverage.level);
        vec![
            Span::styled("coverage ", theme.faint()),
            Span::styled(level, tone.style(theme)),
        ]
    });
    let left = Span::styled(plain(&words.join(", "), theme), theme.faint());
    both_ends(vec![left], right.unwrap_or_default(), columns, theme)
}

/// Names and values in turn.
fn pairs(pairs: Vec<(&'static str, String, Style)>, screen: &Screen<'_>) -> Line<'static> {
    let spans = pairs.into_iter().flat_map(|(name, value, style)| {
        [
            Span::styled(format!("{name} "), screen.theme.faint()),
            Span::styled(value, style),
            Span::raw("   "),
        ]
    });
    Line::from_iter(spans)
}

fn sums(screen: &Screen<'_>) -> Line<'static> {
    let (model, theme) = (screen.model, screen.theme);
    let Some(finalizer) = &model.finalizer else {
        return Line::default();
    };
    let counts = finalizer.counts;
    let a_second = |per_second: Option<f64>| match per_second {
        Some(per_second) => format!("{}/s", rate(per_second, 12)),
        None => "-".to_owned(),
    };
    let if_any = |number: u64| match number {
        0 => theme.strong(),
        _ => theme.warning(),
    };
    let threw = counts.threw_total;
    pairs(
        vec![
            ("registered", grouped(counts.registered), theme.strong()),
            ("pending", grouped(counts.pending), if_any(counts.pending)),
            ("running", grouped(counts.running), theme.strong()),
            ("in", a_second(model.past.rate_in()), theme.strong()),
            ("out", a_second(model.past.rate_out()), theme.strong()),
            ("threw", grouped(threw), if_any(threw)),
        ],
        screen,
    )
}

fn heap(screen: &Screen<'_>, columns: u16) -> Line<'static> {
    let (model, theme) = (screen.model, screen.theme);
    let Some(memory) = &model.memory.memory else {
        return Line::styled(
            "heap  not known: this runtime has no java.management",
            theme.faint(),
        );
    };
    let start = model.start.as_ref();
    let most = memory.heap.max_bytes.or_else(|| start?.jvm.heap_max_bytes);
    let after = model.memory.heap_after_gc_bytes();
    let mut spans = vec![Span::styled("heap  ", theme.faint())];
    let held = after.unwrap_or(memory.heap.used_bytes);
    if let Some(most) = most.filter(|most| *most > 0) {
        let part = held as f64 / most as f64;
        let (full, empty) = chart::gauge(part, GAUGE, theme);
        let style = match part {
            0.9.. => theme.bad(),
            0.75.. => theme.warning(),
            _ => theme.chart(),
        };
        spans.extend([
            Span::styled(full, style),
            Span::styled(empty, theme.faint()),
            Span::styled(format!(" {:.0}%  ", part * 100.0), theme.strong()),
        ]);
    }
    let after = after.map(|after| format!("{} after gc, ", bytes(after)));
    let most = most.map(|most| format!(" of {}", bytes(most)));
    let now = bytes(memory.heap.used_bytes);
    spans.push(Span::raw(format!(
        "{}{now} now{}  ",
        after.unwrap_or_default(),
        most.unwrap_or_default()
    )));
    let used: usize = spans.iter().map(Span::width).sum();
    let room = usize::from(columns).saturating_sub(used).min(60);
    let past = model
        .memory
        .heap_after_gc_cells(screen.uptime_ms(), screen.span_ms(), room);
    spans.push(Span::styled(
        chart::bars(&past, 0.0, 1, theme).concat(),
        theme.chart(),
    ));
    Line::from(spans)
}

fn collections(screen: &Screen<'_>, columns: u16) -> Line<'static> {
    let (memory, theme) = (&screen.model.memory, screen.theme);
    let mut words = Vec::new();
    if let Some(count) = memory.collections_total() {
        words.push(format!("{} collections", grouped(count)));
    }
    if let Some(part) = memory.paused_lately() {
        words.push(format!("{:.1}% of the time in pauses", part * 100.0));
    }
    if let Some(longest) = memory.longest_pause_lately_ms().filter(|ms| *ms > 0.0) {
        words.push(format!("longest lately {}", milliseconds(longest)));
    }
    if let Some(last) = &memory.last_collection {
        let collector = last.collector.as_deref().unwrap_or("a pause");
        let cause = last.cause.as_deref().map(|cause| format!(" ({cause})"));
        let words_of_last = format!("last: {collector}{}", cause.unwrap_or_default());
        words.push(plain(&words_of_last, theme));
    }
    let room = usize::from(columns).saturating_sub(6);
    Line::from(vec![
        Span::styled("gc    ", theme.faint()),
        Span::raw(fit(&words.join(", "), room, theme)),
    ])
}

fn finalizer_thread(screen: &Screen<'_>, columns: u16) -> Option<Line<'static>> {
    let told = screen.model.findings.finalizer_thread.as_ref()?;
    let since_ms = screen.uptime_ms().saturating_sub(told.at_ms);
    let (words, tone) = words::finalizer_thread(&told.what, since_ms, screen.theme);
    let name = "finalizer thread ";
    let room = usize::from(columns).saturating_sub(name.len());
    Some(Line::from(vec![
        Span::styled(name, screen.theme.faint()),
        Span::styled(fit(&words, room, screen.theme), tone.style(screen.theme)),
    ]))
}

fn alerts(screen: &Screen<'_>, columns: u16) -> Vec<Line<'static>> {
    let theme = screen.theme;
    let alerts = screen.model.findings.alerts();
    let shown = alerts.iter().take(MOST_ALERTS).map(|alert| {
        let (severity, tone) = words::severity(alert.severity);
        let since_ms = screen.uptime_ms().saturating_sub(alert.since_uptime_ms);
        let class = alert
            .class
            .as_deref()
            .map(|class| fit_class(class, usize::from(columns / 3), theme));
        let mut words = format!("{severity}: {}", words::alert_kind(alert.kind));
        if let Some(class) = class {
            words += &format!(", {class}");
        }
        words += &format!(", for {}: ", time(since_ms / 1000));
        let room = usize::from(columns).saturating_sub(width(&words));
        let advice = fit(&plain(&alert.advice, theme), room, theme);
        Line::from(vec![
            Span::styled(words, tone.style(theme)),
            Span::raw(advice),
        ])
    });
    let mut lines: Vec<Line<'static>> = shown.collect();
    let untold = screen.model.findings.untold_alerts();
    if untold > 0 {
        let alerts = counted(untold, "alert");
        let words =
            format!("{alerts} raised before what is read here: told again within ten minutes");
        lines.push(Line::styled(words, theme.warning()));
    }
    if let Some(more) = alerts.len().checked_sub(MOST_ALERTS + 1) {
        lines.push(Line::styled(
            format!("and {} more alerts", more + 1),
            theme.warning(),
        ));
    }
    lines
}

/// What else one must know to read the rest right.
fn notices(screen: &Screen<'_>) -> Vec<Line<'static>> {
    let (model, theme) = (screen.model, screen.theme);
    let mut lines = Vec::new();
    let mut say = |words: String, tone: Tone| lines.push(Line::styled(words, tone.style(theme)));
    if let Some(trouble) = screen.trouble {
        say(plain(trouble, theme), Tone::Bad);
    }
    match model.life(screen.now_ms) {
        Life::Stopped { reason, .. } => {
            say(
                format!(
                    "The stream ended: {}. These are its last numbers.",
                    words::stop(reason)
                ),
                Tone::Warning,
            );
        }
        Life::Silent { .. } | Life::Live { .. } if screen.has_ended => {
            say(
                "The JVM has ended without a word: it was killed, or it crashed.".to_owned(),
                Tone::Bad,
            );
        }
        Life::Silent { .. } => say(
            "No record comes: the JVM stands still, was killed, or writes elsewhere by now."
                .to_owned(),
            Tone::Bad,
        ),
        Life::Unborn | Life::Live { .. } => {}
    }
    if let Some(told) = &model.findings.stall {
        let pause = if told.what.in_gc_pause {
            ", in a pause of the collector"
        } else {
            ""
        };
        say(
            format!(
                "The JVM STANDS STILL for {}{pause}.",
                milliseconds(told.what.duration_ms)
            ),
            Tone::Bad,
        );
    }
    if let Some(told) = &model.findings.out_of_memory {
        let at = time(told.at_ms / 1000);
        say(
            format!("OutOfMemoryError at {at}: {}", plain(&told.what, theme)),
            Tone::Bad,
        );
    }
    if let Some(coverage) = model.coverage.as_ref()
        && words::coverage(coverage.level).1 != Tone::Good
    {
        let level = words::coverage(coverage.level).0;
        say(
            format!("{level}: {}", plain(&coverage.reason, theme)),
            Tone::Warning,
        );
    }
    lines.extend(doubts(screen).map(|words| Line::styled(words, theme.warning())));
    lines
}

fn doubts(screen: &Screen<'_>) -> Option<String> {
    let doubts = &screen.model.doubts;
    let dropped = screen
        .model
        .agent
        .map_or(0, |agent| agent.records_dropped_total);
    let counted = [
        (doubts.missing.max(dropped), "records are missing"),
        (doubts.unreadable, "lines are no records"),
        (doubts.of_others, "records are of other JVMs"),
    ];
    let words = counted.iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = words
        .map(|(count, what)| format!("{} {what}", grouped(*count)))
        .collect();
    let last = doubts
        .last_problem
        .as_ref()
        .map(|problem| format!(" (the last: {problem})"));
    (!words.is_empty()).then(|| words.join(", ") + &plain(&last.unwrap_or_default(), screen.theme))
}

//! What the agent found out, in words for one line.

use finwatch_record::{
    Alert, AlertKind, CoverageLevel, FinalizerState, FinalizerThread, Severity, StopReason,
};

use crate::finalizing;
use crate::numbers::grouped;
use crate::top::text::plain;
use crate::top::theme::Theme;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warning,
    Bad,
}

impl Tone {
    pub fn style(self, theme: Theme) -> ratatui::style::Style {
        match self {
            Tone::Good => theme.good(),
            Tone::Warning => theme.warning(),
            Tone::Bad => theme.bad(),
        }
    }
}

pub fn coverage(level: CoverageLevel) -> (&'static str, Tone) {
    match level {
        CoverageLevel::Exact => ("exact", Tone::Good),
        CoverageLevel::Baseline => ("baseline", Tone::Good),
        CoverageLevel::PendingOnly => ("pending-only", Tone::Warning),
        CoverageLevel::Disabled => ("disabled", Tone::Warning),
    }
}

pub fn stop(reason: StopReason) -> &'static str {
    match reason {
        StopReason::VmDeath => "the JVM ended",
        StopReason::Detach => "finwatch was detached from it",
    }
}

/// What the finalizer thread does, as was told so many milliseconds ago.
pub fn finalizer_thread(thread: &FinalizerThread, told_ms: u64, theme: Theme) -> (String, Tone) {
    let tone = match thread.state {
        _ if finalizing::is_in_trouble(thread) => Tone::Bad,
        FinalizerState::Waiting | FinalizerState::Running => Tone::Good,
        _ => Tone::Warning,
    };
    (plain(&finalizing::words(thread, told_ms), theme), tone)
}

pub fn severity(severity: Severity) -> (&'static str, Tone) {
    match severity {
        Severity::Warning => ("warning", Tone::Warning),
        Severity::Critical => ("CRITICAL", Tone::Bad),
    }
}

pub fn alert_kind(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::PendingGrowth => "pending grows",
        AlertKind::RegisteredLeak => "leak",
        AlertKind::RegisteredFloating => "waiting for an old collection",
        AlertKind::FinalizerStuck => "finalizer stuck",
        AlertKind::FinalizerSlow => "finalizer slow",
        AlertKind::FinalizerDead => "finalizer dead",
        AlertKind::ReferenceHandlerStalled => "nothing is queued",
        AlertKind::FinalizerResurrects => "finalize() resurrects",
        AlertKind::FinalizerThrows => "finalize() throws",
        AlertKind::HeapExhaustion => "heap fills up",
        AlertKind::Unknown => "alert of an unknown kind",
    }
}

/// The numbers that led to an alert.
pub fn evidence(alert: &Alert, theme: Theme) -> String {
    let number = |number: &serde_json::Number| match number.as_u64() {
        Some(number) => grouped(number),
        None => number
            .as_f64()
            .map_or_else(|| number.to_string(), |number| format!("{number:.2}")),
    };
    let words = alert
        .evidence
        .iter()
        .map(|(name, value)| format!("{} {}", plain(name, theme), number(value)));
    words.collect::<Vec<_>>().join(", ")
}

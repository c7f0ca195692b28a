//! The records of a stream after each other: what one of them can't show.
//!
//! `seq` has no gaps in what was made, so a missing number is a record that was dropped, which the agent counts, or one
//! that was lost later. Times go forward, totals don't go back, and parts add up to the whole. A file may hold several
//! streams (runs of a program one after the other, or several JVMs that share a descriptor), and a stream may be in
//! several files.

use std::collections::BTreeMap;

use super::facts::{COUNTS, Facts};
use super::findings::{Finding, Findings};
use crate::stream::Span;

/// The place in [`COUNTS`] of the first that never goes back.
const FIRST_TOTAL: usize = 3;

/// Records of one stream that stand in one source.
#[derive(Debug)]
pub struct Piece {
    pub span: Span,
    /// Numbers missing between the first and the last.
    pub missing: u64,
    /// `records_dropped_total` as it was told last.
    pub dropped: u64,
    /// It begins with a `start` record.
    pub has_start: bool,
    pub has_stop: bool,
    last_line: u64,
    totals: [u64; COUNTS.len()],
    /// The reason of the coverage that they were told with.
    coverage: String,
    /// The last gap: the line after it, and the numbers.
    gap: Option<(u64, u64, u64)>,
    /// How many missing records have been told to be nobody's.
    unaccounted: u64,
}

/// Follows the streams of the sources, one source after the other.
#[derive(Debug, Default)]
pub struct Sequences {
    /// Those that go on, by process id.
    open: BTreeMap<u64, Piece>,
    pieces: Vec<Piece>,
}

impl Sequences {
    /// Takes the next record of a source.
    pub fn take(&mut self, source: usize, line: u64, facts: &Facts, findings: &mut Findings) {
        let mut fault = |field: &str, message: String| {
            findings.add(Finding::fault(source, line, field, message));
        };
        check_sums(facts, &mut fault);
        let Some(piece) = self.open.get_mut(&facts.pid) else {
            self.open.insert(facts.pid, Piece::of(source, line, facts));
            return;
        };
        if facts.is_beginning() {
            let ended = std::mem::replace(piece, Piece::of(source, line, facts));
            self.pieces.push(ended);
        } else if facts.seq <= piece.span.last.seq {
            let (seq, before, at) = (facts.seq, piece.span.last.seq, piece.last_line);
            fault("seq", format!("{seq} after {before} in line {at}"));
            let ended = std::mem::replace(piece, Piece::of(source, line, facts));
            self.pieces.push(ended);
        } else {
            piece.take(line, facts, findings);
        }
    }

    /// The source has ended.
    pub fn end_source(&mut self) {
        self.pieces
            .extend(std::mem::take(&mut self.open).into_values());
    }

    /// The pieces of each stream, in their order; all sources have ended.
    pub fn into_streams(self) -> Vec<Vec<Piece>> {
        Span::group(self.pieces, |piece| &piece.span)
    }
}

impl Piece {
    fn of(source: usize, line: u64, facts: &Facts) -> Piece {
        let mut span = Span::at(source, facts.place());
        span.extend(facts.place());
        Piece {
            span,
            missing: 0,
            dropped: facts.dropped.unwrap_or(0),
            has_start: facts.is_beginning(),
            has_stop: facts.kind == "stop",
            last_line: line,
            totals: facts.whole.unwrap_or_default(),
            coverage: facts.coverage.clone(),
            gap: None,
            unaccounted: 0,
        }
    }

    fn take(&mut self, line: u64, facts: &Facts, findings: &mut Findings) {
        let source = self.span.source;
        let mut fault = |line: u64, field: &str, message: String| {
            findings.add(Finding::fault(source, line, field, message));
        };
        if self.has_stop {
            let at = self.last_line;
            fault(line, "", format!("a record after the stop in line {at}"));
        }
        if facts.uptime_ms < self.span.last.uptime_ms {
            let (now, before, at) = (facts.uptime_ms, self.span.last.uptime_ms, self.last_line);
            fault(
                line,
                "uptime_ms",
                format!("{now} after {before} in line {at}"),
            );
        }
        self.check_totals(facts, |field, message| fault(line, field, message));
        if facts.seq > self.span.last.seq + 1 {
            self.missing += facts.seq - self.span.last.seq - 1;
            self.gap = Some((line, self.span.last.seq + 1, facts.seq - 1));
        }
        if let Some(dropped) = facts.dropped {
            self.check_missing(dropped, fault);
        }
        if facts.time_ms < self.span.last.time_ms {
            let back = self.span.last.time_ms - facts.time_ms;
            let message = format!("goes back by {back} ms: the machine's clock was set");
            findings.add(Finding::note(source, Some(line), "ts", message));
        }
        self.last_line = line;
        self.has_stop = facts.kind == "stop";
        self.span.extend(facts.place());
    }

    /// What is missing by now, the agent must have told as dropped by now.
    fn check_missing(&mut self, dropped: u64, mut fault: impl FnMut(u64, &str, String)) {
        self.dropped = dropped;
        let lost = self.missing.saturating_sub(dropped);
        if lost <= self.unaccounted {
            return;
        }
        self.unaccounted = lost;
        if let Some((line, first, last)) = self.gap {
            let what = numbers(first, last);
            let missing = self.missing;
            fault(
                line,
                "seq",
                format!("{what} missing; of {missing} so far the agent has dropped {dropped}"),
            );
        }
    }

    fn check_totals(&mut self, facts: &Facts, mut fault: impl FnMut(&str, String)) {
        let Some(totals) = facts.whole else {
            return;
        };
        // Hooks that went out or were put back lose what happened meanwhile.
        let is_counted_on = facts.coverage == self.coverage;
        for (place, name) in COUNTS.iter().enumerate().skip(FIRST_TOTAL) {
            let (now, before) = (totals[place], self.totals[place]);
            if now < before && is_counted_on {
                fault(
                    &format!("finalizer.{name}"),
                    format!("{now}, it was {before} before"),
                );
            }
        }
        self.totals = totals;
        facts.coverage.clone_into(&mut self.coverage);
    }
}

fn check_sums(facts: &Facts, fault: &mut impl FnMut(&str, String)) {
    let Some(whole) = facts.whole else {
        return;
    };
    for ((name, whole), parts) in COUNTS.iter().zip(whole).zip(facts.parts) {
        if whole != parts {
            fault(
                &format!("finalizer.{name}"),
                format!("{whole}, the classes and the rest add up to {parts}"),
            );
        }
    }
}

/// Missing numbers in words.
pub fn numbers(first: u64, last: u64) -> String {
    match last - first {
        0 => format!("record {first} is"),
        _ => format!("records {first} to {last} are"),
    }
}

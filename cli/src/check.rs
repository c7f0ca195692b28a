//! `finwatch check`: whether files hold what the wire format promises, and where not.
//!
//! Each line by itself against the published schema ([`walk`]), then the records after each other ([`sequence`]).

mod facts;
mod findings;
mod rules;
mod sequence;
#[cfg(test)]
mod tests;
mod walk;

use std::ffi::OsString;
use std::io::{self, Write};

use finwatch_record::SCHEMA;
use serde::Serialize;

use crate::exit::Outcome;
use crate::stdout::stdout;
use crate::stream::{self, Block, Progress, RawLine, Sources};
use facts::Facts;
use findings::{Finding, Findings};
use rules::Rules;
use sequence::{Piece, Sequences, numbers};
use walk::Mistake;

const EXAMPLES: &str = "\
Examples:
  finwatch check /var/log/app/finwatch-*.jsonl*
  kubectl exec app -- cat /finwatch/1.jsonl | finwatch check -
  finwatch check --json finwatch-4711.jsonl | jq 'select(.type == \"fault\")'

It checks every line against the schema (see 'finwatch schema'), the numbers of the
records for gaps, the order of times, and that the parts add up to the whole. Lines
that are no records, as a program's own beside out=stdout, are wrong too.
It exits with 1 when something is wrong.";

/// Check files of records, and name the lines and fields that are wrong
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files of records, compressed with gzip or not, in any order; '-' is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// Print JSON lines: one object per finding, the last one sums up
    #[arg(long)]
    json: bool,
    /// So much is told of a file at most, 0: all
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    limit: usize,
}

/// Checks the files and writes to stdout what it found.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let rules = Rules::of(SCHEMA)?;
    let mut sources = Sources::open(&arguments.files)?;
    let limit = match arguments.limit {
        0 => usize::MAX,
        limit => limit,
    };
    let mut checks = Checks::new(sources.names.len(), limit);
    let mut progress = Progress::of(&sources.open);
    let work = |block: Block| check_block(&rules, &block);
    let failed = stream::read(std::mem::take(&mut sources.open), work, |lines| {
        progress.show();
        lines.into_iter().for_each(|line| checks.take(line));
    });
    drop(progress);
    let is_complete = sources.tell_failures(&failed);
    let (findings, summary) = checks.finish();

    let out = &mut io::BufWriter::new(stdout());
    findings.write(out, &sources.names, arguments.json)?;
    match arguments.json {
        true => summary.write_json(out)?,
        false => summary.write_text(out)?,
    }
    out.flush()?;
    Ok(match (is_complete, findings.faults()) {
        (false, _) => Outcome::Failed,
        (true, 0) => Outcome::Done,
        (true, _) => Outcome::Found,
    })
}

/// A line, or a part of it, and what can be said of it alone.
struct Checked {
    source: usize,
    line: u64,
    /// `None` where it is no record.
    facts: Option<Facts>,
    mistakes: Vec<Mistake>,
}

fn check_block(rules: &Rules, block: &Block) -> Vec<Checked> {
    let mut checked = Vec::new();
    for line in block.lines() {
        check_line(rules, line, |facts, mistakes| {
            checked.push(Checked {
                source: block.source,
                line: line.number,
                facts,
                mistakes,
            });
        });
    }
    checked
}

fn check_line(rules: &Rules, line: RawLine<'_>, mut give: impl FnMut(Option<Facts>, Vec<Mistake>)) {
    if let Ok(text) = line.text()
        && let Ok(walked) = walk::walk(rules, text)
        && walked.mistakes.is_empty()
    {
        return give(Some(walked.facts), Vec::new());
    }
    stream::pieces(line, |piece| {
        let problem = match piece {
            Ok(text) => match walk::walk(rules, text) {
                // Whoever has no type and no version is not one of ours with a mistake.
                Ok(walked) if !walked.facts.kind.is_empty() => {
                    return give(Some(walked.facts), walked.mistakes);
                }
                _ => stream::problem(text),
            },
            Err(problem) => problem,
        };
        let mistake = Mistake {
            field: String::new(),
            message: problem.to_string(),
        };
        give(None, vec![mistake]);
    });
}

/// Everything that is found, line by line.
struct Checks {
    findings: Findings,
    sequences: Sequences,
    /// Records of each source.
    records: Vec<u64>,
    /// Parts of lines that are no records.
    others: Vec<u64>,
    source: usize,
}

impl Checks {
    fn new(sources: usize, limit: usize) -> Checks {
        Checks {
            findings: Findings::new(sources, limit),
            sequences: Sequences::default(),
            records: vec![0; sources],
            others: vec![0; sources],
            source: 0,
        }
    }

    fn take(&mut self, checked: Checked) {
        let Checked { source, line, .. } = checked;
        if source != self.source {
            self.sequences.end_source();
            self.source = source;
        }
        let facts = checked
            .facts
            .map(|facts| match checked.mistakes.as_slice() {
                [] => facts,
                // What is wrong by itself says nothing of its neighbours but that there is a record.
                _ => facts.envelope(),
            });
        let is_placed = !checked
            .mistakes
            .iter()
            .any(|mistake| ["seq", "pid", "uptime_ms", "ts"].contains(&mistake.field.as_str()));
        for Mistake { field, message } in checked.mistakes {
            self.findings
                .add(Finding::fault(source, line, &field, message));
        }
        match facts {
            Some(facts) => {
                self.records[source] += 1;
                if is_placed {
                    self.sequences
                        .take(source, line, &facts, &mut self.findings);
                }
            }
            None => self.others[source] += 1,
        }
    }

    fn finish(mut self) -> (Findings, Summary) {
        for (source, (records, others)) in self.records.iter().zip(&self.others).enumerate() {
            let word = match (records, others) {
                (0, 0) => "it is empty".to_owned(),
                (0, others) => {
                    format!("not a finwatch stream: none of its {others} lines is a record")
                }
                _ => continue,
            };
            self.findings.replace(Finding {
                line: None,
                ..Finding::fault(source, 0, "", word)
            });
        }
        self.sequences.end_source();
        let streams = self.sequences.into_streams();
        for pieces in &streams {
            note_ends(pieces, &mut self.findings);
        }
        let summary = Summary {
            records: self.records.iter().sum(),
            others: self.others.iter().sum(),
            streams: streams
                .iter()
                .map(|pieces| StreamSummary::of(pieces))
                .collect(),
            faults: self.findings.faults(),
        };
        (self.findings, summary)
    }
}

/// Notes what is missing at the beginning of a stream and between its files.
fn note_ends(pieces: &[Piece], findings: &mut Findings) {
    let mut note = |piece: &Piece, message: String| {
        findings.add(Finding::note(piece.span.source, None, "", message));
    };
    let (mut missing, mut before) = (0, None);
    for piece in pieces {
        let pid = piece.span.pid();
        let expected = match before {
            // After a detach another attach begins to count again.
            _ if piece.has_start => 0,
            Some(last) => last + 1,
            None => 0,
        };
        if piece.span.first.seq > expected {
            let between = piece.span.first.seq - expected;
            missing += between;
            if missing > piece.dropped {
                let what = numbers(expected, piece.span.first.seq - 1);
                let files = "is there an older file that was not given?";
                note(
                    piece,
                    format!("{what} missing of the JVM with pid {pid}: {files}"),
                );
            }
        }
        missing += piece.missing;
        before = Some(piece.span.last.seq);
    }
}

/// What was checked.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "summary")]
struct Summary {
    records: u64,
    /// Lines, or parts of lines, that are no records.
    others: u64,
    faults: u64,
    streams: Vec<StreamSummary>,
}

/// One JVM's.
#[derive(Debug, Serialize)]
struct StreamSummary {
    pid: u64,
    records: u64,
    /// Records missing between the first and the last.
    missing: u64,
    /// Those that the agent has told as dropped.
    dropped: u64,
    has_start: bool,
    has_stop: bool,
}

impl StreamSummary {
    fn of(pieces: &[Piece]) -> StreamSummary {
        let (first, last) = (&pieces[0], &pieces[pieces.len() - 1]);
        let between = pieces.windows(2).map(|pair| {
            let is_continued = !pair[1].has_start && pair[1].span.first.seq > pair[0].span.last.seq;
            if is_continued {
                pair[1].span.first.seq - pair[0].span.last.seq - 1
            } else {
                0
            }
        });
        StreamSummary {
            pid: first.span.pid(),
            records: pieces.iter().map(|piece| piece.span.records).sum(),
            missing: pieces.iter().map(|piece| piece.missing).sum::<u64>() + between.sum::<u64>(),
            dropped: last.dropped,
            has_start: first.has_start,
            has_stop: last.has_stop,
        }
    }
}

impl Summary {
    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        for stream in &self.streams {
            let StreamSummary {
                pid,
                records,
                missing,
                dropped,
                ..
            } = stream;
            write!(out, "pid {pid}: {records} records")?;
            if *missing > 0 || *dropped > 0 {
                write!(out, ", {missing} missing, {dropped} told as dropped")?;
            }
            let ends = match (stream.has_start, stream.has_stop) {
                (true, true) => "from start to stop",
                (true, false) => "no stop: the JVM runs, or was killed",
                (false, true) => "to the stop",
                (false, false) => "neither start nor stop",
            };
            writeln!(out, ", {ends}")?;
        }
        match self.faults {
            0 => writeln!(out, "nothing wrong was found"),
            1 => writeln!(out, "1 thing is wrong"),
            faults => writeln!(out, "{faults} things are wrong"),
        }
    }
}

//! All that is kept of the files while they are read: the JVMs in them, and what could not be read.

use std::ffi::OsString;

use finwatch_record::{Body, Record};
use serde::Serialize;

use super::jvm::Jvm;
use crate::stream::{Line, Problem, Span};
use crate::time;

/// So many problems of a file are shown, the first ones.
const SHOWN: usize = 5;

/// So many JVMs, or pieces of their streams, are kept.
const MOST_JVMS: usize = 1000;

/// The files as far as they are read.
pub struct Digest {
    files: Vec<File>,
    source: usize,
    /// JVMs of the file that is read now.
    open: Vec<Jvm>,
    pieces: Vec<Jvm>,
    /// There were too many JVMs.
    jvms_left_out: bool,
}

/// What a file held.
#[derive(Debug, Serialize)]
pub struct File {
    pub name: String,
    pub records: u64,
    /// Lines, or parts of lines, that are no records.
    pub problems: u64,
    /// The first of them, in words.
    pub first_problems: Vec<String>,
    /// Why it could not be read to its end.
    pub error: Option<String>,
}

impl Digest {
    /// Of files with these names, none of them read yet.
    pub fn new(names: &[OsString]) -> Digest {
        let file = |name: &OsString| File {
            name: name.to_string_lossy().into_owned(),
            records: 0,
            problems: 0,
            first_problems: Vec::new(),
            error: None,
        };
        Digest {
            files: names.iter().map(file).collect(),
            source: 0,
            open: Vec::new(),
            pieces: Vec::new(),
            jvms_left_out: false,
        }
    }

    /// Takes the next line of a file.
    pub fn take(&mut self, source: usize, number: u64, line: Line) {
        if source != self.source {
            self.end_source();
            self.source = source;
        }
        match line {
            Line::Record(record) => {
                self.files[source].records += 1;
                self.take_record(*record);
            }
            Line::Problem(problem) => self.files[source].take_problem(number, &problem),
        }
    }

    /// The file could not be read to its end.
    pub fn fail(&mut self, source: usize, error: &std::io::Error) {
        self.files[source].error = Some(error.to_string());
    }

    /// The JVMs, each with all of its pieces, in the order of their first records.
    pub fn finish(mut self) -> (Vec<Jvm>, Vec<File>) {
        self.end_source();
        if self.jvms_left_out
            && let Some(file) = self.files.last_mut()
        {
            let word =
                format!("there are more than {MOST_JVMS} JVMs or pieces: the others are left out");
            file.first_problems.push(word);
        }
        let mut pieces = self.pieces;
        // The same file given twice, or a copy of it: counted once.
        pieces.sort_by_key(|jvm| jvm.span.source);
        let mut seen: Vec<(Span, u64, u64)> = Vec::new();
        pieces.retain(|jvm| {
            let span = Span {
                source: 0,
                ..jvm.span.clone()
            };
            let known = (span, jvm.first_seq, jvm.records);
            let is_new = !seen.contains(&known);
            seen.push(known);
            is_new
        });
        let groups = Span::group(pieces, |jvm| &jvm.span);
        let merge = |group: Vec<Jvm>| {
            group.into_iter().reduce(|mut jvm, later| {
                jvm.append(later);
                jvm
            })
        };
        (groups.into_iter().filter_map(merge).collect(), self.files)
    }

    fn take_record(&mut self, record: Record) {
        let Some(time_ms) = time::parse(&record.ts) else {
            let message = format!("'{}' is no time", record.ts);
            let problem = Problem::Invalid {
                kind: record.kind,
                seq: Some(record.seq),
                reason: message,
            };
            return self.files[self.source].take_problem(0, &problem);
        };
        let span = Span::at(
            self.source,
            u64::from(record.pid),
            time_ms,
            record.uptime_ms,
        );
        let place = self.open.iter().position(|jvm| jvm.span.is_like(&span));
        let place = match place {
            // A new beginning: the agent was attached again. A later start tells of other options.
            Some(place) if matches!(record.body, Body::Start(_)) && record.seq == 0 => {
                let jvm = Jvm::new(span, record.seq);
                self.pieces
                    .push(std::mem::replace(&mut self.open[place], jvm));
                place
            }
            Some(place) => place,
            None if self.open.len() + self.pieces.len() >= MOST_JVMS => {
                self.jvms_left_out = true;
                return;
            }
            None => {
                self.open.push(Jvm::new(span, record.seq));
                self.open.len() - 1
            }
        };
        self.open[place].take(record);
    }

    fn end_source(&mut self) {
        self.pieces.append(&mut self.open);
    }
}

impl File {
    fn take_problem(&mut self, line: u64, problem: &Problem) {
        self.problems += 1;
        if self.first_problems.len() < SHOWN {
            self.first_problems.push(format!("line {line}: {problem}"));
        }
    }
}

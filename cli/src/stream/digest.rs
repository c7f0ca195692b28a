//! All that is kept of files while they are read: the JVMs in them, and what could not be read.

use std::ffi::OsString;

use finwatch_record::{Body, Record};
use serde::Serialize;

use super::{Block, Line, Place, Problem, Progress, Sources, Span, parse, read};
use crate::numbers::grouped;
use crate::quote::Quoted;
use crate::stderr;
use crate::time;

/// So many problems of a file are shown, the first ones.
const SHOWN: usize = 5;

/// So many JVMs, or pieces of their streams, are kept.
const MOST_JVMS: usize = 1000;

/// What is kept of one JVM, or of the part of its stream that is in one file. It does not grow with the stream.
pub trait Piece {
    /// One of which nothing has been taken yet but where it begins.
    fn new(span: Span) -> Self;

    /// Where it is, and how many records were taken.
    fn span(&self) -> &Span;

    /// The same, to be extended with each record.
    fn span_mut(&mut self) -> &mut Span;

    /// Takes the next record; its time is in milliseconds since 1970.
    fn take(&mut self, time_ms: u64, record: Record);

    /// Adds what came after in another file.
    fn append(&mut self, later: Self);
}

/// The files as far as they are read.
pub struct Digest<P> {
    files: Vec<File>,
    source: usize,
    /// JVMs of the file that is read now.
    open: Vec<P>,
    pieces: Vec<P>,
    /// There were too many JVMs.
    jvms_left_out: bool,
}

/// The files that were read.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Files(pub Vec<File>);

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

impl<P: Piece> Digest<P> {
    /// Reads all sources, with lines on all processors. Gives what was kept, and whether all could be read; what
    /// could not was told on stderr.
    pub fn read(sources: &mut Sources) -> (Digest<P>, bool) {
        let mut digest = Digest::new(&sources.names);
        let mut progress = Progress::of(&sources.open);
        let open = std::mem::take(&mut sources.open);
        let failed = read(open, lines, |(source, lines)| {
            progress.show();
            for (number, line) in lines {
                digest.take(source, number, line);
            }
        });
        drop(progress);
        for (source, error) in &failed {
            digest.fail(*source, error);
        }
        (digest, sources.tell_failures(&failed))
    }

    /// Of files with these names, none of them read yet.
    fn new(names: &[OsString]) -> Digest<P> {
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
    fn take(&mut self, source: usize, number: u64, line: Line) {
        if source != self.source {
            self.end_source();
            self.source = source;
        }
        match line {
            Line::Record(record) => {
                self.files[source].records += 1;
                self.take_record(number, *record);
            }
            Line::Problem(problem) => self.files[source].take_problem(number, &problem),
        }
    }

    /// The file could not be read to its end.
    fn fail(&mut self, source: usize, error: &std::io::Error) {
        self.files[source].error = Some(error.to_string());
    }

    /// The JVMs, each with all of its pieces, in the order of their first records.
    pub fn finish(mut self) -> (Vec<P>, Files) {
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
        pieces.sort_by_key(|piece| piece.span().source);
        let mut seen: Vec<Span> = Vec::new();
        pieces.retain(|piece| {
            let span = Span {
                source: 0,
                ..piece.span().clone()
            };
            let is_new = !seen.contains(&span);
            seen.push(span);
            is_new
        });
        let groups = Span::group(pieces, P::span);
        let merge = |group: Vec<P>| {
            group.into_iter().reduce(|mut piece, later| {
                piece.append(later);
                piece
            })
        };
        let files = Files(self.files);
        (groups.into_iter().filter_map(merge).collect(), files)
    }

    fn take_record(&mut self, line: u64, record: Record) {
        let Some(time_ms) = time::parse(&record.ts) else {
            let message = format!("'{}' is no time", record.ts);
            let problem = Problem::Invalid {
                kind: record.kind,
                seq: Some(record.seq),
                reason: message,
            };
            return self.files[self.source].take_problem(line, &problem);
        };
        let stands_at = Place {
            pid: u64::from(record.pid),
            seq: record.seq,
            time_ms,
            uptime_ms: record.uptime_ms,
        };
        let is_end = matches!(record.body, Body::Stop(_));
        let place = match record.body {
            // A stream begins: of another JVM, or the agent was attached again. A later start tells of other options.
            Body::Start(_) if record.seq == 0 => None,
            _ => Span::going_on(self.open.iter().map(P::span), &stands_at),
        };
        let place = match place {
            Some(place) => place,
            None if self.open.len() + self.pieces.len() >= MOST_JVMS => {
                self.jvms_left_out = true;
                return;
            }
            None => {
                self.open
                    .push(P::new(Span::at(self.source, stands_at.clone())));
                self.open.len() - 1
            }
        };
        self.open[place].span_mut().extend(stands_at);
        self.open[place].take(time_ms, record);
        if is_end {
            self.pieces.push(self.open.remove(place));
        }
    }

    fn end_source(&mut self) {
        self.pieces.append(&mut self.open);
    }
}

/// The lines of a block, with the place of its source.
fn lines(block: Block) -> (usize, Vec<(u64, Line)>) {
    let mut lines = Vec::new();
    for raw in block.lines() {
        parse(raw, |line| lines.push((raw.number, line)));
    }
    (block.source, lines)
}

impl Files {
    /// How many records they had.
    pub fn records(&self) -> u64 {
        self.0.iter().map(|file| file.records).sum()
    }

    /// Tells on stderr what of them is no record.
    pub fn tell_problems(&self) {
        for file in self.0.iter().filter(|file| file.problems > 0) {
            let name = Quoted(file.name.as_ref());
            stderr::tell(format_args!("{name}: {}", file.words()));
        }
    }

    /// Why they had no record.
    pub fn why_empty(&self) -> String {
        let why = |file: &File| {
            let name = Quoted(file.name.as_ref());
            match file.problems {
                0 => format!("{name} is empty"),
                lines => format!(
                    "{name} is not a finwatch stream, none of its {lines} lines is a record"
                ),
            }
        };
        self.0.iter().map(why).collect::<Vec<_>>().join("; ")
    }
}

impl File {
    /// The lines that are no records, in words.
    pub fn words(&self) -> String {
        let first = self.first_problems.join("; ");
        match self.problems {
            1 => first,
            problems => format!(
                "{} lines are no records, the first: {first}",
                grouped(problems)
            ),
        }
    }

    fn take_problem(&mut self, line: u64, problem: &Problem) {
        self.problems += 1;
        if self.first_problems.len() < SHOWN {
            self.first_problems.push(format!("line {line}: {problem}"));
        }
    }
}

//! One line of a stream: the record in it, and what is wrong with it.

use std::fmt;

use finwatch_record::{ParseError, Record, VERSION};
use serde::Deserialize;

use super::block::{LineEnd, RawLine};
use crate::quote::Plain;

/// How every record begins, as the agent writes it.
const BEGINNING: &[u8] = br#"{"v":"#;

/// So much of a line that is no record is shown, in characters.
const EXCERPT: usize = 60;

/// What a line holds. A line that holds more than one thing (a record after the text of a program that shares the
/// stream) is given as several.
#[derive(Debug, PartialEq)]
pub enum Line {
    /// A record; one of a type that this program does not know is a [`finwatch_record::Body::Unknown`].
    Record(Box<Record>),
    /// Why a line, or a part of it, is no record.
    Problem(Problem),
}

/// Why a line, or a part of it, is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The record breaks off: the JVM was killed, the disk was full, or the line is being written right now.
    Torn,
    /// Text of something else; its first characters.
    Foreign(String),
    /// A record of ours, as far as it can be seen, which can't be read.
    Invalid {
        /// The record's type.
        kind: String,
        /// Its number, where it has one.
        seq: Option<u64>,
        /// The first thing that is wrong, with the column.
        reason: String,
    },
    /// A record of another version of the wire format.
    Version(u64),
    /// Bytes that are no UTF-8 stand in the line, the first of them in this column.
    NotUtf8(usize),
    /// The line is longer than any record: so many bytes.
    TooLong(u64),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Torn => write!(f, "the record breaks off in the middle"),
            Problem::Foreign(text) => write!(f, "not a finwatch record: '{}'", Plain(text)),
            Problem::Invalid { kind, seq, reason } => {
                write!(f, "{} record", Plain(kind))?;
                if let Some(seq) = seq {
                    write!(f, " with seq {seq}")?;
                }
                write!(f, ": {}", Plain(reason))
            }
            Problem::Version(v) => write!(
                f,
                "a record of version {v} of the format, this program reads version {VERSION}: use another finwatch"
            ),
            Problem::NotUtf8(column) => write!(f, "not UTF-8 at column {column}"),
            Problem::TooLong(bytes) => write!(f, "a line of {bytes} bytes, longer than any record"),
        }
    }
}

/// Reads one line and gives what is in it, in order. An empty line gives nothing.
pub fn parse(line: RawLine<'_>, mut give: impl FnMut(Line)) {
    if let Ok(text) = line.text()
        && let Ok(record) = Record::parse(text)
    {
        return give(Line::Record(Box::new(record)));
    }
    pieces(line, |piece| {
        give(match piece.map(|text| (text, Record::parse(text))) {
            Ok((_, Ok(record))) => Line::Record(Box::new(record)),
            Ok((text, Err(_))) => Line::Problem(problem(text)),
            Err(problem) => Line::Problem(problem),
        });
    });
}

/// Takes a line apart that is more than one record: gives the texts in it, in order, of which each may be a record,
/// and what is wrong with the line as such. An empty line gives nothing.
pub fn pieces(line: RawLine<'_>, mut give: impl FnMut(Result<&str, Problem>)) {
    if let LineEnd::Cut(bytes) = line.end {
        return give(Err(Problem::TooLong(bytes)));
    }
    match line.text() {
        Ok(text) => pieces_of(text, give),
        Err(error) => {
            if memchr::memmem::find(line.bytes, BEGINNING).is_some() {
                give(Err(Problem::NotUtf8(error.valid_up_to() + 1)));
            }
            pieces_of(&String::from_utf8_lossy(line.bytes), give);
        }
    }
}

/// At the end of a line a record may stand after something else: text that a program wrote to the same descriptor, or
/// a record that was torn off. Inside of a record its beginning can't stand, as quotes in strings are escaped.
fn pieces_of(text: &str, mut give: impl FnMut(Result<&str, Problem>)) {
    let mut before = text;
    let mut records = Vec::new();
    while let Some(at) = memchr::memmem::rfind(before.as_bytes(), BEGINNING)
        && Record::parse(&before[at..]).is_ok()
    {
        records.push(&before[at..]);
        before = &before[..at];
    }
    if !before.trim_ascii().is_empty() {
        give(Ok(before));
    }
    records
        .into_iter()
        .rev()
        .for_each(|record| give(Ok(record)));
}

/// As much of the envelope as there is.
#[derive(Deserialize)]
struct Envelope {
    v: u64,
    #[serde(rename = "type")]
    kind: String,
    seq: Option<u64>,
}

/// Why a text is no record.
pub fn problem(text: &str) -> Problem {
    let foreign = || Problem::Foreign(text.chars().take(EXCERPT).collect());
    let error = match Record::parse(text) {
        Err(ParseError::Json(error)) => error,
        Err(ParseError::Version(v)) => return Problem::Version(u64::from(v)),
        // It is one, so the caller wants more of it than the wire format promises.
        Ok(_) => return foreign(),
    };
    if error.is_eof() && text.as_bytes().starts_with(BEGINNING) {
        return Problem::Torn;
    }
    match serde_json::from_str::<Envelope>(text) {
        Ok(envelope) if envelope.v != u64::from(VERSION) => Problem::Version(envelope.v),
        Ok(envelope) => Problem::Invalid {
            kind: envelope.kind.chars().take(EXCERPT).collect(),
            seq: envelope.seq,
            reason: in_the_line(&error),
        },
        Err(_) => foreign(),
    }
}

/// The message of serde, which counts lines too: to it, this is always the first.
fn in_the_line(error: &serde_json::Error) -> String {
    error
        .to_string()
        .replace(" at line 1 column ", " at column ")
}

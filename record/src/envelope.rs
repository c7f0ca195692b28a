//! What every line has in common, and how a line is read back.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::in_order::InOrder;
use crate::{
    Alert, Collection, Compact, FinalizerThread, HeapDump, Holders, OutOfMemory, Sample, Sites,
    Stall, Start, Stop,
};

/// The version of the wire format, the field `v` of every record.
pub const VERSION: u32 = 1;

/// One line of the stream.
///
/// Serializes to a single JSON object: the fields of the envelope, then those of the
/// body beside them. `serde_json` escapes control characters, so a record never
/// contains a line feed whatever is in a class name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// Version of the wire format, 1. It changes when the meaning, unit or type of a field
    /// does, not for a new field or a new type of record.
    pub v: u32,
    /// Type of the record, which decides the other fields: `start`, `sample`, `gc`, `alert`,
    /// `finalizer_thread`, `heap_dump`, `holders`, `sites`, `stall`, `oom`, `stop`, or one that this version
    /// of the format got later.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the record was made: RFC 3339, UTC, milliseconds.
    pub ts: String,
    /// Sequence number from 0, without gaps in what was made: a missing number is a
    /// record that was dropped.
    pub seq: u64,
    /// Process id of the JVM, as the JVM itself sees it.
    pub pid: u32,
    /// Milliseconds since the JVM started.
    pub uptime_ms: u64,
    /// The fields particular to the type.
    #[serde(flatten)]
    #[cfg_attr(test, schemars(skip))]
    pub body: Body,
}

/// The fields particular to a type of record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// `start`: the first record of a stream.
    Start(Box<Start>),
    /// `sample`: the state at one moment.
    Sample(Box<Sample>),
    /// `gc`: one garbage collection.
    Gc(Box<Collection>),
    /// `alert`: something is wrong, or is no longer.
    Alert(Box<Alert>),
    /// `finalizer_thread`: what the threads that finalize are doing.
    FinalizerThread(Box<FinalizerThread>),
    /// `heap_dump`: what a heap dump tells about finalization.
    HeapDump(Box<HeapDump>),
    /// `holders`: who keeps the objects of a class from being collected.
    Holders(Box<Holders>),
    /// `sites`: where the objects of a class are made.
    Sites(Box<Sites>),
    /// `stall`: the JVM stands still.
    Stall(Box<Stall>),
    /// `oom`: the JVM has run out of something.
    Oom(Box<OutOfMemory>),
    /// `stop`: the last record of a stream.
    Stop(Box<Stop>),
    /// A type that this version of the crate does not know.
    Unknown(Map<String, Value>),
}

impl Body {
    /// The value of the field `type` for this body, empty for [`Body::Unknown`].
    pub fn type_name(&self) -> &'static str {
        match self {
            Body::Start(_) => "start",
            Body::Sample(_) => "sample",
            Body::Gc(_) => "gc",
            Body::Alert(_) => "alert",
            Body::FinalizerThread(_) => "finalizer_thread",
            Body::HeapDump(_) => "heap_dump",
            Body::Holders(_) => "holders",
            Body::Sites(_) => "sites",
            Body::Stall(_) => "stall",
            Body::Oom(_) => "oom",
            Body::Stop(_) => "stop",
            Body::Unknown(_) => "",
        }
    }

    /// Reads the fields of a body of that type, among others or alone.
    pub(crate) fn read<'de, D>(kind: &str, fields: D) -> Result<Body, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(match kind {
            "start" => Body::Start(Box::deserialize(fields)?),
            "sample" => Body::Sample(Box::deserialize(fields)?),
            "gc" => Body::Gc(Box::deserialize(fields)?),
            "alert" => Body::Alert(Box::deserialize(fields)?),
            "finalizer_thread" => Body::FinalizerThread(Box::deserialize(fields)?),
            "heap_dump" => Body::HeapDump(Box::deserialize(fields)?),
            "holders" => Body::Holders(Box::deserialize(fields)?),
            "sites" => Body::Sites(Box::deserialize(fields)?),
            "stall" => Body::Stall(Box::deserialize(fields)?),
            "oom" => Body::Oom(Box::deserialize(fields)?),
            "stop" => Body::Stop(Box::deserialize(fields)?),
            _ => Body::Unknown(unknown_fields(fields)?),
        })
    }
}

fn unknown_fields<'de, D>(fields: D) -> Result<Map<String, Value>, D::Error>
where
    D: Deserializer<'de>,
{
    let mut fields = Map::deserialize(fields)?;
    for name in ["v", "type", "ts", "seq", "pid", "uptime_ms"] {
        fields.remove(name);
    }
    Ok(fields)
}

/// Why a line is not a record.
#[derive(Debug)]
pub enum ParseError {
    /// Not JSON, torn, or a field of the wrong type; serde's message names line and column.
    Json(serde_json::Error),
    /// A record of a version that this crate does not read.
    Version(u32),
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ParseError::Json(error) => write!(f, "not a finwatch record: {error}"),
            ParseError::Version(v) => write!(
                f,
                "a record of version {v}, this program reads version {VERSION}: use a newer finwatch"
            ),
        }
    }
}

impl std::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ParseError::Json(error) => Some(error),
            ParseError::Version(_) => None,
        }
    }
}

impl From<serde_json::Error> for ParseError {
    fn from(error: serde_json::Error) -> Self {
        ParseError::Json(error)
    }
}

/// The envelope alone; the fields of the body are skipped unread.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    pub v: u32,
    #[serde(rename = "type")]
    pub kind: String,
    pub ts: String,
    pub seq: u64,
    pub pid: u32,
    pub uptime_ms: u64,
}

impl Record {
    /// Reads one line, with or without its line feed.
    ///
    /// The envelope decides how the rest is read, so an unknown type is [`Body::Unknown`]
    /// and never an error.
    pub fn parse(line: &str) -> Result<Record, ParseError> {
        match Record::parse_compact(line) {
            Some(record) => Ok(record),
            None => Record::parse_in_any_order(line),
        }
    }

    /// Reads a line as the agent writes nearly all: compact, and the envelope first.
    fn parse_compact(line: &str) -> Option<Record> {
        let mut json = Compact::new(line);
        let InOrder(envelope, body) = InOrder::deserialize(&mut json).ok()?;
        json.end().ok()?;
        (envelope.v == VERSION).then(|| Record::of(envelope, body))
    }

    fn parse_in_any_order(line: &str) -> Result<Record, ParseError> {
        let envelope: Envelope = serde_json::from_str(line)?;
        if envelope.v != VERSION {
            return Err(ParseError::Version(envelope.v));
        }
        let body = Body::read(
            &envelope.kind,
            &mut serde_json::Deserializer::from_str(line),
        )?;
        Ok(Record::of(envelope, body))
    }

    fn of(envelope: Envelope, body: Body) -> Record {
        Record {
            v: envelope.v,
            kind: envelope.kind,
            ts: envelope.ts,
            seq: envelope.seq,
            pid: envelope.pid,
            uptime_ms: envelope.uptime_ms,
            body,
        }
    }
}

//! The wire format of finwatch, version 1: one JSON object a line, UTF-8.
//!
//! Producer (the agent) and consumers (the command, the tests) share these types and
//! nothing else. A field's name carries its unit at the end (`_ms`, `_ns`, `_bytes`,
//! `_total`). A reader ignores fields that it does not know. Nothing changes meaning
//! within a [`VERSION`]: a change of meaning, of a unit or of a type demands the next
//! version; a new field or a new record type does not.

mod collection;
mod envelope;
mod lifecycle;
mod sample;
mod schema;

pub use collection::{Collection, CollectionPauses, PoolChange};
pub use envelope::{Body, ParseError, Record, VERSION};
pub use lifecycle::{AgentInfo, Coverage, CoverageLevel, JvmInfo, Mode, Start, Stop, StopReason};
pub use sample::{
    AgentCost, Buffers, ClassRow, Collector, Counts, FinalizeDurations, Finalizer, Gc, Memory,
    OmittedClasses, Pool, PoolKind, Sample, Trigger, Usage,
};
pub use schema::{SCHEMA, strict_schema};

//! The wire format of finwatch, version 1: one JSON object a line, UTF-8.
//!
//! Producer (the agent) and consumers (the command, the tests) share these types and
//! nothing else. A field's name carries its unit at the end (`_ms`, `_ns`, `_bytes`,
//! `_total`). A reader ignores fields that it does not know. Nothing changes meaning
//! within a [`VERSION`]: a change of meaning, of a unit or of a type demands the next
//! version; a new field or a new record type does not.

mod alert;
mod collection;
pub mod command;
mod compact;
mod envelope;
mod finalizer_thread;
mod flat;
mod heap_dump;
mod holders;
mod in_order;
mod lifecycle;
mod oom;
mod sample;
mod schema;
mod sites;
mod stall;

pub use alert::{Alert, AlertKey, AlertKind, AlertState, Severity};
pub use collection::{Collection, CollectionPauses, PoolChange};
pub use compact::{Compact, NotCompact};
pub use envelope::{Body, ParseError, Record, VERSION};
pub use finalizer_thread::{
    AwaitedLock, FinalizerState, FinalizerThread, LockOwner, ReferenceHandler,
    ReferenceHandlerState, SecondaryFinalizer,
};
pub use heap_dump::{
    Amount, Finding, HeapDump, HeapDumpClass, HeapDumpThread, HoldingField, UnfinalizedChain,
};
pub use holders::{Holders, HoldingPath, Link, Root, RootKind};
pub use lifecycle::{
    AgentInfo, Baseline, Coverage, CoverageLevel, JvmInfo, Mode, Start, Stop, StopReason,
};
pub use oom::{OutOfMemory, Resource};
pub use sample::{
    AgentCost, Buffers, ClassRow, Collector, Counts, FinalizeDurations, Finalizer, Gc, Memory,
    OmittedClasses, Pool, PoolKind, Sample, Trigger, Usage,
};
pub use schema::{SCHEMA, strict_schema};
pub use sites::{SiteEvent, SiteStack, Sites};
pub use stall::{Stall, StallState};

//! `gc`: one garbage collection.

use serde::{Deserialize, Serialize};

/// One garbage collection, as the VM's collector MXBean told it, or, where the VM tells
/// no more, one pause alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Collection {
    /// Name of the collector's MXBean, for example `G1 Young Generation` or `ZGC Cycles`;
    /// `null`: a pause that no collector bean accounts for (then only `start_uptime_ms`,
    /// `duration_ms` and `pauses` have values).
    pub collector: Option<String>,
    /// What ended, in the VM's words: `end of minor GC`, `end of GC cycle`, `end of GC pause`, …
    pub action: Option<String>,
    /// Why it ran, in the VM's words, for example `System.gc()`.
    pub cause: Option<String>,
    /// The collector's own number for it, from 1.
    pub id: Option<u64>,
    /// When it began, milliseconds since the JVM started.
    pub start_uptime_ms: u64,
    /// From begin to end. For a concurrent collector's cycle this is *not* time that
    /// the application stood still: see `pauses`.
    pub duration_ms: f64,
    /// The stop-the-world pauses within this collection.
    pub pauses: CollectionPauses,
    /// Use of each memory pool just before and just after.
    pub pools: Vec<PoolChange>,
}

/// Stop-the-world pauses that JVMTI reported (`GarbageCollectionStart`/`Finish`) while a
/// collection ran. A concurrent Shenandoah cycle may report none although it pauses.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CollectionPauses {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub total_ms: f64,
}

/// One memory pool before and after a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PoolChange {
    /// Name of the memory pool.
    pub name: String,
    /// Bytes in use before.
    pub before_bytes: u64,
    /// Bytes in use after.
    pub after_bytes: u64,
}

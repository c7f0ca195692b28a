//! `sample`: the state at one moment.

use serde::{Deserialize, Serialize};

use crate::Coverage;

/// The state at one moment: the ledger, the memory, the collectors, the agent's own cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sample {
    /// What made the agent look.
    pub trigger: Trigger,
    /// How exact the ledger is at this moment.
    pub coverage: Coverage,
    /// The ledger over all classes.
    pub finalizer: Finalizer,
    /// The worst classes, worst first, at most as many as the option `classes` says.
    pub classes: Vec<ClassRow>,
    /// The sums of all the others, so that the parts add up to the whole.
    pub classes_omitted: OmittedClasses,
    /// Heap, non-heap, memory pools and buffer pools; `null` where the runtime has no
    /// `java.management`.
    pub memory: Option<Memory>,
    /// Pauses and collectors.
    pub gc: Gc,
    /// What the agent itself cost.
    pub agent: AgentCost,
    /// Alerts that were raised and not cleared before this record; `null` where the option `alerts` is off.
    #[serde(default)]
    pub alerts_raised: Option<u64>,
}

/// What made the agent take a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The option `interval` has passed.
    Interval,
    /// A garbage collection has ended.
    Gc,
}

/// The counts of the life of finalizable objects, for a class or for a sum of classes.
///
/// Always: `registered_total = registered + running + finalized_total + threw_total`
/// when nothing is between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// Objects on the unfinalized chain now: each keeps its `java.lang.ref.Finalizer` alive.
    pub registered: u64,
    /// The part of `registered` that the collector found unreachable and that waits in
    /// `Finalizer.queue` for the finalizer thread.
    pub pending: u64,
    /// Objects inside `finalize()` now.
    pub running: u64,
    /// Objects ever registered.
    pub registered_total: u64,
    /// Objects ever put into `Finalizer.queue`.
    pub enqueued_total: u64,
    /// Objects whose `finalize()` returned.
    pub finalized_total: u64,
    /// Objects whose `finalize()` threw (the JDK swallows it silently).
    pub threw_total: u64,
}

impl Counts {
    /// Calls of `finalize()` that have ended.
    pub fn ended(&self) -> u64 {
        self.finalized_total.saturating_add(self.threw_total)
    }
}

impl std::ops::AddAssign for Counts {
    /// Adds each count to its like: the parts of a sample add up to the whole.
    fn add_assign(&mut self, part: Counts) {
        self.registered += part.registered;
        self.pending += part.pending;
        self.running += part.running;
        self.registered_total += part.registered_total;
        self.enqueued_total += part.enqueued_total;
        self.finalized_total += part.finalized_total;
        self.threw_total += part.threw_total;
    }
}

/// [`Counts`] over all classes, beside the VM's own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "crate::flat::FlatFinalizer")]
pub struct Finalizer {
    /// Ours.
    #[serde(flatten)]
    pub counts: Counts,
    /// `MemoryMXBean.getObjectPendingFinalizationCount()`; `null` where the runtime has no
    /// `java.management`.
    pub mxbean_pending: Option<u64>,
}

/// One class of finalizable objects. The same name in two loaders is two rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "crate::flat::FlatClassRow")]
pub struct ClassRow {
    /// Binary name, for example `org.postgresql.jdbc3g.Jdbc3gPreparedStatement`, or
    /// `(other classes)` for those past the ledger's fixed number of classes.
    pub class: String,
    /// Defining loader: `bootstrap`, `platform`, `app`, or the loader's class (and name)
    /// with its identity hash; `null` for `(other classes)`.
    pub loader: Option<String>,
    /// Code source: where the class was loaded from; `null` where it has none.
    pub source: Option<String>,
    /// The class's unloading was seen: this is its last row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unloaded: bool,
    /// Its counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// How long its `finalize()` took.
    pub finalize_ns: FinalizeDurations,
}

/// Durations of `finalize()`, those that threw included, since the ledger began. Timed are
/// the first 64 calls of a class, and from then on each while they take 16 µs or more, one
/// in 16 (after 4,096 calls one in 64) while they take less. Quantiles come from a histogram with a relative
/// error of at most 12.5%.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FinalizeDurations {
    /// Calls that were timed and have ended.
    pub count: u64,
    /// The sum of their durations, nanoseconds.
    pub sum: u64,
    /// Median, nanoseconds; 0 without calls.
    pub p50: u64,
    /// 99th percentile, nanoseconds; 0 without calls.
    pub p99: u64,
    /// The longest, nanoseconds; 0 without calls.
    pub max: u64,
}

/// The classes that a sample does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "crate::flat::FlatOmittedClasses")]
pub struct OmittedClasses {
    /// How many classes.
    pub count: u64,
    /// Their sums, those of classes that were unloaded earlier included.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Memory, from `java.lang.management`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Memory {
    /// `MemoryMXBean.getHeapMemoryUsage()`.
    pub heap: Usage,
    /// `MemoryMXBean.getNonHeapMemoryUsage()`.
    pub non_heap: Usage,
    /// The memory pools.
    pub pools: Vec<Pool>,
    /// The buffer pools (`direct`, `mapped`, …).
    pub buffers: Vec<Buffers>,
}

/// `java.lang.management.MemoryUsage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usage {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes committed.
    pub committed_bytes: u64,
    /// The most it may grow to; `null` where there is no limit.
    pub max_bytes: Option<u64>,
}

/// One memory pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(from = "crate::flat::FlatPool")]
pub struct Pool {
    /// Name of the pool, for example `G1 Old Gen`.
    pub name: String,
    /// Heap or not.
    pub kind: PoolKind,
    /// Its use now.
    #[serde(flatten)]
    pub usage: Usage,
    /// Bytes in use after the last collection of this pool
    /// (`MemoryPoolMXBean.getCollectionUsage`); `null` where the pool is not collected.
    pub after_gc_bytes: Option<u64>,
}

/// Kind of a memory pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// Part of the Java heap.
    Heap,
    /// Outside it (metaspace, code cache, …).
    NonHeap,
}

/// One buffer pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Buffers {
    /// Name of the pool.
    pub name: String,
    /// Buffers in it.
    pub count: u64,
    /// Memory that the VM uses for it, estimated by the VM.
    pub used_bytes: u64,
}

/// Pauses (JVMTI) and collectors (MXBeans).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gc {
    /// Stop-the-world pauses of the collector since the agent was loaded.
    pub pauses_total: u64,
    /// Their sum.
    pub pause_ms_total: f64,
    /// The longest since the last sample.
    pub pause_ms_max: f64,
    /// The collectors; empty where the runtime has no `java.management`.
    pub collectors: Vec<Collector>,
}

/// One collector, `GarbageCollectorMXBean`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Collector {
    /// Its name.
    pub name: String,
    /// Collections since the JVM started.
    pub collections_total: u64,
    /// Time they took as the VM counts it; for a concurrent collector's cycles, not pauses.
    pub time_ms_total: u64,
}

/// What the agent itself cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AgentCost {
    /// CPU time of the agent's own threads.
    pub cpu_ms_total: f64,
    /// Records made that never reached the stream.
    pub records_dropped_total: u64,
    /// Writes that failed.
    pub write_errors_total: u64,
    /// Stop-the-world time that the agent itself asked for.
    pub stw_ms_total: f64,
}

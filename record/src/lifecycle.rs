//! `start` and `stop`: the first and the last record of a stream.

use serde::{Deserialize, Serialize};

use crate::{ClassRow, Finalizer, OmittedClasses};

/// `start`: who watches whom, and how exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Start {
    /// The agent itself.
    pub agent: AgentInfo,
    /// The JVM that it runs in.
    pub jvm: JvmInfo,
    /// Host name, as the kernel gives it.
    pub host: String,
    /// How exact the ledger is from here on.
    pub coverage: Coverage,
    /// What was registered before the agent came; `null` where that was not counted.
    #[serde(default)]
    pub baseline: Option<Baseline>,
}

/// One walk along the chain of Finalizers, under the lock of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Baseline {
    /// Objects on the chain.
    pub objects: u64,
    /// How long a thread that wanted to register something had to wait at most, in milliseconds.
    /// Nothing else of the application stood still.
    pub pause_ms: f64,
}

/// The agent's version and the options that are in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AgentInfo {
    /// Version of the agent library.
    pub version: String,
    /// Every option by its key, with the value in force, defaults included.
    pub options: std::collections::BTreeMap<String, String>,
    /// How the agent was loaded.
    pub mode: Mode,
}

/// How the agent was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// With the flag `-agentpath` or `-agentlib`, before the VM started.
    Start,
    /// Into a running JVM, through the attach mechanism.
    Attach,
}

/// The JVM, in its own words (system properties and JVMTI).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct JvmInfo {
    /// `java.vm.version`, for example `17.0.15+6-Debian-1deb12u1`.
    pub version: String,
    /// `java.vm.name`, for example `OpenJDK 64-Bit Server VM`.
    pub name: String,
    /// `java.vm.vendor`.
    pub vendor: String,
    /// The collectors' MXBean names joined by ` + `; `null` where they can't be asked
    /// (a runtime without `java.management`).
    pub gc: Option<String>,
    /// The most that the heap may grow to; `null` where unknown.
    pub heap_max_bytes: Option<u64>,
    /// `sun.java.command`: main class or jar and its arguments; `null` where unknown.
    pub command: Option<String>,
}

/// How exact the ledger is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Coverage {
    /// One of four steps.
    pub level: CoverageLevel,
    /// Why it is this level, one sentence.
    pub reason: String,
}

/// The steps of exactness, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CoverageLevel {
    /// The hooks have been in place since the VM started; every count is exact.
    Exact,
    /// The hooks went in later; what was there before was counted once in the heap.
    /// Totals count from then on.
    Baseline,
    /// The hooks were refused (unknown VM or class shape): only the VM's own pending count.
    PendingOnly,
    /// The VM runs without finalization (`--finalization=disabled`).
    Disabled,
}

/// `stop`: the final ledger, all classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stop {
    /// Why the stream ends.
    pub reason: StopReason,
    /// How exact the ledger was at the end.
    pub coverage: Coverage,
    /// The whole.
    pub finalizer: Finalizer,
    /// Every class still known; with `classes_unloaded` they add up to the whole.
    pub classes: Vec<ClassRow>,
    /// The sums of the classes that were unloaded and reported before.
    pub classes_unloaded: OmittedClasses,
    /// Records that never reached the stream.
    pub records_dropped_total: u64,
}

/// Why the stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The JVM ends.
    VmDeath,
    /// The agent was taken out of a JVM that runs on.
    Detach,
}

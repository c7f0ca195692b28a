//! `oom`: the JVM has run out of something.

use serde::{Deserialize, Serialize};

use crate::{Alert, ClassRow, Counts, Holders, OmittedClasses};

/// `oom`: JVMTI's `ResourceExhausted`, with everything that was known at that moment. Made
/// from native memory alone, before the application sees its `OutOfMemoryError`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutOfMemory {
    /// What was exhausted.
    pub resource: Resource,
    /// In the VM's words, for example `Java heap space`.
    pub description: String,
    /// Whether an `OutOfMemoryError` is thrown.
    pub error_thrown: bool,
    /// The ledger over all classes.
    pub finalizer: Counts,
    /// The worst classes, worst first, as in a sample.
    pub classes: Vec<ClassRow>,
    /// The sums of all the others.
    pub classes_omitted: OmittedClasses,
    /// What is known about who holds them, of each class the last that was found.
    pub holders: Vec<Holders>,
    /// The alerts that are raised and not cleared.
    pub alerts: Vec<Alert>,
}

/// What can be exhausted: the flags `JVMTI_RESOURCE_EXHAUSTED_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// The Java heap.
    JavaHeap,
    /// Threads, or the memory for one.
    Threads,
    /// Something else, or what this version of the crate does not know.
    #[serde(other)]
    Other,
}

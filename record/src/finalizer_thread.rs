//! `finalizer_thread`: what the threads that finalize are doing.

use serde::{Deserialize, Serialize};

/// `finalizer_thread`: the JVM's `Finalizer` thread and those around it, told when it is in
/// trouble, and once more when it is so no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FinalizerThread {
    /// What it is doing.
    pub state: FinalizerState,
    /// Since when, as far as was seen, in milliseconds since the JVM started.
    pub since_uptime_ms: u64,
    /// The class whose `finalize()` it is in; `null` where it is in none.
    pub class: Option<String>,
    /// The defining loader of `class`, as in the rows of a sample.
    pub loader: Option<String>,
    /// How long it has been in this call of `finalize()`; `null` where it is in none.
    pub finalize_ms: Option<f64>,
    /// CPU time of the thread; `null` where the VM can't tell.
    pub cpu_ms_total: Option<f64>,
    /// Its stack, innermost frame first, as in `sites`; empty where it was not taken.
    pub stack: Vec<String>,
    /// The lock that it waits for; `null` where it waits for none.
    pub lock: Option<AwaitedLock>,
    /// The owner of the lock waits, itself or through others, for a lock that this
    /// thread holds: it will never go on.
    pub deadlock: bool,
    /// The thread that fills the queue.
    pub reference_handler: ReferenceHandler,
    /// Other threads that finalize now: those of `System.runFinalization()`, and of the end
    /// of an old JDK.
    pub secondary: Vec<SecondaryFinalizer>,
}

/// What the finalizer thread is doing. Where several are true, the last of them in this list
/// is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FinalizerState {
    /// It waits for something to finalize.
    Waiting,
    /// It finalizes.
    Running,
    /// It is in `finalize()` and waits for a lock.
    Blocked,
    /// It could run and gets no CPU time.
    Starved,
    /// It has been in one call of `finalize()` for longer than the option `stuck` says.
    Stuck,
    /// It has ended.
    Dead,
    /// A state that this version of the crate does not know.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// A lock that a thread waits for: a monitor, or a lock of `java.util.concurrent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AwaitedLock {
    /// Binary name of the class of the lock object.
    pub class: String,
    /// Who has it; `null` where nobody does or that is not known.
    pub owner: Option<LockOwner>,
}

/// The thread that has a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LockOwner {
    /// Name of the thread.
    pub thread: String,
    /// Its `Thread.State` in lower case: `runnable`, `blocked`, `waiting`, `timed_waiting`, …
    pub state: String,
    /// Its stack, innermost frame first.
    pub stack: Vec<String>,
}

/// The JVM's `Reference Handler` thread, which puts what the collector found into
/// the queue. In its absence nothing becomes pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReferenceHandler {
    /// What it is doing.
    pub state: ReferenceHandlerState,
    /// Its stack, innermost frame first, where it is stalled; else empty.
    pub stack: Vec<String>,
}

/// What the reference handler is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReferenceHandlerState {
    /// It waits for a collection to find something.
    Waiting,
    /// It is at work.
    Running,
    /// It has been at one thing, or waits for a lock, for longer than the option `stuck` says.
    Stalled,
    /// It has ended.
    Dead,
    /// A state that this version of the crate does not know.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// Another thread that finalizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SecondaryFinalizer {
    /// Name of the thread.
    pub thread: String,
    /// The class whose `finalize()` it is in; `null` where it is in none.
    pub class: Option<String>,
    /// Its stack, innermost frame first; empty where it was not taken.
    pub stack: Vec<String>,
}

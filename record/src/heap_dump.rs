//! `heap_dump`: what a heap dump tells about finalization.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Number;

/// `heap_dump`: the first record that comes out of a heap dump; `holders` follow, one for each class worth it.
///
/// The envelope's `ts` is when the dump was made, `pid` that in the name of the file, or 0, and `uptime_ms` is 0:
/// a dump does not say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeapDump {
    /// The file, as it was named.
    pub file: String,
    /// Its length, unpacked.
    pub dump_bytes: u64,
    /// All objects in it.
    pub heap: Amount,
    /// What is wrong with the dump, a sentence each; what is told is told from the rest.
    pub damage: Vec<String>,
    /// What else to know of the dump, a sentence each: that the file holds several and the last is told, that sizes are
    /// an estimate.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The unfinalized chain; `null` where the dump has no `java.lang.ref.Finalizer` as HotSpot has it.
    pub chain: Option<UnfinalizedChain>,
    /// All `java.lang.ref.Finalizer`.
    pub finalizers: Amount,
    /// Objects in the chain that were not taken from the queue.
    pub registered: u64,
    /// Of these, those that wait in the queue.
    pub pending: u64,
    /// Objects taken from the queue whose finalizer has not ended.
    pub running: u64,
    /// Finalizers, finalizable objects and what only they keep alive; `null` in a summary.
    pub retained: Option<Amount>,
    /// All classes of objects that a Finalizer refers to, those with most of them first.
    pub classes: Vec<HeapDumpClass>,
    /// The threads that finalize, and the reference handler.
    pub threads: Vec<HeapDumpThread>,
    /// What it means, the worst first.
    pub findings: Vec<Finding>,
}

/// Objects, and how large they are in the JVM's heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Amount {
    /// How many.
    pub objects: u64,
    /// Their size.
    pub bytes: u64,
}

/// The list of all registered objects' Finalizers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnfinalizedChain {
    /// How many Finalizers are in it.
    pub length: u64,
    /// Why it is not as it should be; `null`: each links to the next and back.
    pub broken: Option<String>,
}

/// One class of finalizable objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeapDumpClass {
    /// Binary name.
    pub class: String,
    /// Defining loader: `bootstrap`, `platform`, `app`, or the loader's class, name and address.
    pub loader: String,
    /// In the chain, and not taken from the queue.
    pub registered: u64,
    /// Of these, waiting in the queue.
    pub pending: u64,
    /// Taken from the queue, `finalize()` has not ended.
    pub running: u64,
    /// Instances that no Finalizer refers to: finalized and still in memory, or never registered.
    pub without_finalizer: u64,
    /// Size of those that a Finalizer refers to, by themselves.
    pub shallow_bytes: u64,
    /// These and what only they keep alive, without their Finalizers; `null` where it was not computed.
    pub retained: Option<Amount>,
    /// Fields that refer to them, those with most references first.
    pub fields: Vec<HoldingField>,
}

/// A field, or arrays of a class, with references to instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HoldingField {
    /// Class of the objects that have the field.
    pub class: String,
    /// The field; `null`: elements of an array.
    pub field: Option<String>,
    /// Whether it is a static field.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// How many references.
    pub count: u64,
}

/// A thread of the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HeapDumpThread {
    /// Its name.
    pub thread: String,
    /// Its stack, innermost frame first; empty where the dump has none.
    pub stack: Vec<String>,
    /// What it waits for, and who has it, where the dump tells.
    pub waits_for: Option<String>,
}

/// What the fields of objects mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// Which rule found it.
    pub rule: String,
    /// The class of finalizable objects that it is about; `null` where it is about none in particular.
    pub class: Option<String>,
    /// How many finalizable objects it explains.
    pub count: u64,
    /// The numbers that it rests on; the name carries the unit.
    pub evidence: BTreeMap<String, Number>,
    /// The fields that were read for it, `Class.field`.
    pub fields_read: Vec<String>,
    /// What was found, one sentence.
    pub text: String,
    /// What to do, one sentence.
    pub advice: String,
}

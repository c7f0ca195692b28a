//! `holders`: who keeps the objects of a class from being collected.

use serde::{Deserialize, Serialize};

/// `holders`: from which roots and through which fields the instances of a class are held.
///
/// It comes from a walk of the heap of a running JVM, or out of a heap dump. References
/// from `java.lang.ref.Finalizer` and the referents of other `Reference` objects do not hold. What
/// soft references keep is told beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Holders {
    /// Binary name of the class.
    pub class: String,
    /// Its defining loader, as in the rows of a sample; `null` where it was not told apart.
    pub loader: Option<String>,
    /// Instances of the class that were found in the heap.
    pub instances: u64,
    /// Those of them that were seen, where only a part was: all other numbers are estimated
    /// from that part; `null` where they are exact.
    pub sampled: Option<u64>,
    /// The part of them that a path from a root was found to.
    pub held: u64,
    /// The part of them that nothing holds, unless softly: they wait for a collection or for
    /// their finalizer; `null` where the walk was not complete, so that this is not known.
    pub unheld: Option<u64>,
    /// Those of the others to which a path through a `java.lang.ref.SoftReference` was found: the
    /// collector lets go of them before it runs out of memory, and of those that nobody has asked for
    /// in a while (`-XX:SoftRefLRUPolicyMSPerMB`). `null` where they were not looked for, nearly
    /// all instances being held otherwise, or not for long enough.
    pub softly_held: Option<u64>,
    /// The paths, those with most instances first. Each instance counts in one of them,
    /// that of the shortest path found to it. Where their counts add up to less than `held`,
    /// paths with fewer instances were left out.
    pub paths: Vec<HoldingPath>,
    /// The same of those that are held softly.
    #[serde(default)]
    pub soft_paths: Vec<HoldingPath>,
    /// Nothing is missing: everything reachable was looked at, or a part of it that nearly all
    /// instances are accounted for by; where soft references account for them, stacks and native
    /// code, too.
    pub complete: bool,
    /// Why it is not complete, one sentence that says how far it got; `null` where it is.
    pub incomplete_reason: Option<String>,
    /// When they were looked for, in milliseconds since the JVM started: what was found is told again with
    /// alerts that go on and when memory runs out; `null` from a heap dump.
    #[serde(default)]
    pub looked_uptime_ms: Option<u64>,
    /// How long the application stood still for this, all stops together; `null` from a
    /// heap dump.
    pub stw_ms: Option<f64>,
    /// The longest of the stops; `null` from a heap dump.
    pub stw_ms_max: Option<f64>,
}

impl Holders {
    /// When they were looked for, in milliseconds since 1970, by the time of the record that tells it on both clocks.
    pub fn looked_ms(&self, told_ms: u64, told_uptime_ms: u64) -> u64 {
        let looked_uptime_ms = self.looked_uptime_ms.unwrap_or(told_uptime_ms);
        told_ms.saturating_sub(told_uptime_ms.saturating_sub(looked_uptime_ms))
    }
}

/// Instances that are held in the same way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HoldingPath {
    /// How many instances.
    pub count: u64,
    /// Where the path begins.
    pub root: Root,
    /// The objects on the way, from the one that the root refers to, to the one that refers
    /// to the instance. Empty where the root itself refers to the instance. Links
    /// that repeat, such as those of a linked list, stand there once; a link whose class is `…`
    /// stands for those in the middle of a long path of a heap dump.
    pub chain: Vec<Link>,
}

/// One object on a path and the reference in it that leads on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Link {
    /// Binary name of the object's class, of an array that of its elements with `[]`:
    /// `java.util.TimerTask[]`.
    pub class: String,
    /// Name of the field that refers to the next object; `null`: an element of an array, or
    /// a reference that is in no field.
    pub field: Option<String>,
}

/// A root of the collector. Only the fields that the kind has are not `null`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Root {
    /// What kind of root.
    pub kind: RootKind,
    /// Name of the thread, for `thread`, `stack` and `jni_local`; `#` and its number, as in thread
    /// dumps, where only that is known: a virtual thread; `(virtual threads)` for those of a heap dump.
    pub thread: Option<String>,
    /// The method in whose frame the reference is, for `stack`: `Class.method`.
    pub method: Option<String>,
    /// Binary name of the class with the static field, for `static_field`.
    pub class: Option<String>,
    /// Name of the static field, for `static_field`.
    pub field: Option<String>,
}

/// Kinds of roots, as JVMTI's `jvmtiHeapReferenceKind` and the heap dump's `ROOT` records
/// name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RootKind {
    /// A thread that is alive: the path begins with its object.
    Thread,
    /// A local variable or an argument in a frame of a thread.
    Stack,
    /// A static field. From a heap dump of a class that can't be unloaded now; from a running JVM
    /// of any that is loaded, be it until the next collection.
    StaticField,
    /// A JNI global reference: native code holds it.
    JniGlobal,
    /// A JNI local reference in a native frame.
    JniLocal,
    /// An object whose lock is held or waited for.
    Monitor,
    /// A class or what belongs to it (loader, signers, protection domain, constants).
    Class,
    /// Something else inside the VM, or a kind that this version of the crate does not know.
    #[serde(other)]
    Other,
}

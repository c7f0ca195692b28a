//! Redirects three calls inside `java.lang.ref` to the shim's hooks, by rewriting class files.
//!
//! The VM has no event for registering, queueing or running a finalizer, but all three pass through
//! methods of `Finalizer` and `ReferenceQueue`. What comes in is the class file that the VM hands to
//! a retransformation: normally what the JDK shipped, possibly changed by another agent before us.
//! Each redirection knows the exact shape of instructions it replaces; whatever looks different is
//! refused in words, never guessed at, and the caller goes on without that hook.
//!
//! Plain functions from bytes to bytes: no VM, no `unsafe`, no panic on any input, and memory
//! bounded by a small multiple of the input. Any thread may call them.

mod bytes;
mod class_file;
mod code;
mod constant_pool;
mod enqueue;
mod insertion;
mod instruction;
mod presence;
mod redirect;
mod refused;
mod register;
mod run_finalizer;
mod shim;
mod site;
mod stack_map;
mod uncalled;
mod vm_names;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod insertion_tests;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod refusal_tests;

pub use class_file::check;
pub use presence::calls_hook;
pub use redirect::{finalizer, reference_queue};
pub use refused::Refused;
pub use shim::shim;
pub use vm_names::{VmNames, vm_names};

/// Internal name of the shim class that the redirected calls go to.
pub const HOOK: &str = "java/lang/ref/FinwatchHook";

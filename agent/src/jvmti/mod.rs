//! The border with the VM: the only place with `unsafe`, but for a call of glibc's.
//!
//! Raw JVMTI calls, event callbacks and the memory that Java code and the agent share
//! are here, wrapped so that nothing else needs to know about pointers. JNI goes through
//! the `jni` crate; what it does not offer is in [`references`]. The loader is asked in
//! [`library`].

mod allocations;
mod callbacks;
mod counters;
mod entry_points;
mod environment;
mod error;
mod heap;
mod library;
mod memory;
mod raw;
mod references;
mod stacks;

pub use allocations::{begin as begin_allocations, end as end_allocations, mark as mark_class};
pub use callbacks::{Callbacks, Entry, env_of_agent_thread, set_callbacks};
pub use counters::Counters;
pub use environment::{Capability, Environment, Event, Method};
pub use error::JvmtiError;
pub use heap::{
    Access, Answer, Field, Frame, Kind, Reference, TaggedHeap, Visitor, array_length, class_name,
    object_field, static_field,
};
pub use library::loaded_as;
pub use references::{
    array_element, as_class, class_of_classes, java_string, long_array, object_array, string_array,
};
#[cfg(test)]
pub use stacks::test::location;
pub use stacks::{FrameName, Location, Taker, bind as bind_stacks, frame_name};

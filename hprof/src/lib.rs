//! Reads the heap dumps of HotSpot (HPROF, `JAVA PROFILE 1.0.1` to `1.0.3`) and of its hprof agent, and answers who is
//! registered for finalization, and who holds it.
//!
//! There is no JVM in here and no agent: a file goes in, an answer comes out. A dump is looked at a few times from end
//! to end instead of being copied into memory; what is kept is a few bytes an object. The format is described in the
//! JDK's `heapDumper.cpp` and `hprof_io.c`, and in NetBeans' and Android's documentation of `.hprof` files. Dumps written
//! by real JVMs of JDK 5, 6, 7, 8, 11, 17 and later were read.

#![deny(missing_docs)]

mod addresses;
mod answer;
mod classes;
mod classify;
mod columns;
mod condition;
mod entry;
mod error;
mod fetch;
mod finalizers;
mod graph;
mod holders;
mod labels;
mod layout;
mod loaders;
mod look;
mod names;
mod path;
mod progress;
mod record;
mod registry;
mod retained;
mod rules;
mod shape;
mod sizes;
mod source;
mod stacks;
mod strings;
mod survey;
mod threads;
mod value;
mod window;
pub mod words;

pub use answer::{Answer, CLASSES_RETAINED, ChainFacts, ClassFacts, Depth, answer};
pub use condition::{Damage, Gap, Note};
pub use error::Error;
pub use path::{Holders, HoldingField, HoldingPath, HoldingRoot, LEFT_OUT, Link};
pub use progress::{Phase, Progress};
pub use registry::Counts;
pub use retained::Amount;
pub use rules::Finding;
pub use source::Dump;
pub use threads::Thread;

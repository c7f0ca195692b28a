//! `finwatch`: a JVMTI agent that keeps an exact ledger of every finalizable object of a
//! HotSpot JVM and writes it as JSON lines.
//!
//! The data goes one way: the Java hooks count in native memory ([`ledger`]), the agent's
//! own thread makes records of it ([`run`]), the [`writer`] thread writes them.
//! [`agent`] holds the order of life; [`jvmti`] is the only place with `unsafe`, but
//! for a call of glibc's in [`native_heap`].

pub mod agent;
pub mod alerts;
pub mod baseline;
pub mod classes;
pub mod collections;
mod exhausted;
pub mod finalizer_thread;
mod holders;
mod hooks;
pub mod jvmti;
mod kernel_thread;
pub mod ledger;
pub mod log;
pub mod management;
mod native_heap;
pub mod options;
pub mod pauses;
mod pending_list;
pub mod run;
mod run_queue;
mod sampling;
pub mod schedule;
mod seeker;
pub mod shim;
mod sites;
pub mod splice;
mod stall;
pub mod status;
pub mod stream;
pub mod watch;
pub mod writer;

//! The JVM has run out of something: what is known goes out at once, without its help.
//!
//! In the thread of the application that asked for what there is no more of. Nothing here uses JNI
//! or the Java heap, and nothing waits for longer than [`PATIENCE`]: where the agent's own thread is
//! at work, and perhaps waits for memory itself, what it found out last is told.
//!
//! With `-XX:+ExitOnOutOfMemoryError` and `-XX:+CrashOnOutOfMemoryError` the VM ends before it
//! tells agents (HotSpot, `MemAllocator::Allocation::check_out_of_memory`).

use std::{
    ffi::CStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use finwatch_record::{Body, OutOfMemory, Resource};
use parking_lot::Mutex;

use crate::{pauses::PauseClock, run::Run, stream::Stream};

/// How long the agent's own thread is waited for.
const PATIENCE: Duration = Duration::from_millis(50);

/// Time between two records: a program that goes on runs out again and again.
const SPACING_US: u64 = 10_000_000;

/// `JVMTI_RESOURCE_EXHAUSTED_OOM_ERROR`, `_JAVA_HEAP` and `_THREADS`.
const OOM_ERROR: i32 = 1;
const JAVA_HEAP: i32 = 2;
const THREADS: i32 = 4;

/// What the agent's own thread found out last.
pub type LastKnown = Arc<Mutex<Option<OutOfMemory>>>;

/// Tells of what is exhausted.
#[derive(Default)]
pub struct Exhausted {
    /// When there was a record last, in microseconds of the clock plus 1; 0: never.
    told_us: AtomicU64,
    /// Where records go and what was known last; none while nothing is watched.
    to: Mutex<Option<(Stream, LastKnown)>>,
}

impl Exhausted {
    /// Something is watched from now on, or nothing any more.
    pub fn set(&self, to: Option<(Stream, LastKnown)>) {
        self.told_us.store(0, Relaxed);
        *self.to.lock() = to;
    }

    /// The VM says so.
    pub fn tell(
        &self,
        run: &Mutex<Option<Run>>,
        clock: &PauseClock,
        flags: i32,
        description: &CStr,
    ) {
        if !self.may_tell(clock.now_us()) {
            return;
        }
        let Some((stream, last_known)) = self.to.lock().clone() else {
            return;
        };
        let fresh = run
            .try_lock_for(PATIENCE)
            .and_then(|mut run| run.as_mut().map(Run::known));
        let Some(known) = fresh.or_else(|| last_known.lock().clone()) else {
            return;
        };
        let record = OutOfMemory {
            resource: resource(flags),
            description: description.to_string_lossy().into_owned(),
            error_thrown: flags & OOM_ERROR != 0,
            ..known
        };
        stream.emit(Body::Oom(Box::new(record)), clock.uptime_ms());
    }

    /// One thread of those that come at once.
    fn may_tell(&self, now_us: u64) -> bool {
        let told = self.told_us.load(Relaxed);
        let is_due = told == 0 || now_us + 1 >= told + SPACING_US;
        is_due
            && self
                .told_us
                .compare_exchange(told, now_us + 1, Relaxed, Relaxed)
                .is_ok()
    }
}

fn resource(flags: i32) -> Resource {
    if flags & JAVA_HEAP != 0 {
        Resource::JavaHeap
    } else if flags & THREADS != 0 {
        Resource::Threads
    } else {
        Resource::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_runs_out_again_and_again_is_told_of_now_and_then() {
        let exhausted = Exhausted::default();
        let told = [
            0,
            1,
            SPACING_US - 1,
            SPACING_US,
            SPACING_US + 1,
            3 * SPACING_US,
        ];
        let told: Vec<bool> = told.map(|now| exhausted.may_tell(now)).to_vec();
        assert_eq!(told, [true, false, false, true, false, true]);
    }

    #[test]
    fn the_flags_say_what_it_was() {
        assert_eq!(resource(OOM_ERROR | JAVA_HEAP), Resource::JavaHeap);
        assert_eq!(resource(OOM_ERROR | THREADS), Resource::Threads);
        assert_eq!(resource(OOM_ERROR), Resource::Other);
    }
}

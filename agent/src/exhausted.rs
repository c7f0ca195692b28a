//! The JVM has run out of something: what is known goes out at once, without its help.
//!
//! In the thread of the application that asked for what there is no more of. Nothing here uses JNI
//! or the Java heap, and nothing waits for longer than [`PATIENCE`]: where the agent's own thread is
//! at work, and perhaps waits for memory itself, what it found out last is told.
//!
//! The VM writes a line to its log, which is standard output, for each of these events (HotSpot,
//! `JvmtiExport::post_resource_exhausted`, `log_error`). So after one the event is off for a while.
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

use crate::{
    jvmti::{Environment, Event},
    log,
    pauses::PauseClock,
    run::Run,
    stream::Stream,
};

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
    /// When the VM said so last, in the same way.
    last_us: AtomicU64,
    /// None while nothing is watched.
    to: Mutex<Option<To>>,
}

/// Where records go, what was known last, and who is asked for events.
#[derive(Clone)]
pub struct To {
    /// The stream.
    pub stream: Stream,
    /// What the agent's own thread found out last.
    pub last_known: LastKnown,
    /// The environment that listens.
    pub jvmti: Environment,
}

impl Exhausted {
    /// Something is watched from now on, or nothing any more.
    pub fn set(&self, to: Option<To>) {
        self.told_us.store(0, Relaxed);
        self.last_us.store(0, Relaxed);
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
        let now_us = clock.now_us();
        self.last_us.store(now_us + 1, Relaxed);
        if !self.may_tell(now_us) {
            return;
        }
        let Some(to) = self.to.lock().clone() else {
            return;
        };
        if let Err(error) = to.jvmti.set_event(Event::ResourceExhausted, false) {
            log::debug(format_args!("{error}: the VM logs that it is exhausted"));
        }
        let fresh = run.try_lock_for(PATIENCE).and_then(|mut run| {
            let run = run.as_mut()?;
            run.start_early(clock);
            Some(run.known())
        });
        let Some(known) = fresh.or_else(|| to.last_known.lock().clone()) else {
            return;
        };
        let record = OutOfMemory {
            resource: resource(flags),
            description: description.to_string_lossy().into_owned(),
            error_thrown: flags & OOM_ERROR != 0,
            ..known
        };
        to.stream
            .emit(Body::Oom(Box::new(record)), clock.uptime_ms());
    }

    /// Listens again, after a while. In the agent's own thread.
    pub fn listen_again(&self, clock: &PauseClock) {
        if !self.may_listen(clock.now_us()) {
            return;
        }
        self.told_us.store(0, Relaxed);
        if let Some(to) = self.to.lock().as_ref()
            && let Err(error) = to.jvmti.set_event(Event::ResourceExhausted, true)
        {
            log::info(format_args!("{error}: it is not told when memory runs out"));
        }
    }

    /// Whether the JVM ran out of something not long ago: since it is listened to again, nothing has said that it
    /// no longer does.
    pub fn is_recent(&self, clock: &PauseClock) -> bool {
        let last_us = self.last_us.load(Relaxed);
        last_us != 0 && clock.now_us() < last_us + 2 * SPACING_US
    }

    fn may_listen(&self, now_us: u64) -> bool {
        let told = self.told_us.load(Relaxed);
        told != 0 && now_us >= told + SPACING_US
    }

    /// One thread of those that come at once.
    fn may_tell(&self, now_us: u64) -> bool {
        let told = self.told_us.load(Relaxed);
        told == 0
            && self
                .told_us
                .compare_exchange(0, now_us + 1, Relaxed, Relaxed)
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
    fn a_program_that_runs_out_again_and_again_is_told_of_once_in_a_while() {
        let exhausted = Exhausted::default();
        assert!(!exhausted.may_listen(SPACING_US), "nothing was told");
        let told = [0, 1, SPACING_US].map(|now| exhausted.may_tell(now));
        assert_eq!(told, [true, false, false]);
        let listens = [1, SPACING_US, SPACING_US + 1].map(|now| exhausted.may_listen(now));
        assert_eq!(listens, [false, false, true]);
    }

    #[test]
    fn the_flags_say_what_it_was() {
        assert_eq!(resource(OOM_ERROR | JAVA_HEAP), Resource::JavaHeap);
        assert_eq!(resource(OOM_ERROR | THREADS), Resource::Threads);
        assert_eq!(resource(OOM_ERROR), Resource::Other);
    }
}

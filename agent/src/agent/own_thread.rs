//! The life of the agent's own thread: it waits, samples, and makes the records.
//!
//! A daemon thread of the JVM's own making: it never holds up the end of the JVM, and the
//! only one of the agent's that calls JNI while the program runs.

use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use crossbeam_channel::RecvTimeoutError;
use finwatch_record::{Mode, StopReason};
use jni::{Env, jni_sig, jni_str, objects::JValue};

use super::{Agent, Thread};
use crate::{
    jvmti::{self, Environment, JvmtiError},
    native_heap::NativeHeap,
    pauses::Wake,
    run::Run,
    schedule::Schedule,
    stall,
};

/// A program that runs no longer than this costs no more than the hooks: only then are the
/// management beans found and the first record made.
const QUIET_START: Duration = Duration::from_secs(1);

impl Agent {
    /// Starts the thread.
    pub(super) fn start_thread(
        &self,
        env: &mut Env,
        jvmti: Environment,
    ) -> Result<(), ThreadError> {
        // Of an earlier thread that nobody waited for.
        self.thread.left.1.try_iter().for_each(drop);
        let group = jvmti.system_thread_group(env)?;
        let thread_class = crate::watch::boot_class(env, jvmti, "java.lang.Thread")?;
        let name = env.new_string("finwatch agent")?;
        let signature = jni_sig!("(Ljava/lang/ThreadGroup;Ljava/lang/String;)V");
        let arguments = [JValue::Object(&group), JValue::Object(&name)];
        let thread = env.new_object(&thread_class, signature, &arguments)?;
        // The application's loader must not be held by a thread of ours.
        let null = jni::objects::JObject::null();
        let signature = jni_sig!("(Ljava/lang/ClassLoader;)V");
        env.call_method(
            &thread,
            jni_str!("setContextClassLoader"),
            signature,
            &[JValue::Object(&null)],
        )?;
        jvmti.run_agent_thread(&thread, jvmti::env_of_agent_thread)?;
        self.thread.started.store(true, Relaxed);
        Ok(())
    }

    /// Works off everything that has woken the thread: whether it goes on, and whether there
    /// was a pause.
    pub(super) fn drain(&self, run: &mut Run, first: Option<Wake>) -> (bool, bool) {
        let mut paused = false;
        for wake in first.into_iter().chain(self.clock.wakes().try_iter()) {
            match wake {
                Wake::Pause(pause) => {
                    paused = true;
                    run.pause(pause);
                }
                // They are looked at each time.
                Wake::Options => {}
                Wake::End => return (false, paused),
            }
        }
        (!run.has_ended(), paused)
    }

    /// The life of the thread.
    pub(super) fn run_thread(&self, env: &mut Env) {
        let _left = Left(&self.thread);
        let (mut quiet, mut interval) = (Duration::ZERO, Duration::ZERO);
        let mut native_heap = NativeHeap::of_the_program();
        self.with_run(env, |_, run, _| {
            interval = run.options().interval;
            if run.mode() == Mode::Start {
                quiet = QUIET_START.min(interval);
                native_heap = NativeHeap::of_the_start(Instant::now());
            }
        });
        let mut wake = self.clock.wakes().recv_timeout(quiet).ok();
        let mut opened = false;
        let mut schedule = Schedule::new(interval, Instant::now());
        loop {
            let mut goes_on = true;
            let alive = self.with_run(env, |agent, run, env| {
                let paused;
                (goes_on, paused) = agent.drain(run, wake.take());
                let now = Instant::now();
                schedule.set_interval(run.options().interval, now);
                if paused {
                    schedule.paused(now);
                }
                let Some(trigger) = schedule.due(now).filter(|_| goes_on) else {
                    return;
                };
                run.set_cpu_ms(thread_cpu_ms());
                let mut ended = Vec::new();
                let has_run_out = agent.exhausted.is_recent(&agent.clock);
                if !std::mem::replace(&mut opened, true) {
                    run.open(env, &agent.clock, has_run_out);
                    agent.drain(run, None);
                    ended = run.listen(env);
                } else if run.find_beans(env, &agent.clock, has_run_out) {
                    agent.drain(run, None);
                    ended = run.listen(env);
                }
                ended.extend(run.take_collections(env));
                (goes_on, _) = agent.drain(run, None);
                run.tell_collections(ended, &agent.clock);
                run.sample(env, &agent.clock, &agent.splicing, trigger);
                schedule.taken(trigger, now);
                native_heap.settle(now);
                agent.exhausted.listen_again(&agent.clock);
                agent.tell(|status| status.coverage(run.options(), run.coverage()));
            });
            if self.dying.load(Relaxed) {
                self.with_run(env, |agent, run, env| {
                    agent.tell_end(env, run, StopReason::VmDeath);
                });
                return;
            }
            if !alive || !goes_on {
                return;
            }
            wake = match self.wait(env, schedule.until()) {
                Ok(wake) => Some(wake),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
        }
    }

    /// Waits for what wakes the thread, and shows now and then that the JVM lives: a thread that calls
    /// JNI stands still where that does.
    fn wait(&self, env: &mut Env, until: Instant) -> Result<Wake, RecvTimeoutError> {
        loop {
            // A transition into the VM, unlike `GetVersion`.
            env.exception_check();
            self.clock.alive();
            let beat = stall::beat(self.stall().unwrap_or(Duration::MAX));
            let next = until.min(Instant::now() + beat);
            match self.clock.wakes().recv_deadline(next) {
                Err(RecvTimeoutError::Timeout) if next < until => {}
                woken => return woken,
            }
        }
    }

    /// Runs with the lock held and in a frame of local references; `false` where there is
    /// nothing to run any more.
    fn with_run(&self, env: &mut Env, body: impl FnOnce(&Agent, &mut Run, &mut Env)) -> bool {
        let mut guard = self.run.lock();
        let Some(run) = guard.as_mut().filter(|run| !run.has_ended()) else {
            return false;
        };
        let outcome: jni::errors::Result<()> = env.with_local_frame(64, |env| {
            // A frame is made in the VM.
            self.clock.alive();
            body(self, run, env);
            Ok(())
        });
        if outcome.is_err() {
            // No memory for a frame: the next time.
            env.exception_clear();
        }
        true
    }
}

/// Tells that the agent's own thread has left, however it does.
struct Left<'a>(&'a Thread);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        // Nobody waits before the end, and there is room for the one message.
        let _ = self.0.left.0.try_send(());
    }
}

/// Why there is no thread to sample in.
#[derive(Debug, thiserror::Error)]
pub(super) enum ThreadError {
    #[error(transparent)]
    Jvmti(#[from] JvmtiError),
    #[error(transparent)]
    Jni(#[from] jni::errors::Error),
    #[error(transparent)]
    Watch(#[from] crate::watch::WatchError),
}

/// CPU time of the current thread.
fn thread_cpu_ms() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

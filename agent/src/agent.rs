//! The agent's life: loaded, VM ready, its own thread, VM dead.

use std::{
    ffi::CStr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use finwatch_record::{Mode, StopReason};
use jni::{Env, jni_sig, jni_str, objects::JValue};
use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use crate::{
    hooks::Splicing,
    jvmti::{self, Callbacks, Capability, Environment, Event, JvmtiError},
    ledger::Ledger,
    log,
    options::{self, Facts, Options, Request, Sources},
    pauses::{PauseClock, Wake},
    run::{Run, host},
    schedule::Schedule,
    watch::Watch,
    writer::{Target, Writer},
};

/// The agent of this process. There is one JVM in a process, so there is one.
static AGENT: OnceCell<Agent> = OnceCell::new();

/// A program that runs no longer than this costs no more than the hooks: only then are the
/// management beans found and the first record made.
const QUIET_START: Duration = Duration::from_secs(1);

/// How long the end of the JVM may be held up for what has been made to be written.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// How long it may be held up for the agent's own thread to leave, which has nothing left to do.
const LAST_STEP: Duration = Duration::from_millis(100);

/// How long it may be held up by a sample that is being taken.
const LAST_SAMPLE: Duration = Duration::from_secs(3);

struct Agent {
    mode: Mode,
    jvmti: Environment,
    options: Options,
    ledger: Ledger,
    clock: PauseClock,
    splicing: Splicing,
    run: Mutex<Option<Run>>,
    writer: Mutex<Option<Writer>>,
    thread: Thread,
}

/// The agent's own thread, as seen from outside.
struct Thread {
    started: AtomicBool,
    left: (Sender<()>, Receiver<()>),
}

/// Why the agent does not start. Given with the flag, the JVM then does not start either.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Every mistake in the options.
    #[error("{0}")]
    Options(#[from] options::Mistakes),
}

/// What became of a load.
pub enum Loaded {
    /// The agent waits for the VM.
    Watching,
    /// The table of options was asked for, and nothing else.
    Help(String),
    /// There is nothing for this agent to do, and the JVM must run on.
    Idle,
}

/// `Agent_OnLoad` and the first half of `Agent_OnAttach`: reads the options and asks for
/// the VM's events. `flag` is what stands after `=` in `-agentpath`, or what the attaching
/// tool passed on.
pub fn load(mode: Mode, jvmti: Result<Environment, i32>, flag: &[u8]) -> Result<Loaded, LoadError> {
    let environment = std::env::var_os(options::ENVIRONMENT_VARIABLE);
    let environment = environment
        .as_deref()
        .map(std::os::unix::ffi::OsStrExt::as_bytes);
    let options = match options::resolve(&Sources { flag, environment }, &facts())? {
        Request::Run(options) => options,
        Request::Help(help) => return Ok(Loaded::Help(help)),
    };
    log::set_level(options.log);
    let jvmti = match jvmti {
        Ok(jvmti) => jvmti,
        Err(code) => {
            log::warn(format_args!(
                "this JVM offers no JVMTI 1.2 (JNI error {code}): nothing is watched"
            ));
            return Ok(Loaded::Idle);
        }
    };
    let agent = Agent {
        mode,
        jvmti,
        options,
        ledger: Ledger::allocate(),
        clock: PauseClock::begin(),
        splicing: Splicing::default(),
        run: Mutex::new(None),
        writer: Mutex::new(None),
        thread: Thread {
            started: AtomicBool::new(false),
            left: bounded(1),
        },
    };
    if AGENT.set(agent).is_err() {
        log::warn(format_args!(
            "loaded twice: the options given first are in force, these are ignored"
        ));
        // The first one's environment is another; this one has no callbacks.
        let _ = jvmti.dispose();
        return Ok(Loaded::Idle);
    }
    match AGENT.get().map(Agent::listen) {
        Some(Err(error)) => {
            log::warn(format_args!("{error}: nothing is watched"));
            Ok(Loaded::Idle)
        }
        _ => Ok(Loaded::Watching),
    }
}

/// The second half of `Agent_OnAttach`: the VM has been ready for long.
pub fn begin(env: &mut Env) {
    if let Some(agent) = AGENT.get() {
        agent.vm_init(env);
    }
}

fn facts() -> Facts {
    Facts {
        pid: std::process::id(),
        host: host(),
        start: SystemTime::now(),
    }
}

impl Agent {
    fn listen(&'static self) -> Result<(), JvmtiError> {
        jvmti::set_callbacks(self.jvmti, self)?;
        self.jvmti.set_event(Event::VmInit, true)?;
        self.jvmti.set_event(Event::VmDeath, true)?;
        let pauses = self
            .jvmti
            .add_capability(Capability::GarbageCollectionEvents)
            .and_then(|()| self.jvmti.set_event(Event::GarbageCollectionStart, true))
            .and_then(|()| self.jvmti.set_event(Event::GarbageCollectionFinish, true));
        if let Err(error) = pauses {
            log::warn(format_args!("{error}: pauses are not measured"));
        }
        Ok(())
    }

    /// Starts the daemon thread that samples.
    fn start_thread(&self, env: &mut Env) -> Result<(), ThreadError> {
        let group = self.jvmti.system_thread_group(env)?;
        let thread_class = crate::watch::boot_class(env, self.jvmti, "java.lang.Thread")?;
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
        self.jvmti
            .run_agent_thread(&thread, jvmti::env_of_agent_thread)?;
        self.thread.started.store(true, Relaxed);
        Ok(())
    }

    /// Works off everything that has woken the thread: whether it goes on, and whether there
    /// was a pause.
    fn drain(&self, run: &mut Run, first: Option<Wake>) -> (bool, bool) {
        let mut paused = false;
        for wake in first.into_iter().chain(self.clock.wakes().try_iter()) {
            match wake {
                Wake::Pause(pause) => {
                    paused = true;
                    run.pause(pause);
                }
                Wake::End => return (false, paused),
            }
        }
        (!run.has_ended(), paused)
    }

    /// The life of the agent's own thread.
    fn run_thread(&self, env: &mut Env) {
        let quiet = match self.mode {
            Mode::Start => QUIET_START.min(self.options.interval),
            Mode::Attach => Duration::ZERO,
        };
        let mut wake = self.clock.wakes().recv_timeout(quiet).ok();
        let mut opened = false;
        let mut schedule = Schedule::new(self.options.interval, Instant::now());
        loop {
            let mut goes_on = true;
            let alive = self.with_run(env, |agent, run, env| {
                let paused;
                (goes_on, paused) = agent.drain(run, wake.take());
                let now = Instant::now();
                if paused {
                    schedule.paused(now);
                }
                let Some(trigger) = schedule.due(now).filter(|_| goes_on) else {
                    return;
                };
                run.set_cpu_ms(thread_cpu_ms());
                let mut ended = Vec::new();
                if !std::mem::replace(&mut opened, true) {
                    run.open(env, &agent.clock);
                    agent.drain(run, None);
                    ended = run.listen(env);
                } else if run.find_beans(env, &agent.clock) {
                    agent.drain(run, None);
                    ended = run.listen(env);
                }
                ended.extend(run.take_collections(env));
                (goes_on, _) = agent.drain(run, None);
                run.tell_collections(ended, &agent.clock);
                run.sample(env, &agent.clock, &agent.splicing, trigger);
                schedule.taken(trigger, now);
            });
            if !alive || !goes_on {
                return;
            }
            wake = match self.clock.wakes().recv_deadline(schedule.until()) {
                Ok(wake) => Some(wake),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
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
            body(self, run, env);
            Ok(())
        });
        if outcome.is_err() {
            // No memory for a frame: the next time.
            env.exception_clear();
        }
        true
    }

    /// A JVM that ends waits up to 300 ms for threads in native code, in steps of 10
    /// (HotSpot's `VM_Exit::wait_for_threads_in_native_to_block`): ours must have left.
    fn wait_for_thread(&self) {
        if self.thread.started.load(Relaxed) {
            // Later than this the JVM's own patience has to do.
            let _ = self.thread.left.1.recv_timeout(LAST_STEP);
        }
    }

    fn finish_writing(&self) {
        let writer = self.writer.lock().take();
        if writer.is_some_and(|writer| !writer.finish(LAST_WRITES)) {
            log::warn(format_args!("the end of the stream could not be written"));
        }
    }
}

impl Callbacks for Agent {
    fn vm_init(&self, env: &mut Env) {
        let target = Target {
            out: self.options.out.clone(),
            rotate_bytes: self.options.rotate_bytes,
            keep: self.options.keep,
        };
        let (stream, writer) = match Writer::start(&target) {
            Ok(started) => started,
            Err(error) => {
                log::error(format_args!(
                    "no thread for the writer ({error}): nothing is watched"
                ));
                return;
            }
        };
        *self.writer.lock() = Some(writer);
        let watch = Watch::begin(env, self.jvmti, self.ledger, &self.splicing, self.mode);
        *self.run.lock() = Some(Run::new(
            self.mode,
            self.options.clone(),
            self.jvmti,
            stream,
            watch,
        ));
        if let Err(error) = self.start_thread(env) {
            env.exception_clear();
            log::error(format_args!(
                "no thread to sample in ({error}): only the end will be told"
            ));
        }
    }

    fn vm_death(&self, env: &mut Env) {
        match self.run.try_lock_for(LAST_SAMPLE) {
            Some(mut guard) => {
                if let Some(run) = guard.as_mut().filter(|run| !run.has_ended()) {
                    let ended = run.take_collections(env);
                    self.drain(run, None);
                    run.tell_collections(ended, &self.clock);
                    run.end(env, &self.clock, &self.splicing, StopReason::VmDeath);
                }
            }
            None => log::warn(format_args!(
                "a sample was being taken at the end: no final ledger"
            )),
        }
        self.clock.end();
        self.finish_writing();
        self.wait_for_thread();
    }

    fn retransform(&self, class: &CStr, class_file: &[u8]) -> Option<Vec<u8>> {
        self.splicing.answer(class, class_file)
    }

    fn pause_started(&self) {
        self.clock.started();
    }

    fn pause_finished(&self) {
        self.clock.finished();
    }

    fn agent_thread(&self, env: &mut Env) {
        let _left = Left(&self.thread);
        self.run_thread(env);
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
enum ThreadError {
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

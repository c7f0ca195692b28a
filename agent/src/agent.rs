//! The agent's life: loaded, watching, changed, detached; or the end of the VM.
//!
//! Loading and the rest run in threads of the VM's: the one that starts it, the one that
//! answers attaching tools, the one that ends it. What they share with the agent's own
//! thread ([`own_thread`]) is under locks that no callback of the collector takes.

mod own_thread;

use std::{
    ffi::CStr,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use finwatch_record::{Body, Mode, StopReason, command};
use jni::Env;
use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use crate::{
    exhausted::{self, Exhausted},
    hooks::Splicing,
    jvmti::{self, Callbacks, Capability, Environment, Event, JvmtiError},
    kernel_thread,
    ledger::Ledger,
    log,
    options::{self, Facts, Options, Request, Sources},
    pauses::PauseClock,
    run::{Run, host},
    shim::ShimError,
    stall::{self, Lookout},
    status::Status,
    stream::Stream,
    watch::{Came, Watch},
    writer::{Rounds, Target, Writer},
};

/// The agent of this process. There is one JVM in a process, so there is one, and it stays
/// when it is detached: the hooks' counters are at an address that the JVM knows.
static AGENT: OnceCell<Agent> = OnceCell::new();

/// How long the end of the JVM, or a tool, may be held up for what has been made to be written.
const LAST_WRITES: Duration = Duration::from_secs(2);

/// How long it, or a tool, may be held up by a sample that is being taken.
const LAST_SAMPLE: Duration = Duration::from_secs(3);

/// Between two looks whether a load has come to its end.
const A_MOMENT: Duration = Duration::from_millis(10);

struct Agent {
    ledger: Ledger,
    clock: PauseClock,
    splicing: Splicing,
    /// Loaded, and the VM is not ready yet.
    loaded: Mutex<Option<Loaded>>,
    /// There while the JVM is watched.
    run: Mutex<Option<Run>>,
    writer: Mutex<Option<Writer>>,
    status: Mutex<Option<Status>>,
    exhausted: Exhausted,
    /// The option `stall`, in milliseconds, for the writer's thread; 0: off.
    stall_ms: AtomicU64,
    /// The VM ends. Its last sample is taken in the agent's own thread, not in the one that ends
    /// the VM: when that runs, Shenandoah's control thread has stopped already, and with the heap
    /// full the first allocation would wait for it for ever.
    dying: AtomicBool,
    thread: Thread,
}

/// What a load has found out.
struct Loaded {
    mode: Mode,
    jvmti: Environment,
    options: Options,
}

/// The agent's own thread, as seen from outside.
struct Thread {
    started: AtomicBool,
    left: (Sender<()>, Receiver<()>),
}

/// Why the agent does not start, change or go. Where the agent was given with the flag, a
/// mistake in the options keeps the JVM from starting; after anything else it runs on.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Every mistake in the options.
    #[error("{0}")]
    Options(#[from] options::Mistakes),
    /// The table of options was asked for, and nothing else.
    #[error("{0}")]
    Help(String),
    /// A second `-agentpath`.
    #[error("loaded twice: the options given first are in force, these are ignored")]
    Twice,
    /// The VM offers no JVMTI.
    #[error("this JVM offers no JVMTI 1.2 (JNI error {0}): nothing is watched")]
    NoJvmti(i32),
    /// The VM refuses the callbacks.
    #[error("{0}: nothing is watched")]
    Jvmti(#[from] JvmtiError),
    /// Another copy of this library counts in this JVM.
    #[error("{0}")]
    Shim(#[from] ShimError),
    /// There is no thread to be had.
    #[error("no thread for the writer ({0}): nothing is watched")]
    Writer(std::io::Error),
    /// To detach or ask what is not attached.
    #[error("this JVM is not watched: there is nothing to detach or to ask")]
    NotWatching,
    /// Nothing is known of the holders of a class.
    #[error(transparent)]
    Holders(#[from] crate::watch::WatchError),
    /// A sample, a search or the load takes longer than anybody waits.
    #[error("the agent has been busy for {LAST_SAMPLE:?}: try again")]
    Busy,
}

impl LoadError {
    /// Whether the user has to put the options right, or asked for them.
    pub fn is_about_options(&self) -> bool {
        matches!(self, LoadError::Options(_) | LoadError::Help(_))
    }
}

/// What the agent calls to have an environment of JVMTI; a JNI error code where there is none.
pub type NewEnvironment<'a> = &'a dyn Fn() -> Result<Environment, i32>;

/// `Agent_OnLoad`: reads the options and asks for the VM's events. `flag` is what stands
/// after `=` in `-agentpath`.
pub fn load(new_environment: NewEnvironment<'_>, flag: &[u8]) -> Result<(), LoadError> {
    prepare(Mode::Start, new_environment, flag).map(drop)
}

/// `Agent_OnAttach`: begins to watch, or changes the options, or ends the watch. `flag` is
/// what the attaching tool passed on. In a thread of the VM's.
pub fn attach(
    env: &mut Env,
    new_environment: NewEnvironment<'_>,
    flag: &[u8],
) -> Result<(), LoadError> {
    let watching = match AGENT.get() {
        Some(agent) => agent.is_watching()?.then_some(agent),
        None => None,
    };
    let command = String::from_utf8_lossy(flag);
    match (watching, &*command, command.strip_prefix(command::HOLDERS)) {
        (Some(agent), command::DETACH, _) => agent.detach(env),
        (Some(agent), _, Some(class)) => agent.find_holders(env, class),
        (Some(agent), ..) => agent.change(env, flag),
        (None, command::DETACH, _) | (None, _, Some(_)) => Err(LoadError::NotWatching),
        (None, ..) => prepare(Mode::Attach, new_environment, flag)?.begin(env),
    }
}

/// The first half of a load, before the VM is ready.
fn prepare(
    mode: Mode,
    new_environment: NewEnvironment<'_>,
    flag: &[u8],
) -> Result<&'static Agent, LoadError> {
    let environment = std::env::var_os(options::ENVIRONMENT_VARIABLE);
    let environment = environment
        .as_deref()
        .map(std::os::unix::ffi::OsStrExt::as_bytes);
    let options = match options::resolve(&Sources { flag, environment }, &facts())? {
        Request::Run(options) => options,
        Request::Help(help) => return Err(LoadError::Help(help)),
    };
    let agent = AGENT.get_or_init(Agent::new);
    let mut loaded = agent.loaded.lock();
    if loaded.is_some() || agent.is_running()? {
        return Err(LoadError::Twice);
    }
    log::set_level(options.log);
    let jvmti = new_environment().map_err(LoadError::NoJvmti)?;
    agent.clock.begin_again(match mode {
        Mode::Start => Duration::ZERO,
        // The beans know it better, where there are some.
        Mode::Attach => kernel_thread::jvm_age().unwrap_or_default(),
    });
    if let Err(error) = agent.listen(jvmti) {
        // Nothing has been asked of it.
        let _ = jvmti.dispose();
        return Err(error.into());
    }
    *loaded = Some(Loaded {
        mode,
        jvmti,
        options,
    });
    Ok(agent)
}

fn facts() -> Facts {
    Facts {
        pid: std::process::id(),
        host: host(),
        start: SystemTime::now(),
    }
}

/// What the writer's thread does now and then: it looks whether the JVM lives.
fn rounds(stream: &Stream) -> Rounds {
    let stream = stream.clone();
    let mut lookout = Lookout::default();
    Box::new(move || {
        let agent = AGENT.get()?;
        let stall = agent.stall();
        if let Some(told) = lookout.look(&agent.clock, stall) {
            stream.emit(Body::Stall(Box::new(told)), agent.clock.uptime_ms());
        }
        stall.map(stall::beat)
    })
}

fn target(options: &Options) -> Target {
    Target {
        out: options.out.clone(),
        rotate_bytes: options.rotate_bytes,
        keep: options.keep,
    }
}

impl Agent {
    fn new() -> Agent {
        Agent {
            ledger: Ledger::allocate(),
            clock: PauseClock::begin(),
            splicing: Splicing::default(),
            loaded: Mutex::new(None),
            run: Mutex::new(None),
            writer: Mutex::new(None),
            status: Mutex::new(None),
            exhausted: Exhausted::default(),
            stall_ms: AtomicU64::new(0),
            dying: AtomicBool::new(false),
            thread: Thread {
                started: AtomicBool::new(false),
                left: bounded(1),
            },
        }
    }

    fn listen(&'static self, jvmti: Environment) -> Result<(), JvmtiError> {
        jvmti::set_callbacks(jvmti, self)?;
        jvmti.set_event(Event::VmInit, true)?;
        jvmti.set_event(Event::VmDeath, true)?;
        let pauses = jvmti
            .add_capability(Capability::GarbageCollectionEvents)
            .and_then(|()| jvmti.set_event(Event::GarbageCollectionStart, true))
            .and_then(|()| jvmti.set_event(Event::GarbageCollectionFinish, true));
        if let Err(error) = pauses {
            log::warn(format_args!("{error}: pauses are not measured"));
        }
        let exhaustion = jvmti
            .add_capability(Capability::HeapExhaustionEvents)
            .and_then(|()| jvmti.add_capability(Capability::ThreadsExhaustionEvents))
            .and_then(|()| jvmti.set_event(Event::ResourceExhausted, true));
        if let Err(error) = exhaustion {
            log::info(format_args!("{error}: it is not told when memory runs out"));
        }
        Ok(())
    }

    /// Whether it watches, once a load that is under way in another thread has come to its end: an attach may
    /// come before the VM has told that it is ready.
    fn is_watching(&self) -> Result<bool, LoadError> {
        let end = Instant::now() + LAST_SAMPLE;
        loop {
            let loaded = self.loaded.try_lock_until(end).ok_or(LoadError::Busy)?;
            if loaded.is_none() || Instant::now() >= end {
                return self.is_running();
            }
            drop(loaded);
            std::thread::sleep(A_MOMENT);
        }
    }

    /// All tools of the JVM wait while its thread for attaches does.
    fn is_running(&self) -> Result<bool, LoadError> {
        let run = self.run.try_lock_for(LAST_SAMPLE).ok_or(LoadError::Busy)?;
        Ok(run.is_some())
    }

    /// The second half of a load: the VM is ready, or has been for long. Whoever attaches meanwhile
    /// waits for it.
    fn begin(&self, env: &mut Env) -> Result<(), LoadError> {
        let mut guard = self.loaded.lock();
        let Some(loaded) = guard.take() else {
            return Ok(());
        };
        let jvmti = loaded.jvmti;
        self.watch(env, loaded).inspect_err(|_| {
            // It listens to nothing that anybody else would miss.
            let _ = jvmti.dispose();
        })
    }

    fn watch(&self, env: &mut Env, loaded: Loaded) -> Result<(), LoadError> {
        let Loaded {
            mode,
            jvmti,
            options,
        } = loaded;
        let came = match mode {
            Mode::Start => Came::First,
            Mode::Attach => Came::Later(options.baseline),
        };
        self.set_stall(options.stall);
        let (stream, writer) =
            Writer::start(&target(&options), rounds).map_err(LoadError::Writer)?;
        let watch = Watch::begin(env, jvmti, self.ledger, &self.splicing, came)?;
        *self.writer.lock() = Some(writer);
        let mut status = Status::open(mode);
        status.coverage(&options, watch.coverage());
        *self.status.lock() = Some(status);
        let run = Run::new(mode, options, jvmti, stream.clone(), watch);
        self.exhausted.set(Some(exhausted::To {
            stream,
            last_known: run.last_known(),
            jvmti,
        }));
        *self.run.lock() = Some(run);
        if let Err(error) = self.start_thread(env, jvmti) {
            env.exception_clear();
            log::error(format_args!(
                "no thread to sample in ({error}): only the end will be told"
            ));
        }
        Ok(())
    }

    /// Other options while the JVM is watched: those that `flag` names.
    fn change(&self, env: &mut Env, flag: &[u8]) -> Result<(), LoadError> {
        let mut guard = self.run.try_lock_for(LAST_SAMPLE).ok_or(LoadError::Busy)?;
        let run = guard.as_mut().ok_or(LoadError::NotWatching)?;
        let options = match options::change(run.options(), flag, &facts()) {
            Ok(Request::Run(options)) => options,
            Ok(Request::Help(help)) => return Err(LoadError::Help(help)),
            Err(mistakes) => {
                self.tell(|status| {
                    status.refused(run.options(), run.coverage(), &mistakes.to_string());
                });
                return Err(mistakes.into());
            }
        };
        log::set_level(options.log);
        if target(&options) != target(run.options()) {
            self.redirect(&target(&options));
        }
        if options != *run.options() {
            self.set_stall(options.stall);
            run.change(env, &self.clock, options);
            self.clock.options_changed();
        }
        run.tell_again();
        self.tell(|status| status.changed(run.options(), run.coverage()));
        Ok(())
    }

    /// Who holds the instances of a class: for the stream, and for whoever asks.
    fn find_holders(&self, env: &mut Env, class: &str) -> Result<(), LoadError> {
        let mut guard = self.run.try_lock_for(LAST_SAMPLE).ok_or(LoadError::Busy)?;
        let run = guard.as_mut().ok_or(LoadError::NotWatching)?;
        let found = run.find_holders(env, &self.clock, class, None);
        let found = found.map_err(LoadError::from);
        self.tell(|status| match &found {
            Ok(holders) => status.answered(run.options(), run.coverage(), holders),
            Err(error) => status.refused(run.options(), run.coverage(), &error.to_string()),
        });
        found.map(drop)
    }

    fn redirect(&self, target: &Target) {
        let writer = self.writer.lock();
        let moved = writer.as_ref().map(|to| to.redirect(target, LAST_WRITES));
        if moved == Some(false) {
            log::warn(format_args!(
                "the stream moves as soon as its present destination lets go of the writer"
            ));
        }
    }

    /// Ends the watch: nothing is left in the JVM but this library and its counters.
    fn detach(&self, env: &mut Env) -> Result<(), LoadError> {
        let mut guard = self.run.try_lock_for(LAST_SAMPLE).ok_or(LoadError::Busy)?;
        let mut run = guard.take().ok_or(LoadError::NotWatching)?;
        // The VM may be about to end, which has been told then.
        if !run.has_ended() {
            self.tell_end(env, &mut run, StopReason::Detach);
        }
        self.exhausted.set(None);
        self.set_stall(None);
        let jvmti = run.jvmti();
        run.leave(env);
        drop(guard);
        self.clock.end();
        self.wait_for_thread(LAST_SAMPLE);
        self.finish_writing();
        *self.status.lock() = None;
        jvmti.dispose().map_err(LoadError::Jvmti)
    }

    fn tell_end(&self, env: &mut Env, run: &mut Run, reason: StopReason) {
        run.start_at_the_end(env, &self.clock);
        let ended = run.take_collections(env);
        self.drain(run, None);
        run.tell_collections(ended, &self.clock);
        run.end(env, &self.clock, &self.splicing, reason);
    }

    fn set_stall(&self, stall: Option<Duration>) {
        let milliseconds = stall.map_or(0, |stall| stall.as_millis() as u64);
        self.stall_ms.store(milliseconds, Relaxed);
    }

    /// How long the JVM may stand still; `None`: for ever.
    fn stall(&self) -> Option<Duration> {
        match self.stall_ms.load(Relaxed) {
            0 => None,
            milliseconds => Some(Duration::from_millis(milliseconds)),
        }
    }

    fn tell(&self, what: impl FnOnce(&mut Status)) {
        if let Some(status) = self.status.lock().as_mut() {
            what(status);
        }
    }

    /// A JVM that ends waits up to 300 ms for threads in native code, in steps of 10
    /// (HotSpot's `VM_Exit::wait_for_threads_in_native_to_block`): ours must have left. Whether
    /// it has, or never was there.
    fn wait_for_thread(&self, within: Duration) -> bool {
        let is_there = self.thread.started.swap(false, Relaxed);
        !is_there || self.thread.left.1.recv_timeout(within).is_ok()
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
        if let Err(error) = self.begin(env) {
            env.exception_clear();
            log::error(format_args!("{error}"));
        }
    }

    fn vm_death(&self, env: &mut Env) {
        self.dying.store(true, Relaxed);
        self.clock.end();
        let end = Instant::now() + LAST_SAMPLE;
        let has_left = self.wait_for_thread(LAST_SAMPLE);
        match self.run.try_lock_until(end) {
            Some(mut guard) => {
                // It is not there, or failed.
                let untold = guard.as_mut().filter(|run| has_left && !run.has_ended());
                if let Some(run) = untold {
                    self.tell_end(env, run, StopReason::VmDeath);
                }
            }
            None => log::warn(format_args!(
                "the last sample could not be taken in {LAST_SAMPLE:?}: no final ledger"
            )),
        }
        self.finish_writing();
    }

    fn retransform(&self, class: &CStr, class_file: &[u8]) -> Option<Vec<u8>> {
        self.splicing.answer(class, class_file)
    }

    fn resource_exhausted(&self, flags: i32, description: &CStr) {
        self.exhausted
            .tell(&self.run, &self.clock, flags, description);
    }

    fn pause_started(&self) {
        self.clock.started();
    }

    fn pause_finished(&self) {
        self.clock.finished();
    }

    fn agent_thread(&self, env: &mut Env) {
        self.run_thread(env);
    }
}

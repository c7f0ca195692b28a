//! One watched JVM, from the first record to the last.
//!
//! Used by the agent's own thread, and at the end of the VM by the thread that ends it;
//! a lock keeps them apart. JNI is called here, so never in a callback of the collector.

mod answers;
mod thread;

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::CStr,
    time::{Duration, Instant, SystemTime},
};

use finwatch_record::{
    AgentCost, AgentInfo, Body, Collection, Coverage, Finalizer, FinalizerState, Gc, Holders,
    JvmInfo, Mode, ReferenceHandlerState, Sample, Start, Stop, StopReason, Trigger,
};
use jni::Env;

use crate::{
    alerts::{Alerts, Moment, Seen, Thresholds},
    collections::{Collections, Times, millis},
    exhausted::LastKnown,
    hooks::Splicing,
    jvmti::Environment,
    log,
    management::{self, Management, Reading},
    options::{self, Options},
    pauses::{Pause, PauseClock},
    pending_list::PendingList,
    run_queue::RunQueue,
    seeker::Seeker,
    shim::ShimError,
    stream::Stream,
    watch::Watch,
};

/// What goes on is told again so often, in milliseconds: a stream may begin later, or have lost it.
const AGAIN_EVERY_MS: u64 = 600_000;

/// The clocks of agent and JVM are read one after the other so many times; the reading that
/// took least tells best how they stand to each other.
const CLOCK_READINGS: usize = 5;

/// How often the beans are looked for: that fails where memory runs out meanwhile.
const BEANS_TRIES: u32 = 3;

/// What is known and kept of the JVM.
pub struct Run {
    mode: Mode,
    options: Options,
    jvmti: Environment,
    stream: Stream,
    watch: Watch,
    collections: Collections,
    alerts: Option<Alerts>,
    seeker: Seeker,
    /// Who was found to hold objects, the last of each class.
    held: VecDeque<Holders>,
    last_known: LastKnown,
    run_queue: RunQueue,
    pending_list: PendingList,
    /// The trouble that the finalizer thread and the Reference Handler were in when they were last
    /// looked at.
    thread: Option<(FinalizerState, ReferenceHandlerState)>,
    management: Option<Management>,
    beans_looked_for: bool,
    /// How often loading them has failed.
    beans_failed: u32,
    times: Times,
    /// When sites are to be told that no alert is about, in milliseconds of the JVM's life; 0 before
    /// the first sample.
    sites_due_ms: u64,
    /// When what goes on is to be told again, in milliseconds of the JVM's life.
    again_due_ms: u64,
    /// CPU time of the agent's own thread.
    cpu_ms: f64,
    started: bool,
    ended: bool,
}

impl Run {
    /// Nothing is read or written yet.
    pub fn new(
        mode: Mode,
        options: Options,
        jvmti: Environment,
        stream: Stream,
        watch: Watch,
    ) -> Run {
        let run = Run {
            mode,
            thread: None,
            seeker: Seeker::default(),
            held: VecDeque::new(),
            last_known: LastKnown::default(),
            run_queue: RunQueue::default(),
            pending_list: PendingList::default(),
            alerts: thresholds(&options)
                .map(|thresholds| Alerts::new(thresholds, jvmti.feature_version())),
            options,
            jvmti,
            stream,
            watch,
            collections: Collections::default(),
            management: None,
            beans_looked_for: false,
            beans_failed: 0,
            times: Times::default(),
            sites_due_ms: 0,
            again_due_ms: 0,
            cpu_ms: 0.0,
            started: false,
            ended: false,
        };
        *run.last_known.lock() = Some(run.known());
        run
    }

    /// The options in force.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The VM's environment that all this is asked of.
    pub fn jvmti(&self) -> Environment {
        self.jvmti
    }

    /// How the agent was loaded.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How exact the ledger is.
    pub fn coverage(&self) -> &Coverage {
        self.watch.coverage()
    }

    /// Goes on with other options, which a record `start` tells, as the first one where the
    /// stream has moved. A change of `baseline` comes too late.
    pub fn change(&mut self, env: &mut Env, clock: &PauseClock, options: Options) {
        let listened = self.wants_collections();
        self.options = options;
        self.change_alerts();
        if listened && !self.wants_collections() {
            self.ignore_collections(env);
        }
        if self.started {
            self.start(env, clock);
        }
        if !listened {
            let last = self.listen(env);
            self.tell_collections(last, clock);
        }
    }

    /// Has the next sample tell again what goes on.
    pub fn tell_again(&mut self) {
        self.again_due_ms = 0;
    }

    /// What is known of the program is kept, and so is what is raised.
    fn change_alerts(&mut self) {
        let known = self.alerts.take();
        self.alerts = thresholds(&self.options).map(|thresholds| match known {
            Some(mut alerts) => {
                alerts.set_thresholds(thresholds);
                alerts
            }
            None => Alerts::new(thresholds, self.jvmti.feature_version()),
        });
    }

    fn ignore_collections(&mut self, env: &mut Env) {
        if let Err(error) = self.collections.ignore(env) {
            env.exception_clear();
            log::debug(format_args!("the listener to collections stays: {error}"));
        }
    }

    /// Takes everything out of the JVM that was put into it.
    pub fn leave(mut self, env: &mut Env) {
        self.watch.sample_sites(env, options::Sites::Off);
        self.ignore_collections(env);
        self.watch.end();
    }

    /// Whether the last record has been made.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Finds the management beans and makes the first record. `has_run_out`: of memory, not long ago.
    pub fn open(&mut self, env: &mut Env, clock: &PauseClock, has_run_out: bool) {
        self.times.loaded_ms = clock.uptime_ms_at(0) as f64;
        self.find_beans(env, clock, has_run_out);
        self.start(env, clock);
    }

    /// Finds the management beans if they were not looked for because the heap was full, or not found because it
    /// became full. Whether there is reason to [listen](Run::listen) now.
    pub fn find_beans(&mut self, env: &mut Env, clock: &PauseClock, has_run_out: bool) -> bool {
        if self.beans_looked_for || has_run_out {
            return false;
        }
        match management::has_room(env, self.jvmti) {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                env.exception_clear();
                log::debug(format_args!("the heap can't be asked for room: {error}"));
                return false;
            }
        }
        self.management = match Management::load(env, self.jvmti) {
            Ok(management) => Some(management),
            Err(error) => {
                env.exception_clear();
                self.beans_failed += 1;
                if matches!(error, ShimError::Jni(_)) && self.beans_failed < BEANS_TRIES {
                    log::debug(format_args!(
                        "the beans are looked for again later: {error}"
                    ));
                    return false;
                }
                log::warn(format_args!(
                    "no memory pools and collectors from this JVM: {error}"
                ));
                None
            }
        };
        self.beans_looked_for = true;
        self.set_clock(env, clock);
        true
    }

    /// Begins to listen to collections and returns the last ones before that. To be called
    /// when the pauses until now have been passed on.
    pub fn listen(&mut self, env: &mut Env) -> Vec<Collection> {
        if !self.wants_collections() || !self.beans_looked_for {
            return Vec::new();
        }
        self.collections
            .listen(env, self.jvmti, self.times)
            .unwrap_or_else(|error| {
                env.exception_clear();
                log::warn(format_args!(
                    "collections are told as bare pauses, and no leak or full heap is noticed: {error}"
                ));
                Vec::new()
            })
    }

    fn set_clock(&mut self, env: &mut Env, clock: &PauseClock) {
        let Some(management) = &self.management else {
            return;
        };
        let mut narrowest = u64::MAX;
        for _ in 0..CLOCK_READINGS {
            let before = clock.now_us();
            let Ok((uptime, ready)) = management.uptime_ms(env) else {
                env.exception_clear();
                continue;
            };
            let width = clock.now_us() - before;
            if width < narrowest {
                narrowest = width;
                self.times = Times {
                    loaded_ms: uptime as f64 - millis(before + width / 2),
                    ready_ms: ready,
                };
                clock.set_uptime_at_load(self.times.loaded_ms);
            }
        }
    }

    /// Makes the first record, if something is to be told before that was due. Without JNI: the beans are found
    /// later.
    pub fn start_early(&mut self, clock: &PauseClock) {
        if !self.started {
            self.tell_start(clock, None);
        }
    }

    /// Makes the first record, if it was not made: of a program that ends before that was due.
    pub fn start_at_the_end(&mut self, env: &mut Env, clock: &PauseClock) {
        if !self.started {
            self.start(env, clock);
        }
    }

    fn start(&mut self, env: &mut Env, clock: &PauseClock) {
        self.watch.sample_sites(env, self.options.sites);
        let reading = self.read(env);
        let heap_max_bytes = reading.and_then(|reading| reading.memory.heap.max_bytes);
        self.tell_start(clock, heap_max_bytes);
    }

    fn tell_start(&mut self, clock: &PauseClock, heap_max_bytes: Option<u64>) {
        self.started = true;
        let gc = self
            .management
            .as_ref()
            .map(|management| management.collectors().join(" + "));
        let property = |name: &CStr| self.jvmti.system_property(name);
        let start = Start {
            agent: AgentInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                options: self
                    .options
                    .in_force()
                    .into_iter()
                    .collect::<BTreeMap<_, _>>(),
                mode: self.mode,
            },
            jvm: JvmInfo {
                version: property(c"java.vm.version").unwrap_or_default(),
                name: property(c"java.vm.name").unwrap_or_default(),
                vendor: property(c"java.vm.vendor").unwrap_or_default(),
                gc,
                heap_max_bytes,
                command: property(c"sun.java.command"),
            },
            host: host(),
            coverage: self.watch.coverage().clone(),
            baseline: self.watch.baseline(),
        };
        self.stream
            .emit(Body::Start(Box::new(start)), clock.uptime_ms());
    }

    fn read(&self, env: &mut Env) -> Option<Reading> {
        let management = self.management.as_ref()?;
        match management.read(env) {
            Ok(reading) => Some(reading),
            Err(error) => {
                env.exception_clear();
                log::debug(format_args!(
                    "the management beans could not be read: {error}"
                ));
                None
            }
        }
    }

    /// A pause has ended.
    pub fn pause(&mut self, pause: Pause) {
        if self.wants_collections() {
            self.collections.pause(pause);
        }
    }

    /// Takes the collections that have ended. The pauses until now are to be passed on before
    /// they are [told](Run::tell_collections).
    pub fn take_collections(&mut self, env: &mut Env) -> Vec<Collection> {
        if !self.wants_collections() {
            return Vec::new();
        }
        self.collections
            .take(env, self.times)
            .unwrap_or_else(|error| {
                env.exception_clear();
                log::debug(format_args!("collections are told later: {error}"));
                Vec::new()
            })
    }

    /// Makes a record for each collection.
    pub fn tell_collections(&mut self, mut ended: Vec<Collection>, clock: &PauseClock) {
        self.collections.match_pauses(&mut ended, self.times);
        ended.sort_by_key(|collection| collection.start_uptime_ms);
        for collection in ended {
            if let Some(alerts) = &mut self.alerts {
                alerts.collection(&collection);
            }
            if self.options.gc {
                let uptime_ms = clock.uptime_ms();
                self.stream.emit(Body::Gc(Box::new(collection)), uptime_ms);
            }
        }
    }

    fn wants_collections(&self) -> bool {
        self.options.gc || self.alerts.is_some()
    }

    /// Makes a `sample`, and an `alert` for everything that begins or ends to be wrong with it, or is to be told again.
    pub fn sample(
        &mut self,
        env: &mut Env,
        clock: &PauseClock,
        splicing: &Splicing,
        trigger: Trigger,
    ) {
        self.watch.refresh(env, splicing);
        let reading = self.read(env);
        let pending = reading.as_ref().map(|reading| reading.pending);
        let ranking = self.watch.rank(pending);
        let counts = ranking.whole();
        let (classes, classes_omitted) = self.listed(&ranking);
        let (memory, collectors) = match reading {
            Some(reading) => (Some(reading.memory), reading.collectors),
            None => (None, Vec::new()),
        };
        let pauses = clock.sums();
        let uptime_ms = clock.uptime_ms();
        let starved = self
            .run_queue
            .look(Instant::now(), counts.pending + counts.running > 0)
            .filter(|starved| *starved >= self.options.patience);
        let pending_list = match self.alerts {
            Some(_) => self
                .pending_list
                .look(env, self.jvmti, uptime_ms, counts.enqueued_total),
            None => None,
        };
        if let (Some(alerts), Some(last)) = (&mut self.alerts, clock.standstill()) {
            alerts.stood_still(last);
        }
        let thread = self.look_at_thread(env, uptime_ms, starved);
        let seen = Seen {
            now: Moment {
                uptime_ms,
                time: SystemTime::now(),
            },
            whole: counts,
            memory: memory.as_ref(),
            pauses_total: pauses.count,
            finalizer_thread: thread.as_ref(),
            pending_list,
        };
        let alerts_raised = self.alerts.as_ref().map(Alerts::count_raised);
        let mut told = match &mut self.alerts {
            Some(alerts) => alerts.sample(&seen, ranking.each()),
            None => Vec::new(),
        };
        let is_again = uptime_ms >= self.again_due_ms;
        if is_again {
            self.again_due_ms = uptime_ms + AGAIN_EVERY_MS;
            let alerts = self.alerts.iter();
            let again = alerts.flat_map(|alerts| alerts.again(&told));
            told.extend(again.collect::<Vec<_>>());
        }
        let looked = self.alerts.as_mut().and_then(Alerts::take_looked);
        *self.last_known.lock() = Some(self.known_with(counts, (classes.clone(), classes_omitted)));
        let sample = Sample {
            trigger,
            coverage: self.watch.coverage().clone(),
            finalizer: Finalizer {
                counts,
                mxbean_pending: pending,
            },
            classes,
            classes_omitted,
            memory,
            gc: Gc {
                pauses_total: pauses.count,
                pause_ms_total: millis(pauses.total_us),
                pause_ms_max: millis(pauses.longest_us),
                collectors,
            },
            agent: self.cost(),
            alerts_raised,
        };
        self.stream.emit(Body::Sample(Box::new(sample)), uptime_ms);
        self.tell_thread(thread, is_again, uptime_ms);
        self.tell_alerts(env, told, uptime_ms);
        self.seek_holders(env, clock);
        if let Some(looked) = looked {
            let ago_ms = clock.uptime_ms().saturating_sub(looked.references_ms);
            self.watch
                .collected(env, Duration::from_millis(ago_ms), looked);
        }
        self.watch.release_unloaded(env);
    }

    fn cost(&self) -> AgentCost {
        AgentCost {
            cpu_ms_total: self.cpu_ms + self.stream.writer_cpu_ms(),
            records_dropped_total: self.stream.records_dropped_total(),
            write_errors_total: self.stream.write_errors_total(),
            stw_ms_total: self.watch.stopped().as_secs_f64() * 1000.0,
        }
    }

    /// The agent's own thread tells what it has cost, in milliseconds.
    pub fn set_cpu_ms(&mut self, cpu_ms: f64) {
        self.cpu_ms = cpu_ms;
    }

    /// Makes the last record. What was not told before is told now.
    pub fn end(
        &mut self,
        env: &mut Env,
        clock: &PauseClock,
        splicing: &Splicing,
        reason: StopReason,
    ) {
        self.watch.refresh(env, splicing);
        let pending = self.read(env).map(|reading| reading.pending);
        let ranking = self.watch.rank(pending);
        let (classes, classes_unloaded) = ranking.list(usize::MAX, |_, _| false);
        let stop = Stop {
            reason,
            coverage: self.watch.coverage().clone(),
            finalizer: Finalizer {
                counts: ranking.whole(),
                mxbean_pending: pending,
            },
            classes,
            classes_unloaded,
            records_dropped_total: self.stream.records_dropped_total(),
        };
        self.stream
            .emit(Body::Stop(Box::new(stop)), clock.uptime_ms());
        self.ended = true;
    }
}

/// What an alert is, unless none are wanted.
fn thresholds(options: &Options) -> Option<Thresholds> {
    options.alerts.then_some(Thresholds {
        patience: options.patience,
        stuck: options.stuck,
        many: options.many,
    })
}

/// Host name, as the kernel gives it.
pub fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

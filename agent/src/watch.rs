//! The ledger's hold on this JVM: hooks, baseline, classes, and how exact all that is.
//!
//! In the thread that starts the VM, then in the agent's own; one at a time.

use std::time::{Duration, Instant};

use finwatch_record::{Coverage, CoverageLevel, Holders, Sites};
use jni::{Env, jni_sig, jni_str, objects::JClass, objects::JObject, objects::JValue};

use crate::{
    alerts::WholeHeap,
    baseline,
    classes::{Classes, Ranking},
    holders::{self, HoldersError, Stopping, Wanted},
    hooks::{Hooks, HooksError, Splicing},
    jvmti::{self, Environment},
    ledger::Ledger,
    log, management, options,
    pauses::PauseClock,
    sampling::Sampling,
    shim::{self, Fate, Shim, ShimError},
    sites::STACKS,
};

/// Samples between two attempts to put hooks back that were refused.
const SAMPLES_BETWEEN_ATTEMPTS: u32 = 12;

/// Loaders with a class of one name whose holders are looked for at once.
const MOST_LOADERS: usize = 8;

/// What watches finalization in this JVM.
pub struct Watch {
    jvmti: Environment,
    ledger: Ledger,
    coverage: Coverage,
    hooked: Option<Hooked>,
    classes: Classes,
    baseline: Option<finwatch_record::Baseline>,
    /// Stop-the-world time that the agent asked for, at most: retransformations.
    stopped: Duration,
}

/// When the agent came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// With the JVM.
    First,
    /// Later; whether what was registered before is to be counted.
    Later(bool),
}

struct Hooked {
    shim: Shim,
    hooks: Hooks,
    /// Samples until hooks that are out are tried again; 0 while they are in.
    retry_in: u32,
    sampling: Sampling,
}

/// Why nothing but the VM's own pending count is known.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("{0}")]
    Hooks(#[from] HooksError),
    #[error("{0}")]
    Shim(#[from] ShimError),
    #[error("JNI: {0}")]
    Jni(#[from] jni::errors::Error),
    #[error("JVMTI: {0}")]
    Jvmti(#[from] jvmti::JvmtiError),
    #[error("{0}")]
    Holders(#[from] HoldersError),
    #[error(
        "this JVM records its classes for an AOT cache (-XX:AOTCacheOutput, -XX:AOTMode=record) and would end \
         with an error and without it if java.lang.ref were hooked"
    )]
    Recording,
    #[error(
        "no object of a class '{0}' has been registered for finalization: `finwatch top` and the \
         samples have the names of the classes"
    )]
    NotInLedger(String),
}

impl Watch {
    /// Puts the hooks in and counts what was there before them. What can't be had is told by
    /// the coverage.
    ///
    /// # Errors
    /// Only that another copy of this library counts in this JVM.
    pub fn begin(
        env: &mut Env,
        jvmti: Environment,
        ledger: Ledger,
        splicing: &Splicing,
        came: Came,
    ) -> Result<Watch, ShimError> {
        let unknown = Coverage {
            level: CoverageLevel::PendingOnly,
            reason: String::new(),
        };
        let classes = Classes::new();
        let mut watch = Watch {
            jvmti,
            ledger,
            coverage: unknown,
            hooked: None,
            classes,
            baseline: None,
            stopped: Duration::ZERO,
        };
        watch.coverage = match watch.hook(env, splicing, came) {
            Ok(coverage) => coverage,
            Err(WatchError::Shim(error @ ShimError::AnotherCopy)) => return Err(error),
            Err(error) => {
                env.exception_clear();
                log::warn(format_args!(
                    "only the JVM's own pending count can be watched here: {error}"
                ));
                Coverage {
                    level: CoverageLevel::PendingOnly,
                    reason: error.to_string(),
                }
            }
        };
        Ok(watch)
    }

    fn hook(
        &mut self,
        env: &mut Env,
        splicing: &Splicing,
        came: Came,
    ) -> Result<Coverage, WatchError> {
        let finalizer = boot_class(env, self.jvmti, "java.lang.ref.Finalizer")?;
        if is_finalization_disabled(env, &finalizer) {
            let reason = "the JVM runs with --finalization=disabled: nothing is ever registered";
            return Ok(Coverage {
                level: CoverageLevel::Disabled,
                reason: reason.to_owned(),
            });
        }
        if is_recording_classes(env, self.jvmti) {
            return Err(WatchError::Recording);
        }
        let reference_queue = boot_class(env, self.jvmti, "java.lang.ref.ReferenceQueue")?;
        for capability in [
            jvmti::Capability::RetransformClasses,
            jvmti::Capability::GetBytecodes,
            jvmti::Capability::GetConstantPool,
        ] {
            self.jvmti.add_capability(capability)?;
        }
        let names = shim::names(self.jvmti.feature_version());
        let hooks = Hooks::new(env, self.jvmti, names.clone(), &finalizer, &reference_queue)?;
        let shim = Shim::define(env, self.jvmti, &names, self.ledger.address())?;
        let never_registered = shim.prepare(env)?;
        self.ledger.clear(never_registered);
        let begin = Instant::now();
        hooks.put_in(splicing)?;
        self.stopped += begin.elapsed();
        let hooked = self.hooked.insert(Hooked {
            shim,
            hooks,
            retry_in: 0,
            sampling: Sampling::default(),
        });
        hooked.shim.tell_again(env)?;
        if came == Came::Later(false) {
            self.classes.set_baselines(baseline::of_none(self.ledger));
            return Ok(Coverage {
                level: CoverageLevel::Baseline,
                reason:
                    "attached to a running JVM with baseline=off: what was registered before is \
                         missing from the counts, and lowers them when it is finalized"
                        .to_owned(),
            });
        }
        Ok(
            match baseline::take(
                env,
                &hooked.shim,
                hooked.hooks.finalizer(),
                came != Came::First,
            ) {
                Ok(found) => {
                    self.baseline = Some(finwatch_record::Baseline {
                        objects: found.objects,
                        pause_ms: found.pause.as_secs_f64() * 1e3,
                    });
                    self.classes.set_baselines(found.baselines);
                    begun(came, found.objects)
                }
                Err(error) => {
                    env.exception_clear();
                    Coverage {
                        level: CoverageLevel::Baseline,
                        reason: format!(
                            "hooked, but what was registered before could not be counted: {error}"
                        ),
                    }
                }
            },
        )
    }

    /// What was counted in the heap at the beginning, if anything was.
    pub fn baseline(&self) -> Option<finwatch_record::Baseline> {
        self.baseline
    }

    /// How exact the ledger is.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Stop-the-world time that the agent asked for, at most.
    pub fn stopped(&self) -> Duration {
        self.stopped
    }

    /// Names the classes that came, notes those that went, and puts hooks back that
    /// another agent took out.
    pub fn refresh(&mut self, env: &mut Env, splicing: &Splicing) {
        let Some(hooked) = &mut self.hooked else {
            return;
        };
        match self.classes.refresh(env, &hooked.shim) {
            Ok(found) => hooked.sampling.found(env, &hooked.shim, found.into_iter()),
            Err(error) => {
                env.exception_clear();
                log::debug(format_args!("new classes are named later: {error}"));
            }
        }
        let preferred = self.classes.prefer_busiest(env, &hooked.shim, self.ledger);
        if let Err(error) = preferred {
            env.exception_clear();
            log::debug(format_args!("no class is found before the others: {error}"));
        }
        if hooked.retry_in > 1 {
            hooked.retry_in -= 1;
            return;
        }
        match hooked.hooks.are_in_place() {
            Ok(true) => {}
            Ok(false) => self.put_back(env, splicing),
            Err(error) => log::debug(format_args!("the hooks can't be looked at: {error}")),
        }
    }

    /// Hooks again, and counts again what happened meanwhile.
    fn put_back(&mut self, env: &mut Env, splicing: &Splicing) {
        let Some(hooked) = &mut self.hooked else {
            return;
        };
        let first_attempt = hooked.retry_in == 0;
        let begin = Instant::now();
        let put_in = hooked.hooks.put_in(splicing);
        self.stopped += begin.elapsed();
        if let Err(error) = put_in {
            hooked.retry_in = SAMPLES_BETWEEN_ATTEMPTS;
            let reason =
                format!("another agent took the hooks out and they can't be put back: {error}");
            if first_attempt {
                log::warn(format_args!("{reason}"));
            }
            self.coverage = Coverage {
                level: CoverageLevel::PendingOnly,
                reason,
            };
            return;
        }
        hooked.retry_in = 0;
        let reason = match baseline::take(env, &hooked.shim, hooked.hooks.finalizer(), true) {
            Ok(found) => {
                self.classes.set_baselines(found.baselines);
                format!(
                    "another agent took the hooks out; they were put back and the {} objects \
                     on the chain counted again: what was registered and finalized meanwhile is \
                     missing from the totals",
                    found.objects
                )
            }
            Err(error) => {
                env.exception_clear();
                format!(
                    "another agent took the hooks out; they were put back, but counting failed: {error}"
                )
            }
        };
        log::warn(format_args!("{reason}"));
        self.coverage = Coverage {
            level: CoverageLevel::Baseline,
            reason,
        };
    }

    /// Finds out who holds the instances of a class, of one loader or of each that has a class
    /// of this name.
    ///
    /// # Errors
    /// There is no such class in the ledger, or the VM refused.
    pub fn find_holders(
        &mut self,
        env: &mut Env,
        class: &str,
        loader: Option<&str>,
        pause: Option<Duration>,
        clock: &PauseClock,
    ) -> Result<Vec<Holders>, WatchError> {
        let hooked = self.hooked.as_ref();
        let hooked = hooked.ok_or_else(|| WatchError::NotInLedger(class.to_owned()))?;
        // It may have come since the last sample.
        self.classes.refresh(env, &hooked.shim)?;
        let slots = self.classes.slots(class, loader);
        if slots.is_empty() {
            return Err(WatchError::NotInLedger(class.to_owned()));
        }
        let stopping = Stopping {
            pause,
            added: added_to_a_stop(env, self.jvmti)?,
            clock,
        };
        let mut found = Vec::new();
        for (slot, loader) in slots.iter().take(MOST_LOADERS) {
            // Unloaded meanwhile: nobody holds it.
            let Some(type_of_slot) = hooked.shim.class(env, *slot)? else {
                continue;
            };
            let wanted = Wanted {
                name: class,
                loader: loader.as_deref(),
                class: type_of_slot,
                registered: self.classes.registered(self.ledger, *slot),
                are_more: self.classes.resurrects(*slot),
            };
            let holders = holders::find(env, &wanted, &stopping)?;
            self.stopped += Duration::from_secs_f64(holders.stw_ms.unwrap_or(0.0) / 1e3);
            found.push(holders);
        }
        Ok(found)
    }

    /// What stacks are taken of from now on.
    pub fn sample_sites(&mut self, env: &mut Env, wanted: options::Sites) {
        if let Some(hooked) = &mut self.hooked {
            let slots = self.classes.slots_of_all();
            hooked.sampling.set(env, &hooked.shim, wanted, slots);
        }
    }

    /// Where objects of a class are made, of one loader or of each.
    pub fn sites(&self, env: &mut Env, class: &str, loader: Option<&str>) -> Vec<Sites> {
        let slots = self.classes.slots(class, loader).into_iter();
        slots
            .filter_map(|(slot, _)| self.sites_of(env, slot))
            .collect()
    }

    /// The same of the classes of which most stacks are new.
    pub fn newest_sites(&self, env: &mut Env, classes: usize) -> Vec<Sites> {
        let slots = STACKS.most_untold(classes).into_iter();
        slots.filter_map(|slot| self.sites_of(env, slot)).collect()
    }

    fn sites_of(&self, env: &mut Env, slot: usize) -> Option<Sites> {
        let (class, loader) = self.classes.name(slot)?;
        STACKS.record(env, slot, class, loader)
    }

    /// Takes the hooks out.
    pub fn end(self) {
        if let Some(hooked) = &self.hooked {
            hooked.hooks.take_out();
        }
    }

    /// Reads the ledger. `vm_pending` is all there is where nothing is hooked.
    pub fn rank(&self, vm_pending: Option<u64>) -> Ranking<'_> {
        let mut ranking = self.classes.rank(self.ledger);
        if self.coverage.level == CoverageLevel::PendingOnly {
            ranking.know_only(vm_pending.unwrap_or(0));
        }
        ranking
    }

    /// A collection of the whole heap has ended: of weak references that were there so long ago it tells which
    /// objects were resurrected by their `finalize()`.
    pub fn collected(&mut self, env: &mut Env, age: Duration, looked: WholeHeap) {
        self.learn(env, |env, shim| shim.collected(env, age, looked));
    }

    /// Collections of the young generation tell of some objects that they were not resurrected.
    pub fn cleared(&mut self, env: &mut Env) {
        self.learn(env, |env, shim| shim.cleared(env));
    }

    fn learn(
        &mut self,
        env: &mut Env,
        ask: impl FnOnce(&mut Env, &Shim) -> jni::errors::Result<Vec<Fate>>,
    ) {
        let Some(hooked) = &self.hooked else { return };
        match ask(env, &hooked.shim) {
            Ok(fates) => self.classes.fates(fates),
            Err(error) => {
                env.exception_clear();
                log::debug(format_args!("what was resurrected is told later: {error}"));
            }
        }
    }

    /// Lets go of the unloaded classes that have been reported.
    pub fn release_unloaded(&mut self, env: &mut Env) {
        let Some(hooked) = &self.hooked else { return };
        if let Err(error) = self
            .classes
            .release_unloaded(env, &hooked.shim, self.ledger)
        {
            env.exception_clear();
            log::debug(format_args!("unloaded classes are released later: {error}"));
        }
    }
}

fn begun(came: Came, objects: u64) -> Coverage {
    match came {
        Came::First => Coverage {
            level: CoverageLevel::Exact,
            reason: format!(
                "hooked before the program began; {objects} objects of the JDK's own were counted then"
            ),
        },
        Came::Later(_) => Coverage {
            level: CoverageLevel::Baseline,
            reason: format!("attached to a running JVM; {objects} objects were counted then"),
        },
    }
}

/// What the VM adds to a stop in which references are followed. Before JDK 21 it goes through
/// the whole heap at the end of each, which took 0.27 (JDK 8) to 0.38 ns (17) a byte where
/// objects were small, 31 bytes on the average.
fn added_to_a_stop(env: &mut Env, jvmti: Environment) -> Result<Duration, WatchError> {
    if jvmti.feature_version() >= 21 {
        return Ok(Duration::ZERO);
    }
    let used = management::heap_used(env, jvmti)?;
    Ok(Duration::from_nanos(used * 2 / 5))
}

/// A class of the bootstrap loader. JNI's `FindClass` would ask the system class loader,
/// which may be the application's own code.
pub fn boot_class<'local>(
    env: &mut Env<'local>,
    jvmti: Environment,
    name: &str,
) -> Result<JClass<'local>, WatchError> {
    let any_object = jvmti.system_thread_group(env)?;
    let any_class = env.get_object_class(&any_object)?;
    let class = jvmti::class_of_classes(env, &any_class)?;
    let name = env.new_string(name)?;
    let arguments = [
        JValue::Object(&name),
        JValue::Bool(false),
        JValue::Object(&JObject::null()),
    ];
    let signature = jni_sig!("(Ljava/lang/String;ZLjava/lang/ClassLoader;)Ljava/lang/Class;");
    let found = env
        .call_static_method(&class, jni_str!("forName"), signature, &arguments)?
        .l()?;
    Ok(jvmti::as_class(env, found))
}

/// `Finalizer.isFinalizationEnabled()`, since JDK 18 (JEP 421).
fn is_finalization_disabled(env: &mut Env, finalizer: &JClass) -> bool {
    let name = jni_str!("isFinalizationEnabled");
    let enabled = env.call_static_method(finalizer, name, jni_sig!("()Z"), &[]);
    env.exception_clear();
    matches!(enabled.and_then(|enabled| enabled.z()), Ok(false))
}

/// Whether this run is to record classes for a cache that has those of the JDK (JEP 483, since JDK 24). It
/// can't be written once one of them was retransformed.
fn is_recording_classes(env: &mut Env, jvmti: Environment) -> bool {
    if jvmti.feature_version() < 24 {
        return false;
    }
    let Ok(class) = boot_class(env, jvmti, "jdk.internal.misc.CDS") else {
        env.exception_clear();
        return false;
    };
    let name = jni_str!("isDumpingStaticArchive");
    let recording = env.call_static_method(&class, name, jni_sig!("()Z"), &[]);
    env.exception_clear();
    matches!(recording.and_then(|recording| recording.z()), Ok(true))
}

//! The ledger's hold on this JVM: hooks, baseline, classes, and how exact all that is.
//!
//! In the thread that starts the VM, then in the agent's own; one at a time.

use std::time::Duration;

use finwatch_record::{Coverage, CoverageLevel, Mode};
use jni::{Env, jni_sig, jni_str, objects::JClass, objects::JObject, objects::JValue};

use crate::{
    baseline::{self, BaselineError},
    classes::{Classes, Ranking},
    hooks::{Hooks, HooksError, Splicing},
    jvmti::{self, Environment},
    ledger::Ledger,
    log,
    shim::{self, Shim, ShimError},
};

/// Samples between two attempts to put hooks back that were refused.
const SAMPLES_BETWEEN_ATTEMPTS: u32 = 12;

/// What watches finalization in this JVM.
pub struct Watch {
    jvmti: Environment,
    ledger: Ledger,
    coverage: Coverage,
    hooked: Option<Hooked>,
    classes: Classes,
    /// Stop-the-world time that the agent asked for.
    stopped: Duration,
}

struct Hooked {
    shim: Shim,
    hooks: Hooks,
    /// Samples until hooks that are out are tried again; 0 while they are in.
    retry_in: u32,
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
}

impl Watch {
    /// Puts the hooks in and counts what was there before them. Never fails: what can't be
    /// had is told by the coverage.
    pub fn begin(
        env: &mut Env,
        jvmti: Environment,
        ledger: Ledger,
        splicing: &Splicing,
        mode: Mode,
    ) -> Watch {
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
            stopped: Duration::ZERO,
        };
        watch.coverage = match watch.hook(env, splicing, mode) {
            Ok(coverage) => coverage,
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
        watch
    }

    fn hook(
        &mut self,
        env: &mut Env,
        splicing: &Splicing,
        mode: Mode,
    ) -> Result<Coverage, WatchError> {
        let finalizer = boot_class(env, self.jvmti, "java.lang.ref.Finalizer")?;
        if is_finalization_disabled(env, &finalizer) {
            let reason = "the JVM runs with --finalization=disabled: nothing is ever registered";
            return Ok(Coverage {
                level: CoverageLevel::Disabled,
                reason: reason.to_owned(),
            });
        }
        let reference_queue = boot_class(env, self.jvmti, "java.lang.ref.ReferenceQueue")?;
        for capability in [
            jvmti::Capability::RetransformClasses,
            jvmti::Capability::GetBytecodes,
            jvmti::Capability::GetConstantPool,
        ] {
            self.jvmti.add_capability(capability)?;
        }
        let names = shim::names(feature_version(self.jvmti));
        let hooks = Hooks::new(env, self.jvmti, names.clone(), &finalizer, &reference_queue)?;
        let shim = Shim::define(env, &names, self.ledger.address())?;
        let never_registered = shim.prepare(env)?;
        self.ledger.clear(never_registered);
        hooks.put_in(splicing)?;
        let hooked = self.hooked.insert(Hooked {
            shim,
            hooks,
            retry_in: 0,
        });
        let baseline = count(env, self.jvmti, self.ledger, hooked, &mut self.classes);
        Ok(match baseline {
            Ok((objects, pause)) => {
                self.stopped += pause;
                begun(mode, objects)
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
        })
    }

    /// How exact the ledger is.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Stop-the-world time that the agent asked for.
    pub fn stopped(&self) -> Duration {
        self.stopped
    }

    /// Names the classes that came, notes those that went, and puts hooks back that
    /// another agent took out.
    pub fn refresh(&mut self, env: &mut Env, splicing: &Splicing) {
        let Some(hooked) = &mut self.hooked else {
            return;
        };
        let refreshed = self.classes.refresh(env, &hooked.shim);
        if let Err(error) =
            refreshed.and_then(|()| self.classes.heat(env, &hooked.shim, self.ledger))
        {
            env.exception_clear();
            log::debug(format_args!("new classes are named later: {error}"));
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
        if let Err(error) = hooked.hooks.put_in(splicing) {
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
        let counted = count(env, self.jvmti, self.ledger, hooked, &mut self.classes);
        let reason = match counted {
            Ok((objects, pause)) => {
                self.stopped += pause;
                format!(
                    "another agent took the hooks out; they were put back and the {objects} objects \
                     on the chain counted again: what was registered and finalized meanwhile is \
                     missing from the totals"
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

    /// Reads the ledger. `vm_pending` is all there is where nothing is hooked.
    pub fn rank(&self, vm_pending: Option<u64>) -> Ranking<'_> {
        let mut ranking = self.classes.rank(self.ledger);
        if self.coverage.level == CoverageLevel::PendingOnly {
            ranking.set_pending(vm_pending.unwrap_or(0));
        }
        ranking
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

/// Walks the chain and adds what the hooks have not seen. Returns how many objects are on
/// it now, and how long the application stood still.
fn count(
    env: &mut Env,
    jvmti: Environment,
    ledger: Ledger,
    hooked: &Hooked,
    classes: &mut Classes,
) -> Result<(u64, Duration), BaselineError> {
    // GetLoadedClasses makes a local reference for each: room for all, or -Xcheck:jni warns.
    env.with_local_frame(LOADED_CLASSES_EXPECTED, |env| {
        let hooks = &hooked.hooks;
        let found = baseline::take(
            env,
            jvmti,
            ledger,
            &hooked.shim,
            hooks.finalizer(),
            hooks.reference_queue(),
        )?;
        classes.set_baselines(found.baselines);
        Ok((found.objects, found.pause))
    })
}

/// Local references that a walk makes on an ordinary JVM; more only cost a warning of
/// `-Xcheck:jni`. The VM refuses frames that are far larger.
const LOADED_CLASSES_EXPECTED: usize = 4096;

fn begun(mode: Mode, objects: u64) -> Coverage {
    match mode {
        Mode::Start => Coverage {
            level: CoverageLevel::Exact,
            reason: format!(
                "hooked before the program began; {objects} objects of the JDK's own were counted then"
            ),
        },
        Mode::Attach => Coverage {
            level: CoverageLevel::Baseline,
            reason: format!("attached to a running JVM; {objects} objects were counted then"),
        },
    }
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

/// 8, 11, 17, …
fn feature_version(jvmti: Environment) -> u32 {
    let version = jvmti
        .system_property(c"java.vm.specification.version")
        .unwrap_or_default();
    version
        .trim_start_matches("1.")
        .split('.')
        .next()
        .and_then(|part| part.parse().ok())
        .unwrap_or(0)
}

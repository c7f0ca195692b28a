//! The hooks' way into the JDK's classes, and the watch over them.
//!
//! `ClassFileLoadHook` is on only during the one `RetransformClasses` call: left on, every
//! class of the program would pass through it, and JDK 25 would drop its AOT cache. The
//! price is that another agent's retransformation of the same classes takes the hooks out
//! without a word; [`Hooks::are_in_place`] asks the VM for the bytecodes as they are now.

use std::ffi::CStr;

use jni::{Env, objects::JClass, refs::Global};
use parking_lot::Mutex;

use crate::{
    jvmti::{Environment, Event, JvmtiError, Method},
    splice::{self, VmNames},
};

const FINALIZER: &CStr = c"java/lang/ref/Finalizer";
const REFERENCE_QUEUE: &CStr = c"java/lang/ref/ReferenceQueue";

/// Why the hooks are not in.
#[derive(Debug, thiserror::Error)]
pub enum HooksError {
    /// A class file is not of a shape that is known: an unknown JDK, or another agent's work.
    #[error("{0}")]
    Refused(#[from] splice::Refused),
    /// `register`, `runFinalizer` or `enqueue` is not there with the parameters expected.
    #[error("java.lang.ref.{method} is not there with the parameters of any known JDK ({names:?})")]
    Missing {
        /// The method, with its class.
        method: &'static str,
        /// The JDK's names that its parameters were expected to have.
        names: VmNames,
    },
    /// The VM did not pass the class files through the hook.
    #[error("the VM retransformed java.lang.ref without asking")]
    NotAsked,
    /// The class files want names that the shim was not made for.
    #[error("java.lang.ref calls {found:?}, expected was {expected:?}")]
    Names {
        /// What the class files call.
        found: VmNames,
        /// What this version of the JDK was thought to call.
        expected: VmNames,
    },
    /// The VM refused.
    #[error(transparent)]
    Jvmti(#[from] JvmtiError),
    /// JNI failed.
    #[error("JNI: {0}")]
    Jni(#[from] jni::errors::Error),
}

/// What the class file load hook answers while a retransformation of ours runs.
#[derive(Default)]
pub struct Splicing {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Redirect, or give back the classes as they come.
    redirect: bool,
    finalizer: Option<Vec<u8>>,
    reference_queue: Option<Vec<u8>>,
    refused: Option<splice::Refused>,
}

impl Splicing {
    /// Answers the class file load hook. In the thread that retransforms.
    pub fn answer(&self, class: &CStr, class_file: &[u8]) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        if !state.redirect {
            return None;
        }
        let answer = if class == FINALIZER {
            state.finalizer = Some(class_file.to_vec());
            splice::finalizer(class_file)
        } else if class == REFERENCE_QUEUE {
            state.reference_queue = Some(class_file.to_vec());
            splice::reference_queue(class_file)
        } else {
            return None;
        };
        match answer {
            Ok(redirected) => Some(redirected),
            Err(refused) => {
                state.refused = Some(refused);
                None
            }
        }
    }

    fn begin(&self) {
        *self.state.lock() = State {
            redirect: true,
            ..State::default()
        };
    }

    fn end(&self, expected: &VmNames) -> Result<(), HooksError> {
        let state = std::mem::take(&mut *self.state.lock());
        if let Some(refused) = state.refused {
            return Err(refused.into());
        }
        let (Some(finalizer), Some(reference_queue)) = (state.finalizer, state.reference_queue)
        else {
            return Err(HooksError::NotAsked);
        };
        let found = splice::vm_names(&finalizer, &reference_queue)?;
        match found == *expected {
            true => Ok(()),
            false => Err(HooksError::Names {
                found,
                expected: expected.clone(),
            }),
        }
    }
}

/// The redirected classes.
pub struct Hooks {
    jvmti: Environment,
    names: VmNames,
    finalizer: Global<JClass<'static>>,
    reference_queue: Global<JClass<'static>>,
    /// Methods with a hook, whether it is in `Finalizer`, and the hook's name.
    sites: Vec<(Method, bool, &'static str)>,
}

impl Hooks {
    /// Finds the classes and methods. Nothing is redirected yet.
    pub fn new(
        env: &mut Env,
        jvmti: Environment,
        names: VmNames,
        finalizer: &JClass,
        reference_queue: &JClass,
    ) -> Result<Hooks, HooksError> {
        let run = format!("(L{};)V", names.java_lang_access);
        let enqueue = "(Ljava/lang/ref/Reference;)Z";
        let register = Method::of(env, finalizer, "register", "(Ljava/lang/Object;)V", true);
        let run_finalizer = Method::of(env, finalizer, "runFinalizer", &run, false);
        let enqueue = Method::of(env, reference_queue, "enqueue0", enqueue, false)
            .or_else(|| Method::of(env, reference_queue, "enqueue", enqueue, false));
        let missing = |method: &'static str| HooksError::Missing {
            method,
            names: names.clone(),
        };
        let sites = vec![
            (
                register.ok_or_else(|| missing("Finalizer.register"))?,
                true,
                "registered",
            ),
            (
                run_finalizer.ok_or_else(|| missing("Finalizer.runFinalizer"))?,
                true,
                "invokeFinalize",
            ),
            (
                enqueue.ok_or_else(|| missing("ReferenceQueue.enqueue"))?,
                false,
                "enqueued",
            ),
        ];
        Ok(Hooks {
            jvmti,
            names,
            finalizer: env.new_global_ref(finalizer)?,
            reference_queue: env.new_global_ref(reference_queue)?,
            sites,
        })
    }

    /// `java.lang.ref.Finalizer`.
    pub fn finalizer(&self) -> &JClass<'static> {
        &self.finalizer
    }

    /// Redirects the calls: all of them, or none where one is refused.
    pub fn put_in(&self, splicing: &Splicing) -> Result<(), HooksError> {
        splicing.begin();
        let retransformed = self.retransform();
        let answered = splicing.end(&self.names);
        match retransformed.map_err(HooksError::from).and(answered) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.take_out();
                Err(error)
            }
        }
    }

    /// Gives the classes back as they are without us.
    pub fn take_out(&self) {
        if let Err(error) = self.retransform() {
            crate::log::warn(format_args!(
                "the hooks could not be taken out again: {error}; they go on counting, at no cost that shows"
            ));
        }
    }

    fn retransform(&self) -> Result<(), JvmtiError> {
        self.jvmti.set_event(Event::ClassFileLoadHook, true)?;
        let outcome = self
            .jvmti
            .retransform(&[&self.finalizer, &self.reference_queue]);
        self.jvmti.set_event(Event::ClassFileLoadHook, false)?;
        outcome
    }

    /// Whether every call still goes to its hook.
    ///
    /// # Errors
    /// The VM would not show the bytecodes: then nothing is known.
    pub fn are_in_place(&self) -> Result<bool, HooksError> {
        let finalizer = self.jvmti.constant_pool(&self.finalizer)?;
        let reference_queue = self.jvmti.constant_pool(&self.reference_queue)?;
        for (method, of_finalizer, hook) in &self.sites {
            let (count, pool) = if *of_finalizer {
                &finalizer
            } else {
                &reference_queue
            };
            let code = self.jvmti.bytecodes(*method)?;
            if !splice::calls_hook(code.as_slice(), *count, pool.as_slice(), hook)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

//! Where the VM calls the agent.
//!
//! Each trampoline does the same: nothing if this entry has failed before, then one call
//! into safe code inside `catch_unwind`: a panic that reached the VM would abort it. An
//! entry that panicked is switched off and said once; the JVM runs on.

use std::{
    ffi::{CStr, c_char, c_uchar, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::null_mut,
    slice,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use jni::{
    AttachGuard, Env,
    sys::{JNIEnv, jclass, jint, jobject},
};
use jvmti_sys::{jvmtiEnv, jvmtiEventCallbacks};
use once_cell::sync::OnceCell;

use super::{environment::Environment, error::JvmtiError, raw};

/// The safe side of the callbacks.
pub trait Callbacks: Sync {
    /// The VM is ready to run the program. In the thread that will run `main`.
    fn vm_init(&self, env: &mut Env);

    /// The VM ends: the last moment at which JNI works.
    fn vm_death(&self, env: &mut Env);

    /// A class of the bootstrap loader is being retransformed; the answer is its new class
    /// file. In the thread that retransforms.
    fn retransform(&self, class: &CStr, class_file: &[u8]) -> Option<Vec<u8>>;

    /// A stop-the-world pause of the collector begins. In the VM's thread: no JNI, no
    /// blocking, next to no allocation (JVMTI, "Garbage Collection Start").
    fn pause_started(&self);

    /// It ends; the same holds.
    fn pause_finished(&self);

    /// The VM has run out of something. In the thread that asked for it, before that sees its
    /// `OutOfMemoryError`: no JNI, no long wait. `flags` are `JVMTI_RESOURCE_EXHAUSTED_*`.
    fn resource_exhausted(&self, flags: i32, description: &CStr);

    /// The body of the agent's own thread.
    fn agent_thread(&self, env: &mut Env);
}

/// The entries from the VM, each of which can fail by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Entry {
    /// [`Callbacks::vm_init`].
    VmInit,
    /// [`Callbacks::vm_death`].
    VmDeath,
    /// [`Callbacks::retransform`].
    Retransform,
    /// [`Callbacks::pause_started`].
    PauseStarted,
    /// [`Callbacks::pause_finished`].
    PauseFinished,
    /// [`Callbacks::resource_exhausted`].
    ResourceExhausted,
    /// [`Callbacks::agent_thread`].
    AgentThread,
    /// [`Visitor::visit`](super::Visitor::visit).
    Reference,
    /// The stack of a registration.
    Stack,
    /// `Agent_OnLoad` and `Agent_OnAttach`.
    Load,
}

static CALLBACKS: OnceCell<&'static dyn Callbacks> = OnceCell::new();

/// A bit for each [`Entry`] that panicked.
static FAILED: AtomicU32 = AtomicU32::new(0);

impl Entry {
    /// Whether this entry has panicked and is switched off.
    pub fn has_failed(self) -> bool {
        FAILED.load(Relaxed) & (1 << self as u32) != 0
    }

    /// Runs safe code on behalf of the VM; `None` if it panicked, now or before.
    pub fn run<T>(self, body: impl FnOnce() -> T) -> Option<T> {
        if self.has_failed() {
            return None;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            self.fail_if_told_to();
            body()
        }));
        if outcome.is_err() {
            FAILED.fetch_or(1 << self as u32, Relaxed);
            crate::log::error(format_args!(
                "an error in the agent itself ({self:?}); this part of it is switched off, \
                 the JVM runs on"
            ));
        }
        outcome.ok()
    }

    /// Tests build the library with this feature and name the entry that is to panic.
    #[cfg(feature = "fault-injection")]
    fn fail_if_told_to(self) {
        let told = std::env::var("FINWATCH_FAULT").unwrap_or_default();
        if told.split(',').any(|entry| entry == format!("{self:?}")) {
            panic!("injected into {self:?}");
        }
    }

    #[cfg(not(feature = "fault-injection"))]
    fn fail_if_told_to(self) {}

    /// Runs safe code that needs JNI. Local references and pending exceptions end here.
    ///
    /// # Safety
    /// `jni` is the environment of the current thread, as the VM passed it.
    unsafe fn run_with_jni(self, jni: *mut JNIEnv, body: impl FnOnce(&dyn Callbacks, &mut Env)) {
        let Some(callbacks) = CALLBACKS.get().copied() else {
            return;
        };
        if jni.is_null() {
            return;
        }
        self.run(|| {
            // SAFETY: non-null, and the VM's environment for this thread; the guard ends
            // before the callback returns.
            let mut guard = unsafe { AttachGuard::from_unowned(jni) };
            let env = guard.borrow_env_mut();
            let outcome: jni::errors::Result<()> = env.with_local_frame(64, |env| {
                body(callbacks, env);
                Ok(())
            });
            if let Err(error) = outcome {
                crate::log::warn(format_args!("{self:?}: no JNI frame: {error}"));
            }
            env.exception_clear();
        });
    }
}

/// Tells the VM where to call, and who answers. The first caller's `callbacks` stay.
pub fn set_callbacks(
    environment: Environment,
    callbacks: &'static dyn Callbacks,
) -> Result<(), JvmtiError> {
    CALLBACKS.get_or_init(|| callbacks);
    #[expect(
        clippy::missing_transmute_annotations,
        reason = "the target is the type of the field, which is spelled out nowhere"
    )]
    // SAFETY: the same C functions; `jvmti_sys` names the reference types of an older
    // `jni-sys`, which are the same pointers.
    let table = unsafe {
        jvmtiEventCallbacks {
            VMInit: Some(std::mem::transmute::<VmInit, _>(vm_init)),
            VMDeath: Some(std::mem::transmute::<VmDeath, _>(vm_death)),
            ClassFileLoadHook: Some(std::mem::transmute::<ClassFileLoadHook, _>(
                class_file_load_hook,
            )),
            ResourceExhausted: Some(std::mem::transmute::<ResourceExhausted, _>(
                resource_exhausted,
            )),
            GarbageCollectionStart: Some(garbage_collection_start),
            GarbageCollectionFinish: Some(garbage_collection_finish),
            ..Default::default()
        }
    };
    // SAFETY: the VM copies the table.
    unsafe {
        let size = size_of::<jvmtiEventCallbacks>() as jint;
        raw::set_event_callbacks(environment.as_ptr(), &table, size)
    }
}

/// The start function for [`Environment::run_agent_thread`].
///
/// # Safety
/// For the VM to call, in the thread that it made, with that thread's environment.
pub unsafe extern "C" fn env_of_agent_thread(_: *mut jvmtiEnv, jni: *mut JNIEnv, _: *mut c_void) {
    // SAFETY: the VM attached this thread and passes its environment.
    unsafe { Entry::AgentThread.run_with_jni(jni, |callbacks, env| callbacks.agent_thread(env)) }
}

type VmInit = unsafe extern "C" fn(*mut jvmtiEnv, *mut JNIEnv, jobject);
type VmDeath = unsafe extern "C" fn(*mut jvmtiEnv, *mut JNIEnv);
type ResourceExhausted =
    unsafe extern "C" fn(*mut jvmtiEnv, *mut JNIEnv, jint, *const c_void, *const c_char);
type ClassFileLoadHook = unsafe extern "C" fn(
    *mut jvmtiEnv,
    *mut JNIEnv,
    jclass,
    jobject,
    *const c_char,
    jobject,
    jint,
    *const c_uchar,
    *mut jint,
    *mut *mut c_uchar,
);

unsafe extern "C" fn vm_init(_: *mut jvmtiEnv, jni: *mut JNIEnv, _thread: jobject) {
    // SAFETY: the VM passes the environment of the current thread (JVMTI, "VM Initialization").
    unsafe { Entry::VmInit.run_with_jni(jni, |callbacks, env| callbacks.vm_init(env)) }
}

unsafe extern "C" fn vm_death(_: *mut jvmtiEnv, jni: *mut JNIEnv) {
    // SAFETY: as above (JVMTI, "VM Death").
    unsafe { Entry::VmDeath.run_with_jni(jni, |callbacks, env| callbacks.vm_death(env)) }
}

unsafe extern "C" fn class_file_load_hook(
    environment: *mut jvmtiEnv,
    _: *mut JNIEnv,
    class_being_redefined: jclass,
    loader: jobject,
    name: *const c_char,
    _: jobject,
    length: jint,
    class_file: *const c_uchar,
    new_length: *mut jint,
    new_class_file: *mut *mut c_uchar,
) {
    let ours = !class_being_redefined.is_null() && loader.is_null();
    if !ours || name.is_null() || class_file.is_null() || length <= 0 {
        return;
    }
    let Some(callbacks) = CALLBACKS.get() else {
        return;
    };
    // SAFETY: a terminated name and `length` bytes, valid during the callback (JVMTI,
    // "Class File Load Hook").
    let (name, old) = unsafe {
        (
            CStr::from_ptr(name),
            slice::from_raw_parts(class_file, length as usize),
        )
    };
    let Some(Some(new)) = Entry::Retransform.run(|| callbacks.retransform(name, old)) else {
        return;
    };
    let mut memory = null_mut();
    // SAFETY: the VM wants the new class file in memory of `Allocate`, which it deallocates;
    // both out parameters are the VM's.
    unsafe {
        if raw::allocate(environment, new.len() as i64, &mut memory).is_ok() {
            std::ptr::copy_nonoverlapping(new.as_ptr(), memory, new.len());
            *new_length = new.len() as jint;
            *new_class_file = memory;
        }
    }
}

unsafe extern "C" fn resource_exhausted(
    _: *mut jvmtiEnv,
    _: *mut JNIEnv,
    flags: jint,
    _: *const c_void,
    description: *const c_char,
) {
    let Some(callbacks) = CALLBACKS.get() else {
        return;
    };
    let description = match description.is_null() {
        true => c"",
        // SAFETY: "a description of the error as a modified UTF-8 string", valid during the
        // callback (JVMTI, "Resource Exhausted").
        false => unsafe { CStr::from_ptr(description) },
    };
    Entry::ResourceExhausted.run(|| callbacks.resource_exhausted(flags, description));
}

unsafe extern "C" fn garbage_collection_start(_: *mut jvmtiEnv) {
    if let Some(callbacks) = CALLBACKS.get() {
        Entry::PauseStarted.run(|| callbacks.pause_started());
    }
}

unsafe extern "C" fn garbage_collection_finish(_: *mut jvmtiEnv) {
    if let Some(callbacks) = CALLBACKS.get() {
        Entry::PauseFinished.run(|| callbacks.pause_finished());
    }
}

//! A JVMTI environment and the questions the agent asks of it.

use std::{
    ffi::{CStr, c_char, c_void},
    ptr::{NonNull, null, null_mut},
};

use jni::{
    Env,
    objects::{JClass, JObject},
    sys::{JavaVM, jclass, jmethodID, jobject},
};
use jvmti_sys::{jvmtiCapabilities, jvmtiEnv};

use super::{error::JvmtiError, memory::Allocated, raw};

/// A JVMTI environment. A plain handle: any thread may use it (JVMTI, "Environments"),
/// after [`Environment::dispose`] every call is refused by the VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment(NonNull<jvmtiEnv>);

// SAFETY: "JVM TI is safe to use from multiple threads"; the VM synchronizes inside.
unsafe impl Send for Environment {}
// SAFETY: as above.
unsafe impl Sync for Environment {}

/// A JVMTI event that the agent may turn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Event {
    /// The VM is ready to run the program.
    VmInit = 50,
    /// The VM ends.
    VmDeath = 51,
    /// A class file is about to be loaded or retransformed.
    ClassFileLoadHook = 54,
    /// A stop-the-world pause of the collector begins.
    GarbageCollectionStart = 81,
    /// It ends.
    GarbageCollectionFinish = 82,
    /// The VM has run out of something.
    ResourceExhausted = 80,
    /// An object was allocated that the VM chose by bytes (from JDK 11 on).
    SampledObjectAlloc = 86,
}

/// A capability, by its bit in `jvmtiCapabilities` (jvmti.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Capability {
    /// `can_tag_objects`.
    TagObjects = 0,
    /// `can_get_bytecodes`.
    GetBytecodes = 3,
    /// `can_get_source_file_name`.
    GetSourceFileName = 11,
    /// `can_get_line_numbers`.
    GetLineNumbers = 12,
    /// `can_generate_garbage_collection_events`.
    GarbageCollectionEvents = 31,
    /// `can_get_constant_pool`.
    GetConstantPool = 35,
    /// `can_retransform_classes`.
    RetransformClasses = 37,
    /// `can_generate_resource_exhaustion_heap_events`.
    HeapExhaustionEvents = 39,
    /// `can_generate_resource_exhaustion_threads_events`.
    ThreadsExhaustionEvents = 40,
    /// `can_generate_sampled_object_alloc_events` (from JDK 11 on).
    SampledObjectAllocEvents = 43,
}

impl Capability {
    /// A set of only this one.
    fn alone(self) -> jvmtiCapabilities {
        let bit = self as u32;
        let mut words = [0u32; 4];
        words[(bit / 32) as usize] = 1 << (bit % 32);
        jvmtiCapabilities {
            _bindgen_bitfield_1_: words[0],
            _bindgen_bitfield_2_: words[1],
            _bindgen_bitfield_3_: words[2],
            _bindgen_bitfield_4_: words[3],
        }
    }
}

/// A method by the VM's id for it. The ids of `java.base`'s classes stay valid for the
/// life of the JVM and follow the method through retransformation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method(jmethodID);

// SAFETY: an opaque id, valid in every thread (JNI, "Accessing Fields and Methods").
unsafe impl Send for Method {}
// SAFETY: as above.
unsafe impl Sync for Method {}

impl Environment {
    /// Asks the VM for a new environment.
    ///
    /// # Errors
    /// The JNI error code, where the VM offers no JVMTI 1.2.
    ///
    /// # Safety
    /// `vm` is the VM's own pointer, as an agent's entry point gets it.
    pub unsafe fn new(vm: *mut JavaVM) -> Result<Environment, i32> {
        let mut environment: *mut c_void = null_mut();
        // SAFETY: a live VM points to its invocation table (JNI, "The Invocation API").
        let get_env = unsafe { (**vm).v1_2.GetEnv };
        // SAFETY: `GetEnv` with a JVMTI version makes a new environment (JVMTI, "Start-Up").
        let code = unsafe { get_env(vm, &mut environment, raw::JVMTI_VERSION) };
        match NonNull::new(environment.cast()) {
            Some(environment) if code == 0 => Ok(Environment(environment)),
            _ => Err(code),
        }
    }

    /// A new environment beside those that there are.
    pub(super) fn another(env: &Env) -> Result<Environment, JvmtiError> {
        let refused = |code| JvmtiError {
            function: "GetEnv",
            code,
        };
        let vm = env.get_java_vm().map_err(|_| refused(0))?;
        // SAFETY: the VM's own pointer, as the VM gave it to `jni`.
        unsafe { Environment::new(vm.get_raw()) }.map_err(refused)
    }

    pub(super) fn as_ptr(self) -> *mut jvmtiEnv {
        self.0.as_ptr()
    }

    /// Adds a capability. Refused for solo capabilities that another agent holds.
    pub fn add_capability(self, capability: Capability) -> Result<(), JvmtiError> {
        // SAFETY: in the OnLoad and the live phase; the struct outlives the call.
        unsafe { raw::add_capabilities(self.as_ptr(), &capability.alone()) }
    }

    /// Gives a capability back.
    pub fn relinquish_capability(self, capability: Capability) -> Result<(), JvmtiError> {
        // SAFETY: as above.
        unsafe { raw::relinquish_capabilities(self.as_ptr(), &capability.alone()) }
    }

    /// Turns an event on or off for all threads.
    pub fn set_event(self, event: Event, on: bool) -> Result<(), JvmtiError> {
        // SAFETY: a null thread means all threads.
        unsafe {
            raw::set_event_notification_mode(self.as_ptr(), on.into(), event as i32, null_mut())
        }
    }

    /// A VM property such as `java.vm.version`; `None` where it is not set.
    pub fn system_property(self, name: &CStr) -> Option<String> {
        let mut value = null_mut();
        // SAFETY: a terminated name; the answer is deallocated below.
        unsafe { raw::get_system_property(self.as_ptr(), name.as_ptr(), &mut value) }.ok()?;
        NonNull::new(value)?;
        // SAFETY: the VM allocated it for us.
        Some(unsafe { self.text(value) })
    }

    /// The feature release of the JVM: 8, 11, 17, …; 0 where it does not tell. Any thread.
    pub fn feature_version(self) -> u32 {
        let version = self
            .system_property(c"java.vm.specification.version")
            .unwrap_or_default();
        let version = version.trim_start_matches("1.");
        let feature = version.split('.').next();
        feature.and_then(|part| part.parse().ok()).unwrap_or(0)
    }

    /// Takes over a string that the VM allocated; empty for null.
    ///
    /// # Safety
    /// `text` is null or what a JVMTI function of this environment returned to be deallocated.
    pub(super) unsafe fn text(self, text: *mut c_char) -> String {
        if text.is_null() {
            return String::new();
        }
        // SAFETY: "a modified UTF-8 string", terminated; deallocated once, after it was copied.
        unsafe {
            let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
            let _ = raw::deallocate(self.as_ptr(), text.cast());
            copy
        }
    }

    /// Runs classes through the class file load hooks again.
    pub fn retransform(self, classes: &[&JClass]) -> Result<(), JvmtiError> {
        let classes: Vec<jclass> = classes.iter().map(|class| class.as_raw()).collect();
        // SAFETY: live references, as many as said.
        unsafe { raw::retransform_classes(self.as_ptr(), classes.len() as i32, classes.as_ptr()) }
    }

    /// The bytecodes of a method as they are now.
    pub fn bytecodes(self, method: Method) -> Result<Allocated<u8>, JvmtiError> {
        let (mut count, mut bytes) = (0, null_mut());
        // SAFETY: a valid method id; the answer is deallocated by `Allocated`.
        unsafe {
            raw::get_bytecodes(self.as_ptr(), method.0, &mut count, &mut bytes)?;
            Ok(Allocated::new(self, bytes, count))
        }
    }

    /// The number of constants (plus one) and the constant pool of a class, as in a class file.
    pub fn constant_pool(self, class: &JClass) -> Result<(u16, Allocated<u8>), JvmtiError> {
        let (mut count, mut length, mut bytes) = (0, 0, null_mut());
        // SAFETY: a live class; the answer is deallocated by `Allocated`.
        unsafe {
            let class = class.as_raw();
            raw::get_constant_pool(self.as_ptr(), class, &mut count, &mut length, &mut bytes)?;
            Ok((count as u16, Allocated::new(self, bytes, length)))
        }
    }

    /// The first top-level thread group: `system`.
    pub fn system_thread_group<'local>(
        self,
        env: &mut Env<'local>,
    ) -> Result<JObject<'local>, JvmtiError> {
        let (mut count, mut groups) = (0, null_mut());
        // SAFETY: the answer is deallocated by `Allocated`.
        let groups: Allocated<jobject> = unsafe {
            raw::get_top_thread_groups(self.as_ptr(), &mut count, &mut groups)?;
            Allocated::new(self, groups, count)
        };
        let first = groups.as_slice().first().copied().unwrap_or(null_mut());
        // SAFETY: a local reference, made for this thread's current frame, or null.
        Ok(unsafe { JObject::from_raw(env, first) })
    }

    /// Starts a daemon thread of the agent's own on a `java.lang.Thread` that has not been
    /// started. Unlike an attached thread it never holds up the end of the JVM.
    pub fn run_agent_thread(
        self,
        thread: &JObject,
        function: raw::StartFunction,
    ) -> Result<(), JvmtiError> {
        const NORMAL_PRIORITY: i32 = 5;
        // SAFETY: a live reference; the function has the signature that JVMTI wants.
        unsafe {
            raw::run_agent_thread(
                self.as_ptr(),
                thread.as_raw(),
                function,
                null(),
                NORMAL_PRIORITY,
            )
        }
    }

    /// Ends this environment.
    pub fn dispose(self) -> Result<(), JvmtiError> {
        // SAFETY: a handle that is used afterwards is refused by the VM
        // (`JVMTI_ERROR_INVALID_ENVIRONMENT`).
        unsafe { raw::dispose_environment(self.as_ptr()) }
    }
}

impl Method {
    /// A static or instance method by name and signature; initializes its class.
    pub fn of(
        env: &mut Env,
        class: &JClass,
        name: &str,
        signature: &str,
        is_static: bool,
    ) -> Option<Method> {
        let name = jni::strings::JNIString::from(name);
        let signature = jni::signature::RuntimeMethodSignature::from_str(signature).ok()?;
        let signature = signature.method_signature();
        let id = match is_static {
            true => env
                .get_static_method_id(class, &name, &signature)
                .map(|id| id.into_raw()),
            false => env
                .get_method_id(class, &name, &signature)
                .map(|id| id.into_raw()),
        };
        // A NoSuchMethodError must not stay pending.
        env.exception_clear();
        id.ok().map(Method)
    }
}

//! The JVMTI functions that the agent uses, called through `jvmti_sys`'s function table.
//!
//! `jvmti_sys` declares results and several arguments as closed Rust enums; a VM of today
//! answers with values outside them, which would be undefined behaviour. So every function
//! is called through a pointer cast to a signature with plain integers, and `jni`'s own
//! reference types (`jvmti_sys` is built against an older `jni-sys`).

use std::{
    ffi::{c_char, c_uchar, c_void},
    mem::{offset_of, transmute},
    ptr::null_mut,
};

use jni::sys::{JNIEnv, jboolean, jclass, jfieldID, jint, jlong, jmethodID, jobject};
use jvmti_sys::{jvmtiCapabilities, jvmtiEnv, jvmtiEventCallbacks, jvmtiInterface_1};

use super::error::{JvmtiError, NOT_AVAILABLE};

/// `JVMTI_VERSION_1_2`, what a JDK 8 offers.
pub const JVMTI_VERSION: jint = 0x3001_0200;

/// `jvmtiStartFunction`.
pub type StartFunction =
    unsafe extern "C" fn(jvmti: *mut jvmtiEnv, jni: *mut JNIEnv, argument: *mut c_void);

/// `jvmtiHeapReferenceCallback`.
pub type ReferenceCallback = unsafe extern "C" fn(
    kind: jint,
    info: *const ReferenceInfo,
    class_tag: jlong,
    referrer_class_tag: jlong,
    size: jlong,
    tag: *mut jlong,
    referrer_tag: *mut jlong,
    length: jint,
    data: *mut c_void,
) -> jint;

/// `jvmtiHeapCallbacks`: five callbacks and eleven reserved ones.
#[repr(C)]
pub struct HeapCallbacks {
    /// `heap_iteration_callback`.
    pub iteration: *const c_void,
    /// `heap_reference_callback`.
    pub reference: ReferenceCallback,
    /// Those for primitive values, and the reserved ones.
    pub others: [*const c_void; 14],
}

/// `jvmtiHeapReferenceInfo`: a union, of which two members are read.
#[repr(C)]
pub union ReferenceInfo {
    /// Of a field or an element of an array.
    pub index: jint,
    /// Of a local variable or a JNI local reference.
    pub frame: FrameInfo,
    reserved: [u64; 8],
}

/// The beginning of `jvmtiHeapReferenceInfoStackLocal` and of `jvmtiHeapReferenceInfoJniLocal`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct FrameInfo {
    /// The tag of the thread.
    pub thread_tag: jlong,
    /// Its `Thread.getId()`.
    pub thread_id: jlong,
    depth: jint,
    /// The method of the frame.
    pub method: jmethodID,
}

/// `jvmtiFrameInfo`: a place in a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Location {
    /// The method.
    pub method: jmethodID,
    /// Index of the bytecode; -1 in a native method.
    pub bytecode: jlong,
}

/// `jvmtiLineNumberEntry`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct LineNumber {
    /// Index of the first bytecode.
    pub start: jlong,
    /// The line.
    pub line: jint,
}

/// `jvmtiThreadInfo`.
#[repr(C)]
pub struct ThreadInfo {
    /// To be deallocated.
    pub name: *mut c_char,
    priority: jint,
    is_daemon: jboolean,
    thread_group: jobject,
    context_class_loader: jobject,
}

impl Default for ThreadInfo {
    fn default() -> ThreadInfo {
        ThreadInfo {
            name: null_mut(),
            priority: 0,
            is_daemon: Default::default(),
            thread_group: null_mut(),
            context_class_loader: null_mut(),
        }
    }
}

// The table's slots as jvmti.h numbers them: the slot of a function is its number minus one.
const _: () = {
    const SLOT: usize = size_of::<usize>();
    assert!(offset_of!(jvmtiInterface_1, SetEventNotificationMode) == SLOT);
    assert!(offset_of!(jvmtiInterface_1, RunAgentThread) == 11 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetAllThreads) == 3 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetThreadInfo) == 8 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetTopThreadGroups) == 12 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetClassSignature) == 47 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetClassFields) == 52 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetImplementedInterfaces) == 53 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetFieldName) == 59 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetFieldModifiers) == 61 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetMethodName) == 63 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetMethodDeclaringClass) == 64 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetLoadedClasses) == 77 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetSourceFileName) == 49 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetLineNumberTable) == 69 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetStackTrace) == 103 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetTag) == 105 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, SetTag) == 106 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetObjectsWithTags) == 113 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, FollowReferences) == 114 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, Deallocate) == 46 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetBytecodes) == 74 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, SetEventCallbacks) == 121 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, DisposeEnvironment) == 126 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetSystemProperty) == 130 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, AddCapabilities) == 141 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, RelinquishCapabilities) == 142 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, GetConstantPool) == 145 * SLOT);
    assert!(offset_of!(jvmtiInterface_1, RetransformClasses) == 151 * SLOT);
    assert!(offset_of!(jvmtiEventCallbacks, GarbageCollectionFinish) == 32 * SLOT);
    assert!(size_of::<jvmtiCapabilities>() == 16);
    assert!(size_of::<HeapCallbacks>() == 16 * SLOT);
    assert!(offset_of!(FrameInfo, method) == 3 * SLOT);
};

macro_rules! functions {
    ($($(#[$doc:meta])* $rust:ident = $jvmti:ident($($argument:ident: $type:ty),* $(; $variadic:ident)?);)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// `env` is a live JVMTI environment, and the arguments are as the JVMTI
        /// specification wants them for this function in this phase and on this thread.
        pub unsafe fn $rust(env: *mut jvmtiEnv $(, $argument: $type)*) -> Result<(), JvmtiError> {
            type Function = functions!(@signature [$($type),*] $($variadic)?);
            // SAFETY: a live environment points to its function table (JVMTI, "Function Table").
            let function = unsafe { (**env).$jvmti }
                .ok_or(JvmtiError { function: stringify!($jvmti), code: NOT_AVAILABLE })?;
            // SAFETY: the same C function, its enums declared as the `int` that C makes of
            // them and its references as pointers, which is what they are.
            #[expect(clippy::missing_transmute_annotations, reason = "from the table's own type")]
            let function = unsafe { transmute::<_, Function>(function) };
            // SAFETY: the caller's promise.
            match unsafe { function(env $(, $argument)*) } {
                0 => Ok(()),
                code => Err(JvmtiError { function: stringify!($jvmti), code }),
            }
        }
    )*};
    (@signature [$($type:ty),*]) => { unsafe extern "C" fn(*mut jvmtiEnv $(, $type)*) -> jint };
    (@signature [$($type:ty),*] variadic) => { unsafe extern "C" fn(*mut jvmtiEnv $(, $type)*, ...) -> jint };
}

functions! {
    /// Turns an event on (1) or off (0), for all threads if `thread` is null.
    set_event_notification_mode = SetEventNotificationMode(mode: jint, event: jint, thread: jobject; variadic);
    /// Starts a daemon thread for an agent.
    run_agent_thread = RunAgentThread(thread: jobject, function: StartFunction, argument: *const c_void, priority: jint);
    /// The top-level thread groups; to be deallocated.
    get_top_thread_groups = GetTopThreadGroups(count: *mut jint, groups: *mut *mut jobject);
    /// Gives back memory that the VM allocated for an answer.
    deallocate = Deallocate(memory: *mut c_uchar);
    /// The bytecodes of a method as they are now; to be deallocated.
    get_bytecodes = GetBytecodes(method: jmethodID, count: *mut jint, bytecodes: *mut *mut c_uchar);
    /// Sets the event callbacks.
    set_event_callbacks = SetEventCallbacks(callbacks: *const jvmtiEventCallbacks, size: jint);
    /// Ends an environment: its tags, events and capabilities are gone.
    dispose_environment = DisposeEnvironment();
    /// A VM property; to be deallocated.
    get_system_property = GetSystemProperty(name: *const c_char, value: *mut *mut c_char);
    /// Asks for capabilities.
    add_capabilities = AddCapabilities(capabilities: *const jvmtiCapabilities);
    /// Gives capabilities back.
    relinquish_capabilities = RelinquishCapabilities(capabilities: *const jvmtiCapabilities);
    /// The constant pool of a class in the form of a class file; to be deallocated.
    get_constant_pool = GetConstantPool(class: jclass, count: *mut jint, byte_count: *mut jint, bytes: *mut *mut c_uchar);
    /// Runs classes through the class file load hooks again.
    retransform_classes = RetransformClasses(count: jint, classes: *const jclass);
    /// The threads that are alive, platform ones; to be deallocated.
    get_all_threads = GetAllThreads(count: *mut jint, threads: *mut *mut jobject);
    /// A thread's name (to be deallocated), group and loader.
    get_thread_info = GetThreadInfo(thread: jobject, info: *mut ThreadInfo);
    /// The JNI signature of a class; to be deallocated.
    get_class_signature = GetClassSignature(class: jclass, signature: *mut *mut c_char, generic: *mut *mut c_char);
    /// The fields that a class itself declares; to be deallocated.
    get_class_fields = GetClassFields(class: jclass, count: *mut jint, fields: *mut *mut jfieldID);
    /// The interfaces that a class itself names; to be deallocated.
    get_implemented_interfaces = GetImplementedInterfaces(class: jclass, count: *mut jint, interfaces: *mut *mut jclass);
    /// The name of a field; to be deallocated.
    get_field_name = GetFieldName(class: jclass, field: jfieldID, name: *mut *mut c_char, signature: *mut *mut c_char, generic: *mut *mut c_char);
    /// The file that a class was compiled from; to be deallocated.
    get_source_file_name = GetSourceFileName(class: jclass, name: *mut *mut c_char);
    /// Where lines begin in a method's bytecodes; to be deallocated.
    get_line_number_table = GetLineNumberTable(method: jmethodID, count: *mut jint, table: *mut *mut LineNumber);
    /// The frames of a thread, the current one if null, innermost first.
    get_stack_trace = GetStackTrace(thread: jobject, start: jint, most: jint, frames: *mut Location, count: *mut jint);
    /// The access flags of a field.
    get_field_modifiers = GetFieldModifiers(class: jclass, field: jfieldID, modifiers: *mut jint);
    /// The name of a method; to be deallocated.
    get_method_name = GetMethodName(method: jmethodID, name: *mut *mut c_char, signature: *mut *mut c_char, generic: *mut *mut c_char);
    /// The class that declares a method.
    get_method_declaring_class = GetMethodDeclaringClass(method: jmethodID, class: *mut jclass);
    /// All classes; to be deallocated.
    get_loaded_classes = GetLoadedClasses(count: *mut jint, classes: *mut *mut jclass);
    /// The number of an object in this environment, 0 where it has none.
    get_tag = GetTag(object: jobject, tag: *mut jlong);
    /// Gives an object of this environment's a number.
    set_tag = SetTag(object: jobject, tag: jlong);
    /// The objects with one of some tags, and their tags; both to be deallocated.
    get_objects_with_tags = GetObjectsWithTags(tag_count: jint, tags: *const jlong, count: *mut jint, objects: *mut *mut jobject, tags_found: *mut *mut jlong);
    /// Stops the application and goes along the references from an object, or from the roots.
    follow_references = FollowReferences(filter: jint, class: jclass, from: jobject, callbacks: *const HeapCallbacks, data: *const c_void);
    /// Memory that the VM will deallocate.
    allocate = Allocate(size: jlong, memory: *mut *mut c_uchar);
}

//! JVMTI's sampled allocations: the stacks of objects of tagged classes, one in so many bytes
//! that a thread allocates (512 KiB unless another agent sets it; JEP 331, from JDK 11 on).
//!
//! The capability is a solo one (HotSpot, `JvmtiManageCapabilities::init_always_solo_capabilities`):
//! one agent at a time has it, and it is given back when the samples are not wanted any more.

use std::{ffi::c_void, ptr::null};

use jni::{
    Env,
    objects::JClass,
    sys::{JNIEnv, jclass, jint, jlong, jobject},
};
use jvmti_sys::jvmtiEnv;
use once_cell::sync::OnceCell;

use super::{
    environment::{Capability, Environment, Event},
    error::JvmtiError,
    raw, stacks,
};

/// The first event's number; an event's callback has its number minus this as place in the table
/// (jvmti.h).
const FIRST_EVENT: usize = 50;

/// The callbacks, of which `jvmti_sys` knows those of JDK 8 only.
type Table = [*const c_void; Event::SampledObjectAlloc as usize - FIRST_EVENT + 1];

/// Of its own and never disposed of: threads may be using it at any time. Its tags are the slots
/// of classes.
static ENVIRONMENT: OnceCell<Environment> = OnceCell::new();

/// Begins to take stacks of objects whose class is [marked](mark), for the taker that
/// [`stacks::bind`] was given.
///
/// # Errors
/// The VM has no such events, or another agent has them.
pub fn begin(env: &Env) -> Result<(), JvmtiError> {
    let environment = *ENVIRONMENT.get_or_try_init(|| {
        let environment = Environment::another(env)?;
        environment.add_capability(Capability::TagObjects)?;
        let mut table: Table = [null(); _];
        let callback: Callback = sampled;
        table[Event::SampledObjectAlloc as usize - FIRST_EVENT] = callback as *const c_void;
        // SAFETY: the VM copies as much of the table as it knows and as the size says.
        unsafe {
            let size = size_of::<Table>() as jint;
            raw::set_event_callbacks(environment.as_ptr(), table.as_ptr().cast(), size)?;
        }
        Ok(environment)
    })?;
    environment.add_capability(Capability::SampledObjectAllocEvents)?;
    environment.set_event(Event::SampledObjectAlloc, true)
}

/// Ends it, and lets another agent have the events.
///
/// # Errors
/// The VM's, which are not expected.
pub fn end() -> Result<(), JvmtiError> {
    let Some(environment) = ENVIRONMENT.get() else {
        return Ok(());
    };
    environment.set_event(Event::SampledObjectAlloc, false)?;
    environment.relinquish_capability(Capability::SampledObjectAllocEvents)
}

/// Objects of this class are of that slot.
///
/// # Errors
/// The VM's: the class is not sampled.
pub fn mark(class: &JClass, slot: usize) -> Result<(), JvmtiError> {
    let Some(environment) = ENVIRONMENT.get() else {
        return Ok(());
    };
    // SAFETY: a live class; a tag that is no pointer.
    unsafe { raw::set_tag(environment.as_ptr(), class.as_raw(), slot as jlong) }
}

type Callback = unsafe extern "C" fn(*mut jvmtiEnv, *mut JNIEnv, jobject, jobject, jclass, jlong);

/// In the thread that allocates, in compiled code's slow path or the interpreter's.
unsafe extern "C" fn sampled(
    environment: *mut jvmtiEnv,
    _: *mut JNIEnv,
    _thread: jobject,
    _object: jobject,
    class: jclass,
    _size: jlong,
) {
    let mut slot: jlong = 0;
    // SAFETY: the VM's own environment and class, in the live phase (JVMTI, "Sampled Object
    // Allocation").
    let tagged = unsafe { raw::get_tag(environment, class, &mut slot) };
    if let (Ok(()), Ok(slot)) = (tagged, usize::try_from(slot))
        && slot != 0
    {
        stacks::take(slot, 1, 0);
    }
}

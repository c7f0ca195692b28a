//! Stacks of Java threads: each thread takes its own, and the frames are named later.
//!
//! Needs no capability that costs compiled code anything: `can_get_source_file_name` and
//! `can_get_line_numbers` are always there (HotSpot,
//! `JvmtiManageCapabilities::init_always_capabilities`).

use std::{ffi::c_void, ptr::null_mut};

use jni::{
    Env, NativeMethod,
    errors::Error,
    jni_str,
    objects::JClass,
    sys::{JNIEnv, jclass, jint},
};
use once_cell::sync::OnceCell;

use super::{
    callbacks::Entry,
    environment::{Capability, Environment},
    error::JvmtiError,
    heap::class_name,
    memory::Allocated,
    raw,
};

/// Frames of a stack that are taken.
const MOST_FRAMES: usize = 32;

/// Frames at the top of a registration that are the agent's own: `Sites.take` and the hook.
const OWN_FRAMES: jint = 2;

/// A place in a method, to be named later. Outlives the method: then it has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Location(raw::Location);

// SAFETY: an opaque id and a number; the VM tells an id that is no longer valid
// (`JVMTI_ERROR_INVALID_METHODID`) and never uses the memory of one again.
unsafe impl Send for Location {}

/// A frame in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameName {
    /// Binary name of the class.
    pub class: String,
    /// The method.
    pub method: String,
    /// The source file, where the class file says.
    pub file: Option<String>,
    /// The line, where the class file says.
    pub line: Option<u32>,
}

/// Who is told of stacks. In any thread, amid a registration: must not wait.
pub struct Taker {
    /// Whether one is wanted of an object whose class has that slot.
    pub wants: fn(usize) -> bool,
    /// The slot of the object's class, how many objects it stands for, and the frames, innermost first.
    pub taken: fn(usize, u64, &[Location]),
}

struct Stacks {
    /// Of its own and never disposed of: threads may be using it at any time.
    environment: Environment,
    taker: Taker,
}

static STACKS: OnceCell<Stacks> = OnceCell::new();

/// Connects `Sites.take` with `taker`. The first caller's stays.
///
/// # Errors
/// The VM refused: no stacks are taken.
pub fn bind(env: &mut Env, sites: &JClass, taker: Taker) -> jni::errors::Result<()> {
    let stacks = STACKS.get_or_try_init(|| {
        let environment = Environment::another(env)?;
        environment.add_capability(Capability::GetSourceFileName)?;
        environment.add_capability(Capability::GetLineNumbers)?;
        Ok(Stacks { environment, taker })
    });
    stacks.map_err(|_: JvmtiError| Error::NullPtr("a JVMTI environment"))?;
    // SAFETY: a static native method that takes two ints and returns nothing.
    unsafe {
        let take = registered as *mut c_void;
        let take = NativeMethod::from_raw_parts(jni_str!("take"), jni_str!("(II)V"), take);
        env.register_native_methods(sites, &[take])
    }
}

extern "system" fn registered(_: *mut JNIEnv, _: jclass, slot: jint, objects: jint) {
    if let (Ok(slot), Ok(objects)) = (usize::try_from(slot), u64::try_from(objects)) {
        take(slot, objects, OWN_FRAMES);
    }
}

/// Takes the current thread's stack for the slot of a class and so many objects, without so many frames at its top.
pub(super) fn take(slot: usize, objects: u64, own_frames: jint) {
    let Some(stacks) = STACKS.get() else { return };
    Entry::Stack.run(|| {
        if !(stacks.taker.wants)(slot) {
            return;
        }
        let none = raw::Location {
            method: null_mut(),
            bytecode: 0,
        };
        let mut frames = [Location(none); MOST_FRAMES];
        let mut count = 0;
        // SAFETY: null is the current thread; room for as many frames as said, `Location` being
        // transparent.
        let taken = unsafe {
            raw::get_stack_trace(
                stacks.environment.as_ptr(),
                null_mut(),
                own_frames,
                MOST_FRAMES as jint,
                frames.as_mut_ptr().cast(),
                &mut count,
            )
        };
        // Refused before the VM is ready.
        if taken.is_ok() {
            let count = usize::try_from(count).unwrap_or(0);
            (stacks.taker.taken)(slot, objects, frames.get(..count).unwrap_or_default());
        }
    });
}

/// The name of a frame; `None` where its method is gone.
pub fn frame_name(env: &mut Env, location: Location) -> Option<FrameName> {
    let environment = STACKS.get()?.environment;
    let Location(place) = location;
    env.with_local_frame(4, |env| -> jni::errors::Result<_> {
        Ok(named(env, environment, place))
    })
    .ok()?
}

fn named(env: &mut Env, environment: Environment, place: raw::Location) -> Option<FrameName> {
    let jvmti = environment.as_ptr();
    let (mut class, mut signature, mut method, mut file) =
        (null_mut(), null_mut(), null_mut(), null_mut());
    // SAFETY: an id that the VM gave, which refuses that of a method that is gone; the class is a
    // local reference; texts are deallocated by `Environment::text`.
    unsafe {
        raw::get_method_declaring_class(jvmti, place.method, &mut class).ok()?;
        let class = JClass::from_raw(env, class);
        raw::get_class_signature(jvmti, class.as_raw(), &mut signature, null_mut()).ok()?;
        let signature = environment.text(signature);
        raw::get_method_name(jvmti, place.method, &mut method, null_mut(), null_mut()).ok()?;
        let method = environment.text(method);
        // Absent in many class files.
        let file = raw::get_source_file_name(jvmti, class.as_raw(), &mut file)
            .ok()
            .map(|()| environment.text(file));
        Some(FrameName {
            class: class_name(&signature),
            method,
            file,
            line: line(environment, place),
        })
    }
}

fn line(environment: Environment, place: raw::Location) -> Option<u32> {
    let (mut count, mut table) = (0, null_mut());
    // SAFETY: an id that the VM gave; the answer is deallocated by `Allocated`.
    let table: Allocated<raw::LineNumber> = unsafe {
        raw::get_line_number_table(environment.as_ptr(), place.method, &mut count, &mut table)
            .ok()?;
        Allocated::new(environment, table, count)
    };
    let lines = table.as_slice().iter();
    let before = lines.filter(|line| line.start <= place.bytecode);
    let line = before.max_by_key(|line| line.start)?;
    u32::try_from(line.line).ok()
}

#[cfg(test)]
pub mod test {
    use super::*;

    /// A place that no VM knows.
    pub fn location(number: usize) -> Location {
        Location(raw::Location {
            method: number as *mut _,
            bytecode: 0,
        })
    }
}

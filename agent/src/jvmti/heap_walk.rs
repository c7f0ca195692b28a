//! A walk along references with the application stopped.
//!
//! Tags make the VM's tag map, which every later collection would have to look through;
//! so a walk has a JVMTI environment of its own, whose end takes the tags with it.

use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
};

use jni::{
    Env,
    objects::{JClass, JObject},
    sys::{jint, jlong},
};

use super::{
    environment::{Capability, Environment},
    error::JvmtiError,
    raw::{self, HeapCallbacks},
};

/// An environment for one heap walk.
pub struct HeapWalk {
    environment: Environment,
}

/// What kind of reference an edge is (JVMTI, `jvmtiHeapReferenceKind`); others are not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeKind {
    /// An instance field.
    Field,
    /// A static field.
    StaticField,
    /// Anything else.
    Other,
}

/// One reference that the walk came along.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// Its kind.
    pub kind: EdgeKind,
    /// The tag of the class of the object that is referred to; 0 without.
    pub class_tag: i64,
    /// The tag of the object that is referred to; 0 without.
    pub tag: i64,
}

/// What to do with the object at the end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// Look at its references too.
    Follow,
    /// Leave it.
    Pass,
}

impl HeapWalk {
    /// Makes the environment. The VM may refuse the capability.
    pub fn new(beside: Environment, env: &Env) -> Result<HeapWalk, JvmtiError> {
        let environment = beside.another(env)?;
        let walk = HeapWalk { environment };
        environment.add_capability(Capability::TagObjects)?;
        Ok(walk)
    }

    /// Tags a class or another object; the tag is told at every edge to it, and a class's
    /// also at every edge to an instance.
    pub fn tag(&self, object: &JObject, tag: i64) -> Result<(), JvmtiError> {
        self.environment.set_tag(object, tag)
    }

    /// Walks from one object, with the application stopped until the walk is done.
    ///
    /// `visit` runs in the VM's thread: no JNI, no blocking (JVMTI, "Heap"). If it panics
    /// the walk ends there and the answer is `NOT_AVAILABLE`.
    pub fn follow(
        &self,
        initial: &JClass,
        visit: &mut dyn FnMut(Edge) -> Visit,
    ) -> Result<(), JvmtiError> {
        let callbacks = HeapCallbacks {
            heap_reference: Some(heap_reference),
            ..HeapCallbacks::default()
        };
        let mut state = State {
            visit,
            panicked: false,
        };
        // SAFETY: no filter; a live object; the callbacks and the state outlive the call,
        // which returns when the walk has ended.
        unsafe {
            raw::follow_references(
                self.environment.as_ptr(),
                0,
                std::ptr::null_mut(),
                initial.as_raw(),
                &callbacks,
                std::ptr::from_mut(&mut state).cast(),
            )?;
        }
        match state.panicked {
            true => Err(JvmtiError {
                function: "FollowReferences",
                code: super::error::NOT_AVAILABLE,
            }),
            false => Ok(()),
        }
    }
}

impl Drop for HeapWalk {
    fn drop(&mut self) {
        // Nothing more can be done where the VM refuses.
        let _ = self.environment.dispose();
    }
}

struct State<'a> {
    visit: &'a mut dyn FnMut(Edge) -> Visit,
    panicked: bool,
}

unsafe extern "C" fn heap_reference(
    kind: jint,
    _info: *const c_void,
    class_tag: jlong,
    _referrer_class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    _referrer_tag: *mut jlong,
    _length: jint,
    user_data: *mut c_void,
) -> jint {
    const VISIT_OBJECTS: jint = 0x100;
    const VISIT_ABORT: jint = 0x8000;
    // SAFETY: `user_data` is the state that `follow` passed and still holds.
    let state = unsafe { &mut *user_data.cast::<State>() };
    let kind = match kind {
        2 => EdgeKind::Field,
        8 => EdgeKind::StaticField,
        _ => EdgeKind::Other,
    };
    // SAFETY: the VM's pointer to the tag, valid during the callback.
    let tag = if tag.is_null() { 0 } else { unsafe { *tag } };
    match catch_unwind(AssertUnwindSafe(|| {
        (state.visit)(Edge {
            kind,
            class_tag,
            tag,
        })
    })) {
        Ok(Visit::Follow) => VISIT_OBJECTS,
        Ok(Visit::Pass) => 0,
        Err(_) => {
            state.panicked = true;
            VISIT_ABORT
        }
    }
}

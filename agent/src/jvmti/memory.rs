//! Memory that the VM allocated for an answer and that the agent gives back.

use std::{ptr::NonNull, slice};

use jni::sys::jint;

use super::{environment::Environment, raw};

/// An array that a JVMTI function returned; given back by `Deallocate` when dropped.
pub struct Allocated<T> {
    environment: Environment,
    first: Option<NonNull<T>>,
    length: usize,
}

impl<T> Allocated<T> {
    /// # Safety
    /// `first` and `length` are what a successful JVMTI function of this environment
    /// returned as an array to be deallocated by the caller.
    pub(super) unsafe fn new(environment: Environment, first: *mut T, length: jint) -> Self {
        let first = NonNull::new(first);
        let length = if first.is_some() {
            length.max(0) as usize
        } else {
            0
        };
        Allocated {
            environment,
            first,
            length,
        }
    }

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        match self.first {
            // SAFETY: the VM returned `length` initialized elements there (JVMTI, "Memory
            // Management"), and they stay until `drop`.
            Some(first) => unsafe { slice::from_raw_parts(first.as_ptr(), self.length) },
            None => &[],
        }
    }
}

impl<T> Drop for Allocated<T> {
    fn drop(&mut self) {
        if let Some(first) = self.first {
            // SAFETY: allocated by this environment and not used after this.
            // An error would mean that the environment is gone, and its memory is then, too.
            let _ = unsafe { raw::deallocate(self.environment.as_ptr(), first.as_ptr().cast()) };
        }
    }
}

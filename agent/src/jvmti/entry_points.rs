//! The functions that the JVM looks for in an agent library.
//!
//! The library exports these and nothing else.

use std::{
    ffi::{CStr, c_char, c_void},
    io::Write,
};

use jni::sys::{JNI_ERR, JNI_OK, JavaVM, jint};

use super::{Entry, Environment};
use crate::{
    agent::{self, LoadError},
    log,
};

/// Called when the JVM starts with `-agentpath` or `-agentlib`.
///
/// # Safety
/// `vm` and `options` are the VM's, as JVMTI ("Start-Up") says.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn Agent_OnLoad(
    vm: *mut JavaVM,
    options: *const c_char,
    _reserved: *mut c_void,
) -> jint {
    // SAFETY: the VM's string, which stays during the call.
    let flag = unsafe { flag(options) };
    // A panic here has been told; the JVM starts without us.
    Entry::Load.run(|| on_load(vm, flag)).unwrap_or(JNI_OK)
}

/// Called when the agent is loaded into a running JVM.
///
/// # Safety
/// `vm` and `options` are the VM's, as JVMTI ("Start-Up") says.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn Agent_OnAttach(
    vm: *mut JavaVM,
    options: *const c_char,
    _reserved: *mut c_void,
) -> jint {
    // SAFETY: the VM's string, which stays during the call.
    let flag = unsafe { flag(options) };
    Entry::Load.run(|| on_attach(vm, flag)).unwrap_or(JNI_ERR)
}

/// What was given after `=`; empty for nothing.
///
/// # Safety
/// `options` is null or a terminated string that outlives the answer.
unsafe fn flag<'a>(options: *const c_char) -> &'a [u8] {
    if options.is_null() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(options) }.to_bytes()
}

fn on_load(vm: *mut JavaVM, flag: &[u8]) -> jint {
    // SAFETY: the VM's own pointer.
    let new_environment = || unsafe { Environment::new(vm) };
    match agent::load(&new_environment, flag) {
        Ok(()) => JNI_OK,
        Err(LoadError::Help(table)) => {
            // As `java -version` does: what was asked for is printed, and that is all.
            let _ = std::io::stdout().write_all(table.as_bytes());
            std::process::exit(0)
        }
        Err(error) => {
            say(&error);
            if error.is_about_options() {
                JNI_ERR
            } else {
                JNI_OK
            }
        }
    }
}

fn on_attach(vm: *mut JavaVM, flag: &[u8]) -> jint {
    // SAFETY: the VM's own pointer.
    let new_environment = || unsafe { Environment::new(vm) };
    // SAFETY: the VM's own pointer.
    let vm = unsafe { jni::JavaVM::from_raw(vm) };
    // The VM runs this in a thread of its own, which is attached already.
    let attached: Result<(), AttachError> = vm.attach_current_thread(|env| {
        let attached = agent::attach(env, &new_environment, flag);
        env.exception_clear();
        attached.map_err(AttachError::Agent)
    });
    match attached {
        Ok(()) => JNI_OK,
        Err(AttachError::Agent(error)) => {
            say(&error);
            JNI_ERR
        }
        Err(AttachError::Jni(error)) => {
            log::error(format_args!("JNI: {error}"));
            JNI_ERR
        }
    }
}

enum AttachError {
    Agent(LoadError),
    Jni(jni::errors::Error),
}

impl From<jni::errors::Error> for AttachError {
    fn from(error: jni::errors::Error) -> Self {
        AttachError::Jni(error)
    }
}

/// Mistakes in the options go to stderr as they are, whatever the level of messages.
fn say(error: &LoadError) {
    if error.is_about_options() {
        let _ = std::io::stderr().write_all(format!("{error}\n").as_bytes());
    } else {
        log::warn(format_args!("{error}"));
    }
}

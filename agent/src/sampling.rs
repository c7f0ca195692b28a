//! What stacks are taken of: registrations, which the hook chooses, or allocations, which the VM
//! does.

use finwatch_record::SiteEvent;
use jni::Env;

use crate::{
    jvmti::{self, JvmtiError},
    log,
    options::Sites,
    shim::Shim,
    sites::STACKS,
};

/// Of what stacks are taken now.
#[derive(Default)]
pub struct Sampling {
    of_allocations: bool,
}

impl Sampling {
    /// Takes stacks of what is wanted from now on; of registrations where the VM has no
    /// allocations to give. `slots` are those of the classes that have one by now.
    pub fn set(
        &mut self,
        env: &mut Env,
        shim: &Shim,
        wanted: Sites,
        slots: impl Iterator<Item = usize>,
    ) {
        let of_allocations = wanted == Sites::Allocations && (self.of_allocations || begin(env));
        if self.of_allocations && !of_allocations {
            log_refusal(jvmti::end_allocations());
        }
        self.of_allocations = of_allocations;
        STACKS.begin(match of_allocations {
            true => SiteEvent::Allocation,
            false => SiteEvent::Registration,
        });
        self.found(env, shim, slots);
        let of_registrations = wanted != Sites::Off && !of_allocations;
        if let Err(error) = shim.sample_sites(env, of_registrations) {
            env.exception_clear();
            log::debug(format_args!("stacks are taken as before: {error}"));
        }
    }

    /// Classes have got a slot: the VM is to know them.
    pub fn found(&self, env: &mut Env, shim: &Shim, slots: impl Iterator<Item = usize>) {
        if !self.of_allocations {
            return;
        }
        for slot in slots {
            let marked = env.with_local_frame(2, |env| {
                // Unloaded meanwhile: nothing is made of it.
                if let Some(class) = shim.class(env, slot)? {
                    log_refusal(jvmti::mark_class(&class, slot));
                }
                Ok::<_, jni::errors::Error>(())
            });
            if let Err(error) = marked {
                env.exception_clear();
                log::debug(format_args!("a class is not sampled: {error}"));
            }
        }
    }
}

/// Whether the VM samples allocations from now on.
fn begin(env: &Env) -> bool {
    let begun = jvmti::begin_allocations(env);
    if let Err(error) = &begun {
        log::warn(format_args!(
            "sites=jvmti: this JVM has no sampled allocations, which came with JDK 11, or another \
             agent has them ({error}): stacks of registrations are taken, as with sites=on"
        ));
    }
    begun.is_ok()
}

fn log_refusal(answer: Result<(), JvmtiError>) {
    if let Err(error) = answer {
        log::debug(format_args!("sampled allocations: {error}"));
    }
}

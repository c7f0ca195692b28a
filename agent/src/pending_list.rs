//! The VM's list of references that the collector found and the thread `Reference Handler` has
//! not taken: since when it has not been empty.
//!
//! While that thread is stuck, nothing becomes pending however many objects are dead, and what is
//! dead looks held. From JDK 9 on the VM answers `Reference.hasReferencePendingList()` under its
//! own lock; before that the list is the static field `Reference.pending`. The thread takes the
//! whole list at once (9 and later): what it is busy with is no longer on it, what came since is.

use jni::{Env, jni_sig, jni_str, objects::JClass, refs::Global, strings::JNIStr};

use crate::{
    jvmti::Environment,
    log,
    watch::{WatchError, boot_class},
};

/// What tells, from JDK 9 on.
const METHOD: &JNIStr = jni_str!("hasReferencePendingList");

/// What was seen of the list.
#[derive(Default)]
pub struct PendingList {
    asked: Option<Asked>,
    since_ms: Option<u64>,
}

/// How the class `Reference` of this JDK tells of it.
enum Asked {
    Method(Global<JClass<'static>>),
    Field(Global<JClass<'static>>),
}

impl PendingList {
    /// Looks: since when, in milliseconds since the JVM started and as far as looks tell, there
    /// has always been something on the list; `None` if there is nothing now or that can't be
    /// told. In a thread that may call Java.
    pub fn look(&mut self, env: &mut Env, jvmti: Environment, now_ms: u64) -> Option<u64> {
        let waits = self.has_references(env, jvmti).unwrap_or_else(|error| {
            env.exception_clear();
            log::debug(format_args!("the pending list can't be seen: {error}"));
            false
        });
        self.since_ms = waits.then(|| self.since_ms.unwrap_or(now_ms));
        self.since_ms
    }

    fn has_references(&mut self, env: &mut Env, jvmti: Environment) -> Result<bool, WatchError> {
        env.with_local_frame(8, |env| {
            let asked = match self.asked.take() {
                Some(asked) => asked,
                None => Asked::found(env, jvmti)?,
            };
            // After an error, of a full heap perhaps, it is looked for anew.
            let has = asked.has_references(env)?;
            self.asked = Some(asked);
            Ok(has)
        })
    }
}

impl Asked {
    fn found(env: &mut Env, jvmti: Environment) -> Result<Asked, WatchError> {
        let class = boot_class(env, jvmti, "java.lang.ref.Reference")?;
        let method = env.get_static_method_id(&class, METHOD, jni_sig!("()Z"));
        let has_method = method.is_ok();
        // A NoSuchMethodError must not stay pending.
        env.exception_clear();
        let class = env.new_global_ref(class)?;
        Ok(match has_method {
            true => Asked::Method(class),
            false => Asked::Field(class),
        })
    }

    fn has_references(&self, env: &mut Env) -> Result<bool, WatchError> {
        match self {
            Asked::Method(class) => {
                let has = env.call_static_method(class, METHOD, jni_sig!("()Z"), &[])?;
                Ok(has.z()?)
            }
            Asked::Field(class) => {
                let signature = jni_sig!("Ljava/lang/ref/Reference;");
                let first = env.get_static_field(class, jni_str!("pending"), signature)?;
                Ok(!first.l()?.as_raw().is_null())
            }
        }
    }
}

//! The VM's list of references that the collector found and the thread `Reference Handler` has
//! not taken: since when it has not been empty.
//!
//! While that thread is stuck, nothing becomes pending however many objects are dead, and what is
//! dead looks held. From JDK 9 on the VM answers `Reference.hasReferencePendingList()` under its
//! own lock; before that the list is the static field `Reference.pending`. The thread takes the
//! whole list at once (9 and later): what it is busy with is no longer on it, what came since is.

use std::mem;

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
    waiting: Option<Waiting>,
    enqueued_total: u64,
}

/// References are on the list; times in milliseconds since the JVM started, as far as looks tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Since when there has always been something on it.
    pub since_ms: u64,
    /// Since when, besides, nothing was put into the finalizer's queue. Where collections follow closely, the finds of
    /// the last one are on the list at each look, though the thread gets on.
    pub stalled_since_ms: u64,
}

/// How the class `Reference` of this JDK tells of it.
enum Asked {
    Method(Global<JClass<'static>>),
    Field(Global<JClass<'static>>),
}

impl PendingList {
    /// Looks; `None` if there is nothing on the list now or that can't be told. `enqueued_total` is how many objects
    /// the thread has put into the finalizer's queue. In a thread that may call Java.
    pub fn look(
        &mut self,
        env: &mut Env,
        jvmti: Environment,
        now_ms: u64,
        enqueued_total: u64,
    ) -> Option<Waiting> {
        let waits = self.has_references(env, jvmti).unwrap_or_else(|error| {
            env.exception_clear();
            log::debug(format_args!("the pending list can't be seen: {error}"));
            false
        });
        self.seen(now_ms, waits, enqueued_total);
        self.waiting
    }

    fn seen(&mut self, now_ms: u64, waits: bool, enqueued_total: u64) {
        let gets_on = mem::replace(&mut self.enqueued_total, enqueued_total) != enqueued_total;
        let mut waiting = self.waiting.unwrap_or(Waiting {
            since_ms: now_ms,
            stalled_since_ms: now_ms,
        });
        if gets_on {
            waiting.stalled_since_ms = now_ms;
        }
        self.waiting = waits.then_some(waiting);
    }

    /// Whether the thread has not got on for so long.
    pub fn is_behind(&self, now_ms: u64, for_ms: u64) -> bool {
        self.waiting
            .is_some_and(|waiting| now_ms >= waiting.stalled_since_ms + for_ms)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_behind_when_the_list_is_not_empty_and_nothing_gets_on() {
        let mut list = PendingList::default();
        list.seen(1000, true, 5);
        assert!(!list.is_behind(10_000, 10_000));
        assert!(list.is_behind(11_000, 10_000));
        list.seen(12_000, false, 5);
        assert!(!list.is_behind(30_000, 10_000));
    }

    #[test]
    fn a_thread_that_puts_objects_into_the_queue_gets_on() {
        let mut list = PendingList::default();
        for second in 0..60 {
            list.seen(second * 1000, true, second / 5);
            assert!(!list.is_behind(second * 1000, 10_000));
        }
        list.seen(70_000, true, 11);
        assert!(list.is_behind(70_000, 10_000));
        let since = Waiting {
            since_ms: 0,
            stalled_since_ms: 55_000,
        };
        assert_eq!(list.waiting, Some(since));
    }
}

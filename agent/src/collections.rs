//! A `gc` record for each garbage collection.
//!
//! The VM's notifications say which collector, why, and what became of the memory pools;
//! they wait in a bounded queue of the shim until the agent's own thread takes them. The
//! pauses of a collection come from the [pause clock](crate::pauses): for a concurrent
//! collector the duration of a cycle says nothing about them. On a runtime without
//! `jdk.management` each pause is a record of its own.

use std::collections::VecDeque;

use finwatch_record::{Collection, CollectionPauses, PoolChange};
use jni::{
    Env, jni_sig, jni_str,
    objects::{JClass, JObject},
    refs::Global,
};

use crate::{jvmti, pauses::Pause, shim};

/// Pauses that are remembered, to be matched with a collection that ends later.
const MAX_PAUSES: usize = 4096;

/// How far a pause may lie outside a collection and belong to it: the VM tells times in
/// whole milliseconds.
const TOLERANCE_MS: f64 = 1.5;

/// The collections of this JVM.
#[derive(Default)]
pub struct Collections {
    listener: Option<Global<JClass<'static>>>,
    pauses: VecDeque<Pause>,
    /// Pauses that no listener was there for.
    unheard: Vec<Pause>,
}

impl Collections {
    /// A pause has ended.
    pub fn pause(&mut self, pause: Pause) {
        if self.pauses.len() == MAX_PAUSES {
            self.pauses.pop_front();
        }
        self.pauses.push_back(pause);
        if self.listener.is_none() && self.unheard.len() < MAX_PAUSES {
            self.unheard.push(pause);
        }
    }

    /// Begins to listen. The last collection of each collector is told at once; what was
    /// before it, as far as pauses were seen, by [`Collections::next`] without a collector.
    ///
    /// # Errors
    /// A runtime without `jdk.management`: every pause is told without a collector.
    pub fn listen(
        &mut self,
        env: &mut Env,
        loaded_ms: f64,
    ) -> Result<Vec<Collection>, shim::ShimError> {
        let listener = shim::define_collections(env)?;
        let last = env.with_local_frame(64, |env| {
            let signature = jni_sig!("()[[Ljava/lang/Object;");
            let answer = env
                .call_static_method(&listener, jni_str!("listen"), signature, &[])?
                .l()?;
            let mut last = Vec::new();
            for flat in jvmti::object_array(env, answer)?.unwrap_or_default() {
                last.extend(self.collection(env, flat, loaded_ms)?);
            }
            Ok::<_, jni::errors::Error>(last)
        })?;
        self.listener = Some(listener);
        // Those from before the agent was loaded are not the stream's.
        let last: Vec<Collection> = last
            .into_iter()
            .filter(|each| end_ms(each) + TOLERANCE_MS >= loaded_ms)
            .collect();
        let told = |pause: &Pause| last.iter().any(|each| within(pause, loaded_ms, each));
        self.unheard.retain(|pause| !told(pause));
        Ok(last)
    }

    /// Everything that has ended since the last call. `loaded_ms` is the JVM's uptime at
    /// the time that the pauses count from.
    pub fn take(&mut self, env: &mut Env, loaded_ms: f64) -> jni::errors::Result<Vec<Collection>> {
        let mut ended: Vec<Collection> = self
            .unheard
            .drain(..)
            .map(|pause| alone(&pause, loaded_ms))
            .collect();
        let Some(listener) = self.listener.take() else {
            return Ok(ended);
        };
        let outcome = self.drain(env, &listener, loaded_ms, &mut ended);
        self.listener = Some(listener);
        outcome.map(|()| ended)
    }

    fn drain(
        &mut self,
        env: &mut Env,
        listener: &JClass,
        loaded_ms: f64,
        ended: &mut Vec<Collection>,
    ) -> jni::errors::Result<()> {
        loop {
            let next = env.with_local_frame(16, |env| {
                let signature = jni_sig!("()[Ljava/lang/Object;");
                let flat = env
                    .call_static_method(listener, jni_str!("next"), signature, &[])?
                    .l()?;
                self.collection(env, flat, loaded_ms)
            })?;
            match next {
                Some(collection) => ended.push(collection),
                None => break,
            }
        }
        let lost = env
            .call_static_method(listener, jni_str!("lost"), jni_sig!("()J"), &[])?
            .j()?;
        if lost > 0 {
            crate::log::warn(format_args!(
                "{lost} collections are missing from the stream: they came faster than they were read"
            ));
        }
        Ok(())
    }

    fn collection<'local>(
        &self,
        env: &mut Env<'local>,
        flat: JObject<'local>,
        loaded_ms: f64,
    ) -> jni::errors::Result<Option<Collection>> {
        let Some(parts) = jvmti::object_array(env, flat)? else {
            return Ok(None);
        };
        let mut parts = parts.into_iter();
        let mut next = || parts.next().unwrap_or_default();
        let (collector, action, cause) = (next(), next(), next());
        let (numbers, pools, used) = (next(), next(), next());
        let numbers = jvmti::long_array(env, numbers)?;
        let number = |index: usize| numbers.get(index).copied().unwrap_or(0).max(0) as u64;
        let pools = jvmti::string_array(env, pools)?;
        let used = jvmti::long_array(env, used)?;
        let mut collection = Collection {
            collector: jvmti::java_string(env, collector)?,
            action: jvmti::java_string(env, action)?,
            cause: jvmti::java_string(env, cause)?,
            id: Some(number(0)),
            start_uptime_ms: number(1),
            duration_ms: number(2) as f64,
            pauses: CollectionPauses::default(),
            pools: pools
                .into_iter()
                .zip(used.chunks_exact(2))
                .map(pool_change)
                .collect(),
        };
        collection.pauses = self.pauses_within(&collection, loaded_ms);
        Ok(Some(collection))
    }

    fn pauses_within(&self, collection: &Collection, loaded_ms: f64) -> CollectionPauses {
        let inside = self
            .pauses
            .iter()
            .filter(|pause| within(pause, loaded_ms, collection));
        inside.fold(CollectionPauses::default(), |sum, pause| CollectionPauses {
            count: sum.count + 1,
            total_ms: sum.total_ms + millis(pause.duration_us),
        })
    }
}

fn pool_change((name, used): (String, &[i64])) -> PoolChange {
    PoolChange {
        name,
        before_bytes: used[0].max(0) as u64,
        after_bytes: used[1].max(0) as u64,
    }
}

/// A pause that no collector accounts for.
fn alone(pause: &Pause, loaded_ms: f64) -> Collection {
    let duration_ms = millis(pause.duration_us);
    Collection {
        collector: None,
        action: None,
        cause: None,
        id: None,
        start_uptime_ms: (loaded_ms + millis(pause.start_us)) as u64,
        duration_ms,
        pauses: CollectionPauses {
            count: 1,
            total_ms: duration_ms,
        },
        pools: Vec::new(),
    }
}

fn end_ms(collection: &Collection) -> f64 {
    collection.start_uptime_ms as f64 + collection.duration_ms
}

/// Whether the middle of a pause lies within a collection.
fn within(pause: &Pause, loaded_ms: f64, collection: &Collection) -> bool {
    let middle = loaded_ms + millis(pause.start_us) + millis(pause.duration_us) / 2.0;
    let start = collection.start_uptime_ms as f64 - TOLERANCE_MS;
    (start..=end_ms(collection) + TOLERANCE_MS).contains(&middle)
}

/// Microseconds as milliseconds.
pub fn millis(us: u64) -> f64 {
    us as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_belongs_to_the_collection_that_its_middle_lies_in() {
        let pause = Pause {
            start_us: 10_000,
            duration_us: 4_000,
        };
        let collection = |start, duration| Collection {
            start_uptime_ms: start,
            duration_ms: duration,
            ..alone(&pause, 0.0)
        };
        assert!(within(&pause, 100.0, &collection(110, 4.0)));
        assert!(within(&pause, 100.0, &collection(50, 500.0)));
        assert!(!within(&pause, 100.0, &collection(120, 4.0)));
        assert!(!within(&pause, 100.0, &collection(100, 4.0)));
    }

    #[test]
    fn without_a_listener_every_pause_is_told_by_itself() {
        let mut collections = Collections::default();
        collections.pause(Pause {
            start_us: 1_500,
            duration_us: 2_250,
        });
        let told = alone(&collections.unheard[0], 10.0);
        assert_eq!((told.start_uptime_ms, told.duration_ms), (11, 2.25));
    }
}

//! A `gc` record for each garbage collection.
//!
//! The VM's notifications say which collector, why, and what became of the memory pools;
//! they wait in a bounded queue of the shim until the agent's own thread takes them. The
//! pauses of a collection come from the [pause clock](crate::pauses): for a concurrent
//! collector the duration of a cycle says nothing about them. On a runtime without
//! `jdk.management` each pause is a record of its own.

use std::{cmp::Ordering, collections::VecDeque};

use finwatch_record::{Collection, CollectionPauses, PoolChange};
use jni::{
    Env, jni_sig, jni_str,
    objects::{JClass, JObject},
    refs::Global,
};

use crate::{
    jvmti::{self, Environment},
    pauses::Pause,
    shim,
};

/// Pauses that are remembered, to be matched with a collection that ends later.
const MAX_PAUSES: usize = 4096;

/// How far a pause may lie outside a collection and belong to it: the VM tells all times in
/// whole milliseconds.
const TOLERANCE_MS: f64 = 2.5;

/// Where the clocks of this JVM stand to each other, in milliseconds of its uptime.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Times {
    /// When the agent was loaded, which pauses count from.
    pub loaded_ms: f64,
    /// When the VM was ready, which its times of collections count from.
    pub ready_ms: u64,
}

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
        jvmti: Environment,
        times: Times,
    ) -> Result<Vec<Collection>, shim::ShimError> {
        let listener = shim::define_collections(env, jvmti)?;
        let last = env.with_local_frame(64, |env| {
            let signature = jni_sig!("()[[Ljava/lang/Object;");
            let answer = env
                .call_static_method(&listener, jni_str!("listen"), signature, &[])?
                .l()?;
            let mut last = Vec::new();
            for flat in jvmti::object_array(env, answer)?.unwrap_or_default() {
                last.extend(collection(env, flat, times)?);
            }
            Ok::<_, jni::errors::Error>(last)
        })?;
        self.listener = Some(listener);
        // Those from before the agent was loaded are not the stream's.
        let last: Vec<Collection> = last
            .into_iter()
            .filter(|each| end_ms(each) + TOLERANCE_MS >= times.loaded_ms)
            .collect();
        let told = |pause: &Pause| last.iter().any(|each| within(pause, times, each));
        self.unheard.retain(|pause| !told(pause));
        Ok(last)
    }

    /// Stops listening. What has ended and was not [taken](Collections::take) is forgotten.
    ///
    /// # Errors
    /// The listener stays, in a queue that drops what is too much.
    pub fn ignore(&mut self, env: &mut Env) -> jni::errors::Result<()> {
        self.pauses.clear();
        self.unheard.clear();
        if let Some(listener) = self.listener.take() {
            env.call_static_method(&listener, jni_str!("ignore"), jni_sig!("()V"), &[])?;
        }
        Ok(())
    }

    /// Everything that has ended since the last call.
    pub fn take(&mut self, env: &mut Env, times: Times) -> jni::errors::Result<Vec<Collection>> {
        let mut ended: Vec<Collection> = self
            .unheard
            .drain(..)
            .map(|pause| alone(&pause, times))
            .collect();
        let Some(listener) = self.listener.take() else {
            return Ok(ended);
        };
        let outcome = self.drain(env, &listener, times, &mut ended);
        self.listener = Some(listener);
        outcome.map(|()| ended)
    }

    fn drain(
        &mut self,
        env: &mut Env,
        listener: &JClass,
        times: Times,
        ended: &mut Vec<Collection>,
    ) -> jni::errors::Result<()> {
        loop {
            let next = env.with_local_frame(16, |env| {
                let signature = jni_sig!("()[Ljava/lang/Object;");
                let flat = env
                    .call_static_method(listener, jni_str!("next"), signature, &[])?
                    .l()?;
                collection(env, flat, times)
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

    /// Adds to collections the pauses within them. To be called when every pause that
    /// ended before they were [taken](Collections::take) has been passed on.
    pub fn match_pauses(&self, ended: &mut [Collection], times: Times) {
        for collection in ended.iter_mut().filter(|each| each.collector.is_some()) {
            collection.pauses = pauses_of(&self.pauses, collection, times);
        }
    }
}

fn collection<'local>(
    env: &mut Env<'local>,
    flat: JObject<'local>,
    times: Times,
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
    Ok(Some(Collection {
        collector: jvmti::java_string(env, collector)?,
        action: jvmti::java_string(env, action)?,
        cause: jvmti::java_string(env, cause)?,
        id: Some(number(0)),
        start_uptime_ms: times.ready_ms + number(1),
        duration_ms: number(2) as f64,
        pauses: CollectionPauses::default(),
        pools: pools
            .into_iter()
            .zip(used.chunks_exact(2))
            .map(pool_change)
            .collect(),
    }))
}

/// Collections follow each other faster than the VM's whole milliseconds tell apart. Those
/// that are one pause have the one that their middle lies in or next to, which two may
/// share (Parallel's `System.gc()`); only cycles of a concurrent collector have several.
fn pauses_of(pauses: &VecDeque<Pause>, collection: &Collection, times: Times) -> CollectionPauses {
    let chosen: Vec<&Pause> = if is_cycle(collection) {
        let inside = |pause: &&Pause| within(pause, times, collection);
        pauses.iter().filter(inside).collect()
    } else {
        let middle = collection.start_uptime_ms as f64 + collection.duration_ms / 2.0;
        let apart = |pause: &Pause| {
            let from_middle = (middle_ms(pause, times) - middle).abs();
            let from_edge = (from_middle - millis(pause.duration_us) / 2.0).max(0.0);
            (from_edge, from_middle)
        };
        let farthest = collection.duration_ms / 2.0 + TOLERANCE_MS;
        pauses
            .iter()
            .filter(|pause| apart(pause).0 <= farthest)
            .min_by(|a, b| apart(a).partial_cmp(&apart(b)).unwrap_or(Ordering::Equal))
            .into_iter()
            .collect()
    };
    CollectionPauses {
        count: chosen.len() as u64,
        total_ms: millis(chosen.iter().map(|pause| pause.duration_us).sum()),
    }
}

/// By the names of the collectors' beans: `ZGC Major Cycles`, `Shenandoah Cycles`,
/// `G1 Concurrent GC`, `ConcurrentMarkSweep`. Everything else, `ZGC Pauses` too, is one pause.
fn is_cycle(collection: &Collection) -> bool {
    let name = collection.collector.as_deref().unwrap_or_default();
    name.ends_with(" Cycles") || name.contains("Concurrent")
}

fn pool_change((name, used): (String, &[i64])) -> PoolChange {
    PoolChange {
        name,
        before_bytes: used[0].max(0) as u64,
        after_bytes: used[1].max(0) as u64,
    }
}

/// A pause that no collector accounts for.
fn alone(pause: &Pause, times: Times) -> Collection {
    let duration_ms = millis(pause.duration_us);
    Collection {
        collector: None,
        action: None,
        cause: None,
        id: None,
        start_uptime_ms: (times.loaded_ms + millis(pause.start_us)) as u64,
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
fn within(pause: &Pause, times: Times, collection: &Collection) -> bool {
    let middle = middle_ms(pause, times);
    let start = collection.start_uptime_ms as f64 - TOLERANCE_MS;
    (start..=end_ms(collection) + TOLERANCE_MS).contains(&middle)
}

fn middle_ms(pause: &Pause, times: Times) -> f64 {
    times.loaded_ms + millis(pause.start_us) + millis(pause.duration_us) / 2.0
}

/// Microseconds as milliseconds.
pub fn millis(us: u64) -> f64 {
    us as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded_at(loaded_ms: f64) -> Times {
        Times {
            loaded_ms,
            ready_ms: 0,
        }
    }

    #[test]
    fn a_pause_belongs_to_the_collection_that_its_middle_lies_in() {
        let pause = Pause {
            start_us: 10_000,
            duration_us: 4_000,
        };
        let collection = |start, duration| Collection {
            start_uptime_ms: start,
            duration_ms: duration,
            ..alone(&pause, Times::default())
        };
        assert!(within(&pause, loaded_at(100.0), &collection(110, 4.0)));
        assert!(within(&pause, loaded_at(100.0), &collection(50, 500.0)));
        assert!(!within(&pause, loaded_at(100.0), &collection(120, 4.0)));
        assert!(!within(&pause, loaded_at(100.0), &collection(100, 4.0)));
    }

    #[test]
    fn one_pause_has_the_nearest_and_a_cycle_all_within() {
        let pause = |start_us| Pause {
            start_us,
            duration_us: 1_000,
        };
        let pauses = VecDeque::from([pause(8_000), pause(10_000), pause(12_000)]);
        let collection = |name: &str| Collection {
            collector: Some(name.to_owned()),
            start_uptime_ms: 10,
            duration_ms: 1.0,
            ..alone(&pause(0), Times::default())
        };
        for (name, count) in [
            ("G1 Young Generation", 1),
            ("PS MarkSweep", 1),
            ("ZGC Pauses", 1),
            ("ZGC Major Cycles", 3),
            ("ConcurrentMarkSweep", 3),
        ] {
            let found = pauses_of(&pauses, &collection(name), Times::default());
            assert_eq!(found.count, count, "{name}");
            assert_eq!(found.total_ms, count as f64, "{name}");
        }
    }

    #[test]
    fn two_collections_in_one_pause_both_have_it() {
        let pauses = VecDeque::from([Pause {
            start_us: 100_000,
            duration_us: 30_000,
        }]);
        for (name, start_uptime_ms, duration_ms) in
            [("PS Scavenge", 100, 19.0), ("PS MarkSweep", 119, 11.0)]
        {
            let collection = Collection {
                collector: Some(name.to_owned()),
                start_uptime_ms,
                duration_ms,
                ..alone(&pauses[0], Times::default())
            };
            let found = pauses_of(&pauses, &collection, Times::default());
            assert_eq!((found.count, found.total_ms), (1, 30.0), "{name}");
        }
    }

    #[test]
    fn a_collection_has_the_pause_around_it_and_not_a_shorter_one_whose_middle_is_nearer() {
        let around = Pause {
            start_us: 60_000,
            duration_us: 60_000,
        };
        let beside = Pause {
            start_us: 121_000,
            duration_us: 2_000,
        };
        let collection = Collection {
            collector: Some("PS MarkSweep".to_owned()),
            start_uptime_ms: 110,
            duration_ms: 8.0,
            ..alone(&around, Times::default())
        };
        for pauses in [[around, beside], [beside, around]] {
            let found = pauses_of(&pauses.into(), &collection, Times::default());
            assert_eq!((found.count, found.total_ms), (1, 60.0));
        }
    }

    #[test]
    fn the_last_pauses_are_remembered_for_a_collection_that_ends_later() {
        let pause = |start_ms: u64| Pause {
            start_us: start_ms * 1000,
            duration_us: 500,
        };
        let mut collections = Collections::default();
        for start_ms in 1..=MAX_PAUSES as u64 + 10 {
            collections.pause(pause(start_ms));
        }
        assert_eq!(collections.pauses.len(), MAX_PAUSES);
        assert_eq!(collections.unheard.len(), MAX_PAUSES);
        let cycle = |collector: Option<&str>| Collection {
            collector: collector.map(str::to_owned),
            start_uptime_ms: MAX_PAUSES as u64,
            duration_ms: 20.0,
            ..alone(&pause(1), Times::default())
        };
        let mut ended = [cycle(Some("ZGC Major Cycles")), cycle(None)];
        collections.match_pauses(&mut ended, Times::default());
        // Up to the tolerance before its begin.
        assert_eq!(ended[0].pauses.count, 13);
        assert_eq!(ended[1].pauses.count, 1, "what is a pause by itself");
    }

    #[test]
    fn without_a_listener_every_pause_is_told_by_itself() {
        let mut collections = Collections::default();
        collections.pause(Pause {
            start_us: 1_500,
            duration_us: 2_250,
        });
        let told = alone(&collections.unheard[0], loaded_at(10.0));
        assert_eq!((told.start_uptime_ms, told.duration_ms), (11, 2.25));
    }
}

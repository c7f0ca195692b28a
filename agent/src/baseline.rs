//! Counts once what was registered before the hooks went in, or while they were out.
//!
//! One walk along the chain `Finalizer.unfinalized` with the application stopped; at its
//! first step the counters are read, so that both say what was true at the same moment,
//! to within the threads that stood between a hook and the chain.

use std::time::{Duration, Instant};

use jni::{
    Env, jni_sig, jni_str,
    objects::{JClass, JObject},
};

use crate::{
    jvmti::{Edge, EdgeKind, Environment, HeapWalk, JvmtiError, Visit},
    ledger::{Baseline, Counted, Ledger, SLOTS},
    shim::Shim,
};

/// Tags of classes are their number plus this; below are the tags with a meaning.
const FIRST_CLASS: i64 = 16;
const FINALIZER: i64 = 1;
const QUEUE: i64 = 2;
const ENQUEUED: i64 = 3;

/// Why the chain could not be counted.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The VM refused the walk.
    #[error(transparent)]
    Jvmti(#[from] JvmtiError),
    /// A class or field of `java.lang.ref` is not where it is on every JDK that is known.
    #[error("java.lang.ref is not as expected: {0}")]
    Jni(#[from] jni::errors::Error),
}

/// What a walk found.
pub struct Found {
    /// For each slot: what must be added to what the hooks counted.
    pub baselines: Vec<(usize, Baseline)>,
    /// Objects on the chain.
    pub objects: u64,
    /// How long the application was stopped, as seen from outside.
    pub pause: Duration,
}

/// The chain's objects of one class.
#[derive(Debug, Clone, Copy, Default)]
struct OnChain {
    registered: u64,
    pending: u64,
}

/// Walks the chain. In a thread that may use JNI, never in a callback.
pub fn take(
    env: &mut Env,
    jvmti: Environment,
    ledger: Ledger,
    shim: &Shim,
    finalizer: &JClass,
    reference_queue: &JClass,
) -> Result<Found, BaselineError> {
    let walk = HeapWalk::new(jvmti, env)?;
    // A local reference for each loaded class lives in this frame.
    let classes = jvmti.loaded_classes(env)?;
    for (number, class) in classes.iter().enumerate() {
        walk.tag(class, FIRST_CLASS + number as i64)?;
    }
    let enqueued = enqueued_mark(env, reference_queue)?;
    let mark_class = env.get_object_class(&enqueued)?;
    let queue_class = class_of_queue(env, finalizer)?;
    for (object, tag) in [
        (reference_queue as &JObject, QUEUE),
        (&mark_class, QUEUE),
        (&queue_class, QUEUE),
        (finalizer, FINALIZER),
        (&enqueued, ENQUEUED),
    ] {
        walk.tag(object, tag)?;
    }
    let mut chain = Chain::new(ledger, classes.len());
    let begin = Instant::now();
    walk.follow(finalizer, &mut |edge| chain.step(edge))?;
    let pause = begin.elapsed();
    let mut found = vec![OnChain::default(); SLOTS];
    for (class, on_chain) in classes.iter().zip(&chain.of_class) {
        if on_chain.registered > 0 {
            let slot = &mut found[shim.slot_of(env, class)?.min(SLOTS - 1)];
            slot.registered += on_chain.registered;
            slot.pending += on_chain.pending;
        }
    }
    let objects = found.iter().map(|slot| slot.registered).sum();
    Ok(Found {
        baselines: chain.compare(&found),
        objects,
        pause,
    })
}

/// `ReferenceQueue.ENQUEUED`: the value of `Reference.queue` while it waits in a queue.
fn enqueued_mark<'local>(
    env: &mut Env<'local>,
    reference_queue: &JClass,
) -> jni::errors::Result<JObject<'local>> {
    let signature = jni_sig!("Ljava/lang/ref/ReferenceQueue;");
    env.get_static_field(reference_queue, jni_str!("ENQUEUED"), signature)?
        .l()
}

/// The class of `Finalizer.queue`: from JDK 21 on a subclass, `NativeReferenceQueue`.
fn class_of_queue<'local>(
    env: &mut Env<'local>,
    finalizer: &JClass,
) -> jni::errors::Result<JClass<'local>> {
    let signature = jni_sig!("Ljava/lang/ref/ReferenceQueue;");
    let queue = env
        .get_static_field(finalizer, jni_str!("queue"), signature)?
        .l()?;
    env.get_object_class(&queue)
}

/// The walk's state. Edges of one Finalizer come one after the other, its `referent`
/// before its `queue` (JVMTI numbers fields from `Reference` down).
struct Chain {
    ledger: Ledger,
    counted: Vec<Counted>,
    of_class: Vec<OnChain>,
    referent: Option<usize>,
}

impl Chain {
    fn new(ledger: Ledger, classes: usize) -> Chain {
        let of_class = vec![OnChain::default(); classes];
        Chain {
            ledger,
            counted: Vec::with_capacity(SLOTS),
            of_class,
            referent: None,
        }
    }

    fn step(&mut self, edge: Edge) -> Visit {
        if self.counted.is_empty() {
            self.counted
                .extend((0..SLOTS).map(|slot| self.ledger.counted(slot)));
        }
        match (edge.kind, edge.class_tag) {
            (EdgeKind::Field | EdgeKind::StaticField, FINALIZER) => Visit::Follow,
            (EdgeKind::Field, QUEUE) => {
                if let (Some(class), ENQUEUED) = (self.referent.take(), edge.tag) {
                    self.of_class[class].pending += 1;
                }
                Visit::Pass
            }
            (EdgeKind::Field, tag) if tag >= FIRST_CLASS => {
                let class = (tag - FIRST_CLASS) as usize;
                if let Some(on_chain) = self.of_class.get_mut(class) {
                    on_chain.registered += 1;
                    self.referent = Some(class);
                }
                Visit::Pass
            }
            _ => Visit::Pass,
        }
    }

    /// For each slot what is on the chain less what the counters say is.
    fn compare(&self, found: &[OnChain]) -> Vec<(usize, Baseline)> {
        let difference = |slot: usize| {
            let counted = self.counted.get(slot).copied().unwrap_or_default();
            let is = |count: u64| count as i64 - counted.started as i64;
            Baseline {
                registered: found[slot].registered as i64 - is(counted.registered),
                enqueued: found[slot].pending as i64 - is(counted.enqueued),
            }
        };
        (0..SLOTS)
            .map(|slot| (slot, difference(slot)))
            .filter(|(_, baseline)| *baseline != Baseline::default())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(kind: EdgeKind, class_tag: i64, tag: i64) -> Edge {
        Edge {
            kind,
            class_tag,
            tag,
        }
    }

    #[test]
    fn a_finalizer_is_counted_by_its_referent_and_pending_by_its_queue() {
        let mut chain = Chain::new(Ledger::allocate(), 2);
        let edges = [
            edge(EdgeKind::StaticField, FINALIZER, 0),
            edge(EdgeKind::Field, FIRST_CLASS + 1, 0),
            edge(EdgeKind::Field, QUEUE, ENQUEUED),
            edge(EdgeKind::Field, FINALIZER, 0),
            edge(EdgeKind::Field, FIRST_CLASS + 1, 0),
            edge(EdgeKind::Field, QUEUE, 0),
            // A cleared referent: its queue must not be taken for the one before.
            edge(EdgeKind::Field, QUEUE, ENQUEUED),
            edge(EdgeKind::Other, FIRST_CLASS, 0),
        ];
        let visits: Vec<Visit> = edges.into_iter().map(|edge| chain.step(edge)).collect();
        assert_eq!(
            visits
                .iter()
                .filter(|visit| **visit == Visit::Follow)
                .count(),
            2
        );
        assert_eq!(
            (chain.of_class[1].registered, chain.of_class[1].pending),
            (2, 1)
        );
        assert_eq!(chain.of_class[0].registered, 0);
    }
}

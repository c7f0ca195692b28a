//! Counts once what was registered before the hooks went in, or while they were out.
//!
//! The shim walks the chain `Finalizer.unfinalized` and `Finalizer.queue`, each under its own
//! lock: nothing else of the application waits. What a walk finds is compared with what the
//! hooks have counted at its end, and the difference is the baseline. It is exact to within
//! the threads that stand, at that moment, between an end of the chain and a hook, or are in
//! `Finalizer.register` as it was before.

use std::{thread, time::Duration};

use jni::{Env, jni_str, objects::JClass, strings::JNIStr};

use crate::{
    ledger::{Baseline, Ledger, SLOTS},
    shim::Shim,
};

/// Threads that were in the old `Finalizer.register` leave it in this time, if they run at all.
const SETTLING: Duration = Duration::from_millis(20);

/// Walks again after one in which the class of an object could not be told, because a
/// concurrent collector was just finding out whether it lives.
const MOST_RETRIES: u32 = 5;

/// Between two walks.
const PATIENCE: Duration = Duration::from_millis(50);

/// Why the chain could not be counted.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// A field of `java.lang.ref` is not where it is on every JDK that is known.
    #[error("java.lang.ref is not as expected: {0}")]
    Jni(#[from] jni::errors::Error),
    /// The shim's answer is not of the form that was agreed.
    #[error("the shim answered with {0} numbers")]
    Answer(usize),
}

/// What the walks found.
pub struct Found {
    /// For each slot: what must be added to what the hooks counted.
    pub baselines: Vec<(usize, Baseline)>,
    /// Objects on the chain.
    pub objects: u64,
    /// How long whoever wanted to register something had to wait, at most.
    pub pause: Duration,
}

/// One walk.
struct Walk {
    /// How long its lock was held.
    held: Duration,
    /// Objects whose class could not be told.
    unknown: i64,
    /// Numbers of objects that were found, for each slot.
    found: Vec<i64>,
    /// How many the hooks think are there.
    counted: Vec<i64>,
}

/// Walks. In a thread that may use JNI and wait a little, never in a callback. `settle` is
/// for when the application was running before the hooks went in.
pub fn take(
    env: &mut Env,
    shim: &Shim,
    finalizer: &JClass,
    settle: bool,
) -> Result<Found, BaselineError> {
    if settle {
        thread::sleep(SETTLING);
    }
    let chain = walk(env, shim, finalizer, jni_str!("registered"))?;
    let queue = walk(env, shim, finalizer, jni_str!("pending"))?;
    let baselines = (0..SLOTS)
        .map(|slot| (slot, difference(&chain, &queue, slot)))
        .filter(|(_, baseline)| *baseline != Baseline::default());
    Ok(Found {
        baselines: baselines.collect(),
        objects: (chain.found.iter().sum::<i64>() + chain.unknown) as u64,
        pause: chain.held,
    })
}

/// As if nothing were there: what the hooks counted before they were taken out has gone unseen since, or may still go.
pub fn of_none(ledger: Ledger) -> impl Iterator<Item = (usize, Baseline)> {
    (0..SLOTS)
        .map(move |slot| (slot, ledger.counted(slot).emptied()))
        .filter(|(_, baseline)| *baseline != Baseline::default())
}

fn difference(chain: &Walk, queue: &Walk, slot: usize) -> Baseline {
    let missing = |walk: &Walk| walk.found[slot] - walk.counted[slot];
    Baseline {
        registered: missing(chain),
        enqueued: missing(queue),
    }
}

fn walk(
    env: &mut Env,
    shim: &Shim,
    finalizer: &JClass,
    which: &JNIStr,
) -> Result<Walk, BaselineError> {
    let mut walk = Walk::of(&shim.walk(env, finalizer, which)?)?;
    for _ in 0..MOST_RETRIES {
        if walk.unknown == 0 {
            break;
        }
        thread::sleep(PATIENCE);
        let longest = walk.held;
        walk = Walk::of(&shim.walk(env, finalizer, which)?)?;
        walk.held = walk.held.max(longest);
    }
    Ok(walk)
}

impl Walk {
    fn of(numbers: &[i64]) -> Result<Walk, BaselineError> {
        let [nanos, unknown, slots @ ..] = numbers else {
            return Err(BaselineError::Answer(numbers.len()));
        };
        if slots.len() != 3 * SLOTS {
            return Err(BaselineError::Answer(numbers.len()));
        }
        let (found, counted) = slots.split_at(SLOTS);
        let (began, ended) = counted.split_at(SLOTS);
        Ok(Walk {
            held: Duration::from_nanos(u64::try_from(*nanos).unwrap_or(0)),
            unknown: *unknown,
            found: found.to_vec(),
            counted: began.iter().zip(ended).map(|(a, b)| a - b).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers before those of the slots: `FinwatchChain.HEAD`.
    const HEAD: usize = 2;

    fn walk(found: i64, began: i64, ended: i64) -> Walk {
        let mut numbers = vec![0; HEAD + 3 * SLOTS];
        numbers[HEAD + 7] = found;
        numbers[HEAD + SLOTS + 7] = began;
        numbers[HEAD + 2 * SLOTS + 7] = ended;
        Walk::of(&numbers).unwrap()
    }

    #[test]
    fn what_the_hooks_did_not_see_is_the_baseline() {
        let baseline = difference(&walk(10, 5, 2), &walk(4, 3, 2), 7);
        assert_eq!((baseline.registered, baseline.enqueued), (7, 3));
        // Registered before and finalized since: the end was seen alone.
        let baseline = difference(&walk(0, 5, 8), &walk(0, 8, 8), 7);
        assert_eq!((baseline.registered, baseline.enqueued), (3, 0));
        assert_eq!(
            difference(&walk(3, 5, 2), &walk(0, 2, 2), 7),
            Baseline::default()
        );
    }

    #[test]
    fn an_answer_of_another_form_is_refused() {
        assert!(Walk::of(&[]).is_err());
        assert!(Walk::of(&[0; HEAD + 3 * SLOTS - 1]).is_err());
    }

    #[test]
    fn the_numbers_are_those_of_the_shim() {
        let chain = include_str!("../../java-shim/src/java/lang/ref/FinwatchChain.java");
        assert!(chain.contains(&format!("int HEAD = {HEAD};")));
    }
}

//! Who is registered for finalization, by class: what the Finalizers and their chain come to.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::classes::ClassNumber;
use crate::classify::Objects;
use crate::columns::Bits;
use crate::finalizers::{DANGLING, FinalizerRow, NULL, QueueState, Rows};

/// Finalizable objects, counted by what is to happen to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not taken from the queue.
    pub registered: u64,
    /// Of these, waiting in the finalizer queue.
    pub pending: u64,
    /// Taken from the queue: inside `finalize()`, or about to be.
    pub running: u64,
}

/// All objects that a Finalizer refers to.
#[derive(Debug)]
pub struct Registry {
    /// Counts per class.
    pub classes: HashMap<ClassNumber, Counts, RandomState>,
    /// Distinct objects per class: one may be registered twice.
    pub distinct: HashMap<ClassNumber, u64, RandomState>,
    /// All counts together.
    pub total: Counts,
    /// The objects.
    pub referents: Bits,
    /// Those that wait in the queue or were taken from it.
    pub unreachable: Bits,
    /// All Finalizers.
    pub finalizers: Bits,
}

impl Registry {
    /// Counts them.
    pub fn new(rows: &Rows, objects: &Objects, count: usize) -> Registry {
        let mut registry = Registry {
            classes: HashMap::default(),
            distinct: HashMap::default(),
            total: Counts::default(),
            referents: Bits::new(count),
            unreachable: Bits::new(count),
            finalizers: Bits::new(count),
        };
        for row in rows.iter() {
            registry.finalizers.set(row.number);
            if row.referent != NULL && row.referent != DANGLING {
                registry.add(&row, objects.classes.get(row.referent));
            }
        }
        registry
    }

    /// A Finalizer leaves the chain after it was taken from the queue, so the queue tells how far it has come; also where
    /// a part of the chain is missing.
    fn add(&mut self, row: &FinalizerRow, class: ClassNumber) {
        let counts = self.classes.entry(class).or_default();
        for counts in [counts, &mut self.total] {
            match row.queue {
                QueueState::Active => counts.registered += 1,
                QueueState::Enqueued => {
                    counts.registered += 1;
                    counts.pending += 1;
                }
                QueueState::Taken => counts.running += 1,
            }
        }
        if row.queue != QueueState::Active {
            self.unreachable.set(row.referent);
        }
        if self.referents.set(row.referent) {
            *self.distinct.entry(class).or_default() += 1;
        }
    }
}

//! Finalizable objects that a rule picks, counted by class.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::classes::ClassNumber;
use crate::holders::Step;
use crate::rules::Case;

/// How many objects of each class; classes with none are not there.
#[derive(Debug, Default)]
pub(super) struct ByClass {
    counts: HashMap<ClassNumber, u64, RandomState>,
}

impl ByClass {
    /// Those that are held at these steps.
    pub(super) fn at(steps: &[&Step]) -> ByClass {
        let mut held = ByClass::default();
        for step in steps {
            held.add(step.class, step.found);
        }
        held
    }

    /// So many more of a class.
    pub(super) fn add(&mut self, class: ClassNumber, count: u64) {
        if count > 0 {
            *self.counts.entry(class).or_default() += count;
        }
    }

    /// Of a class.
    pub(super) fn of(&self, class: ClassNumber) -> u64 {
        self.counts.get(&class).copied().unwrap_or(0)
    }

    /// Of each class no more than the other has.
    pub(super) fn at_most(&self, other: &ByClass) -> ByClass {
        let mut least = ByClass::default();
        for (&class, &count) in &self.counts {
            least.add(class, count.min(other.of(class)));
        }
        least
    }

    /// Of all classes.
    pub(super) fn sum(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The name of the class with most; `None` where there are none.
    pub(super) fn most(&self, case: &Case<'_>) -> Option<String> {
        let counts = self.counts.iter();
        let most = counts.max_by_key(|&(&class, &count)| (count, class));
        most.map(|(&class, _)| case.finder.classes.get(class).name.clone())
    }

    /// How many classes.
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }
}

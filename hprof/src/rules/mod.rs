//! What the answer means: rules that look at the fields of the objects on the way and say, in a sentence each, what
//! was found and what to do.

mod by_class;
mod collection;
mod each_other;
mod finalizer_thread;
mod loader;
mod tasks;
mod thread_locals;
mod virtual_threads;

use crate::addresses::Number;
use crate::answer::ClassFacts;
use crate::classes::ClassNumber;
use crate::classify::Objects;
use crate::condition::Gap;
use crate::error::Error;
use crate::fetch::Fetcher;
use crate::graph::Graph;
use crate::holders::{Paths, Step};
use crate::layout::Finder;
use crate::loaders::Loaders;
use crate::path::{Holders, Told};
use crate::registry::{Counts, Registry};
use crate::retained::{Amount, Retained};
use crate::rules::by_class::ByClass;
use crate::threads::Threads;

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: &'static str,
    /// The class of finalizable objects that it is about.
    pub class: Option<String>,
    /// How many finalizable objects it explains.
    pub count: u64,
    /// The numbers that it rests on, by name.
    pub evidence: Vec<(&'static str, u64)>,
    /// The fields that were read, `Class.field`.
    pub fields_read: Vec<String>,
    /// What was found.
    pub text: String,
    /// What to do.
    pub advice: &'static str,
}

/// Everything that the rules may look at.
pub(crate) struct Case<'a> {
    pub finder: Finder<'a>,
    pub fetcher: Fetcher<'a>,
    pub told: &'a Told<'a>,
    pub graph: &'a Graph,
    pub objects: &'a Objects,
    pub registry: &'a Registry,
    pub paths: &'a Paths,
    pub retained: &'a Retained,
    pub loaders: &'a Loaders,
    pub threads: &'a Threads,
    pub total: Counts,
    pub heap: Amount,
    /// All classes of finalizable objects.
    pub facts: &'a [ClassFacts],
    /// Of the first of these classes, in the same order.
    pub holders: &'a [Holders],
    /// What the dump does not tell.
    pub gap: Option<Gap>,
    pub made_ms: u64,
}

/// A healthy JVM has some dozens of finalizable objects of the JDK's own, and somebody holds them: an open file, a native
/// library in `ClassLoader.systemNativeLibraries`. A rule about who holds objects has nothing to say of fewer than this
/// that keep less than [`MUCH_PERCENT`] alive.
const MANY: u64 = 100;
/// Of the heap.
const MUCH_PERCENT: u64 = 1;

/// Whether so much memory is worth a word.
pub(crate) fn is_much(bytes: u64, heap: Amount) -> bool {
    bytes.saturating_mul(100) >= heap.bytes.saturating_mul(MUCH_PERCENT).max(1)
}

/// All findings, those that explain most objects first.
pub(crate) fn findings(case: &Case<'_>) -> Result<Vec<Finding>, Error> {
    let mut found = tasks::find(case)?;
    found.extend(thread_locals::find(case));
    found.extend(collection::find(case)?);
    found.extend(finalizer_thread::find(case));
    // These say that nobody else holds something.
    if case.gap.is_none() {
        found.extend(loader::find(case));
        found.extend(each_other::find(case));
        found.extend(virtual_threads::find(case)?);
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.count));
    Ok(found)
}

impl Case<'_> {
    /// The class with this name that the boot loader defined, where it has instances.
    fn class(&self, name: &str) -> Option<ClassNumber> {
        let class = self.finder.classes.of_boot_loader(name)?;
        (self.finder.classes.get(class).instances > 0).then_some(class)
    }

    /// All objects of exactly this class.
    fn instances(&self, class: ClassNumber) -> Vec<Number> {
        let all = 0..self.objects.classes.len() as Number;
        all.filter(|&number| self.objects.classes.get(number) == class)
            .collect()
    }

    /// Whether so many held objects are worth a word: [`MANY`] are, and so are few with [`MUCH_PERCENT`] of the heap. That
    /// counts what all finalizable objects of their classes keep alive.
    fn is_worth_a_word(&self, objects: &ByClass) -> bool {
        let bytes = |facts: &ClassFacts| {
            facts
                .retained
                .map_or(facts.shallow_bytes, |retained| retained.bytes)
        };
        let of_them = self
            .facts
            .iter()
            .filter(|facts| objects.of(facts.number) > 0);
        objects.sum() >= MANY || is_much(of_them.map(bytes).sum(), self.heap)
    }

    /// The steps of paths at which finalizable objects are held, not only softly, each with its number.
    fn held_at(&self) -> impl Iterator<Item = (usize, &Step)> {
        let steps = self.paths.steps.iter().take(self.paths.soft_from as usize);
        steps.enumerate().filter(|(_, step)| step.found > 0)
    }

    /// Those of them that stand behind an object of this class.
    fn held_through(&self, class: ClassNumber) -> Vec<&Step> {
        let is_behind = self.paths.behind(class);
        let steps = self.held_at().filter(|(number, _)| is_behind[*number]);
        steps.map(|(_, step)| step).collect()
    }
}

//! What the answer means: rules that look at the fields of the objects on the way and say, in a sentence each, what
//! was found and what to do.

mod collection;
mod each_other;
mod finalizer_thread;
mod loader;
mod tasks;
mod thread_locals;
mod virtual_threads;

use crate::addresses::Number;
use crate::answer::ClassFacts;
use crate::classify::Objects;
use crate::condition::Gap;
use crate::error::Error;
use crate::fetch::Fetcher;
use crate::graph::Graph;
use crate::holders::Paths;
use crate::layout::Finder;
use crate::loaders::Loaders;
use crate::path::{Holders, HoldingPath};
use crate::registry::{Counts, Registry};
use crate::retained::{Amount, Retained};
use crate::shape::Shapes;
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
    pub shapes: &'a Shapes,
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
        found.extend(virtual_threads::find(case));
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.count));
    Ok(found)
}

impl Case<'_> {
    /// The class with this name that the boot loader defined, where it has instances.
    fn class(&self, name: &str) -> Option<u32> {
        let class = self.finder.classes.of_boot_loader(name)?;
        (self.finder.classes.get(class).instances > 0).then_some(class)
    }

    /// All objects of exactly this class.
    fn instances(&self, class: u32) -> Vec<Number> {
        let all = 0..self.objects.classes.len() as Number;
        all.filter(|&number| self.objects.classes.get(number) == class)
            .collect()
    }

    /// Whether so many held objects are worth a word: [`MANY`] are, and so are few with [`MUCH_PERCENT`] of the heap. That
    /// counts what all finalizable objects of their classes keep alive.
    fn is_worth_a_word<'b>(
        &self,
        count: u64,
        classes: impl Iterator<Item = &'b ClassFacts>,
    ) -> bool {
        let bytes = |facts: &ClassFacts| {
            facts
                .retained
                .map_or(facts.shallow_bytes, |retained| retained.bytes)
        };
        count >= MANY || is_much(classes.map(bytes).sum(), self.heap)
    }

    /// Classes with objects on paths that `on` picks.
    fn classes_on_paths(
        &self,
        on: impl Fn(&HoldingPath) -> bool,
    ) -> impl Iterator<Item = &ClassFacts> {
        let rows = self.facts.iter().zip(self.holders);
        rows.filter(move |(_, holders)| holders.paths.iter().any(&on))
            .map(|(facts, _)| facts)
    }

    /// How many objects are on paths that `on` picks, and the class with most of them.
    fn on_paths(&self, on: impl Fn(&HoldingPath) -> bool) -> Option<(u64, String)> {
        let of_class = |holders: &Holders| -> (u64, String) {
            let on_them = holders
                .paths
                .iter()
                .filter(|path| on(path))
                .map(|path| path.count);
            (on_them.sum(), holders.class.clone())
        };
        let counts: Vec<(u64, String)> = self.holders.iter().map(of_class).collect();
        let sum = counts.iter().map(|(count, _)| count).sum();
        let (_, class) = counts.into_iter().max_by_key(|(count, _)| *count)?;
        (sum > 0).then_some((sum, class))
    }
}

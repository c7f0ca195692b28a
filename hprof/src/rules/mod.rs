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
use crate::classify::Objects;
use crate::error::Error;
use crate::fetch::Fetcher;
use crate::graph::Graph;
use crate::holders::Paths;
use crate::layout::Finder;
use crate::loaders::Loaders;
use crate::path::{Holders, HoldingPath};
use crate::registry::{Counts, Registry};
use crate::retained::Retained;
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
    pub holders: &'a [Holders],
    pub made_ms: u64,
}

/// All findings, those that explain most objects first.
pub(crate) fn findings(case: &Case<'_>) -> Result<Vec<Finding>, Error> {
    let mut found = tasks::find(case)?;
    found.extend(thread_locals::find(case));
    found.extend(collection::find(case)?);
    found.extend(loader::find(case));
    found.extend(each_other::find(case));
    found.extend(finalizer_thread::find(case));
    found.extend(virtual_threads::find(case));
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

/// For people: with commas between the thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// For people: how long, in its two largest units.
fn duration(ms: u64) -> String {
    let (seconds, minutes, hours, days) = (ms / 1000, ms / 60_000, ms / 3_600_000, ms / 86_400_000);
    match () {
        () if days > 0 => format!("{days} d {} h", hours % 24),
        () if hours > 0 => format!("{hours} h {} min", minutes % 60),
        () if minutes > 0 => format!("{minutes} min {} s", seconds % 60),
        () => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(duration(59_999), "59 s");
        assert_eq!(duration(3_000_000), "50 min 0 s");
        assert_eq!(duration(7_260_000), "2 h 1 min");
        assert_eq!(duration(90_000_000), "1 d 1 h");
    }
}

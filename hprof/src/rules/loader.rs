//! Class loaders that nobody needs but finalizable objects of their own classes: an application that was undeployed
//! and cannot go.

use std::collections::BTreeSet;

use crate::path::Holders;
use crate::rules::{Case, Finding};
use crate::words::{by_number, counted, grouped};

pub(super) fn find(case: &Case<'_>) -> Option<Finding> {
    let classes = case.finder.classes;
    let alone: BTreeSet<u64> = case
        .registry
        .classes
        .keys()
        .map(|&class| classes.get(class).loader())
        .filter(|&loader| !case.loaders.is_built_in(loader))
        .filter(|&loader| {
            let number = case.fetcher.survey.index.number(loader);
            number.is_some_and(|number| case.retained.by_all.get(number))
        })
        .collect();
    let of_them = |class: u32| alone.contains(&classes.get(class).loader());
    let counts = case
        .registry
        .classes
        .iter()
        .filter(|(class, _)| of_them(**class));
    let counts: Vec<(u64, u32)> = counts
        .map(|(&class, counts)| (counts.registered + counts.running, class))
        .collect();
    let count = counts.iter().map(|(count, _)| count).sum();
    let &(_, most) = counts.iter().max()?;
    let loader = *alone.first()?;
    let held = held(case, &counts);
    let loaders = alone.len() as u64;
    Some(Finding {
        rule: "class_loader",
        class: Some(classes.get(most).name.clone()),
        count,
        evidence: vec![("loaders", loaders), ("held", held)],
        fields_read: vec!["java.lang.ClassLoader.classes".into()],
        text: format!(
            "{}, {}{}, {} in memory only because {} of {} classes {}, {} of them held by somebody",
            counted(loaders, "class loader"),
            case.loaders.name(loader),
            by_number(loaders, "", " for one"),
            by_number(loaders, "is", "are"),
            counted(count, "finalizable object"),
            by_number(loaders, "its", "their"),
            by_number(count, "is", "are"),
            grouped(held)
        ),
        advice: "Let go of these objects, and close them before their application is undeployed: while one is there, none of its loader's classes can be unloaded.",
    })
}

/// How many instances of these classes a path leads to.
fn held(case: &Case<'_>, counts: &[(u64, u32)]) -> u64 {
    let classes = case.finder.classes;
    let is_one = |holders: &&Holders| {
        counts.iter().any(|&(_, class)| {
            let class = classes.get(class);
            class.name == holders.class && case.loaders.name(class.loader()) == holders.loader
        })
    };
    case.holders
        .iter()
        .filter(is_one)
        .map(|holders| holders.held)
        .sum()
}

//! Objects in a collection that a static field holds: a cache, a registry, a list of listeners.

use std::collections::HashMap;

use crate::error::Error;
use crate::fetch::Fetched;
use crate::layout::fields;
use crate::path::{HoldingPath, HoldingRoot};
use crate::rules::{Case, Finding};
use crate::value::Type;
use crate::words::{by_number, counted, finalizable};

/// What the collections of `java.util` call the number of their elements.
const SIZES: [&str; 4] = ["size", "count", "elementCount", "baseCount"];
/// Collections told, those that hold most.
const MOST: usize = 5;

pub(super) fn find(case: &Case<'_>) -> Result<Vec<Finding>, Error> {
    let mut counts = HashMap::<(&str, &str), u64>::new();
    for path in case.holders.iter().flat_map(|holders| &holders.paths) {
        if let Some(field) = in_static_collection(path) {
            *counts.entry(field).or_default() += path.count;
        }
    }
    let mut counts: Vec<((&str, &str), u64)> = counts.into_iter().collect();
    counts.sort_by_key(|&(field, count)| (std::cmp::Reverse(count), field));
    counts.truncate(MOST);
    counts.retain(|&(field, count)| {
        let classes = case.classes_on_paths(|path| in_static_collection(path) == Some(field));
        case.is_worth_a_word(count, classes)
    });
    counts
        .into_iter()
        .map(|((class, field), count)| finding(case, class, field, count))
        .collect()
}

/// Class and name of the static field whose collection the path goes through.
fn in_static_collection(path: &HoldingPath) -> Option<(&str, &str)> {
    let HoldingRoot::StaticField {
        class,
        field: Some(field),
    } = &path.root
    else {
        return None;
    };
    let is_collection = |name: &str| {
        name.starts_with("java.util.") && !OTHERS.iter().any(|other| name.contains(other))
    };
    let first = path.chain.first()?;
    is_collection(&first.class).then_some((class, field))
}

/// In the package, and no collections: rules of their own tell of them.
const OTHERS: [&str; 4] = ["Timer", "TaskQueue", "ThreadPoolExecutor", "ForkJoinPool"];

fn finding(case: &Case<'_>, class: &str, field: &str, count: u64) -> Result<Finding, Error> {
    let on = |path: &HoldingPath| in_static_collection(path) == Some((class, field));
    let (_, held) = case.on_paths(on).unwrap_or_default();
    let mut fields_read = vec![format!("{class}.{field}")];
    let mut evidence = vec![("held", count)];
    let mut text = format!(
        "{} {} held by the static field {class}.{field}",
        finalizable(count, &held),
        by_number(count, "is", "are")
    );
    if let Some((collection, name, size)) = size(case, class, field)? {
        text += &format!(
            ", a {collection} with {} ({name})",
            counted(size, "element")
        );
        evidence.push(("elements", size));
        fields_read.push(format!("{collection}.{name}"));
    }
    Ok(Finding {
        rule: "static_collection",
        class: Some(held),
        count,
        evidence,
        fields_read,
        text,
        advice: "Remove from the collection what was closed, or bound it: what a static field holds lives as long as its class.",
    })
}

/// The collection's class, the name of the field with its size, and the size.
fn size(case: &Case<'_>, class: &str, field: &str) -> Result<Option<(String, String, u64)>, Error> {
    let classes = case.finder.classes;
    let holder = classes.iter().find(|(_, found)| {
        found.name == class && found.dump.is_some() && case.loaders.is_built_in(found.loader())
    });
    let id = holder.and_then(|(number, _)| case.finder.static_value(number, field));
    let Some(id) = id else { return Ok(None) };
    let fetched = case.fetcher.fetch([id])?;
    let Some(Fetched::Instance(number, body)) = fetched.get(&id) else {
        return Ok(None);
    };
    let ids = case.finder.dump.ids;
    let found = fields(classes, *number, ids)
        .filter(|field| matches!(field.kind, Type::Int | Type::Long))
        .find_map(|field| {
            let name = case.finder.names.read(case.finder.dump, field.name);
            SIZES
                .contains(&name.as_str())
                .then(|| (name, field.read(ids, body)))
        });
    Ok(found.map(|(name, size)| (classes.get(*number).name.clone(), name, size)))
}

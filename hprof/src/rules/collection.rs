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
/// A collection whose size stands in cells besides, which threads get that meet at its field.
const CONCURRENT_MAP: &str = "java.util.concurrent.ConcurrentHashMap";
const CELLS: &str = "counterCells";
const CELL: &str = "java.util.concurrent.ConcurrentHashMap$CounterCell";
/// Of the JVM's own; the threads in it hold the objects.
const VIRTUAL_THREADS: (&str, &str) = (
    "jdk.internal.vm.ThreadContainers$RootContainer$TrackingRootContainer",
    "VTHREADS",
);
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
    let of_program = (class.as_str(), field.as_str()) != VIRTUAL_THREADS;
    (of_program && is_collection(&first.class)).then_some((class, field))
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
    if let Some(size) = size(case, class, field)? {
        let collection = size.collection;
        text += &format!(
            ", a {collection} with {} ({})",
            counted(size.elements, "element"),
            size.fields.join(", ")
        );
        evidence.push(("elements", size.elements));
        let read = |name| format!("{collection}.{name}");
        fields_read.extend(size.fields.iter().map(read));
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

/// What a collection says of its size.
struct Size {
    collection: String,
    /// The fields that it stands in.
    fields: Vec<String>,
    elements: u64,
}

/// The size of the collection in a static field, where it says one that can be.
fn size(case: &Case<'_>, class: &str, field: &str) -> Result<Option<Size>, Error> {
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
                .then(|| (name, field.read_signed(ids, body)))
        });
    let Some((name, mut elements)) = found else {
        return Ok(None);
    };
    let mut fields = vec![name];
    let cells = case.finder.field(*number, CONCURRENT_MAP, CELLS);
    let cells = cells.map_or(0, |cells| cells.read(ids, body));
    if cells != 0 {
        let more = in_cells(case, cells)?;
        let Some(sum) = more.and_then(|more| elements.checked_add(more)) else {
            return Ok(None);
        };
        elements = sum;
        fields.push(CELLS.to_owned());
    }
    Ok(u64::try_from(elements).ok().map(|elements| Size {
        collection: classes.get(*number).name.clone(),
        fields,
        elements,
    }))
}

/// The sum of all cells; `None` where one is missing in the dump.
fn in_cells(case: &Case<'_>, array: u64) -> Result<Option<i64>, Error> {
    let fetched = case.fetcher.fetch([array])?;
    let Some(Fetched::Objects(cells)) = fetched.get(&array) else {
        return Ok(None);
    };
    let fetched = case.fetcher.fetch(cells.iter().copied())?;
    let value = |cell: &u64| {
        let Some(Fetched::Instance(class, body)) = fetched.get(cell) else {
            return None;
        };
        let field = case.finder.field(*class, CELL, "value")?;
        Some(field.read_signed(case.finder.dump.ids, body))
    };
    let mut present = cells.iter().filter(|&&cell| cell != 0);
    Ok(present.try_fold(0_i64, |sum, cell| sum.checked_add(value(cell)?)))
}

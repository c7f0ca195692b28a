//! Objects in a collection that a static field holds: a cache, a registry, a list of listeners.

use std::cmp::Reverse;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::error::Error;
use crate::fetch::Fetched;
use crate::holders::StepNumber;
use crate::layout::fields;
use crate::rules::by_class::ByClass;
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
    let mut held = HashMap::<StepNumber, ByClass, RandomState>::default();
    for (number, step) in case.held_at() {
        if number != step.beginning as usize && is_static_collection(case, step.beginning) {
            let held = held.entry(step.beginning).or_default();
            held.add(step.class, step.found);
        }
    }
    let mut held: Vec<(StepNumber, ByClass)> = held.into_iter().collect();
    held.sort_by_key(|(collection, held)| (Reverse(held.sum()), *collection));
    held.truncate(MOST);
    held.iter()
        .filter(|(_, held)| case.is_worth_a_word(held))
        .filter_map(|(collection, held)| finding(case, *collection, held).transpose())
        .collect()
}

/// Whether this step is a collection that a static field refers to, and no other rule tells of it.
fn is_static_collection(case: &Case<'_>, step: StepNumber) -> bool {
    let mut path = case.paths.back_from(step);
    let (Some(step), Some(first)) = (path.next(), path.next()) else {
        return false;
    };
    let name = &case.finder.classes.get(step.class).name;
    case.told.is_static(first)
        && name.starts_with("java.util.")
        && !OTHERS.iter().any(|other| name.contains(other))
}

/// In the package, and no collections: rules of their own tell of them.
const OTHERS: [&str; 4] = ["Timer", "TaskQueue", "ThreadPoolExecutor", "ForkJoinPool"];

/// What is said of the objects in a collection; nothing where the static field is unknown, or the JVM's own.
fn finding(
    case: &Case<'_>,
    collection: StepNumber,
    held: &ByClass,
) -> Result<Option<Finding>, Error> {
    let step = &case.paths.steps[collection as usize];
    let Some((class, name, id)) = case.told.static_field(step.holder, step.place) else {
        return Ok(None);
    };
    let class = &case.finder.classes.get(class).name;
    let field = case.finder.names.read(case.finder.dump, name);
    let Some(most) = held.most(case) else {
        return Ok(None);
    };
    if (class.as_str(), field.as_str()) == VIRTUAL_THREADS {
        return Ok(None);
    }
    let count = held.sum();
    let mut fields_read = vec![format!("{class}.{field}")];
    let mut evidence = vec![("held", count)];
    let mut text = format!(
        "{} {} held by the static field {class}.{field}",
        finalizable(count, &most),
        by_number(count, "is", "are")
    );
    if let Some(size) = size(case, id)? {
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
    Ok(Some(Finding {
        rule: "static_collection",
        class: Some(most),
        count,
        evidence,
        fields_read,
        text,
        advice: "Remove from the collection what was closed, or bound it: what a static field holds lives as long as its class.",
    }))
}

/// What a collection says of its size.
struct Size {
    collection: String,
    /// The fields that it stands in.
    fields: Vec<String>,
    elements: u64,
}

/// The size of a collection, where it says one that can be.
fn size(case: &Case<'_>, id: u64) -> Result<Option<Size>, Error> {
    let fetched = case.fetcher.fetch([id])?;
    let Some(Fetched::Instance(number, body)) = fetched.get(&id) else {
        return Ok(None);
    };
    let (classes, ids) = (case.finder.classes, case.finder.dump.ids);
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

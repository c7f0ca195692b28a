//! Objects that thread locals hold: they stay as long as the thread, which in a pool is for ever.

use std::collections::BTreeSet;

use crate::rules::by_class::ByClass;
use crate::rules::{Case, Finding};
use crate::words::{by_number, finalizable};

const ENTRY: &str = "java.lang.ThreadLocal$ThreadLocalMap$Entry";
/// Threads named.
const MOST_NAMES: usize = 3;

pub(super) fn find(case: &Case<'_>) -> Option<Finding> {
    let steps = case.held_through(case.class(ENTRY)?);
    let held = ByClass::at(&steps);
    if !case.is_worth_a_word(&held) {
        return None;
    }
    let (count, class) = (held.sum(), held.most(case)?);
    let threads = steps.iter().filter_map(|step| case.told.thread(step.root));
    let threads: BTreeSet<&str> = threads.collect();
    let names: Vec<String> = threads
        .iter()
        .take(MOST_NAMES)
        .map(|name| format!("'{name}'"))
        .collect();
    let more = threads.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Some(Finding {
        rule: "thread_locals",
        class: Some(class.clone()),
        count,
        evidence: vec![("threads", threads.len() as u64)],
        fields_read: vec![
            "java.lang.Thread.threadLocals".into(),
            format!("{ENTRY}.value"),
        ],
        text: format!(
            "{} {} of thread locals ({ENTRY}.value) of the {} {}{more}",
            finalizable(count, &class),
            by_number(count, "is a value", "are values"),
            by_number(threads.len() as u64, "thread", "threads"),
            names.join(", ")
        ),
        advice: "Call ThreadLocal.remove() where the work that needs the value ends: a pool's threads do not end.",
    })
}

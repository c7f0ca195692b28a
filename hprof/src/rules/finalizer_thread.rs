//! The thread that finalizes: inside a `finalize()` that waits, or that takes long, while others queue behind it.

use crate::condition::Gap;
use crate::entry::{Root, RootKind};
use crate::rules::{Case, Finding};
use crate::threads::Thread;
use crate::words::{by_number, counted};

/// Where a thread does nothing but wait.
const WAITING: [&str; 8] = [
    "java.lang.Object.wait",
    "java.lang.Thread.sleep",
    "jdk.internal.misc.Unsafe.park(",
    "sun.misc.Unsafe.park(",
    "java.net.SocketInputStream.socketRead0(",
    "sun.nio.ch.Net.poll(",
    "sun.nio.ch.SocketDispatcher.read0(",
    "java.io.FileInputStream.readBytes(",
];

pub(super) fn find(case: &Case<'_>) -> Option<Finding> {
    let pending = case.total.pending;
    let thread = case
        .threads
        .values()
        .find(|thread| thread.name == "Finalizer");
    let evidence = vec![("pending", pending), ("running", case.total.running)];
    let fields_read = vec![
        "java.lang.ref.Reference.queue".into(),
        "java.lang.ref.Reference.referent".into(),
    ];
    let Some(thread) = thread else {
        return (pending > 0 && has_all_threads(case)).then(|| Finding {
            rule: "finalizer_dead",
            class: None,
            count: pending,
            evidence,
            fields_read,
            text: format!(
                "{} {} in the finalizer queue and there is no thread 'Finalizer'",
                counted(pending, "object"),
                by_number(pending, "is", "are")
            ),
            advice: "Restart the JVM: its finalizer thread has ended, nothing will ever be finalized again.",
        });
    };
    let (class, inside) = finalize(thread)?;
    let waits = thread.waits_for.is_some() || WAITING.iter().any(|frame| inside.starts_with(frame));
    let at = thread
        .waits_for
        .as_ref()
        .map_or_else(|| format!("at {inside}"), |lock| format!("for {lock}"));
    Some(Finding {
        rule: if waits {
            "finalizer_stuck"
        } else {
            "finalizer_slow"
        },
        class: Some(class.clone()),
        count: pending + case.total.running,
        evidence,
        fields_read,
        text: format!(
            "the finalizer thread is inside {class}.finalize() and {} {at}; {} {} in the queue behind it",
            if waits { "waits" } else { "works" },
            counted(pending, "object"),
            by_number(pending, "waits", "wait")
        ),
        advice: if waits {
            "Take whatever can wait (a lock, a socket, a sleep) out of that finalize(): one that does not return stops all others."
        } else {
            "Close the objects explicitly and take the slow work out of that finalize(): one thread finalizes for the whole JVM."
        },
    })
}

/// Whether the dump tells of every thread that there was.
fn has_all_threads(case: &Case<'_>) -> bool {
    let survey = case.fetcher.survey;
    let mut threads = survey
        .roots
        .iter()
        .filter(|root| root.kind == RootKind::Thread);
    let is_there = |root: &Root| survey.index.number(root.object).is_some();
    !case.threads.is_empty() && case.gap != Some(Gap::Part) && threads.all(is_there)
}

/// The class whose `finalize()` the thread is in, and its innermost frame.
fn finalize(thread: &Thread) -> Option<(String, String)> {
    let outermost = thread
        .stack
        .iter()
        .rev()
        .find_map(|frame| frame.split_once(".finalize("))?;
    Some((outermost.0.to_string(), thread.stack.first()?.clone()))
}

//! Whether a heap dump and a stream are of one JVM. Neither has a mark that the other has, so this is told by what
//! speaks against it: times, process ids and classes.

use std::collections::BTreeSet;

use super::dump::Dump;
use super::known::Known;
use super::moment::length;
use crate::numbers::grouped;
use finwatch_record::StopReason;

/// Clocks and the making of a dump differ by less, milliseconds.
const CLOCKS_MS: u64 = 5000;
/// A stream that ends longer before the dump was made may be of anybody.
const SILENT_MS: u64 = 60_000;

/// Why they seem to be of two JVMs, in words; nothing where they may well be of one.
pub fn doubts(dump: &Dump, stream: &Known) -> Vec<String> {
    let doubts = [
        of_time(dump, stream),
        of_process(dump, stream),
        of_classes(dump, stream),
    ];
    doubts.into_iter().flatten().collect()
}

fn of_time(dump: &Dump, stream: &Known) -> Option<String> {
    let span = &stream.span;
    let before_ms = span.started_ms().saturating_sub(dump.at_ms);
    let after_ms = dump.at_ms.saturating_sub(span.last_ms);
    let has_ended = stream.stop == Some(StopReason::VmDeath);
    if before_ms > CLOCKS_MS {
        let before = length(before_ms);
        Some(format!(
            "the dump was made {before} before the stream's JVM started"
        ))
    } else if has_ended && after_ms > CLOCKS_MS {
        let after = length(after_ms);
        Some(format!(
            "the dump was made {after} after the stream's JVM ended"
        ))
    } else if after_ms > SILENT_MS {
        let after = length(after_ms);
        Some(format!(
            "the dump was made {after} after the last record of the stream"
        ))
    } else {
        None
    }
}

fn of_process(dump: &Dump, stream: &Known) -> Option<String> {
    let (of_dump, of_stream) = (dump.pid, stream.span.pid());
    let differ = of_dump != 0 && of_dump != of_stream;
    differ.then(|| format!("the dump's name has process id {of_dump}, the stream {of_stream}"))
}

fn of_classes(dump: &Dump, stream: &Known) -> Option<String> {
    let in_dump: BTreeSet<&str> = dump
        .told
        .classes
        .iter()
        .map(|row| row.class.as_str())
        .collect();
    let rows = stream.ledger.iter().flat_map(|ledger| &ledger.classes);
    let registered: Vec<&str> = rows
        .filter(|row| row.counts.registered > 0)
        .map(|row| row.class.as_str())
        .collect();
    let is_any_common = registered.iter().any(|class| in_dump.contains(class));
    (!registered.is_empty() && !is_any_common).then(|| match registered.as_slice() {
        [class] => format!("the stream last counted objects of {class}, and the dump has none"),
        classes => format!(
            "the stream last counted objects of {} classes, {} among them, and the dump has none of any",
            grouped(classes.len() as u64),
            classes[0]
        ),
    })
}

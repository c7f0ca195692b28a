//! The answer as records: a `heap_dump`, then `holders` for each class that has instances, and an `explanation` where
//! there is a stream.

use std::io::{self, Write};
use std::path::Path;

use finwatch_hprof as hprof;
use finwatch_record::{
    Amount, Body, Finding, HeapDump, HeapDumpClass, HeapDumpThread, Holders, HoldingField,
    HoldingPath, Link, Record, Root, RootKind, UnfinalizedChain, VERSION,
};

use serde::Serialize;

use crate::explain::Explanation;
use crate::holding;
use crate::numbers::grouped;
use crate::time::timestamp;

/// A last line beside the records, where there is a stream: what `finwatch explain --json` prints, as a record.
#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    ts: &'a str,
    seq: u64,
    uptime_ms: u64,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

/// Writes an answer as lines.
pub fn write(
    out: &mut impl Write,
    file: &Path,
    answer: &hprof::Answer,
    explanation: Option<&Explanation>,
) -> io::Result<()> {
    let records = records(file, answer);
    let last = explanation.map(|explanation| Line {
        v: VERSION,
        kind: "explanation",
        ts: &explanation.last_ts,
        seq: records.len() as u64,
        uptime_ms: 0,
        explanation,
    });
    for record in &records {
        line(out, record)?;
    }
    last.iter().try_for_each(|last| line(out, last))
}

fn line(out: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, what)?;
    out.write_all(b"\n")
}

/// All records of an answer, in the order in which they are written.
pub fn records(file: &Path, answer: &hprof::Answer) -> Vec<Record> {
    let holders = answer
        .holders
        .iter()
        .map(|holders| Body::Holders(Box::new(of_holders(holders))));
    let bodies = std::iter::once(Body::HeapDump(Box::new(heap_dump(file, answer)))).chain(holders);
    let record = |(seq, body): (usize, Body)| Record {
        v: VERSION,
        kind: body.type_name().to_owned(),
        ts: timestamp(answer.made_ms),
        seq: seq as u64,
        pid: pid(file),
        uptime_ms: 0,
        body,
    };
    bodies.enumerate().map(record).collect()
}

/// The JVM calls a dump `java_pid4711.hprof` where nobody names it.
fn pid(file: &Path) -> u32 {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let digits = name.split_once("pid").map_or("", |(_, rest)| rest);
    let digits = digits.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn heap_dump(file: &Path, answer: &hprof::Answer) -> HeapDump {
    let fields_of = |class: &hprof::ClassFacts| {
        let told = |holders: &&hprof::Holders| {
            (&holders.class, &holders.loader) == (&class.class, &class.loader)
        };
        answer
            .holders
            .iter()
            .find(told)
            .map(|holders| holders.fields.as_slice())
            .unwrap_or_default()
    };
    let class = |class: &hprof::ClassFacts| HeapDumpClass {
        class: class.class.clone(),
        loader: class.loader.clone(),
        registered: class.counts.registered,
        pending: class.counts.pending,
        running: class.counts.running,
        without_finalizer: class.without_finalizer,
        shallow_bytes: class.shallow_bytes,
        retained: class.retained.map(amount),
        fields: fields_of(class).iter().map(field).collect(),
    };
    HeapDump {
        file: file.to_string_lossy().into_owned(),
        dump_bytes: answer.dump_bytes,
        heap: amount(answer.heap),
        damage: answer.damage.iter().map(ToString::to_string).collect(),
        notes: answer.notes.iter().map(ToString::to_string).collect(),
        chain: answer.chain.as_ref().map(|chain| UnfinalizedChain {
            length: chain.length,
            broken: chain.broken.clone(),
        }),
        finalizers: amount(answer.finalizers),
        registered: answer.total.registered,
        pending: answer.total.pending,
        running: answer.total.running,
        retained: answer.retained.map(amount),
        classes: answer.classes.iter().map(class).collect(),
        threads: answer.threads.iter().map(thread).collect(),
        findings: answer.findings.iter().map(finding).collect(),
    }
}

fn amount(amount: hprof::Amount) -> Amount {
    Amount {
        objects: amount.objects,
        bytes: amount.bytes,
    }
}

fn field(field: &hprof::HoldingField) -> HoldingField {
    HoldingField {
        class: field.class.clone(),
        field: field.field.clone(),
        is_static: field.is_static,
        count: field.count,
    }
}

/// How many instances are held, in words.
pub fn of_held(holders: &hprof::Holders) -> String {
    let (held, instances) = (grouped(holders.held), grouped(holders.instances));
    match &holders.gap {
        None => format!("{held} of {instances} are held"),
        Some(gap) => format!("{held} of {instances} are known to be held: {gap}"),
    }
}

/// A field or an array that holds objects, in words; not escaped.
pub fn of_field(field: &hprof::HoldingField) -> String {
    let kind = if field.is_static { "static " } else { "" };
    let link = Link {
        class: field.class.clone(),
        field: field.field.clone(),
    };
    format!("{kind}{}", holding::link(&link))
}

fn thread(thread: &hprof::Thread) -> HeapDumpThread {
    HeapDumpThread {
        thread: thread.name.clone(),
        stack: thread.stack.clone(),
        waits_for: thread.waits_for.clone(),
    }
}

fn finding(finding: &hprof::Finding) -> Finding {
    let number = |&(name, value): &(&str, u64)| (name.to_owned(), value.into());
    Finding {
        rule: finding.rule.to_owned(),
        class: finding.class.clone(),
        count: finding.count,
        evidence: finding.evidence.iter().map(number).collect(),
        fields_read: finding.fields_read.clone(),
        text: finding.text.clone(),
        advice: finding.advice.to_owned(),
    }
}

fn of_holders(holders: &hprof::Holders) -> Holders {
    Holders {
        class: holders.class.clone(),
        loader: Some(holders.loader.clone()),
        instances: holders.instances,
        held: holders.held,
        sampled: None,
        unheld: holders
            .gap
            .is_none()
            .then(|| holders.instances.saturating_sub(holders.held)),
        softly_held: Some(holders.softly_held),
        paths: holders.paths.iter().map(path).collect(),
        soft_paths: holders.soft_paths.iter().map(path).collect(),
        complete: holders.gap.is_none(),
        incomplete_reason: holders.gap.as_ref().map(ToString::to_string),
        looked_uptime_ms: None,
        stw_ms: None,
        stw_ms_max: None,
    }
}

/// A path.
pub fn path(path: &hprof::HoldingPath) -> HoldingPath {
    let link = |link: &hprof::Link| Link {
        class: link.class.clone(),
        field: link.field.clone(),
    };
    HoldingPath {
        count: path.count,
        root: root(&path.root),
        chain: path.chain.iter().map(link).collect(),
    }
}

fn root(root: &hprof::HoldingRoot) -> Root {
    let plain = |kind| Root {
        kind,
        thread: None,
        method: None,
        class: None,
        field: None,
    };
    match root {
        hprof::HoldingRoot::StaticField { class, field } => Root {
            class: Some(class.clone()),
            field: field.clone(),
            ..plain(if field.is_some() {
                RootKind::StaticField
            } else {
                RootKind::Class
            })
        },
        hprof::HoldingRoot::Thread { thread } => Root {
            thread: Some(thread.clone()),
            ..plain(RootKind::Thread)
        },
        hprof::HoldingRoot::Stack { thread, method } => Root {
            thread: Some(thread.clone()),
            method: method.clone(),
            ..plain(RootKind::Stack)
        },
        hprof::HoldingRoot::JniLocal { thread } => Root {
            thread: Some(thread.clone()),
            ..plain(RootKind::JniLocal)
        },
        hprof::HoldingRoot::JniGlobal => plain(RootKind::JniGlobal),
        hprof::HoldingRoot::Monitor => plain(RootKind::Monitor),
        hprof::HoldingRoot::Other => plain(RootKind::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_that_in_the_jvm_s_own_file_name() {
        assert_eq!(pid(Path::new("/tmp/java_pid4711.hprof")), 4711);
        assert_eq!(pid(Path::new("java_pid12.hprof.gz")), 12);
        assert_eq!(pid(Path::new("heap.hprof")), 0);
        assert_eq!(pid(Path::new("pid99999999999.hprof")), 0);
    }
}

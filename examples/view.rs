//! Reads the agent's lines on stdin and prints what matters about chosen classes, one line a sample.
//!
//! Made for a terminal beside a running JVM, and to show how the stream is read with this crate:
//!
//! ```text
//! tail -f finwatch-4711.jsonl | view --class com.example.
//! ```
//!
//! `--class PREFIX`, which may be repeated, chooses the classes by the beginning of their names; without it, the worst
//! class of each sample. Lines that are no JSON objects (a program's own, where the stream is its stdout) pass through.
//! The columns are the fields of the same names; `vm_pending` is `mxbean_pending`, over all classes; `heap after gc`
//! is the use of the heap pools after the last collection that a `gc` record told of.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use finwatch_record::{Body, ClassRow, Collection, PoolKind, Record, Sample, Start, Stop, Trigger};

const MIB: f64 = 1024.0 * 1024.0;

fn main() -> ExitCode {
    let prefixes = match class_prefixes(std::env::args().skip(1)) {
        Ok(prefixes) => prefixes,
        Err(message) => {
            eprintln!("view: {message}\nusage: view [--class PREFIX]... < STREAM");
            return ExitCode::from(2);
        }
    };
    let mut view = View {
        prefixes,
        ..View::default()
    };
    match follow(&mut view, &mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("view: {error}");
            ExitCode::FAILURE
        }
    }
}

fn class_prefixes(mut arguments: impl Iterator<Item = String>) -> Result<Vec<String>, String> {
    let mut prefixes = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument != "--class" {
            return Err(format!("`{argument}` is not an option"));
        }
        prefixes.push(
            arguments
                .next()
                .ok_or("`--class` wants the beginning of a class name")?,
        );
    }
    Ok(prefixes)
}

fn follow(view: &mut View, input: &mut impl BufRead, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        match Record::parse(&text) {
            Ok(record) => view.show(&record, out)?,
            Err(error) if text.starts_with('{') => writeln!(out, "{error}")?,
            Err(_) => write!(out, "{text}")?,
        }
        out.flush()?;
        line.clear();
    }
    view.sum_up(out)
}

/// What is carried from record to record.
#[derive(Default)]
struct View {
    prefixes: Vec<String>,
    heading_shown: bool,
    heap_pools: BTreeSet<String>,
    heap_after_gc: Option<u64>,
    collections: u64,
    course: BTreeMap<String, Course>,
    vm_pending_most: u64,
}

/// How one class fared over the stream.
#[derive(Default)]
struct Course {
    registered_first: u64,
    registered_most: u64,
    pending_most: u64,
    running_most: u64,
    last: finwatch_record::Counts,
}

impl View {
    fn show(&mut self, record: &Record, out: &mut impl Write) -> io::Result<()> {
        match &record.body {
            Body::Start(start) => show_start(start, record.pid, out),
            Body::Sample(sample) => self.show_sample(sample, record.uptime_ms, out),
            Body::Gc(collection) => {
                self.note_collection(collection);
                Ok(())
            }
            Body::Stop(stop) => self.show_stop(stop, record.uptime_ms, out),
            _ => Ok(()),
        }
    }

    fn show_sample(
        &mut self,
        sample: &Sample,
        uptime_ms: u64,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut heap_used = None;
        if let Some(memory) = &sample.memory {
            heap_used = Some(memory.heap.used_bytes);
            let heap = memory
                .pools
                .iter()
                .filter(|pool| pool.kind == PoolKind::Heap);
            self.heap_pools.extend(heap.map(|pool| pool.name.clone()));
        }
        let vm_pending = sample.finalizer.mxbean_pending;
        self.vm_pending_most = self.vm_pending_most.max(vm_pending.unwrap_or(0));
        let rows = self.chosen(&sample.classes);
        for row in rows {
            self.note_class(row);
            if sample.trigger == Trigger::Interval {
                self.show_row(uptime_ms, row, vm_pending, heap_used, out)?;
            }
        }
        Ok(())
    }

    fn show_stop(&mut self, stop: &Stop, uptime_ms: u64, out: &mut impl Write) -> io::Result<()> {
        for row in self.chosen(&stop.classes) {
            self.note_class(row);
            self.show_row(uptime_ms, row, stop.finalizer.mxbean_pending, None, out)?;
        }
        match stop.records_dropped_total {
            0 => Ok(()),
            dropped => writeln!(out, "{} records were dropped", grouped(dropped)),
        }
    }

    fn chosen<'a>(&self, classes: &'a [ClassRow]) -> Vec<&'a ClassRow> {
        if self.prefixes.is_empty() {
            return classes.first().into_iter().collect();
        }
        let wanted = |row: &&ClassRow| {
            self.prefixes
                .iter()
                .any(|prefix| row.class.starts_with(prefix))
        };
        let mut rows: Vec<&ClassRow> = classes.iter().filter(wanted).collect();
        rows.sort_by(|a, b| a.class.cmp(&b.class));
        rows
    }

    fn note_collection(&mut self, collection: &Collection) {
        if collection.collector.is_none() {
            return; // A pause alone, which no collector accounts for.
        }
        self.collections += 1;
        let heap = collection
            .pools
            .iter()
            .filter(|pool| self.heap_pools.contains(&pool.name));
        self.heap_after_gc = heap
            .map(|pool| pool.after_bytes)
            .reduce(|a, b| a + b)
            .or(self.heap_after_gc);
    }

    fn note_class(&mut self, row: &ClassRow) {
        let first = row.counts.registered;
        let course = self
            .course
            .entry(row.class.clone())
            .or_insert_with(|| Course {
                registered_first: first,
                ..Course::default()
            });
        course.registered_most = course.registered_most.max(row.counts.registered);
        course.pending_most = course.pending_most.max(row.counts.pending);
        course.running_most = course.running_most.max(row.counts.running);
        course.last = row.counts;
    }

    fn show_row(
        &mut self,
        uptime_ms: u64,
        row: &ClassRow,
        vm_pending: Option<u64>,
        heap_used: Option<u64>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if !self.heading_shown {
            self.heading_shown = true;
            writeln!(
                out,
                "{:>7} {:>10} {:>8} {:>7} {:>9} {:>10} {:>9} {:>13} {:>4}  class",
                "uptime",
                "registered",
                "pending",
                "running",
                "finalized",
                "vm_pending",
                "heap used",
                "heap after gc",
                "gcs"
            )?;
        }
        writeln!(
            out,
            "{:>6.1}s {:>10} {:>8} {:>7} {:>9} {:>10} {:>9} {:>13} {:>4}  {}",
            uptime_ms as f64 / 1000.0,
            grouped(row.counts.registered),
            grouped(row.counts.pending),
            grouped(row.counts.running),
            grouped(row.counts.finalized_total),
            vm_pending.map_or_else(|| "-".to_owned(), grouped),
            mib(heap_used),
            mib(self.heap_after_gc),
            grouped(self.collections),
            printable(&row.class),
        )
    }

    /// The course of each class, once the stream has ended.
    fn sum_up(&self, out: &mut impl Write) -> io::Result<()> {
        for (class, course) in &self.course {
            writeln!(
                out,
                "{}: registered {} at first, {} at most, {} at last; pending at most {} (the VM's own number over all \
                 classes: {}); running at most {}; finalized {}, threw {}",
                printable(class),
                grouped(course.registered_first),
                grouped(course.registered_most),
                grouped(course.last.registered),
                grouped(course.pending_most),
                grouped(self.vm_pending_most),
                grouped(course.running_most),
                grouped(course.last.finalized_total),
                grouped(course.last.threw_total),
            )?;
        }
        Ok(())
    }
}

fn show_start(start: &Start, pid: u32, out: &mut impl Write) -> io::Result<()> {
    let limit = start.jvm.heap_max_bytes.map_or_else(String::new, |max| {
        format!(", heap up to {}", mib(Some(max)))
    });
    writeln!(
        out,
        "watching process {pid}: {} {}, {}{limit}",
        printable(&start.jvm.name),
        printable(&start.jvm.version),
        printable(start.jvm.gc.as_deref().unwrap_or("collector unknown")),
    )
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn mib(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "-".to_owned(),
        |bytes| format!("{:.1}M", bytes as f64 / MIB),
    )
}

/// A class name may hold anything; a terminal must not obey it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(prefixes: &[&str], input: &str) -> String {
        let mut view = View {
            prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
            ..View::default()
        };
        let mut out = Vec::new();
        follow(&mut view, &mut input.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn sample(class: &str, registered: u64) -> String {
        let counts = |n: u64| {
            serde_json::json!({"registered": n, "pending": 2, "running": 0, "registered_total": n,
                "enqueued_total": 2, "finalized_total": 0, "threw_total": 0, "mxbean_pending": 3})
        };
        let mut row = counts(registered);
        row["class"] = class.into();
        row["finalize_ns"] =
            serde_json::json!({"count": 0, "sum": 0, "p50": 0, "p99": 0, "max": 0});
        let mut omitted = counts(0);
        omitted["count"] = 0.into();
        serde_json::json!({"v": 1, "type": "sample", "ts": "2026-01-01T00:00:00.000Z", "seq": 1, "pid": 1,
            "uptime_ms": 1500, "trigger": "interval", "coverage": {"level": "exact", "reason": ""},
            "finalizer": counts(registered), "classes": [row], "classes_omitted": omitted, "memory": null,
            "gc": {"pauses_total": 0, "pause_ms_total": 0.0, "pause_ms_max": 0.0, "collectors": []},
            "agent": {"cpu_ms_total": 0.0, "records_dropped_total": 0, "write_errors_total": 0, "stw_ms_total": 0.0}})
        .to_string()
            + "\n"
    }

    #[test]
    fn a_row_for_each_sample_and_a_summary() {
        let out = view(&["A"], &(sample("A", 1000) + &sample("A", 2_345_678)));
        let rows: Vec<&str> = out.lines().collect();
        assert!(rows[1].contains("  1.5s      1,000        2"), "{out}");
        assert!(rows[2].contains("2,345,678"), "{out}");
        assert!(
            rows[3].starts_with("A: registered 1,000 at first, 2,345,678 at most"),
            "{out}"
        );
    }

    #[test]
    fn only_the_chosen_classes_else_the_worst() {
        assert_eq!(view(&["B"], &sample("A", 1)), "");
        assert!(view(&[], &sample("A", 1)).contains("  A\n"));
    }

    #[test]
    fn other_lines_pass_through_and_torn_ones_are_told() {
        assert_eq!(view(&[], "READY\n"), "READY\n");
        assert!(view(&[], "{\"v\":1,\n").starts_with("not a finwatch record"));
    }

    #[test]
    fn a_class_name_does_not_reach_the_terminal_raw() {
        assert!(!view(&[], &sample("\u{1b}[2J", 1)).contains('\u{1b}'));
    }
}

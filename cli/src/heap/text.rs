//! The answer as text: what matters on one screen, details below.

use std::io::{self, Write};
use std::path::Path;

use finwatch_hprof::{Answer, ClassFacts, Finding, Holders, HoldingPath, Thread};

use super::record::{self, of_field, of_held};
use crate::explain::{self, Explanation};
use crate::holding;
use crate::numbers::{by_number, bytes, counted, grouped};
use crate::quote::Plain;
use crate::time::timestamp;

/// Classes in the table; the rest is summed up.
const CLASSES: usize = 12;
/// Classes whose holders are told.
const HELD_CLASSES: usize = 5;
/// Fields and paths of each.
const FIELDS: usize = 4;
const PATHS: usize = 5;
const FRAMES: usize = 8;
/// Said where [`Answer::is_calm`].
pub const CALM: &str = "Nothing about finalization is worth a word: \
     fewer than 1,000 objects, and less than 1% of the heap, hang on it";

/// Writes it.
pub fn write(
    out: &mut impl Write,
    file: &Path,
    answer: &Answer,
    explanation: Option<&Explanation>,
) -> io::Result<()> {
    head(out, file, answer)?;
    chain(out, answer)?;
    classes(out, &answer.classes)?;
    findings(out, &answer.findings)?;
    if answer.is_calm() {
        writeln!(out, "\nwhat it means\n* {CALM}.")?;
    }
    explanation.map_or(Ok(()), |explanation| stream(out, explanation))?;
    holders(out, &answer.holders)?;
    answer
        .threads
        .iter()
        .try_for_each(|thread| stack(out, thread))
}

fn head(out: &mut impl Write, file: &Path, answer: &Answer) -> io::Result<()> {
    writeln!(
        out,
        "{}: heap dump of {}, {}; {}, {} in the heap",
        Plain(&file.to_string_lossy()),
        timestamp(answer.made_ms),
        bytes(answer.dump_bytes),
        counted(answer.heap.objects, "object"),
        bytes(answer.heap.bytes)
    )?;
    for damage in &answer.damage {
        writeln!(out, "DAMAGED: {}", Plain(&damage.to_string()))?;
    }
    for note in &answer.notes {
        writeln!(out, "note: {note}")?;
    }
    writeln!(out)
}

fn chain(out: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let Some(chain) = &answer.chain else {
        return writeln!(out, "{}", without_finalizers(answer));
    };
    if let Some(retained) = answer.retained {
        let percent = 100.0 * retained.bytes as f64 / answer.heap.bytes.max(1) as f64;
        writeln!(
            out,
            "{} ({percent:.1}%) of the heap hang on finalization: {}, their objects and what only they keep alive",
            bytes(retained.bytes),
            counted(answer.finalizers.objects, "Finalizer")
        )?;
    }
    let state = chain.broken.as_ref().map_or_else(
        || "intact".to_string(),
        |why| format!("BROKEN: {}", Plain(why)),
    );
    writeln!(
        out,
        "unfinalized chain: {}, {state}; registered {}, of these pending {}; running {}",
        counted(chain.length, "Finalizer"),
        grouped(answer.total.registered),
        grouped(answer.total.pending),
        grouped(answer.total.running)
    )
}

/// Said of a dump that has no chain.
pub fn without_finalizers(answer: &Answer) -> &'static str {
    match answer.damage.is_empty() {
        true => "no java.lang.ref.Finalizer in this dump: nothing is registered for finalization",
        false => "no java.lang.ref.Finalizer in what there is of this dump",
    }
}

fn classes(out: &mut impl Write, classes: &[ClassFacts]) -> io::Result<()> {
    if classes.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:>12} {:>10} {:>8} {:>12} {:>10} {:>10}  class (loader)",
        "registered", "pending", "running", "no Finalizer", "shallow", "retained"
    )?;
    for class in classes.iter().take(CLASSES) {
        writeln!(
            out,
            "{:>12} {:>10} {:>8} {:>12} {:>10} {:>10}  {} ({})",
            grouped(class.counts.registered),
            grouped(class.counts.pending),
            grouped(class.counts.running),
            grouped(class.without_finalizer),
            bytes(class.shallow_bytes),
            class
                .retained
                .map_or_else(|| "-".to_string(), |retained| bytes(retained.bytes)),
            Plain(&class.class),
            Plain(&class.loader)
        )?;
    }
    let rest = classes.iter().skip(CLASSES);
    let registered: u64 = rest
        .map(|class| class.counts.registered + class.counts.running)
        .sum();
    match classes.len().saturating_sub(CLASSES) {
        0 => Ok(()),
        more => writeln!(
            out,
            "{:>12} {:>56}{more} more {}",
            grouped(registered),
            "",
            by_number(more as u64, "class", "classes")
        ),
    }
}

fn findings(out: &mut impl Write, all: &[Finding]) -> io::Result<()> {
    for (place, finding) in all.iter().enumerate() {
        let heading = if place == 0 { "what it means\n" } else { "" };
        writeln!(
            out,
            "\n{heading}* {}.\n  {}",
            Plain(&finding.text),
            finding.advice
        )?;
    }
    Ok(())
}

fn stream(out: &mut impl Write, explanation: &Explanation) -> io::Result<()> {
    writeln!(out, "\nwhat the stream tells")?;
    let lines = explain::lines(explain::of_stream(explanation), explain::columns());
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn holders(out: &mut impl Write, all: &[Holders]) -> io::Result<()> {
    for holders in all
        .iter()
        .filter(|holders| holders.instances > 0)
        .take(HELD_CLASSES)
    {
        writeln!(
            out,
            "\nwho holds {}: {}",
            Plain(&holders.class),
            of_held(holders)
        )?;
        for field in holders.fields.iter().take(FIELDS) {
            writeln!(
                out,
                "{:>12} by {}",
                grouped(field.count),
                Plain(&of_field(field))
            )?;
        }
        paths(out, &holders.paths)?;
        if holders.softly_held > 0 {
            let softly = grouped(holders.softly_held);
            writeln!(
                out,
                "{softly:>12} by soft references alone, until the collector needs room"
            )?;
        }
        paths(out, &holders.soft_paths)?;
    }
    Ok(())
}

fn paths(out: &mut impl Write, paths: &[HoldingPath]) -> io::Result<()> {
    for path in paths.iter().take(PATHS) {
        let words = holding::path(&record::path(path));
        writeln!(out, "{:>12} on {}", grouped(path.count), Plain(&words))?;
    }
    match paths.len().saturating_sub(PATHS) as u64 {
        0 => Ok(()),
        more => writeln!(out, "{:>12} {}, see --json", "", counted(more, "more path")),
    }
}

fn stack(out: &mut impl Write, thread: &Thread) -> io::Result<()> {
    writeln!(out, "\nthread '{}'", Plain(&thread.name))?;
    for frame in thread.stack.iter().take(FRAMES) {
        writeln!(out, "    at {}", Plain(frame))?;
    }
    match thread.stack.len().saturating_sub(FRAMES) {
        0 => {}
        more => writeln!(out, "    {more} more")?,
    }
    thread
        .waits_for
        .iter()
        .try_for_each(|lock| writeln!(out, "    waits for {}", Plain(lock)))
}

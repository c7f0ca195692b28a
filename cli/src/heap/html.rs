//! The answer as one HTML file that needs nothing else: no script, no font, no picture from anywhere.
//!
//! Names come out of somebody's program and may be anything: they are escaped on the way in, all of them.

use std::fmt::{self, Write};
use std::path::Path;

use finwatch_hprof::{Answer, ClassFacts, Finding, Holders, HoldingPath, Thread};

use super::record::{self, of_field, of_held};
use super::text::{CALM, without_finalizers};
use crate::explain::{self, Explanation};
use crate::holding;
use crate::markup::Escaped;
use crate::numbers::{bytes, counted, grouped};
use crate::time::timestamp;

const STYLE: &str = include_str!("page.css");
/// Width of the bar of what holds everything, in rem.
const BAR_REM: f64 = 12.0;

/// The page.
pub fn page(
    file: &Path,
    answer: &Answer,
    explanation: Option<&Explanation>,
) -> Result<String, fmt::Error> {
    let mut page = String::new();
    let name = file.to_string_lossy();
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{0}: finalization</title>\n<style>\n{STYLE}</style>\n<h1>{0}</h1>\n",
        Escaped(&name)
    )?;
    head(&mut page, answer)?;
    if !answer.findings.is_empty() {
        page.push_str("<h2>What it means</h2>\n");
        answer
            .findings
            .iter()
            .try_for_each(|found| finding(&mut page, found))?;
    } else if answer.is_calm() {
        writeln!(page, "<p>{CALM}.</p>")?;
    }
    if let Some(explanation) = explanation {
        stream(&mut page, explanation)?;
    }
    classes(&mut page, &answer.classes)?;
    let held = answer
        .holders
        .iter()
        .filter(|holders| holders.instances > 0);
    held.enumerate()
        .try_for_each(|(place, of_class)| holders(&mut page, place, of_class))?;
    threads(&mut page, &answer.threads)?;
    writeln!(
        page,
        "<p class=\"muted\">finwatch {}</p>",
        env!("CARGO_PKG_VERSION")
    )?;
    Ok(page)
}

fn head(page: &mut String, answer: &Answer) -> fmt::Result {
    writeln!(
        page,
        "<p class=\"muted\">heap dump of {}, {}; {}, {} in the heap</p>",
        timestamp(answer.made_ms),
        bytes(answer.dump_bytes),
        counted(answer.heap.objects, "object"),
        bytes(answer.heap.bytes)
    )?;
    for damage in &answer.damage {
        writeln!(
            page,
            "<p class=\"finding\">Damaged: {}</p>",
            Escaped(&damage.to_string())
        )?;
    }
    for note in &answer.notes {
        writeln!(
            page,
            "<p class=\"muted\">Note: {}.</p>",
            Escaped(&note.to_string())
        )?;
    }
    let Some(chain) = &answer.chain else {
        return writeln!(page, "<p class=\"big\">{}.</p>", without_finalizers(answer));
    };
    if let Some(retained) = answer.retained {
        let percent = 100.0 * retained.bytes as f64 / answer.heap.bytes.max(1) as f64;
        writeln!(
            page,
            "<p class=\"big\">{} ({percent:.1}%) of the heap hang on finalization: {}, their objects and what only they keep alive.</p>",
            bytes(retained.bytes),
            counted(answer.finalizers.objects, "Finalizer")
        )?;
    }
    writeln!(
        page,
        "<p>Unfinalized chain: {}, {}. Registered {}, of these pending {}; running {}.</p>",
        counted(chain.length, "Finalizer"),
        Escaped(
            &chain
                .broken
                .as_ref()
                .map_or_else(|| "intact".into(), |why| format!("broken: {why}"))
        ),
        grouped(answer.total.registered),
        grouped(answer.total.pending),
        grouped(answer.total.running)
    )
}

fn finding(page: &mut String, finding: &Finding) -> fmt::Result {
    writeln!(
        page,
        "<div class=\"finding\"><p>{}.</p>\n<p class=\"advice\">{}</p>\n<p class=\"muted\">read: {}</p></div>",
        Escaped(&finding.text),
        Escaped(finding.advice),
        Escaped(&finding.fields_read.join(", "))
    )
}

fn stream(page: &mut String, explanation: &Explanation) -> fmt::Result {
    page.push_str("<h2>What the stream tells</h2>\n<dl>\n");
    for (label, text) in explain::of_stream(explanation) {
        writeln!(
            page,
            "<dt>{}</dt><dd>{}</dd>",
            Escaped(label),
            Escaped(&text)
        )?;
    }
    page.push_str("</dl>\n");
    Ok(())
}

fn classes(page: &mut String, classes: &[ClassFacts]) -> fmt::Result {
    if classes.is_empty() {
        return Ok(());
    }
    page.push_str(
        "<h2>Classes</h2>\n<div class=\"scroll\"><table>\n<tr><th>registered<th>pending<th>running<th>no Finalizer\
         <th>shallow<th>retained<th>class (loader)</tr>\n",
    );
    for class in classes {
        writeln!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{} <span class=\"muted\">({})</span></tr>",
            grouped(class.counts.registered),
            grouped(class.counts.pending),
            grouped(class.counts.running),
            grouped(class.without_finalizer),
            bytes(class.shallow_bytes),
            class
                .retained
                .map_or_else(|| "-".into(), |retained| bytes(retained.bytes)),
            Escaped(&class.class),
            Escaped(&class.loader)
        )?;
    }
    page.push_str("</table></div>\n");
    Ok(())
}

fn holders(page: &mut String, place: usize, holders: &Holders) -> fmt::Result {
    if place == 0 {
        page.push_str("<h2>Who holds them</h2>\n");
    }
    writeln!(
        page,
        "<h3>{}</h3>\n<p>{}{}.</p>",
        Escaped(&holders.class),
        of_held(holders),
        match holders.softly_held {
            0 => String::new(),
            softly => format!("; {} by soft references alone", grouped(softly)),
        }
    )?;
    for field in &holders.fields {
        writeln!(
            page,
            "<p>{} from {}</p>",
            counted(field.count, "reference"),
            Escaped(&of_field(field))
        )?;
    }
    let mut paths = holders.paths.iter().chain(&holders.soft_paths);
    paths.try_for_each(|path| of_path(page, path, holders.instances))
}

fn of_path(page: &mut String, path: &HoldingPath, instances: u64) -> fmt::Result {
    let told = record::path(path);
    let width = BAR_REM * path.count as f64 / instances.max(1) as f64;
    writeln!(
        page,
        "<p><span class=\"share\" style=\"width:{width:.2}rem\"></span>{} of {}</p>\n<ol class=\"path\"><li>{}</li>",
        grouped(path.count),
        grouped(instances),
        Escaped(&holding::root(&told.root))
    )?;
    for step in &told.chain {
        writeln!(page, "<li>{}</li>", Escaped(&holding::link(step)))?;
    }
    page.push_str("</ol>\n");
    Ok(())
}

fn threads(page: &mut String, threads: &[Thread]) -> fmt::Result {
    for (place, thread) in threads.iter().enumerate() {
        if place == 0 {
            page.push_str("<h2>Threads</h2>\n");
        }
        writeln!(page, "<h3>{}</h3>", Escaped(&thread.name))?;
        if let Some(lock) = &thread.waits_for {
            writeln!(page, "<p>waits for {}</p>", Escaped(lock))?;
        }
        writeln!(page, "<pre>{}</pre>", Escaped(&thread.stack.join("\n")))?;
    }
    Ok(())
}

//! The page: what was kept, as JSON, in a frame of HTML with the style and the script that draws it.
//!
//! Names come out of somebody's program and may be anything. In the HTML they are escaped; the JSON stands in a script
//! element, which it can't end as it has no `<`; and the script makes text nodes of them, never markup.

use std::path::Path;

use finwatch_record::Baseline;
use serde::Serialize;

use super::jvm::Jvm;
use super::notable::{Notable, Weight, notable, spaced};
use crate::markup::Escaped;
use crate::numbers::{bytes, grouped, nanoseconds};
use crate::quote::Plain;
use crate::stream::{Digest, File, Files};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page shows.
#[derive(Debug, Serialize)]
pub struct Page {
    /// Version of finwatch.
    version: &'static str,
    /// The files that it is made of.
    pub files: Files,
    jvms: Vec<Shown>,
}

/// A JVM and what is notable about it.
#[derive(Debug, Serialize)]
struct Shown {
    pid: u64,
    records: u64,
    from_ms: u64,
    to_ms: u64,
    notable: Vec<Notable>,
    #[serde(flatten)]
    jvm: Jvm,
}

impl Page {
    /// Of all that was kept.
    pub fn of(digest: Digest<Jvm>) -> Page {
        let (jvms, files) = digest.finish();
        let show = |jvm: Jvm| Shown {
            pid: jvm.span.pid(),
            records: jvm.span.records,
            from_ms: jvm.span.first_ms,
            to_ms: jvm.span.last_ms,
            notable: notable(&jvm),
            jvm,
        };
        Page {
            version: env!("CARGO_PKG_VERSION"),
            files,
            jvms: jvms.into_iter().map(show).collect(),
        }
    }

    /// The page as JSON.
    ///
    /// # Errors
    ///
    /// None: every key is a string.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }

    /// The page as HTML.
    ///
    /// # Errors
    ///
    /// As [`Page::json`].
    pub fn html(&self) -> serde_json::Result<String> {
        let data = self.json()?.replace('<', "\\u003c");
        let title = Escaped(&self.title()).to_string();
        let sections: String = self.jvms.iter().enumerate().map(section).collect();
        let files: String = self.files.0.iter().map(file_line).collect();
        let records = grouped(self.files.records());
        let version = self.version;
        Ok(format!(
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{STYLE}</style>
</head>
<body>
<header><h1>{title}</h1></header>
<main>
{sections}</main>
<footer>
<p>{records} records, by finwatch {version}, from</p>
<ul>{files}</ul>
</footer>
<noscript><p>The charts need JavaScript; nothing is loaded from anywhere.</p></noscript>
<script type="application/json" id="data">{data}</script>
<script>
{SCRIPT}</script>
</body>
</html>
"#
        ))
    }

    /// A line about the page that was written.
    pub fn summary(&self, output: &Path) -> String {
        let size = std::fs::metadata(output).map_or(0, |metadata| metadata.len());
        let (jvms, records) = (self.jvms.len(), grouped(self.files.records()));
        let jvms = if jvms == 1 {
            "1 JVM".to_owned()
        } else {
            format!("{jvms} JVMs")
        };
        let mut summary = format!(
            "{}: {jvms}, {records} records, {}",
            output.display(),
            spaced(&bytes(size))
        );
        for jvm in &self.jvms {
            let worst = jvm
                .notable
                .first()
                .filter(|notable| notable.weight != Weight::Info);
            if let Some(worst) = worst {
                summary += &format!("\n  pid {}: {}", jvm.pid, Plain(&worst.text));
            }
        }
        summary
    }

    fn title(&self) -> String {
        match self.jvms.as_slice() {
            [only] => format!("Finalization in {}", name(&only.jvm)),
            jvms => format!("Finalization in {} JVMs", jvms.len()),
        }
    }
}

/// What a JVM is called.
fn name(jvm: &Jvm) -> String {
    let command = jvm
        .start
        .as_ref()
        .and_then(|start| start.jvm.command.as_deref());
    let program = command.and_then(|command| command.split_whitespace().next());
    match program {
        Some(program) => format!("{program} ({})", jvm.span.pid()),
        None => format!("process {}", jvm.span.pid()),
    }
}

fn section((place, shown): (usize, &Shown)) -> String {
    let notable: String = shown
        .notable
        .iter()
        .map(|notable| {
            let class = match notable.weight {
                Weight::Critical => "critical",
                Weight::Warning => "warning",
                Weight::Info => "info",
            };
            let text = Escaped(&notable.text);
            let label = if class == "info" { "" } else { class };
            let label = if label.is_empty() {
                String::new()
            } else {
                format!("<strong>{label}</strong> ")
            };
            format!("<li class=\"{class}\">{label}<span>{text}</span></li>\n")
        })
        .collect();
    let name = name(&shown.jvm);
    format!(
        "<section class=\"jvm\" data-jvm=\"{place}\" aria-labelledby=\"jvm-{place}\">\n\
         <h2 id=\"jvm-{place}\">{}</h2>\n<dl class=\"facts\">{}</dl>\n\
         <h3>What is notable</h3>\n<ul class=\"notable\">\n{notable}</ul>\n\
         <div class=\"charts\"></div>\n</section>\n",
        Escaped(&name),
        facts(&shown.jvm),
    )
}

fn facts(jvm: &Jvm) -> String {
    let Some(start) = &jvm.start else {
        return fact("pid", &jvm.span.pid().to_string());
    };
    let mut facts = String::new();
    if let Some(command) = &start.jvm.command {
        facts += &fact("command", command);
    }
    facts += &fact("host", &format!("{}, pid {}", start.host, jvm.span.pid()));
    facts += &fact("JVM", &format!("{} {}", start.jvm.name, start.jvm.version));
    if let Some(gc) = &start.jvm.gc {
        facts += &fact("collectors", gc);
    }
    if let Some(max) = jvm.memory.heap_max_bytes {
        facts += &fact("heap up to", &spaced(&bytes(max)));
    }
    if let Some(coverage) = &jvm.coverage {
        let level = serde_json::to_value(coverage.level).unwrap_or_default();
        facts += &fact(
            "coverage",
            &format!(
                "{}: {}",
                level.as_str().unwrap_or_default(),
                coverage.reason
            ),
        );
    }
    if let Some(baseline) = &start.baseline {
        facts += &fact("registered before", &before(baseline));
    }
    facts
}

/// What there was when the agent came.
fn before(baseline: &Baseline) -> String {
    let objects = match baseline.objects {
        1 => "1 object was".to_owned(),
        objects => format!("{} objects were", grouped(objects)),
    };
    let pause = nanoseconds((baseline.pause_ms * 1e6) as u64);
    format!(
        "{objects} there when finwatch came; while it counted them, registering another one took {pause} at most"
    )
}

fn fact(name: &str, value: &str) -> String {
    format!("<div><dt>{name}</dt><dd>{}</dd></div>", Escaped(value))
}

fn file_line(file: &File) -> String {
    let name = Escaped(&file.name);
    let mut line = format!("<li><code>{name}</code>: {} records", grouped(file.records));
    if file.problems > 0 {
        line += &format!("; {}", Escaped(&file.words()));
    }
    if let Some(error) = &file.error {
        line += &format!("; it could not be read to its end: {}", Escaped(error));
    }
    line + "</li>"
}

//! `finwatch heap`: what a heap dump tells about finalization, when the JVM itself is gone.

mod html;
mod progress;
mod record;
mod text;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use finwatch_hprof::{Answer, Depth, Dump, Progress, answer};

use crate::exit::Outcome;
use crate::quote::Quoted;

const EXAMPLES: &str = "\
Examples:
  finwatch heap java_pid4711.hprof          who is registered, who holds it, what it means
  finwatch heap --summary big.hprof.gz      the counts per class alone, in a fraction of the time
  finwatch heap --json app.hprof | jq -c 'select(.type==\"holders\")'";

/// Tell from a heap dump who is registered for finalization, who holds it and what that means
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The dump, as HotSpot writes it (`jcmd PID GC.heap_dump FILE`); it may be compressed with gzip, or a pipe
    #[arg(value_name = "FILE.hprof[.gz]")]
    file: PathBuf,
    /// Write records as JSON lines instead of text: a `heap_dump`, then `holders` per class
    #[arg(long)]
    json: bool,
    /// Write an HTML page that needs nothing else to this file, instead of text to the terminal
    #[arg(short, long, value_name = "REPORT.html", conflicts_with = "json")]
    output: Option<PathBuf>,
    /// The chain and the counts per class alone, without holders and retained sizes
    #[arg(long)]
    summary: bool,
}

/// Reads the dump and writes the answer to stdout.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let answer = read(arguments)?;
    let outcome = if answer.damage.is_empty() {
        Outcome::Done
    } else {
        Outcome::Found
    };
    if let Some(output) = &arguments.output {
        let page = html::page(&arguments.file, &answer)?;
        fs::write(output, page)
            .with_context(|| format!("cannot write the page to {}", Quoted(output.as_os_str())))?;
        return Ok(outcome);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    if arguments.json {
        for record in record::records(&arguments.file, &answer) {
            serde_json::to_writer(&mut out, &record).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
    } else {
        text::write(&mut out, &arguments.file, &answer)?;
    }
    out.flush()?;
    Ok(outcome)
}

fn read(arguments: &Arguments) -> anyhow::Result<Answer> {
    let depth = if arguments.summary {
        Depth::Summary
    } else {
        Depth::Whole
    };
    let progress = Progress::default();
    progress::shown_during(&progress, || {
        let dump = Dump::open(&arguments.file, &progress)?;
        answer(&dump, depth, &progress)
    })
    .context("no answer from this dump")
}

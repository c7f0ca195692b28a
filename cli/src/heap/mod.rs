//! `finwatch heap`: what a heap dump tells about finalization, when the JVM itself is gone.

mod html;
mod progress;
mod record;
mod text;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use finwatch_hprof::{Answer, Depth, Dump, Progress, answer};
use finwatch_record::Record;

use crate::exit::Outcome;
use crate::explain::{Explained, with_rotated};
use crate::output::{self, STDOUT};
use crate::stdout::stdout;
use crate::stream::STDIN;

const EXAMPLES: &str = "\
Examples:
  finwatch heap java_pid4711.hprof      who is registered, who holds it, why
  finwatch heap --stream finwatch-4711.jsonl java_pid4711.hprof
                                        since when and where made, too
  finwatch heap --summary big.hprof.gz  the counts per class alone, much faster
  kubectl exec app -- cat /tmp/app.hprof | finwatch heap -
  finwatch heap --json app.hprof | jq -c 'select(.type==\"holders\")'

One screen in words: finwatch explain app.hprof [STREAM ...]";

/// Tell from a heap dump who is registered for finalization, who holds it and what that means
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, max_term_width = 80)]
pub struct Arguments {
    /// The dump, as HotSpot writes it (`jcmd PID GC.heap_dump FILE`);
    /// it may be compressed with gzip, or a pipe; '-' is stdin
    #[arg(value_name = "FILE.hprof[.gz]")]
    file: PathBuf,
    /// A stream that the agent wrote in the same JVM, and what was rotated away
    /// from it: tells since when, how fast and where the objects are made; may
    /// be given several times
    #[arg(long = "stream", value_name = "STREAM")]
    streams: Vec<OsString>,
    /// Write records as JSON lines instead of text: a `heap_dump`, `holders`
    /// per class, and with --stream an `explanation`
    #[arg(long)]
    json: bool,
    /// Write an HTML page that needs nothing else to this file ('-' is stdout),
    /// instead of text to the terminal; with --json both
    #[arg(short, long, value_name = "REPORT.html")]
    output: Option<PathBuf>,
    /// The chain and the counts per class alone, without holders and retained
    /// sizes
    #[arg(long)]
    summary: bool,
}

/// Reads the dump and writes the answer to stdout.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let depth = if arguments.summary {
        Depth::Summary
    } else {
        Depth::Whole
    };
    let file = &arguments.file;
    if let Some(output) = &arguments.output {
        if arguments.json && output == Path::new(STDOUT) {
            bail!("--json and the page of '-o -' would both go to stdout: give a file after -o");
        }
        let mut inputs = with_rotated(&arguments.streams);
        inputs.push(file.into());
        output::refuse_to_overwrite(output, &inputs)?;
    }
    let answer = read(file, depth)?;
    let explained = match arguments.streams.as_slice() {
        [] => None,
        streams => Some(Explained::beside(record::records(file, &answer), streams)?),
    };
    let explanation = explained.as_ref().map(|explained| &explained.explanation);
    if let Some(output) = &arguments.output {
        output::write(output, &html::page(file, &answer, explanation)?)?;
    }
    let mut out = io::BufWriter::new(stdout());
    match (arguments.json, &arguments.output) {
        (true, _) => record::write(&mut out, file, &answer, explanation)?,
        (false, None) => text::write(&mut out, file, &answer, explanation)?,
        (false, Some(_)) => {}
    }
    out.flush()?;
    let is_complete = explained.is_none_or(|explained| {
        explained.files.tell_problems();
        explained.is_complete
    });
    Ok(match (is_complete, answer.damage.is_empty()) {
        (false, _) => Outcome::Failed,
        (true, false) => Outcome::Found,
        (true, true) => Outcome::Done,
    })
}

/// The whole answer about a dump, as records.
pub fn records(file: &OsStr) -> anyhow::Result<Vec<Record>> {
    let file = Path::new(file);
    Ok(record::records(file, &read(file, Depth::Whole)?))
}

fn read(file: &Path, depth: Depth) -> anyhow::Result<Answer> {
    let progress = Progress::default();
    progress::shown_during(&progress, || {
        let dump = match file.as_os_str() == STDIN {
            true => Dump::receive(file, io::stdin(), &progress)?,
            false => Dump::open(file, &progress)?,
        };
        answer(&dump, depth, &progress)
    })
    .context("no answer from this dump")
}

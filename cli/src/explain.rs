//! `finwatch explain`: what is wrong with a JVM, on one screen and in words, out of its stream.
//!
//! ```text
//! files ──> known (what matters of each JVM) ──> explanation (the facts) ──> prose, or JSON
//! ```

mod alert;
mod explanation;
mod frames;
mod known;
mod moment;
mod outlook;
mod prose;
mod steps;
#[cfg(test)]
mod tests;
mod triage;
mod wrap;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::bail;
use ratatui::crossterm::terminal;

use crate::exit::Outcome;
use crate::stream::{Digest, Sources, rotated};
use crate::top::watched;
use explanation::{Explanation, Subject};
use known::Known;

/// Columns of the text where there is no terminal.
const COLUMNS: usize = 80;

const EXAMPLES: &str = "\
Examples:
  finwatch explain 4711                                 a JVM that is watched, by its process id
  finwatch explain /var/log/app/finwatch-4711.jsonl     a stream's file
  kubectl logs app | finwatch explain -
  finwatch explain --json 4711 | jq -r .headline

Files that were rotated away from one that is named (FILE.1, FILE.2, …) are read too. Where
there are several JVMs in the files, the one that is worst off now is explained.
It exits with 1 when something is wrong.";

/// Say in plain words what is wrong with a JVM, who holds what, and what to do
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files of records, in any order; '-' is stdin; or one process id (`./4711`: a file)
    #[arg(required = true, value_name = "FILE|PID")]
    sources: Vec<OsString>,
    /// Print the facts as one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads the stream and says what it tells.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let Some((names, subject)) = subject(&arguments.sources)? else {
        return Ok(Outcome::Found);
    };
    let mut sources = Sources::open(&names)?;
    let (digest, is_complete) = Digest::<Known>::read(&mut sources);
    let (jvms, files) = digest.finish();
    let Some(explanation) = Explanation::of(jvms, &subject) else {
        bail!("nothing can be explained: {}", files.why_empty());
    };
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &explanation)?;
        writeln!(out)?;
    } else {
        out.write_all(prose::text(&explanation, columns()).as_bytes())?;
    }
    files.tell_problems();
    Ok(match (is_complete, explanation.is_wrong) {
        (false, _) => Outcome::Failed,
        (true, true) => Outcome::Found,
        (true, false) => Outcome::Done,
    })
}

/// The files to read, and whom they are about; `None` where the JVM is not watched, which was said.
fn subject(sources: &[OsString]) -> anyhow::Result<Option<(Vec<OsString>, Subject)>> {
    let pid = |name: &OsString| name.to_str().and_then(|text| text.parse::<u32>().ok());
    if let ([_], Some(pid)) = (sources, sources.first().and_then(pid)) {
        let Some(watched) = watched::by_pid(pid)? else {
            return Ok(None);
        };
        let subject = Subject {
            pid: Some(pid),
            own_pid: Some(watched.own_pid),
        };
        return Ok(Some((with_rotated(&[watched.stream]), subject)));
    }
    if let Some(pid) = sources.iter().find_map(pid) {
        bail!(
            "{pid} is a process id, and only one can be explained at a time: './{pid}' is a file"
        );
    }
    Ok(Some((with_rotated(sources), Subject::default())))
}

/// The files and those that were rotated away from them, each once.
fn with_rotated(names: &[OsString]) -> Vec<OsString> {
    let mut seen = BTreeSet::new();
    let rotated = |name: &OsString| match name == OsStr::new("-") {
        true => Vec::new(),
        false => rotated(Path::new(name)),
    };
    let all = names.iter().flat_map(|name| {
        let rotated = rotated(name).into_iter().map(OsString::from);
        std::iter::once(name.clone()).chain(rotated)
    });
    all.filter(|name| seen.insert(name.clone())).collect()
}

/// Columns of the terminal that the text goes to.
fn columns() -> usize {
    let is_terminal = io::stdout().is_terminal();
    let size = is_terminal.then(terminal::size).and_then(Result::ok);
    size.filter(|(columns, _)| *columns > 0)
        .map_or(COLUMNS, |(columns, _)| columns.into())
}

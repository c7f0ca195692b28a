//! `finwatch explain`: what is wrong with a JVM, on one screen and in words, out of its stream, a heap dump, or both.
//!
//! ```text
//! streams ───> known (what matters of each JVM) ──> explanation (the facts) ──> prose, or JSON
//! heap dump ─> dump (its records)               ─────^
//! ```

mod alert;
mod beside;
mod dump;
mod exhaustion;
mod explanation;
mod frames;
mod known;
mod moment;
mod outlook;
mod prose;
mod same_jvm;
mod steps;
#[cfg(test)]
mod tests;
mod triage;
mod wrap;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use anyhow::bail;
use finwatch_record::Record;
use ratatui::crossterm::terminal;

use crate::exit::Outcome;
use crate::heap;
use crate::quote::Quoted;
use crate::stdout::stdout;
use crate::stream::{Digest, Files, STDIN, Sources, rotated};
use crate::time;
use crate::top::watched;
use dump::Dump;
use explanation::Subject;
use known::Known;

pub use explanation::Explanation;
pub use prose::{lines, of_stream};

/// Columns of the text where there is no terminal.
const COLUMNS: usize = 80;

const EXAMPLES: &str = "\
Examples:
  finwatch explain 4711                           a watched JVM, by process id
  finwatch explain /var/log/finwatch-4711.jsonl   a stream's file
  kubectl logs app | finwatch explain -
  finwatch explain java_pid4711.hprof             a heap dump, also .gz, or '-'
  finwatch explain java_pid4711.hprof finwatch-4711.jsonl
  finwatch explain --json 4711 | jq -r .headline

Files that were rotated away from one that is named (FILE.1, FILE.2, …) are
read too. Where there are several JVMs in the files, the one that the heap
dump is of is explained, or the one that is worst off now. A heap dump tells
who holds the objects; the stream since when, how fast and where they are made.
Whether both are of one JVM is told by times, process ids and classes.
It exits with 1 when something is wrong.";

/// Say in plain words what is wrong with a JVM, who holds what, and what to do
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, max_term_width = 80)]
pub struct Arguments {
    /// Files of records, in any order, or '-' (stdin), or one process id (`./4711`: a file); with these, or alone, a
    /// heap dump
    #[arg(required = true, value_name = "FILE|PID")]
    sources: Vec<OsString>,
    /// Print the facts as one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads the stream, the dump, or both, and says what they tell.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (dumps, streams) = by_content(&arguments.sources, stdin_is_dump);
    let dump = match dumps.as_slice() {
        [] => None,
        [dump] => Some(heap::records(dump)?),
        _ => bail!(
            "one heap dump can be explained at a time, and there are {}",
            dumps.len()
        ),
    };
    let Some((names, subject)) = subject(&streams)? else {
        return Ok(Outcome::Found);
    };
    let explained = Explained::read(dump, &names, &subject)?;
    let explanation = &explained.explanation;
    let mut out = stdout();
    if arguments.json {
        serde_json::to_writer(&mut out, explanation)?;
        writeln!(out)?;
    } else {
        out.write_all(prose::text(explanation, columns()).as_bytes())?;
    }
    explained.files.tell_problems();
    let is_damaged = explanation
        .dump
        .as_ref()
        .is_some_and(|dump| !dump.damage.is_empty());
    Ok(
        match (explained.is_complete, explanation.is_wrong || is_damaged) {
            (false, _) => Outcome::Failed,
            (true, true) => Outcome::Found,
            (true, false) => Outcome::Done,
        },
    )
}

/// What streams and a heap dump come to.
pub struct Explained {
    pub explanation: Explanation,
    /// The files of the streams.
    pub files: Files,
    /// Whether all streams could be read to their ends; why not was told on stderr.
    pub is_complete: bool,
}

impl Explained {
    /// Reads the streams; `dump` are the records of the dump.
    ///
    /// # Errors
    ///
    /// No stream can be opened, or there is no record in them.
    fn read(
        dump: Option<Vec<Record>>,
        names: &[OsString],
        subject: &Subject,
    ) -> anyhow::Result<Explained> {
        let mut sources = Sources::open(names)?;
        let (digest, is_complete) = Digest::<Known>::read(&mut sources);
        let (jvms, files) = digest.finish();
        let dump = dump.and_then(Dump::of);
        if subject.is_missing_in(&jvms) {
            let file = names.first().map(OsString::as_os_str).unwrap_or_default();
            bail!(
                "nothing can be explained: its stream goes to {}, where there are only records of other JVMs: 'finwatch \
                 attach PID out=FILE' moves it to a file of its own",
                Quoted(file)
            );
        }
        if jvms.is_empty() && !(names.is_empty() && dump.is_some()) {
            bail!("nothing can be explained: {}", files.why_empty());
        }
        match Explanation::of(jvms, dump.as_ref(), subject) {
            Some(explanation) => Ok(Explained {
                explanation,
                files,
                is_complete,
            }),
            None => bail!("nothing can be explained: {}", files.why_empty()),
        }
    }

    /// The same for `finwatch heap`: a dump, and the streams beside it.
    pub fn beside(dump: Vec<Record>, streams: &[OsString]) -> anyhow::Result<Explained> {
        Explained::read(Some(dump), &with_rotated(streams), &Subject::default())
    }
}

/// Heap dumps, and everything else. A process id is none, whatever file has that name.
fn by_content(
    sources: &[OsString],
    stdin_is_dump: impl Fn() -> bool,
) -> (Vec<OsString>, Vec<OsString>) {
    let is_dump = |name: &OsString| match name == STDIN {
        true => stdin_is_dump(),
        false => pid(name).is_none() && finwatch_hprof::Dump::is_one(name.as_ref()),
    };
    sources.iter().cloned().partition(is_dump)
}

/// Looks at what comes first and leaves it there.
fn stdin_is_dump() -> bool {
    let mut stdin = io::stdin().lock();
    stdin
        .fill_buf()
        .is_ok_and(finwatch_hprof::Dump::is_begun_by)
}

fn pid(name: &OsString) -> Option<u32> {
    name.to_str()?.parse().ok()
}

/// The files to read, and whom they are about; `None` where the JVM is not watched, which was said.
fn subject(sources: &[OsString]) -> anyhow::Result<Option<(Vec<OsString>, Subject)>> {
    if let ([_], Some(pid)) = (sources, sources.first().and_then(pid)) {
        let Some(watched) = watched::by_pid(pid)? else {
            return Ok(None);
        };
        let subject = Subject {
            pid: Some(pid),
            own_pid: Some(watched.own_pid),
            now_ms: Some(time::now_ms()),
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
pub fn with_rotated(names: &[OsString]) -> Vec<OsString> {
    let mut seen = BTreeSet::new();
    let rotated = |name: &OsString| match name == STDIN {
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
pub fn columns() -> usize {
    let is_terminal = io::stdout().is_terminal();
    let size = is_terminal.then(terminal::size).and_then(Result::ok);
    size.filter(|(columns, _)| *columns > 0)
        .map_or(COLUMNS, |(columns, _)| columns.into())
}

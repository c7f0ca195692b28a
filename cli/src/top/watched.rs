//! Where the stream of a running JVM is: found by its process id, or by its being the only
//! one that is watched. One that is not watched can be attached to, if the user says so.

use std::ffi::OsString;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;

use crate::attach;
use crate::jvm::{Jvm, Process};
use crate::list::{self, Row};
use crate::quote::Plain;
use crate::stderr;

/// How long a JVM may take to be attached to.
const ATTACHES_WITHIN: Duration = Duration::from_secs(30);

/// A JVM that is watched, and a file with its stream.
pub struct Watched {
    /// Path from here.
    pub stream: OsString,
    /// The JVM's process.
    pub process: Process,
    /// The process id that the JVM itself sees, and its records have.
    pub own_pid: u32,
}

/// The stream of that JVM; `None` where it is not watched, which was said in words.
///
/// # Errors
///
/// There is no such JVM, it can't be looked into, or its stream goes to no file.
pub fn by_pid(pid: u32) -> anyhow::Result<Option<Watched>> {
    let (jvm, row) = found(pid)?;
    if row.watched == Some(true) {
        return stream(jvm, &row).map(Some);
    }
    say_not_watched(&row);
    Ok(None)
}

/// The same of a JVM that is attached to first, where it is not watched and the user says so.
///
/// # Errors
///
/// Those of [`by_pid`], or it can't be attached to.
pub fn by_pid_or_attach(pid: u32) -> anyhow::Result<Option<Watched>> {
    let (jvm, row) = found(pid)?;
    if row.watched == Some(true) {
        return stream(jvm, &row).map(Some);
    }
    let program = program(&row);
    if !asks(&format!(
        "{pid} ({program}) is not watched. Attach the agent to it?"
    ))? {
        say_not_watched(&row);
        return Ok(None);
    }
    attach::attach(&jvm, "", ATTACHES_WITHIN)?;
    let jvm = attach::find(pid)?;
    let row = Row::of(&jvm);
    stream(jvm, &row).map(Some)
}

/// The JVM, of which it is known whether it is watched.
fn found(pid: u32) -> anyhow::Result<(Jvm, Row)> {
    let jvm = attach::find(pid)?;
    let row = Row::of(&jvm);
    if let Some(why) = &row.unknown
        && row.watched != Some(true)
    {
        bail!("{pid}: whether it is watched can't be told: {}", Plain(why));
    }
    Ok((jvm, row))
}

fn say_not_watched(row: &Row) {
    let (pid, program) = (row.pid, program(row));
    stderr::tell(format_args!(
        "{pid} ({program}) is not watched: 'finwatch attach {pid}' attaches the agent to it"
    ));
}

fn program(row: &Row) -> String {
    Plain(row.program.as_deref().unwrap_or("unknown program")).to_string()
}

/// The only JVM on this machine that is watched; `None` where there is none or more than one,
/// which was said in words, with the choices.
///
/// # Errors
///
/// The processes can't be listed, or the stream goes to no file.
pub fn only() -> anyhow::Result<Option<Watched>> {
    let mut jvms = Jvm::all()?;
    let rows: Vec<Row> = jvms.iter().map(Row::of).collect();
    let mut watched = (0..rows.len()).filter(|at| rows[*at].watched == Some(true));
    let why = match (watched.next(), watched.next()) {
        (Some(only), None) => return stream(jvms.swap_remove(only), &rows[only]).map(Some),
        (Some(_), Some(_)) => "more than one JVM is watched: name one, as in 'finwatch top PID'",
        (None, _) if rows.is_empty() => {
            "there is no JVM on this machine that can be seen; a stream's file can be named"
        }
        (None, _) => {
            "no JVM is watched: name one to attach to, as in 'finwatch top PID', or a stream's file"
        }
    };
    stderr::tell(why);
    if !rows.is_empty() {
        let mut table = Vec::new();
        list::write_table(&mut table, &rows)?;
        stderr::tell_lines(String::from_utf8_lossy(&table));
    }
    Ok(None)
}

fn stream(jvm: Jvm, row: &Row) -> anyhow::Result<Watched> {
    let pid = row.pid;
    let out = row.watch.as_ref().map_or("", |watch| watch.out.as_str());
    let stream: OsString = match (&row.stream_here, out) {
        (Some(file), _) if is_read_once(Path::new(file)) => bail!(
            "{pid}: its stream goes to {}, of which one would read what another reader misses; 'finwatch attach {pid} \
             out=FILE' moves it to a file",
            Plain(file)
        ),
        (Some(file), _) => file.into(),
        (None, path) if path.starts_with('/') => {
            let why = row.unknown.as_deref().unwrap_or_default();
            bail!("{pid}: {}: name the file", Plain(why))
        }
        (None, "stdout") => descriptor(pid, 1)?,
        (None, "stderr") => descriptor(pid, 2)?,
        (None, "") => bail!("{pid}: where its stream goes can't be read here: name the file"),
        (None, out) => bail!(
            "{pid}: its stream goes to {}, where only one can read it; 'finwatch attach {pid} out=FILE' moves it to a file",
            Plain(out)
        ),
    };
    Ok(Watched {
        stream,
        own_pid: jvm.status.own_pid,
        process: jvm.process,
    })
}

/// Whether what was read from there is gone for others: a FIFO, a terminal.
fn is_read_once(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

/// What a standard descriptor of the process leads to, if that is a file.
fn descriptor(pid: u32, number: u32) -> anyhow::Result<OsString> {
    let path = PathBuf::from(format!("/proc/{pid}/fd/{number}"));
    match std::fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => Ok(path.into()),
        _ => bail!(
            "{pid}: its stream goes to its own output, which is no file: pipe that into 'finwatch top -', or move \
             the stream with 'finwatch attach {pid} out=FILE'"
        ),
    }
}

/// Asks, where there is somebody to answer; no answer is no.
fn asks(question: &str) -> io::Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(false);
    }
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

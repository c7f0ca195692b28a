//! `finwatch attach`: loads the agent into a running JVM, or changes the options of the one
//! that is in it. No JDK takes part.
//!
//! What can be known before is found out before: nothing is done to a JVM that will not do,
//! and a failed attach leaves nothing behind.

mod handshake;
mod library;
mod patience;
mod refusal;
mod request;
mod turn;
mod visible;

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use finwatch::options::{self, Facts, Sources};

use crate::exit::Outcome;
use crate::jvm::{Details, Jvm, Libc, Watch, as_allowed, is_root, process_id};
use crate::list::Row;
use crate::quote::Plain;
use crate::stderr;
use crate::stdout::stdout;
use library::Library;
use patience::{GaveUp, Patience};
use request::{Failed, LONGEST_ARGUMENT, Reply};
use turn::Turn;
use visible::Visible;

/// How long the agent may take to say about itself what it has done.
const TELLS_WITHIN: Duration = Duration::from_secs(5);

/// How long the agent may take to begin its stream.
const APPEARS_WITHIN: Duration = Duration::from_secs(2);

/// What `attach` and `detach` have in common.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// Process id of the JVM, as `finwatch list` shows it
    #[arg(value_parser = process_id)]
    pub pid: u32,

    /// How long the JVM may take to answer
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
}

/// Load the agent into a running JVM, or change the options of the one in it
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub struct Arguments {
    #[command(flatten)]
    target: Target,

    /// Options of the agent; relative paths are the JVM's, in its working directory
    #[arg(value_name = "KEY=VALUE")]
    options: Vec<String>,

    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

fn help() -> String {
    format!(
        "\
Examples:
  finwatch attach 4711
  finwatch attach 4711 out=/var/log/app/finwatch.jsonl interval=10s
  finwatch attach 4711 out=unix:/run/finwatch.sock    changes where the stream goes

Being root, or the JVM's user, is needed. A JVM 21 or later warns on its standard error when an
agent is loaded (JEP 451), unless it was started with -XX:+EnableDynamicAgentLoading.

{}",
        options::help()
    )
}

/// Attaches, and says where the stream is.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let flag = arguments.options.join(",");
    let Target { pid, timeout } = arguments.target;
    if arguments.options.iter().any(|option| option == "help") {
        stdout().write_all(options::help().as_bytes())?;
        return Ok(Outcome::Done);
    }
    let jvm = find(pid)?;
    if let Err(mistakes) = check(&jvm, &flag) {
        stderr::tell_lines(format_args!("{mistakes}\n"));
        return Ok(Outcome::Misused);
    }
    let before = jvm.watch().ok().flatten();
    attach(&jvm, &flag, timeout)?;
    let row = Row::of(&find(pid)?);
    if !stream_appears(&jvm, &row) {
        stderr::tell(format_args!(
            "{pid}: its stream is not there yet: if it stays away, the JVM's standard error tells why (the directory \
             may be missing, or closed to the JVM's user)"
        ));
    }
    let mut out = stdout();
    match arguments.json {
        true => row.write_json(&mut out)?,
        false => tell(
            &mut out,
            &row,
            before.is_some_and(|watch| watch.is_watching()),
        )?,
    }
    Ok(Outcome::Done)
}

/// Whether the file of the stream is there, now or soon.
fn stream_appears(jvm: &Jvm, row: &Row) -> bool {
    let Some(file) = row.stream_here.as_deref().map(Path::new) else {
        return true;
    };
    let is_there = || as_allowed(&jvm.status.owner, || file.try_exists());
    let appears = || Ok::<_, GaveUp>(is_there().is_ok_and(|there| there).then_some(()));
    let patience = Patience::with(&jvm.process, APPEARS_WITHIN);
    patience.is_ok_and(|patience| patience.ask(appears).is_ok())
}

fn tell(out: &mut impl Write, row: &Row, was_watched: bool) -> io::Result<()> {
    let pid = row.pid;
    let program = Plain(row.program.as_deref().unwrap_or("unknown program"));
    match was_watched {
        true => writeln!(out, "{pid} ({program}) is watched with these options")?,
        false => writeln!(out, "{pid} ({program}) is watched")?,
    }
    let Some(watch) = &row.watch else {
        return writeln!(out, "  where its stream is cannot be told on this kernel");
    };
    writeln!(out, "  stream    {}", Plain(&watch.out))?;
    if let Some(file) = row.stream_here.as_ref().filter(|file| **file != watch.out) {
        writeln!(out, "  from here {}", Plain(file))?;
    }
    writeln!(out, "  coverage  {}", Plain(&watch.coverage))?;
    match &watch.message {
        Some(message) => writeln!(out, "  message   {}", Plain(message.trim())),
        None => Ok(()),
    }
}

/// The JVM with that id, or in words why there is none.
pub fn find(pid: u32) -> anyhow::Result<Jvm> {
    Jvm::find(pid).map_err(|why| refusal::not_a_jvm(pid, &why, &known_inside_as(pid)))
}

/// The JVMs in containers that know themselves by that number.
fn known_inside_as(pid: u32) -> Vec<u32> {
    let jvms = Jvm::all().unwrap_or_default().into_iter();
    jvms.filter(|jvm| jvm.status.nested && jvm.status.own_pid == pid)
        .map(|jvm| jvm.process.pid)
        .collect()
}

/// Every mistake in the options, and in those of the JVM's environment.
fn check(jvm: &Jvm, flag: &str) -> Result<(), options::Mistakes> {
    let environment = jvm.environment(options::ENVIRONMENT_VARIABLE);
    let sources = Sources {
        flag: flag.as_bytes(),
        environment: environment.as_deref(),
    };
    let facts = Facts {
        pid: jvm.status.own_pid,
        host: String::new(),
        start: std::time::SystemTime::now(),
    };
    options::check(&sources, &facts).map(|_| ())
}

/// Hands `options` to the agent in that JVM, and waits until it has said what it did.
pub fn attach(jvm: &Jvm, options: &str, timeout: Duration) -> anyhow::Result<()> {
    let before = jvm.watch().ok().flatten();
    let pid = jvm.process.pid;
    load(jvm, options, timeout).with_context(|| format!("{pid}: not attached"))?;
    wait_for_words(jvm, before.map(|watch| watch.changes));
    Ok(())
}

/// Hands `options` to the agent in that JVM, which is loaded where it is not there yet.
pub fn load(jvm: &Jvm, options: &str, timeout: Duration) -> anyhow::Result<()> {
    allowed(jvm)?;
    // Signals are held back until everything declared below is gone.
    let mut patience = Patience::with(&jvm.process, timeout)?;
    let _turn = Turn::wait(jvm, &patience)?;
    // As it is now, after whose turn it was before.
    let jvm = &find(jvm.process.pid)?;
    let details = allowed(jvm)?;
    let mut visible = visible(jvm, details)?;
    let request = request::load(
        visible.path.as_os_str().as_encoded_bytes(),
        options.as_bytes(),
    );
    check_length("options", options.len())?;
    check_length("path of the library", visible.path.as_os_str().len())?;
    let connection = handshake::connect(jvm, details, &patience)?;
    let reply = request::send(connection, &request, &mut patience);
    if let Ok(Reply::Loaded(_)) = reply {
        visible.was_loaded(details.mapped.libc);
    }
    match reply {
        Ok(Reply::Loaded(0)) => Ok(()),
        Ok(Reply::Loaded(code)) => {
            let watch = jvm.watch().ok().flatten();
            let words = watch.as_ref().and_then(|watch| watch.message.as_deref());
            Err(refusal::by_the_agent(code, words))
        }
        Ok(Reply::Refused(words)) => Err(refusal::not_loaded(&words)),
        Ok(Reply::Nothing) => Err(refusal::no_words()),
        Err(Failed::Unseen(why)) => Err(refusal::no_reader(jvm, why, timeout)),
        Err(Failed::Unanswered(why)) => Err(refusal::no_answer(jvm, why, timeout)),
        Err(Failed::Broken(error)) => Err(error).context("the connection to it broke"),
    }
}

/// Whether it can be attached to, as far as is known without asking it.
fn allowed(jvm: &Jvm) -> anyhow::Result<&Details> {
    let owner = &jvm.status.owner;
    let is_ours =
        owner.user == rustix::process::geteuid() && owner.group == rustix::process::getegid();
    if !is_ours && !is_root() {
        return Err(refusal::not_allowed(owner));
    }
    let details = jvm.details.as_ref().map_err(refusal::not_readable)?;
    let state = jvm.process.status()?.state;
    if refusal::is_stopped(state) {
        return Err(refusal::stopped(jvm, state));
    }
    match jvm.refuses_attach() {
        Some(true) => Err(refusal::attach_disabled()),
        _ => Ok(details),
    }
}

fn visible(jvm: &Jvm, details: &Details) -> anyhow::Result<Visible> {
    if let Some(agent) = &details.mapped.agent {
        if agent.deleted && details.mapped.libc == Some(Libc::Musl) {
            return Err(refusal::removed_library(&agent.path));
        }
        return Ok(Visible::loaded(agent, jvm, details));
    }
    if jvm.watch().is_ok_and(|watch| watch.is_some()) {
        return Err(refusal::renamed_library());
    }
    let library = Library::find(details.mapped.libc)?;
    library.check(jvm, details.mapped.libc)?;
    Visible::new(&library, details, &jvm.status.owner)
}

fn check_length(what: &str, length: usize) -> anyhow::Result<()> {
    anyhow::ensure!(
        length <= LONGEST_ARGUMENT,
        "the {what} has {length} bytes, and a JVM takes {LONGEST_ARGUMENT}: put options into a file \
         and name it with config="
    );
    Ok(())
}

/// Waits until the agent says about itself that it did what it was told.
fn wait_for_words(jvm: &Jvm, changes_before: Option<u64>) {
    let is_new = |watch: &Watch| changes_before.is_none_or(|before| watch.changes != before);
    let words = || Ok::<_, GaveUp>(jvm.watch().ok().flatten().filter(is_new));
    if !Watch::can_be_told() {
        return;
    }
    if let Ok(patience) = Patience::with(&jvm.process, TELLS_WITHIN) {
        // Without news, what it said before is shown.
        let _ = patience.ask(words);
    }
}

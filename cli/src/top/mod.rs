//! `finwatch top`: a stream, looked at while it grows.
//!
//! ```text
//! feed (thread: follows the file, parses) ──> model ──> view ──> terminal
//! keys, signals (threads) ──> controls ─────────────────^
//! ```
//!
//! The model and the view are plain functions of what went in: they are tested without a terminal.

mod columns;
mod controls;
mod feed;
mod inquiry;
mod live;
pub mod model;
mod once;
mod ranking;
mod scene;
mod size;
mod suspension;
mod terminal;
pub mod text;
pub mod theme;
mod view;
pub mod watched;

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stdout};

use crate::exit::Outcome;
use crate::jvm::Process;
use crate::time;
use columns::Column;
use controls::Controls;
use feed::Feed;
use model::Model;
use ranking::Ranking;
use scene::Scene;
use theme::Theme;
pub use view::words::alert_kind;

const EXAMPLES: &str = "\
Examples:
  finwatch top                                   the only JVM that is watched on this machine
  finwatch top 4711                              the JVM of that process id; offers to attach to it
  finwatch top /var/log/app/finwatch-4711.jsonl  a stream, followed also when it is rotated
  kubectl logs -f app | finwatch top -           a stream from elsewhere
  finwatch top --once --sort pending app.jsonl   a table for a script

Keys are told by ? while it runs. Colours are left out where NO_COLOR is set.";

/// Look at a stream live: classes ranked, heap, finalizer thread, alerts
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A process id, a stream's file (`./4711` where it is a number), or `-` for stdin
    #[arg(value_name = "PID|FILE")]
    source: Option<OsString>,
    /// Print what there is now as a plain table and end; so does a stdout that is no terminal
    #[arg(long)]
    once: bool,
    /// The same as a JSON object
    #[arg(long)]
    json: bool,
    /// The column that the classes are ranked by
    #[arg(long, value_enum, default_value_t = Column::Registered, value_name = "COLUMN")]
    sort: Column,
    /// The other way round
    #[arg(long)]
    reverse: bool,
    /// Only classes with this text in their names
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "TEXT"
    )]
    filter: String,
}

/// Shows the stream.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let ranking = Ranking {
        by: arguments.sort,
        reverse: arguments.reverse,
        filter: arguments.filter.clone(),
    };
    let Some(target) = target(arguments.source.as_deref())? else {
        return Ok(Outcome::Found);
    };
    let Target { name, jvm } = target;
    let (process, own_pid) = jvm.unzip();
    let model = Model::of(own_pid);
    let is_once = arguments.once || arguments.json || !stdout().is_terminal();
    let feed = Feed::open(&name, !is_once)?;
    let name = name.to_string_lossy().into_owned();
    if is_once {
        return once::run(feed, model, &name, &ranking, arguments.json, time::now_ms());
    }
    let controls = Controls::new(ranking);
    let scene = Scene::new(model, name, process, controls, Theme::of_environment());
    live::run(feed, scene)
}

/// A stream, and the process of its JVM with the id that its records have, where it was found by that.
struct Target {
    name: OsString,
    jvm: Option<(Process, u32)>,
}

fn target(source: Option<&OsStr>) -> anyhow::Result<Option<Target>> {
    let pid = source
        .and_then(OsStr::to_str)
        .and_then(|text| text.parse().ok());
    let watched = match (source, pid) {
        (None, _) => watched::only()?,
        (_, Some(pid)) => watched::by_pid_or_attach(pid)?,
        (Some(name), None) => {
            let (name, jvm) = (name.to_owned(), None);
            return Ok(Some(Target { name, jvm }));
        }
    };
    Ok(watched.map(|watched| Target {
        name: watched.stream,
        jvm: Some((watched.process, watched.own_pid)),
    }))
}

//! What the user asked for: the flag, a config file and the environment, resolved.
//!
//! Runs once, on the thread that loads the agent (`Agent_OnLoad` or `Agent_OnAttach`),
//! before anything else of the agent exists. Knows neither JVM nor clock: what it needs
//! of either comes in [`Facts`]. Prints nothing and touches no file but the one that
//! `config=` names.
//!
//! In layers: text becomes entries ([`layer`]), entries become values by the one table
//! of keys ([`table`]), later layers overwrite earlier ones. Mistakes of all layers are
//! collected and told together, overwritten values included.

mod config_file;
mod destination;
mod help;
mod layer;
mod mistake;
mod quantity;
mod table;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use layer::Layer;

pub use destination::keyword_of_device;
pub use help::{help, readme_table};
pub use mistake::Mistakes;

/// Name of the environment variable that [`Sources::environment`] is read from.
pub const ENVIRONMENT_VARIABLE: &str = "FINWATCH_OPTIONS";

/// The options in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the stream goes.
    pub out: Destination,
    /// Time between samples.
    pub interval: Duration,
    /// Size in bytes at which a file is rotated; [`Options::NEVER_ROTATE`] for `off`.
    pub rotate_bytes: u64,
    /// How many rotated files stay.
    pub keep: u32,
    /// How many classes a sample lists.
    pub classes: usize,
    /// A record per collection.
    pub gc: bool,
    /// Whether what was registered before the agent came is counted.
    pub baseline: bool,
    /// A record for each alert that is raised or cleared.
    pub alerts: bool,
    /// How long a trend must last to be an alert.
    pub patience: Duration,
    /// How long one call of `finalize()` may take.
    pub stuck: Duration,
    /// Fewer objects than this are never a leak or a backlog.
    pub many: u64,
    /// How long the application may be stopped at once to find out who holds objects; `None`
    /// for never.
    pub pause: Option<Duration>,
    /// What stacks are taken of.
    pub sites: Sites,
    /// How long the JVM may stand still before that is told; `None` for never.
    pub stall: Option<Duration>,
    /// The agent's own messages on stderr.
    pub log: LogLevel,
    /// The config file that was read, if one was named.
    pub config: Option<PathBuf>,
}

/// Where the stream goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A file, FIFO or device, its name's `%` escapes expanded.
    File(PathBuf),
    /// The JVM's standard output.
    Stdout,
    /// The JVM's standard error.
    Stderr,
    /// A Unix stream socket that someone listens on.
    Unix(PathBuf),
}

/// What stacks are taken of, which tell where objects are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sites {
    /// Nothing.
    Off,
    /// Some of the registrations, chosen by the hook.
    Registrations,
    /// Some of the allocations, chosen by the VM.
    Allocations,
}

/// How much the agent says on stderr, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What the user must know.
    Error,
    /// What went wrong and was coped with.
    Warn,
    /// What was done.
    Info,
    /// What only a developer of the agent wants.
    Debug,
}

/// The places that options come from, as the operating system gave them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// What stands after `=` in `-agentpath`, or was given on attach; empty for nothing.
    pub flag: &'a [u8],
    /// The value of [`ENVIRONMENT_VARIABLE`], where it is set.
    pub environment: Option<&'a [u8]>,
}

/// What the `%` escapes of a path stand for.
#[derive(Debug, Clone)]
pub struct Facts {
    /// `%p`: process id of the JVM.
    pub pid: u32,
    /// `%h`: host name. Only ASCII letters, digits, `.`, `_` and `-` go into a path,
    /// anything else becomes `_`.
    pub host: String,
    /// `%t`: when the agent started, written in UTC as `20261124T225959Z`.
    pub start: SystemTime,
}

/// What the options ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To print this table of the options; the agent does not start.
    Help(String),
    /// To run with these.
    Run(Options),
}

/// Reads every source. The first of flag, config file and environment that has a key
/// decides its value; `config` itself stands in the flag or in the environment.
///
/// # Errors
///
/// Every mistake of every source, overwritten values included, in one message. `help`
/// in the flag or the environment comes before any mistake.
pub fn resolve(sources: &Sources<'_>, facts: &Facts) -> Result<Request, Mistakes> {
    resolve_with(Layer::of_defaults(), sources, facts, config_file::read)
}

/// Reads a change of the options that are in force: keys that `flag` does not name stay as
/// they are.
///
/// # Errors
///
/// Those of [`resolve`].
pub fn change(in_force: &Options, flag: &[u8], facts: &Facts) -> Result<Request, Mistakes> {
    let in_force = in_force.in_force();
    let entries: Vec<String> = in_force
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let in_force = entries.join(",");
    let sources = Sources {
        flag,
        environment: None,
    };
    let in_force = Layer::of_text("in force", in_force.as_bytes());
    resolve_with(in_force, &sources, facts, config_file::read)
}

/// The same for a JVM that we are not in, before it is asked: its config file is left to it,
/// since it may have another root and another working directory.
///
/// # Errors
///
/// Those of [`resolve`], but for the config file.
pub fn check(sources: &Sources<'_>, facts: &Facts) -> Result<Request, Mistakes> {
    resolve_with(Layer::of_defaults(), sources, facts, |_| Ok(Vec::new()))
}

/// `lowest` is what holds where no source has a key.
fn resolve_with(
    lowest: Layer<'_>,
    sources: &Sources<'_>,
    facts: &Facts,
    read: impl Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<Request, Mistakes> {
    let environment = sources.environment.unwrap_or_default();
    let mut flag = Layer::of_text("flag", sources.flag);
    let mut environment = Layer::of_text(ENVIRONMENT_VARIABLE, environment);
    if flag.asks_for_help || environment.asks_for_help {
        return Ok(Request::Help(help()));
    }
    let path = flag
        .config_path(facts)
        .or_else(|| environment.config_path(facts));
    let file = path.as_deref().map(read);
    let mut file = match (&path, &file) {
        (Some(path), Some(Ok(content))) => Layer::of_file(path, content),
        (Some(path), Some(Err(what))) => Layer::of_unreadable_file(path, what),
        _ => Layer::default(),
    };

    let mut options = Options::unset();
    let mut lowest = lowest;
    for layer in [&mut lowest, &mut environment, &mut file, &mut flag] {
        layer.apply(&mut options, facts);
    }
    let mut mistakes = Mistakes::default();
    for layer in [lowest, flag, file, environment] {
        layer
            .into_mistakes()
            .for_each(|mistake| mistakes.add(mistake));
    }
    if mistakes.is_empty() {
        Ok(Request::Run(options))
    } else {
        Err(mistakes)
    }
}

impl Options {
    /// The value of [`Options::rotate_bytes`] that no file reaches.
    pub const NEVER_ROTATE: u64 = u64::MAX;

    /// Every option by its key with the value in force (`config` only where a file was
    /// named), for the record `start`. `key=value` for each of them, joined by commas,
    /// is a flag that means these options: `%` escapes are expanded, a literal `%`,
    /// comma or backslash is escaped.
    pub fn in_force(&self) -> BTreeMap<String, String> {
        table::KEYS
            .iter()
            .filter_map(|key| Some((key.name.to_owned(), layer::escape(&(key.show)(self)?))))
            .collect()
    }

    /// What the defaults of the table are applied to.
    fn unset() -> Options {
        Options {
            out: Destination::File(PathBuf::new()),
            interval: Duration::ZERO,
            rotate_bytes: 0,
            keep: 0,
            classes: 0,
            gc: false,
            baseline: false,
            alerts: false,
            patience: Duration::ZERO,
            stuck: Duration::ZERO,
            many: 0,
            pause: None,
            sites: Sites::Off,
            stall: None,
            log: LogLevel::Off,
            config: None,
        }
    }
}

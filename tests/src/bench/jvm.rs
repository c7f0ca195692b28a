//! One JVM run of a benchmark: without the agent or with it, and what it reported.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::pairs::Pair;
use super::setup::Setup;
use crate::Jdk;

/// Which side of a pair a run is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Without,
    With,
    /// Without the agent once more: what differs from the first time is noise.
    Again,
}

/// A run without the agent and one with it.
pub const PAIR: [Side; 2] = [Side::Without, Side::With];

/// The same with a measure of the noise.
pub const PAIR_AND_NOISE: [Side; 3] = [Side::Without, Side::With, Side::Again];

/// A JVM to start, but for the agent: the same on both sides.
#[derive(Debug, Clone)]
pub struct Jvm {
    pub jdk: Jdk,
    pub options: Vec<String>,
    pub class_path: Vec<PathBuf>,
    pub main: &'static str,
    pub arguments: Vec<String>,
    /// All its threads share one processor.
    pub on_one_processor: bool,
}

impl Jvm {
    /// The program `main` of the benchmarks' own, with nothing else set.
    pub fn new(setup: &Setup, jdk: &Jdk, main: &'static str) -> Self {
        Self {
            jdk: jdk.clone(),
            options: Vec::new(),
            class_path: vec![setup.programs.clone()],
            main,
            arguments: Vec::new(),
            on_one_processor: false,
        }
    }

    /// Adds JVM options, separated by white space.
    #[must_use]
    pub fn options(mut self, options: &str) -> Self {
        self.options
            .extend(options.split_whitespace().map(str::to_owned));
        self
    }

    /// Adds an argument of the program.
    #[must_use]
    pub fn argument(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// The command line; with the agent, its stream goes to `stream`.
    pub fn command(&self, setup: &Setup, side: Side, stream: &Path) -> Command {
        let mut command = Command::new(self.jdk.tool("java"));
        if let (Side::With, Some(agent)) = (side, &setup.agent) {
            command.arg(agent_option(agent, stream));
        }
        let class_path: Vec<_> = self
            .class_path
            .iter()
            .map(|p| p.to_string_lossy())
            .collect();
        command
            .args(&self.options)
            .args(["-cp", &class_path.join(":"), self.main])
            .args(&self.arguments)
            // Options from the environment would be on both sides, but nobody would see them in the result.
            .env_remove("JAVA_TOOL_OPTIONS")
            .env_remove("JDK_JAVA_OPTIONS")
            .env_remove("FINWATCH_OPTIONS")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, setup: &Setup, side: Side) -> Result<Report> {
        let stream = setup.stream()?;
        let mut command = self.command(setup, side, &stream);
        let output = match self.on_one_processor {
            true => on_one_processor(|| command.output())?,
            false => command.output(),
        };
        let output =
            output.with_context(|| format!("starting {}", self.jdk.tool("java").display()))?;
        self.report(setup, side, &output, &stream)
    }

    fn report(&self, setup: &Setup, side: Side, output: &Output, stream: &Path) -> Result<Report> {
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!(
                "{} on JDK {} ended with {}:\n{text}{}",
                self.main,
                self.jdk.feature,
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let watched = side == Side::With && setup.agent.is_some();
        Ok(Report {
            figures: figures(&text),
            registered: watched.then(|| registered(stream)).transpose()?,
        })
    }
}

/// Does so with the last processor that this thread may use: what it starts inherits that (sched_setaffinity(2)).
fn on_one_processor<T>(run: impl FnOnce() -> T) -> Result<T> {
    let this_thread = Pid::from_raw(0);
    let all = sched_getaffinity(this_thread)?;
    let last = (0..CpuSet::count()).rfind(|&cpu| all.is_set(cpu).unwrap_or(false));
    let mut one = CpuSet::new();
    one.set(last.context("a processor that this thread may use")?)?;
    sched_setaffinity(this_thread, &one)?;
    let result = run();
    sched_setaffinity(this_thread, &all)?;
    Ok(result)
}

fn agent_option(agent: &Path, stream: &Path) -> String {
    format!("-agentpath:{}=out={}", agent.display(), stream.display())
}

/// What a run brought.
#[derive(Debug, Clone)]
pub struct Report {
    figures: BTreeMap<String, f64>,
    /// Objects that the agent's ledger saw registered; `None` without the agent.
    pub registered: Option<u64>,
}

impl Report {
    /// A figure that the program must have printed.
    pub fn figure(&self, name: &str) -> Result<f64> {
        self.figures.get(name).copied().with_context(|| {
            let known: Vec<_> = self.figures.keys().collect();
            format!("the program printed no `bench {name} …`, only {known:?}")
        })
    }
}

/// The lines `bench NAME VALUE` of a program's output.
fn figures(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.strip_prefix("bench ")?.split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

/// An agent that fell back to less would look cheap: the stream has to say that it was at work to the end.
fn registered(stream: &Path) -> Result<u64> {
    let text = fs::read_to_string(stream).with_context(|| {
        format!(
            "reading {}, which the agent should have written",
            stream.display()
        )
    })?;
    let last = text.lines().last().unwrap_or_default();
    let record: serde_json::Value =
        serde_json::from_str(last).with_context(|| format!("the stream ends in `{last}`"))?;
    ensure!(
        record["type"] == "stop" && record["coverage"]["level"] == "exact",
        "wanted a `stop` record with coverage `exact` at the end of the stream, found `{last}`"
    );
    record["finalizer"]["registered_total"]
        .as_u64()
        .with_context(|| format!("no registered_total in `{last}`"))
}

/// Runs each side once in each round. Each round begins with the side after the one that the last began with, so that none
/// always runs on another's leavings.
pub fn interleave<T, const SIDES: usize>(
    rounds: usize,
    sides: [Side; SIDES],
    mut run: impl FnMut(Side) -> Result<T>,
) -> Result<Vec<[T; SIDES]>> {
    let mut all = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let first = round % SIDES;
        let mut order = sides;
        order.rotate_left(first);
        let mut results = Vec::with_capacity(SIDES);
        for side in order {
            results.push(run(side)?);
        }
        results.rotate_right(first);
        all.extend(<[T; SIDES]>::try_from(results));
        eprint!(".");
    }
    Ok(all)
}

/// The pairs of one figure: without the agent and that side. Runs stand in the order of [`Side`].
pub fn pairs_of<const SIDES: usize>(
    runs: &[[Report; SIDES]],
    name: &str,
    side: Side,
) -> Result<Vec<Pair>> {
    let of = |run: &[Report; SIDES], side: Side| {
        let report = run.get(side as usize);
        report
            .with_context(|| format!("no runs of the side {side:?}"))?
            .figure(name)
    };
    let pair = |run| {
        Ok(Pair {
            without: of(run, Side::Without)?,
            with: of(run, side)?,
        })
    };
    runs.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_lines_are_figures() {
        let read = figures("bench cpu_ns 64.5\nready\nbench torn\nbench collections 0.0\n");
        assert_eq!(read.len(), 2);
        assert_eq!(read["cpu_ns"], 64.5);
    }

    #[test]
    fn each_side_begins_in_its_turn() {
        let mut order = Vec::new();
        let rounds = interleave(3, PAIR_AND_NOISE, |side| {
            order.push(side);
            Ok(side)
        })
        .unwrap();
        let began: Vec<_> = order.chunks(3).map(|round| round[0]).collect();
        assert_eq!(began, PAIR_AND_NOISE);
        assert_eq!(rounds, [PAIR_AND_NOISE; 3]);
    }
}

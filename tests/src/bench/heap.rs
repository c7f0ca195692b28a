//! What `finwatch heap` costs: CPU time and peak memory on dumps with a leak of 1 and of 5 million Finalizers, and on
//! a mixed heap without one.
//!
//! Each run is a process of its own below a process of its own: `getrusage` of the children, which gives CPU time and
//! peak memory, then speaks of that run alone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};

use super::arguments::Arguments;
use super::cpu;
use super::machine;
use super::setup::{Setup, cargo, run as run_tool};
use crate::target_directory;

const HELP: &str = "\
Measures what `finwatch heap` costs, on dumps that it makes once and keeps in target/bench.

Usage: cargo run --release -p finwatch-tests --bin heap_bench -- [--short] [FILE.hprof]...

  --short   the smaller dumps only
  FILE      other dumps to measure besides

Prints a Markdown table: CPU seconds and peak memory, the least of three runs each.";

/// First argument of the process between this one and the measured one.
const MEASURE: &str = "--measure";
const RUNS: usize = 3;

/// A dump to make.
struct Recipe {
    name: &'static str,
    program: &'static str,
    count: &'static str,
    heap: &'static str,
    short: bool,
}

const RECIPES: [Recipe; 3] = [
    Recipe {
        name: "held-1m",
        program: "HeldFinalizers",
        count: "1000000",
        heap: "-Xmx2g",
        short: true,
    },
    Recipe {
        name: "mixed-2m",
        program: "MixedHeap",
        count: "2000000",
        heap: "-Xmx2g",
        short: true,
    },
    Recipe {
        name: "held-5m",
        program: "HeldFinalizers",
        count: "5000000",
        heap: "-Xmx4g",
        short: false,
    },
];

/// What one run took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    cpu_ms: f64,
    elapsed_ms: f64,
    peak_kib: i64,
}

/// Makes the dumps, measures, prints the table.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let arguments: Vec<String> = arguments.collect();
    if let Some((MEASURE, command)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    {
        return measured(command);
    }
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{HELP}");
        return Ok(());
    }
    let short = arguments.iter().any(|argument| argument == "--short");
    let mut dumps = Vec::new();
    for argument in arguments.iter().filter(|argument| *argument != "--short") {
        if argument.starts_with('-') {
            bail!("`{argument}` is no option of this command: --help lists them");
        }
        dumps.push((argument.clone(), PathBuf::from(argument)));
    }
    let finwatch = build()?;
    for recipe in RECIPES.iter().filter(|recipe| recipe.short || !short) {
        dumps.push((recipe.name.to_owned(), make(recipe)?));
    }
    println!("{}; {}\n", machine::description(), machine::load_line());
    println!("| dump | MB | answer | CPU s | elapsed s | peak MB | peak / dump |");
    println!("| --- | ---: | --- | ---: | ---: | ---: | ---: |");
    for (name, dump) in &dumps {
        for (answer, option) in [("summary", Some("--summary")), ("whole", None)] {
            row(name, dump, answer, least(&finwatch, option, dump)?)?;
        }
    }
    Ok(())
}

fn row(name: &str, dump: &Path, answer: &str, cost: Cost) -> Result<()> {
    let bytes = dump
        .metadata()
        .with_context(|| format!("no dump at {}", dump.display()))?
        .len() as f64;
    let peak = cost.peak_kib as f64 * 1024.0;
    println!(
        "| {name} | {:.0} | {answer} | {:.2} | {:.2} | {:.0} | {:.2} |",
        bytes / 1e6,
        cost.cpu_ms / 1e3,
        cost.elapsed_ms / 1e3,
        peak / 1e6,
        peak / bytes
    );
    Ok(())
}

/// The run with the least CPU time: noise only adds.
fn least(finwatch: &Path, option: Option<&str>, dump: &Path) -> Result<Cost> {
    let mut least: Option<Cost> = None;
    for _ in 0..RUNS {
        let cost = measure(finwatch, option, dump)?;
        least = Some(
            least
                .filter(|known| known.cpu_ms <= cost.cpu_ms)
                .unwrap_or(cost),
        );
    }
    least.context("no run")
}

/// Runs the process that runs the process.
fn measure(finwatch: &Path, option: Option<&str>, dump: &Path) -> Result<Cost> {
    let own = std::env::current_exe().context("where this program is")?;
    let mut command = Command::new(own);
    command
        .arg(MEASURE)
        .arg(finwatch)
        .arg("heap")
        .args(option)
        .arg(dump);
    let text = super::setup::output(&mut command)?;
    let last = text.lines().last().unwrap_or_default();
    let numbers: Vec<f64> = last
        .split(' ')
        .filter_map(|number| number.parse().ok())
        .collect();
    let [cpu_ms, elapsed_ms, peak_kib] = numbers[..] else {
        bail!("the measuring process says '{last}' instead of three numbers");
    };
    Ok(Cost {
        cpu_ms,
        elapsed_ms,
        peak_kib: peak_kib as i64,
    })
}

/// In that process: runs the command and prints what it took.
fn measured(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("no command to measure")?;
    let begun = Instant::now();
    run_tool(Command::new(program).args(arguments))?;
    let elapsed_ms = begun.elapsed().as_secs_f64() * 1e3;
    let peak_kib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    println!("{} {elapsed_ms} {peak_kib}", cpu::children_ms()?);
    Ok(())
}

fn build() -> Result<PathBuf> {
    run_tool(cargo().args(["build", "--quiet", "--release", "-p", "finwatch-cli"]))?;
    Ok(target_directory().join("release/finwatch"))
}

/// Makes the dump, unless it is there.
fn make(recipe: &Recipe) -> Result<PathBuf> {
    let arguments = Arguments {
        null: true,
        short: true,
        ..Arguments::default()
    };
    let setup = Setup::new(&arguments)?;
    let dump = setup.file(&format!("{}.hprof", recipe.name));
    if !dump.exists() {
        let jdk = setup.jdks.last().context("a JDK to make dumps with")?;
        let half = setup.file(&format!("{}-half.hprof", recipe.name));
        // The JVM writes over nothing.
        let _ = std::fs::remove_file(&half);
        let mut java = Command::new(jdk.tool("java"));
        java.arg(recipe.heap)
            .arg("-cp")
            .arg(&setup.programs)
            .args([recipe.program, recipe.count])
            .arg(&half);
        run_tool(&mut java)?;
        std::fs::rename(&half, &dump)?;
    }
    Ok(dump)
}

//! What the agent costs, measured by running JVMs without it and with it.
//!
//! # Method
//!
//! - Runs come in interleaved pairs, one without the agent and one with it; the result is the median of the pairs' ratios
//!   with its quartiles, and beside it the ratio of the least values ([`pairs`]).
//! - Within a JVM a program measures many short repetitions and reports the least: on a shared machine noise only adds.
//!   CPU time is preferred to elapsed time where both say the same, because a descheduled thread does not use any.
//! - Where nothing should be noticed there is a third run, again without the agent: what it differs by is the noise.
//! - After each run with the agent its stream must say that the ledger was exact to the end and counted every object:
//!   an agent that had switched itself off would look cheap.
//! - `--null` runs everything with no agent on either side and so shows what noise alone does to the figures.
//!
//! Nothing here asserts a timing. The Java programs and a longer description are in `tests/bench`.

pub mod arguments;
pub mod heap;

mod allocation;
mod analysers;
mod attach;
mod conversation;
mod cost;
mod cpu;
mod dumps;
mod idle;
mod jvm;
mod lifecycle;
pub mod machine;
mod pairs;
mod proc;
mod rest;
mod retained;
pub mod setup;
mod standstill;
mod startup;
mod table;
mod throughput;
mod workloads;

use std::time::Instant;

use anyhow::{Result, ensure};

use allocation::{Threads, Variant};
use arguments::{Arguments, HELP};
use machine::Others;
use setup::Setup;
use table::Tables;

/// A benchmark by its name.
struct Benchmark {
    name: &'static str,
    about: &'static str,
    measure: fn(&Setup, &mut Tables) -> Result<()>,
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "allocation-1-thread",
        about: "finalizable objects of one class, nothing is collected",
        measure: |setup, tables| allocate(setup, tables, 1, Threads::Platform(1), 1.05),
    },
    Benchmark {
        name: "allocation-2-threads",
        about: "the same from two threads at once",
        measure: |setup, tables| allocate(setup, tables, 1, Threads::Platform(2), 1.05),
    },
    Benchmark {
        name: "allocation-10-classes",
        about: "ten classes in turn: no cache of the last class helps",
        measure: |setup, tables| allocate(setup, tables, 10, Threads::Platform(1), 1.15),
    },
    Benchmark {
        name: "allocation-1000-classes",
        about: "a thousand classes in turn",
        measure: |setup, tables| allocate(setup, tables, 1000, Threads::Platform(1), 1.15),
    },
    Benchmark {
        name: "allocation-virtual",
        about: "on virtual threads (JDK 21 and later)",
        measure: |setup, tables| allocate(setup, tables, 1, Threads::Virtual(64), 1.15),
    },
    Benchmark {
        name: "lifecycle-parallel",
        about: "short-lived objects, registered to finalized, with Parallel",
        measure: |setup, tables| lifecycle::measure(setup, tables, "Parallel"),
    },
    Benchmark {
        name: "lifecycle-g1",
        about: "the same with G1",
        measure: |setup, tables| lifecycle::measure(setup, tables, "G1"),
    },
    Benchmark {
        name: "no-finalizers",
        about: "an allocation-heavy program without finalizers",
        measure: workloads::no_finalizers,
    },
    Benchmark {
        name: "listener",
        about: "that program without the agent, with a listener to collections of its own",
        measure: workloads::listener,
    },
    Benchmark {
        name: "javac",
        about: "javac over a large library",
        measure: workloads::compiler,
    },
    Benchmark {
        name: "database",
        about: "an embedded database at work",
        measure: workloads::database,
    },
    Benchmark {
        name: "startup",
        about: "start-up of an empty main, and whether the CDS archive stays in use",
        measure: startup::plain,
    },
    Benchmark {
        name: "aot-startup",
        about: "the same with an AOT cache (JDK 25 and later)",
        measure: startup::with_aot_cache,
    },
    Benchmark {
        name: "rest",
        about: "CPU and memory of an idle JVM with default options",
        measure: rest::measure,
    },
    Benchmark {
        name: "attach",
        about: "from `finwatch attach` to the first record",
        measure: attach::measure,
    },
    Benchmark {
        name: "standstill",
        about: "how long a big heap stands still for an attach and for holders",
        measure: standstill::measure,
    },
    Benchmark {
        name: "writer",
        about: "records a second through the writer to a file",
        measure: throughput::measure,
    },
];

fn allocate(
    setup: &Setup,
    tables: &mut Tables,
    classes: u32,
    threads: Threads,
    bound: f64,
) -> Result<()> {
    allocation::measure(
        setup,
        tables,
        Variant {
            classes,
            threads,
            bound,
        },
    )
}

/// Runs what was asked for and prints the tables. A benchmark that cannot run is named with the reason and does not keep
/// the others from running, but makes the result an error.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.help {
        println!("{HELP}");
        return Ok(());
    }
    let chosen = chosen(&arguments.names)?;
    if arguments.list {
        chosen
            .iter()
            .for_each(|benchmark| println!("{:24} {}", benchmark.name, benchmark.about));
        return Ok(());
    }
    let setup = Setup::new(arguments)?;
    print_head(&setup);
    let others = Others::watch();
    let mut tables = Tables::default();
    let failed: Vec<_> = chosen
        .iter()
        .filter_map(|benchmark| attempt(&setup, &mut tables, benchmark))
        .collect();
    println!("{tables}");
    println!("{}", others.sentence());
    ensure!(failed.is_empty(), "not measured:\n{}", failed.join("\n"));
    Ok(())
}

fn chosen(names: &[String]) -> Result<Vec<&'static Benchmark>> {
    for name in names {
        let known = BENCHMARKS
            .iter()
            .any(|benchmark| benchmark.name.starts_with(name.as_str()));
        ensure!(
            known,
            "`{name}` is no benchmark and no beginning of one: --list names them"
        );
    }
    let wanted = |benchmark: &&Benchmark| {
        names.is_empty()
            || names
                .iter()
                .any(|name| benchmark.name.starts_with(name.as_str()))
    };
    Ok(BENCHMARKS.iter().filter(wanted).collect())
}

/// Measures; where that fails, the name and the reason.
fn attempt(setup: &Setup, tables: &mut Tables, benchmark: &Benchmark) -> Option<String> {
    eprint!("{} ", benchmark.name);
    let start = Instant::now();
    let result = (benchmark.measure)(setup, tables);
    eprintln!(" {} s", start.elapsed().as_secs());
    result
        .err()
        .map(|error| format!("{}: {error:#}", benchmark.name))
}

fn print_head(setup: &Setup) {
    println!("{}; {}", machine::description(), machine::load_line());
    match &setup.agent {
        Some(agent) => println!("Agent: {}", agent.display()),
        None => println!("**No agent on either side: this is the noise of the method.**"),
    }
    for jdk in &setup.jdks {
        println!("- {jdk}");
    }
}

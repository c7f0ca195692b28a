//! How long a JVM with a big heap stands still for what finwatch does, beside what its own `jcmd` does to the same heap for a
//! similar answer: an attach, which counts all that is registered, and a class histogram; the search for who holds a class's
//! objects, and a heap dump.
//!
//! The program says it itself: a thread of it registers an object about every tenth of a millisecond and knows how long it
//! had to wait ([`Waited`]). `jcmd` is asked for all objects (`-all`), which spares it a collection before.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use finwatch_record::Holders;

use super::conversation::Conversation;
use super::jvm::{Jvm, Side};
use super::pairs::Pair;
use super::proc;
use super::setup::{self, Setup};
use super::table::{Bound, Figure, Ratio, Tables};
use crate::Jdk;

/// What `Standstill` is to hold.
struct Heap {
    holder: Holder,
    statements: u64,
    others: u64,
    options: &'static str,
}

/// Who holds the statements.
#[derive(Clone, Copy)]
enum Holder {
    /// A static field leads there: found while the program runs.
    Timer,
    /// A local variable: nothing but a stop of the JVM shows it.
    Stack,
}

impl Holder {
    fn name(self) -> &'static str {
        match self {
            Holder::Timer => "timer",
            Holder::Stack => "stack",
        }
    }

    /// A statement brings its array and its Finalizer, and where a timer holds it a task with its lock.
    fn objects_a_statement(self) -> u64 {
        match self {
            Holder::Timer => 5,
            Holder::Stack => 3,
        }
    }
}

impl Heap {
    fn objects(&self) -> u64 {
        self.statements * self.holder.objects_a_statement() + self.others
    }
}

const HEAPS: [Heap; 4] = [
    Heap {
        holder: Holder::Timer,
        statements: 200_000,
        others: 0,
        options: "-Xms256m -Xmx256m",
    },
    Heap {
        holder: Holder::Stack,
        statements: 200_000,
        others: 400_000,
        options: "-Xms256m -Xmx256m",
    },
    Heap {
        holder: Holder::Timer,
        statements: 5_000_000,
        others: 0,
        options: "-Xms3g -Xmx3g",
    },
    Heap {
        holder: Holder::Stack,
        statements: 1_000_000,
        others: 47_000_000,
        options: "-Xms3g -Xmx3g",
    },
];

/// Those of them that are quickly made.
const IN_A_SHORT_RUN: usize = 2;

const ROUNDS: usize = 3;

const STATEMENT: &str = "HeldFinalizers$Statement";

const MIB: f64 = 1024.0 * 1024.0;

/// MiB that the search may take.
const MEMORY: Bound = Bound::AtMost(64.0);

pub fn measure(setup: &Setup, tables: &mut Tables) -> Result<()> {
    let Some(agent) = &setup.agent else {
        return Ok(()); // Nothing to attach.
    };
    let finwatch = setup::finwatch()?;
    for jdk in setup.few_jdks() {
        for heap in &HEAPS[..setup.effort(HEAPS.len(), IN_A_SHORT_RUN)] {
            let mut rounds = Vec::new();
            let mut jvm = BigJvm::start(setup, jdk, heap, &finwatch, agent)?;
            for _ in 0..ROUNDS {
                rounds.push(jvm.round(setup)?);
                eprint!(".");
            }
            figures(tables, jdk, heap, &rounds);
        }
    }
    Ok(())
}

fn figures(tables: &mut Tables, jdk: &Jdk, heap: &Heap, rounds: &[Round]) {
    let millions = |objects: u64| objects as f64 / 1e6;
    let statements = millions(heap.statements);
    let objects = format!(
        "{} million objects ({})",
        millions(heap.objects()),
        heap.holder.name()
    );
    let pairs = |pair: fn(&Round) -> Pair| rounds.iter().map(pair).collect();
    tables.ratios.push(Ratio {
        jdk: jdk.feature.to_string(),
        collector: "default",
        benchmark: format!(
            "attach with {statements} million registered (with) beside GC.class_histogram (without)"
        ),
        measure: "ms a thread waits at most",
        pairs: pairs(|round| Pair {
            without: round.histogram.longest_ms,
            with: round.attach.longest_ms,
        }),
        bound: Bound::AtMost(1.0),
    });
    tables.ratios.push(Ratio {
        jdk: jdk.feature.to_string(),
        collector: "default",
        benchmark: format!("holders among {objects} (with) beside GC.heap_dump (without)"),
        measure: "ms a thread waits in all",
        pairs: pairs(|round| Pair {
            without: round.dump.sum_ms,
            with: round.holders.sum_ms,
        }),
        bound: Bound::AtMost(1.0),
    });
    for (what, unit, value, bound) in [
        (
            "memory for",
            " MiB",
            (|round| round.holders_memory) as fn(&Round) -> f64,
            MEMORY,
        ),
        (
            "explained by",
            "% of the statements",
            |round| round.held_percent,
            Bound::None,
        ),
    ] {
        let values: Vec<f64> = rounds.iter().map(value).collect();
        let name = format!("{what} holders among {objects}");
        let release = jdk.feature.to_string();
        let figure = Figure::alone(release, name, unit, &values, bound);
        tables.figures.extend(figure);
    }
}

/// How long the program's thread waited for what was asked of its JVM.
struct Waited {
    longest_ms: f64,
    /// Of all waits that are longer than chance.
    sum_ms: f64,
}

impl Waited {
    fn told(answer: &str) -> Option<Self> {
        let (longest, sum) = answer.strip_prefix("waited ")?.split_once(' ')?;
        Some(Self {
            longest_ms: longest.parse().ok()?,
            sum_ms: sum.parse().ok()?,
        })
    }
}

/// All four, one after the other.
struct Round {
    histogram: Waited,
    attach: Waited,
    holders: Waited,
    /// Of the statements: an answer that explains few would be cheap.
    held_percent: f64,
    /// MiB more than before at the highest.
    holders_memory: f64,
    dump: Waited,
}

struct BigJvm<'a> {
    program: Conversation,
    jdk: &'a Jdk,
    heap: &'a Heap,
    finwatch: &'a Path,
    agent: &'a Path,
}

impl<'a> BigJvm<'a> {
    /// Started and filled.
    fn start(
        setup: &Setup,
        jdk: &'a Jdk,
        heap: &'a Heap,
        finwatch: &'a Path,
        agent: &'a Path,
    ) -> Result<Self> {
        let mut command = Jvm::new(setup, jdk, "Standstill")
            // Touched beforehand: the memory that grows later is not the heap's.
            .options("-XX:+AlwaysPreTouch")
            .options("-XX:+IgnoreUnrecognizedVMOptions -XX:+EnableDynamicAgentLoading")
            .options(heap.options)
            .argument(heap.holder.name())
            .argument(heap.statements)
            .argument(heap.others)
            .command(setup, Side::Without, &setup.stream()?);
        let mut program = Conversation::start(&mut command)?;
        program.await_ready()?;
        Ok(Self {
            program,
            jdk,
            heap,
            finwatch,
            agent,
        })
    }

    fn round(&mut self, setup: &Setup) -> Result<Round> {
        let stream = setup.stream()?;
        let dump = setup.file("standstill.hprof");
        let pid = self.program.pid();
        let out = format!("out={}", stream.display());
        let (histogram, ()) = self.waited(|jvm| jvm.jcmd(&["GC.class_histogram", "-all"]))?;
        let (attach, _) = self.waited(|jvm| jvm.finwatch(&["attach"], &[&out]))?;
        let before = proc::resident_peak_reset(pid)?;
        let (holders, held_percent) = self.waited(BigJvm::ask_who_holds)?;
        let holders_memory = proc::resident_peak(pid)?.saturating_sub(before) as f64 / MIB;
        let file = dump.display().to_string();
        // The JVM writes over nothing.
        let _ = fs::remove_file(&dump);
        let (dumped, ()) = self.waited(|jvm| jvm.jcmd(&["GC.heap_dump", "-all", &file]))?;
        fs::remove_file(&dump).with_context(|| format!("removing {}", dump.display()))?;
        self.finwatch(&["detach"], &[])?;
        Ok(Round {
            histogram,
            attach,
            holders,
            held_percent,
            holders_memory,
            dump: dumped,
        })
    }

    /// Does so, and tells how long the program waited meanwhile.
    fn waited<T>(&mut self, act: impl FnOnce(&Self) -> Result<T>) -> Result<(Waited, T)> {
        self.program.ask()?;
        let result = act(self)?;
        let answer = self.program.ask()?;
        let waited = Waited::told(&answer).with_context(|| {
            format!("wanted `waited LONGEST SUM` from the program, got {answer:?}")
        })?;
        Ok((waited, result))
    }

    fn jcmd(&self, words: &[&str]) -> Result<()> {
        setup::jcmd(self.jdk, self.program.pid(), words)
    }

    fn finwatch(&self, command: &[&str], arguments: &[&str]) -> Result<String> {
        setup::output(
            Command::new(self.finwatch)
                .args(command)
                .arg(self.program.pid().to_string())
                .args(arguments)
                .env("FINWATCH_LIB", self.agent),
        )
    }

    /// Gives the percentage of the statements that the answer explains.
    fn ask_who_holds(&self) -> Result<f64> {
        let answer = self.finwatch(&["holders", "--json"], &[STATEMENT])?;
        let holders: Holders =
            serde_json::from_str(&answer).with_context(|| format!("reading {answer}"))?;
        Ok(100.0 * holders.held as f64 / self.heap.statements as f64)
    }
}

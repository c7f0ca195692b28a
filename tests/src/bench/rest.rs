//! An idle JVM with the agent and its default options: what it costs to have it loaded and nothing to do.
//!
//! All JVMs of all pairs are idle side by side, which is what makes this quick. CPU time is read per thread from `/proc`;
//! memory after the same program state and the same collections on both sides. The heap has a fixed size and is touched
//! beforehand: its pages are the program's, whoever writes to them first.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::idle::IdleJvm;
use super::jvm::Side;
use super::pairs::Pair;
use super::setup::Setup;
use super::table::{Bound, Figure, Tables};
use crate::Jdk;

const MIB: f64 = 1024.0 * 1024.0;

const CORE_PERCENT: Bound = Bound::AtMost(0.1);

const RESIDENT_MIB: Bound = Bound::AtMost(6.0);

/// Until the JIT compilers have fallen silent and the agent has taken its first samples, one every 5 s.
const SETTLE: Duration = Duration::from_secs(15);

pub fn measure(setup: &Setup, tables: &mut Tables) -> Result<()> {
    let window = Duration::from_secs(setup.effort(60, 20));
    let pairs = setup.effort(6, 4);
    let mut jdks = Vec::new();
    for jdk in &setup.jdks {
        let started = (0..pairs).map(|_| IdlePair::start(setup, jdk));
        jdks.push((jdk, started.collect::<Result<Vec<_>>>()?));
    }
    thread::sleep(SETTLE);
    for pair in jdks.iter_mut().flat_map(|(_, pairs)| pairs) {
        pair.begin = pair.cpu()?;
    }
    thread::sleep(window);
    for (jdk, pairs) in &mut jdks {
        let release = jdk.feature.to_string();
        cpu_figures(tables, &release, pairs)?;
        memory_figures(tables, &release, pairs)?;
        eprint!(".");
    }
    Ok(())
}

fn cpu_figures(tables: &mut Tables, jdk: &str, pairs: &[IdlePair]) -> Result<()> {
    let (mut threads, mut streams, mut processes) = (Vec::new(), Vec::new(), Vec::new());
    for pair in pairs {
        let used = pair.cpu()?.since(&pair.begin);
        threads.push(used.agent_threads);
        processes.push(used.processes);
        streams.extend(pair.with.stream_core_percent()?);
    }
    let alone = |figure: &str, values: &[f64]| {
        Figure::alone(
            jdk.to_owned(),
            figure.to_owned(),
            "% of a core",
            values,
            CORE_PERCENT,
        )
    };
    tables
        .figures
        .extend(alone("at rest: CPU of the agent's threads", &threads));
    tables.figures.extend(alone(
        "at rest: CPU as the stream tells it (`cpu_ms_total`)",
        &streams,
    ));
    tables.figures.extend(Figure::difference(
        jdk.to_owned(),
        "at rest: CPU of the whole JVM".to_owned(),
        "% of a core",
        &processes,
        CORE_PERCENT,
    ));
    Ok(())
}

fn memory_figures(tables: &mut Tables, jdk: &str, pairs: &mut [IdlePair]) -> Result<()> {
    let (mut totals, mut anonymous, mut trimmed) = (Vec::new(), Vec::new(), Vec::new());
    for IdlePair { without, with, .. } in pairs {
        let (before, after) = (without.resident_after_gc()?, with.resident_after_gc()?);
        totals.push(mebibytes(before.total, after.total));
        anonymous.push(mebibytes(before.anonymous, after.anonymous));
        if let (Some(before), Some(after)) = (without.resident_trimmed()?, with.resident_trimmed()?)
        {
            trimmed.push(mebibytes(before.total, after.total));
        }
    }
    for (figure, pairs, bound) in [
        ("RSS after a collection", totals, RESIDENT_MIB),
        ("the anonymous part of it", anonymous, Bound::None),
        ("RSS without what is free in malloc", trimmed, RESIDENT_MIB),
    ] {
        tables.figures.extend(Figure::difference(
            jdk.to_owned(),
            format!("at rest: {figure}"),
            " MiB",
            &pairs,
            bound,
        ));
    }
    Ok(())
}

fn mebibytes(without: u64, with: u64) -> Pair {
    Pair {
        without: without as f64 / MIB,
        with: with as f64 / MIB,
    }
}

struct IdlePair {
    without: IdleJvm,
    with: IdleJvm,
    begin: Cpu,
}

/// CPU time so far, in nanoseconds, at one moment.
#[derive(Clone, Copy)]
struct Cpu {
    at: Instant,
    agent_threads: u64,
    without: u64,
    with: u64,
}

/// What was used between two moments, in percent of a core.
struct Used {
    agent_threads: f64,
    processes: Pair,
}

impl IdlePair {
    fn start(setup: &Setup, jdk: &Jdk) -> Result<Self> {
        let mut pair = Self {
            without: IdleJvm::start(setup, jdk, Side::Without)?,
            with: IdleJvm::start(setup, jdk, Side::With)?,
            begin: Cpu {
                at: Instant::now(),
                agent_threads: 0,
                without: 0,
                with: 0,
            },
        };
        pair.without.await_ready()?;
        pair.with.await_ready()?;
        Ok(pair)
    }

    fn cpu(&self) -> Result<Cpu> {
        Ok(Cpu {
            at: Instant::now(),
            agent_threads: self.with.agent_cpu_ns()?,
            without: self.without.cpu_ns()?,
            with: self.with.cpu_ns()?,
        })
    }
}

impl Cpu {
    fn since(&self, begin: &Self) -> Used {
        let nanos = self.at.duration_since(begin.at).as_nanos() as f64;
        let percent =
            |before: u64, after: u64| 100.0 * (after.saturating_sub(before)) as f64 / nanos;
        Used {
            agent_threads: percent(begin.agent_threads, self.agent_threads),
            processes: Pair {
                without: percent(begin.without, self.without),
                with: percent(begin.with, self.with),
            },
        }
    }
}

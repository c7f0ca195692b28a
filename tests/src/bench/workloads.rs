//! Programs that have few finalizable objects or none: the agent must not be noticed.

use anyhow::{Context, Result};

use super::jvm::{self, Jvm, PAIR, PAIR_AND_NOISE, Side};
use super::pairs::{self, Pair};
use super::setup::Setup;
use super::table::{Bound, Ratio, Tables};
use crate::Jdk;

const CPU: (&str, &str) = ("cpu_ms", "CPU of all threads, ms");
const ELAPSED: (&str, &str) = ("elapsed_ms", "elapsed, ms");

/// An allocation-heavy program without finalizers. A repetition takes about a second, so that the agent does in each of them
/// all that it does regularly.
pub fn no_finalizers(setup: &Setup, tables: &mut Tables) -> Result<()> {
    for jdk in setup.few_jdks() {
        compare(
            setup,
            tables,
            &allocation_heavy(setup, jdk),
            "allocation-heavy, no finalizers",
            setup.effort(12, 3),
        )?;
    }
    Ok(())
}

/// What of that any listener to collections costs: the same program without the agent, with a listener of its own and
/// without.
pub fn listener(setup: &Setup, tables: &mut Tables) -> Result<()> {
    for jdk in setup.few_jdks() {
        let alone = allocation_heavy(setup, jdk);
        let listening = alone.clone().argument("listen");
        let runs = jvm::interleave(setup.effort(12, 3), PAIR, |side| match side {
            Side::With => listening.run(setup, Side::Without),
            _ => alone.run(setup, side),
        })?;
        for (figure, measure) in [CPU, ELAPSED] {
            tables.ratios.push(Ratio {
                jdk: jdk.feature.to_string(),
                collector: "G1",
                benchmark: "a listener to collections, no agent".to_owned(),
                measure,
                pairs: jvm::pairs_of(&runs, figure, Side::With)?,
                bound: Bound::None,
            });
        }
    }
    Ok(())
}

fn allocation_heavy(setup: &Setup, jdk: &Jdk) -> Jvm {
    Jvm::new(setup, jdk, "AllocationHeavy")
        .options("-XX:+UseG1GC -Xms256m -Xmx256m")
        .argument(10_000_000)
        .argument(6)
}

/// javac over the 990 files of commons-math, once from a cold start, as builds do.
pub fn compiler(setup: &Setup, tables: &mut Tables) -> Result<()> {
    let sources = setup.unpacked("commons-math3")?;
    for jdk in setup.few_jdks().iter().filter(|jdk| has_compiler(jdk)) {
        let jvm = Jvm::new(setup, jdk, "CompilerWorkload")
            .options("-XX:+UseG1GC -Xms1g -Xmx1g")
            .argument(sources.display())
            .argument(setup.file("compiled").display())
            .argument(1);
        compare(
            setup,
            tables,
            &jvm,
            "javac, commons-math",
            setup.effort(8, 2),
        )?;
    }
    Ok(())
}

/// JDK 8 keeps its compiler in a jar of its own.
fn has_compiler(jdk: &Jdk) -> bool {
    jdk.feature > 8 && jdk.has_tool("javac")
}

/// H2 in memory: inserts, transactions, an aggregate; a repetition takes about a second.
pub fn database(setup: &Setup, tables: &mut Tables) -> Result<()> {
    let h2 = setup.library("h2")?;
    for jdk in setup.few_jdks() {
        let mut jvm = Jvm::new(setup, jdk, "DatabaseWorkload")
            .options("-XX:+UseG1GC -Xms512m -Xmx512m")
            .argument("jdbc:h2:mem:")
            .argument(60_000)
            .argument(8);
        jvm.class_path.push(h2.clone());
        compare(
            setup,
            tables,
            &jvm,
            "embedded database, H2",
            setup.effort(8, 3),
        )?;
    }
    Ok(())
}

fn compare(
    setup: &Setup,
    tables: &mut Tables,
    jvm: &Jvm,
    benchmark: &str,
    rounds: usize,
) -> Result<()> {
    let runs = jvm::interleave(rounds, PAIR_AND_NOISE, |side| jvm.run(setup, side))?;
    for (figure, measure) in [CPU, ELAPSED] {
        let pairs = |side| jvm::pairs_of(&runs, figure, side);
        let (with, again) = (pairs(Side::With)?, pairs(Side::Again)?);
        let noise = pairs::ratios(&again).context("no runs")?;
        // Half the noise of what the agent is compared with goes away.
        let both = with.iter().zip(&again).map(|(with, again)| Pair {
            without: (again.without * again.with).sqrt(),
            with: with.with,
        });
        tables.ratios.push(Ratio {
            jdk: jvm.jdk.feature.to_string(),
            collector: "G1",
            benchmark: benchmark.to_owned(),
            measure,
            pairs: both.collect(),
            bound: Bound::Indistinguishable { noise },
        });
    }
    Ok(())
}

//! Allocation of finalizable objects and nothing else: the worst case for the hook in `Finalizer.register`.

use anyhow::{Result, ensure};

use super::jvm::{self, Jvm, Report, Side};
use super::machine;
use super::setup::Setup;
use super::table::{Bound, Ratio, Tables};
use crate::Jdk;

/// One variant of it.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    pub classes: u32,
    pub threads: Threads,
    pub bound: f64,
}

/// Who allocates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    Platform(u64),
    /// This many new virtual threads in each repetition, on one carrier.
    Virtual(u64),
}

impl Threads {
    fn count(self) -> u64 {
        match self {
            Self::Platform(count) | Self::Virtual(count) => count,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Platform(_) => "platform",
            Self::Virtual(_) => "virtual",
        }
    }
}

/// Objects in a repetition, for each platform thread: about 15 ms, short enough to miss most of the noise.
const OBJECTS: u64 = 200_000;

/// Object and Finalizer, with room for 12-byte and 16-byte headers.
const BYTES_PER_OBJECT: u64 = 72;

/// For everything that is not measured.
const SPARE_MIB: u64 = 160;

/// 1,000 classes want 1,000 methods compiled before anything is worth measuring: let that begin after a tenth of the
/// usual number of calls. JDK 8 has no such option and compiles them in the first half of the repetitions.
const COMPILE_SOONER: &str = "-XX:CompileThresholdScaling=0.1";

pub fn measure(setup: &Setup, tables: &mut Tables, variant: Variant) -> Result<()> {
    for jdk in setup.few_jdks().iter().filter(|jdk| variant.runs_on(jdk)) {
        let repetitions = setup.effort(70, 30);
        let jvm = variant.jvm(setup, jdk, repetitions);
        let registered = variant.objects() * repetitions;
        let runs = jvm::interleave(setup.effort(10, 4), jvm::PAIR, |side| {
            checked(&jvm, setup, side, registered)
        })?;
        for &(figure, measure) in variant.measures() {
            tables.ratios.push(Ratio {
                jdk: jdk.feature.to_string(),
                collector: collector(jdk).0,
                benchmark: variant.name(),
                measure,
                pairs: jvm::pairs_of(&runs, figure, Side::With)?,
                bound: Bound::AtMost(variant.bound),
            });
        }
    }
    Ok(())
}

/// No collection may have come in between, and the ledger must have counted every object.
fn checked(jvm: &Jvm, setup: &Setup, side: Side, registered: u64) -> Result<Report> {
    let report = jvm.run(setup, side)?;
    ensure!(
        report.figure("collections")? == 0.0,
        "the heap was collected in between: raise SPARE_MIB"
    );
    if let Some(counted) = report.registered {
        ensure!(
            counted >= registered,
            "the program made {registered} objects, the agent counted {counted}"
        );
    }
    Ok(report)
}

impl Variant {
    fn name(self) -> String {
        let classes = match self.classes {
            1 => "1 class".to_owned(),
            count => format!("{count} classes in turn"),
        };
        match self.threads {
            Threads::Platform(1) => format!("finalizable allocation, {classes}, 1 thread"),
            Threads::Platform(count) => {
                format!("finalizable allocation, {classes}, {count} threads")
            }
            Threads::Virtual(_) => format!("finalizable allocation, {classes}, virtual threads"),
        }
    }

    /// CPU time is the steadier of the two; but threads that wait for a lock use none, and a virtual thread has no clock
    /// of its own. Of several threads the least repetition is the one in which they met the least: the median there.
    fn measures(self) -> &'static [(&'static str, &'static str)] {
        const CPU: (&str, &str) = ("cpu_ns", "CPU, ns/object");
        const ELAPSED: (&str, &str) = ("elapsed_ns", "elapsed, ns/object");
        const MEDIAN_ELAPSED: (&str, &str) =
            ("elapsed_ns_median", "elapsed, ns/object, median repetition");
        match self.threads {
            Threads::Platform(1) => &[CPU],
            Threads::Platform(_) => &[MEDIAN_ELAPSED],
            Threads::Virtual(_) => &[ELAPSED],
        }
    }

    fn runs_on(self, jdk: &Jdk) -> bool {
        matches!(self.threads, Threads::Platform(_)) || jdk.feature >= 21
    }

    /// In one repetition.
    fn objects(self) -> u64 {
        match self.threads {
            Threads::Platform(threads) => OBJECTS * threads,
            Threads::Virtual(threads) => OBJECTS / threads * threads,
        }
    }

    fn jvm(self, setup: &Setup, jdk: &Jdk, repetitions: u64) -> Jvm {
        let young = self.objects() * repetitions * BYTES_PER_OBJECT / (1024 * 1024) + SPARE_MIB;
        let mut jvm = Jvm::new(setup, jdk, "FinalizableAllocation")
            .options(collector(jdk).1)
            .options(&heap(jdk, young))
            .argument(self.classes)
            .argument(self.threads.kind())
            .argument(self.threads.count())
            .argument(OBJECTS)
            .argument(repetitions);
        if self.classes >= 1000 && jdk.feature > 8 {
            jvm = jvm.options(COMPILE_SOONER);
        }
        if matches!(self.threads, Threads::Virtual(_)) {
            jvm = jvm.options("-Djdk.virtualThreadScheduler.parallelism=1");
        }
        jvm
    }
}

/// A collector that does not collect: Epsilon, or where there is none (JDK 8) a young generation that never fills.
fn collector(jdk: &Jdk) -> (&'static str, &'static str) {
    if jdk.feature >= 11 {
        (
            "Epsilon",
            "-XX:+UnlockExperimentalVMOptions -XX:+UseEpsilonGC",
        )
    } else {
        (
            "Parallel, no GC",
            "-XX:+UseParallelGC -XX:-UseAdaptiveSizePolicy -XX:SurvivorRatio=60",
        )
    }
}

/// Fixed in size, and touched beforehand if the machine has the memory twice over.
fn heap(jdk: &Jdk, young_mib: u64) -> String {
    let touch = if machine::available_mib() > 2 * young_mib {
        "-XX:+AlwaysPreTouch"
    } else {
        ""
    };
    let (new, total) = if jdk.feature >= 11 {
        (String::new(), young_mib)
    } else {
        (
            format!("-Xmn{}m", young_mib + young_mib / 20),
            young_mib + young_mib / 20 + 64,
        )
    };
    format!("-Xms{total}m -Xmx{total}m {new} {touch}")
}

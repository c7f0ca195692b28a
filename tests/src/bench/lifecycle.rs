//! Short-lived finalizable objects from registration to the end of `finalize()`: all three hooks, and all the work that
//! the JVM itself has with such an object.

use anyhow::{Result, ensure};

use super::jvm::{self, Jvm, Side};
use super::setup::Setup;
use super::table::{Bound, Ratio, Tables};

const OBJECTS: u64 = 100_000;

/// Room for the objects of a repetition in a survivor space, so that nothing gets old.
const HEAP: &str = "-Xms256m -Xmx256m -Xmn96m -XX:SurvivorRatio=2";

/// On one processor: on several, how the threads of one JVM meet at the queue's lock makes it two or three times as fast
/// as the next. Many repetitions: what the agent does after each collection is not compiled in the first second, in
/// which an application has a few and this program has fifty.
///
/// Repetitions are not alike: one collection falls into some, two into others, and threads take turns at different moments.
/// The mean over the second half of them has all collections in it, with all that JVM and agent do after each: that is what a
/// program that runs on pays. The least repetition compares the luckiest of both sides.
pub fn measure(setup: &Setup, tables: &mut Tables, collector: &'static str) -> Result<()> {
    for jdk in setup.few_jdks() {
        let repetitions = setup.effort(300, 150);
        let jvm = Jvm {
            on_one_processor: true,
            ..Jvm::new(setup, jdk, "RegisterToFinalize")
        };
        let jvm = jvm
            .options(HEAP)
            .options(&format!("-XX:+Use{collector}GC"))
            .argument(OBJECTS)
            .argument(repetitions);
        let runs = jvm::interleave(setup.effort(12, 7), jvm::PAIR, |side| {
            let report = jvm.run(setup, side)?;
            if let Some(counted) = report.registered {
                let made = OBJECTS * repetitions;
                ensure!(
                    counted >= made,
                    "the program made {made} objects, the agent counted {counted}"
                );
            }
            Ok(report)
        })?;
        for (figure, measure) in [
            ("cpu_ns_mean", "CPU of all threads, ns/object, mean"),
            ("cpu_ns", "CPU of all threads, ns/object, least"),
        ] {
            tables.ratios.push(Ratio {
                jdk: jdk.feature.to_string(),
                collector,
                benchmark: "register to finalize, short-lived".to_owned(),
                measure,
                pairs: jvm::pairs_of(&runs, figure, Side::With)?,
                bound: Bound::AtMost(1.05),
            });
        }
    }
    Ok(())
}

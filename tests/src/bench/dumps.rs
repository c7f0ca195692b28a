//! The heap dumps that are measured and compared. They land in `target/bench` and stay there.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::setup::{Setup, run};

/// A dump to make: a program of `tests/bench`, and how many things it makes.
#[derive(Debug)]
pub struct Recipe {
    /// What it is called, and its file without the ending.
    pub name: &'static str,
    program: &'static str,
    count: &'static str,
    options: &'static [&'static str],
    /// What it is for.
    pub use_for: Use,
}

/// What a dump is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Costs and numbers of objects.
    Cost,
    /// The same, but takes long.
    LongCost,
    /// Retained sizes alone.
    Sizes,
}

/// Without compressed pointers, as [`super::retained`] wants it.
const WIDE: &[&str] = &[
    "-Xmx2g",
    "-XX:-UseCompressedOops",
    "-XX:-UseCompressedClassPointers",
];

/// All of them.
pub const RECIPES: [Recipe; 6] = [
    Recipe {
        name: "held-1m",
        program: "HeldFinalizers",
        count: "1000000",
        options: &["-Xmx2g"],
        use_for: Use::Cost,
    },
    Recipe {
        name: "mixed-2m",
        program: "MixedHeap",
        count: "2000000",
        options: &["-Xmx2g"],
        use_for: Use::Cost,
    },
    Recipe {
        name: "held-5m",
        program: "HeldFinalizers",
        count: "5000000",
        options: &["-Xmx4g"],
        use_for: Use::LongCost,
    },
    Recipe {
        name: "held-wide",
        program: "HeldFinalizers",
        count: "100000",
        options: WIDE,
        use_for: Use::Sizes,
    },
    Recipe {
        name: "mixed-wide",
        program: "MixedHeap",
        count: "200000",
        options: WIDE,
        use_for: Use::Sizes,
    },
    Recipe {
        name: "shared-wide",
        program: "SharedFinalizers",
        count: "30000",
        options: WIDE,
        use_for: Use::Sizes,
    },
];

impl Recipe {
    /// Makes the dump, unless it is there.
    pub fn make(&self, setup: &Setup) -> Result<PathBuf> {
        let dump = setup.file(&format!("{}.hprof", self.name));
        if !dump.exists() {
            let jdk = setup.jdks.last().context("a JDK to make dumps with")?;
            let half = setup.file(&format!("{}-half.hprof", self.name));
            // The JVM writes over nothing.
            let _ = std::fs::remove_file(&half);
            let mut java = Command::new(jdk.tool("java"));
            java.args(self.options)
                .arg("-cp")
                .arg(&setup.programs)
                .args([self.program, self.count])
                .arg(&half);
            run(&mut java)?;
            std::fs::rename(&half, &dump)?;
        }
        Ok(dump)
    }
}

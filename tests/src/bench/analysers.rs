//! Other analysers of heap dumps, from Maven Central: each is asked what finwatch tells, by a small program of
//! `tests/bench/analysers`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::setup::Setup;

/// Enough for the largest dump; the collector is the JVM's choice.
const HEAP: &str = "-Xmx4g";

/// The NetBeans profiler goes up the whole chain of Finalizers for each of them: with a million it would take days.
const PATIENCE_SECONDS: &str = "180";

/// One of them.
#[derive(Debug)]
pub struct Analyser {
    /// What people call it.
    pub name: &'static str,
    program: &'static [&'static str],
    class_path: OsString,
    java: PathBuf,
    directory: PathBuf,
}

/// Those that finwatch is compared with.
#[derive(Debug)]
pub struct Analysers {
    /// The engine of Eclipse MAT. Central has it without the user interface, as HAHA.
    pub mat: Analyser,
    /// The engine of the NetBeans profiler.
    pub netbeans: Analyser,
}

/// The numbers of each line, by the word that the line begins with: a class, `all`, [`UNFINISHED`].
pub type Answer = BTreeMap<String, Vec<u64>>;

/// Begins the line of an analyser that gave up.
pub const UNFINISHED: &str = "unfinished";

impl Analysers {
    /// Fetches them and compiles the programs that ask them.
    pub fn new(setup: &Setup) -> Result<Analysers> {
        let haha = setup.library("haha")?;
        let profiler = setup.library("org-netbeans-lib-profiler")?;
        let programs = setup.compile("analysers", &[haha.clone(), profiler.clone()])?;
        let jdk = setup.jdks.last().context("a JDK to run analysers with")?;
        let analyser = |name, program, library| {
            Ok::<_, anyhow::Error>(Analyser {
                name,
                program,
                class_path: std::env::join_paths([&programs, &library])?,
                java: jdk.tool("java"),
                directory: setup.file("analysed"),
            })
        };
        Ok(Analysers {
            mat: analyser("Eclipse MAT", &["EclipseMat"][..], haha)?,
            netbeans: analyser(
                "NetBeans profiler",
                &["NetBeansHeap", PATIENCE_SECONDS][..],
                profiler,
            )?,
        })
    }
}

impl Analyser {
    /// The command that asks about a dump and these classes.
    pub fn command(&self, dump: &Path, classes: &[String]) -> Result<Command> {
        let mut java = Command::new(&self.java);
        java.arg(HEAP)
            .arg("-cp")
            .arg(&self.class_path)
            .args(self.program)
            .arg(self.alone(dump)?)
            .args(classes);
        Ok(java)
    }

    /// The dump by another name in a new directory: analysers leave indexes beside a dump, with which the next run would
    /// be quicker.
    fn alone(&self, dump: &Path) -> Result<PathBuf> {
        // Not there in the first run.
        let _ = fs::remove_dir_all(&self.directory);
        fs::create_dir_all(&self.directory)?;
        let link = self.directory.join("dump.hprof");
        symlink(std::path::absolute(dump)?, &link)?;
        Ok(link)
    }

    /// Reads what the command printed.
    pub fn answer(&self, text: &str) -> Result<Answer> {
        parse(text).with_context(|| format!("{} says what is no answer:\n{text}", self.name))
    }
}

fn parse(text: &str) -> Option<Answer> {
    let line = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next()?.to_owned();
        let numbers = words.map(|word| word.parse().ok());
        Some((name, numbers.collect::<Option<Vec<u64>>>()?))
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_numbers_by_name() {
        let answer = parse("heap 7 700\nall 3 96\na.B$C 2 64\n").unwrap();
        assert_eq!(answer["all"], [3, 96]);
        assert_eq!(answer["a.B$C"], [2, 64]);
        assert!(parse("heap 7 many").is_none());
    }
}

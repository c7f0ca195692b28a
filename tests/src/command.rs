//! The `finwatch` command under test.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::library::agent_library;
use crate::workspace;

/// The command about to be run, with the agent under test as its library.
pub struct Finwatch {
    through: Vec<OsString>,
    arguments: Vec<OsString>,
    library: PathBuf,
}

/// How the command ended, and what it said.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code; `None` for a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Finwatch {
    /// With these arguments.
    pub fn new<S: AsRef<str>>(arguments: &[S]) -> Finwatch {
        Finwatch {
            through: Vec::new(),
            arguments: arguments.iter().map(|word| word.as_ref().into()).collect(),
            library: agent_library(),
        }
    }

    /// One more argument.
    pub fn argument(mut self, word: &str) -> Finwatch {
        self.arguments.push(word.into());
        self
    }

    /// A command that `finwatch` and its arguments are appended to.
    pub fn through<S: AsRef<OsStr>>(mut self, words: &[S]) -> Finwatch {
        self.through = words.iter().map(|word| word.as_ref().into()).collect();
        self
    }

    /// Another library than the one under test.
    pub fn library(mut self, path: &Path) -> Finwatch {
        self.library = path.into();
        self
    }

    /// The command, for a test that does not just wait for its end.
    pub fn command(&self) -> Command {
        let program = [built()];
        let mut words = self
            .through
            .iter()
            .map(OsString::as_os_str)
            .chain(program.iter().map(|path| path.as_os_str()));
        let mut command = Command::new(words.next().unwrap_or_default());
        command
            .args(words)
            .args(&self.arguments)
            .stdin(Stdio::null());
        command.env("FINWATCH_LIB", &self.library);
        command
    }

    /// Runs it to its end.
    pub fn run(&self) -> Finished {
        let output = self.command().output();
        let output = output.unwrap_or_else(|e| panic!("cannot run {:?}: {e}", self.command()));
        Finished {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it, and panics where it fails.
    pub fn succeed(&self) -> Finished {
        let finished = self.run();
        assert_eq!(
            finished.code,
            Some(0),
            "{:?}: {finished:#?}",
            self.command()
        );
        finished
    }
}

impl Finished {
    /// The lines of standard output, each a JSON value.
    pub fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

/// Path of the command, made or brought up to date now (once in a process).
fn built() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "-p", "finwatch-cli"])
            .current_dir(workspace::root())
            .status()
            .unwrap_or_else(|e| panic!("cannot run cargo to build the command: {e}"));
        assert!(status.success(), "the command does not build");
        workspace::target_directory().join("debug/finwatch")
    })
    .clone()
}

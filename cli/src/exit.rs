//! How the command ends: the documented exit codes, the same for every subcommand.

use std::process::ExitCode;

/// The exit codes, as `--help` shows them.
pub const HELP: &str = "\
Exit codes:
  0  done, and nothing wrong was found
  1  done, and something wrong was found: an invalid record, a JVM that is not watched,
     what 'explain' says is wrong, a heap dump that is not whole
  2  the command line was wrong
  3  it could not be done: no such process, no permission, not a finwatch stream";

/// How a subcommand that ran to its end came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and nothing wrong was found.
    Done,
    /// Done, and what was looked at is not as it should be.
    Found,
    /// The command line was wrong; words about it are on stderr.
    Misused,
    /// It could not be done; words about it are on stderr.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Done => 0,
            Outcome::Found => 1,
            Outcome::Misused => 2,
            Outcome::Failed => 3,
        })
    }
}

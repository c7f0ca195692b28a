//! `finwatch detach`: ends the agent in a running JVM, which goes on without it.

use std::io::Write;

use anyhow::Context;
use finwatch_record::command;

use crate::attach::{self, Target};
use crate::exit::Outcome;
use crate::list::Row;
use crate::stderr;
use crate::stdout::stdout;

/// End the watching of a JVM, which runs on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  finwatch detach 4711

The stream ends with a stop record that has the whole ledger. A JVM that is not watched is left
alone (exit code 1).")]
pub struct Arguments {
    #[command(flatten)]
    target: Target,
}

/// Detaches the agent.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let Target { pid, timeout } = arguments.target;
    let jvm = attach::find(pid)?;
    // Where that cannot be known, the attempt tells why.
    if Row::of(&jvm).watched == Some(false) {
        stderr::tell(format_args!("{pid} is not watched"));
        return Ok(Outcome::Found);
    }
    attach::load(&jvm, command::DETACH, timeout).with_context(|| format!("{pid}: not detached"))?;
    writeln!(stdout(), "{pid} is not watched any more")?;
    Ok(Outcome::Done)
}

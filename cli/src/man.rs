//! `finwatch man`: the manual pages, made of what `--help` says.

use std::io::Write;

use anyhow::Context;
use clap_mangen::Man;

use crate::exit::Outcome;
use crate::quote::Quoted;
use crate::stdout::stdout;

const EXAMPLES: &str = "\
Examples:
  finwatch man | man -l -
  finwatch man report | man -l -
  finwatch man > /usr/local/share/man/man1/finwatch.1";

/// Print the manual page of the command, or of a subcommand
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The subcommand; without it the page of the whole
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Option<String>,
}

/// Writes a page in roff to stdout.
pub fn run(arguments: &Arguments, mut command: clap::Command) -> anyhow::Result<Outcome> {
    command.build();
    let command = match &arguments.subcommand {
        None => command,
        Some(name) => {
            let found = command.find_subcommand(name).cloned();
            let found = found.with_context(|| {
                format!(
                    "{} is no subcommand: see 'finwatch help'",
                    Quoted(name.as_ref())
                )
            })?;
            let name = format!("finwatch-{name}");
            found.display_name(name)
        }
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    stdout().write_all(&page)?;
    Ok(Outcome::Done)
}

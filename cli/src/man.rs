//! `finwatch man`: the manual pages, made of what `--help` says.

use std::io::Write;

use clap_mangen::Man;

use crate::exit::Outcome;
use crate::quote::Quoted;
use crate::stderr;
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
            let Some(found) = command.find_subcommand(name) else {
                let name = Quoted(name.as_ref());
                stderr::tell(format_args!("{name} is no subcommand: see 'finwatch help'"));
                return Ok(Outcome::Misused);
            };
            found.clone().display_name(format!("finwatch-{name}"))
        }
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    stdout().write_all(&page)?;
    Ok(Outcome::Done)
}

//! `finwatch completions`: the script that lets a shell complete the command's words.

use std::io::Write;

use clap_complete::Shell;

use crate::exit::Outcome;
use crate::stdout::stdout;

const EXAMPLES: &str = "\
Examples:
  finwatch completions bash > ~/.local/share/bash-completion/completions/finwatch
  finwatch completions zsh > ~/.zfunc/_finwatch
  finwatch completions fish > ~/.config/fish/completions/finwatch.fish";

/// Print the completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the script of the whole command to stdout.
pub fn run(arguments: &Arguments, mut command: clap::Command) -> anyhow::Result<Outcome> {
    // Into memory first: the generator panics where it can't write.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "finwatch", &mut script);
    stdout().write_all(&script)?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, ValueEnum};

    #[test]
    fn every_shell_completes_every_subcommand() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            let mut command = crate::Arguments::command();
            clap_complete::generate(*shell, &mut command, "finwatch", &mut script);
            let script = String::from_utf8(script).unwrap();
            for subcommand in crate::Arguments::command().get_subcommands() {
                let name = subcommand.get_name();
                assert!(script.contains(name), "{shell} does not complete {name}");
            }
        }
    }
}

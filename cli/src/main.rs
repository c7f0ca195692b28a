//! The `finwatch` command: what an engineer types to attach the agent to a JVM and to read what it wrote.
//!
//! One module per subcommand, each with its `Arguments` and a `run` that writes to the terminal and says how it
//! ended. Errors come up to `main`, which prints them in one place, in words.

// They panic where nothing can be written: `stdout` and `stderr` are for that.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod alerts;
mod attach;
mod check;
mod completions;
mod detach;
mod exhausted;
mod exit;
mod explain;
mod finalizing;
mod heap;
mod holders;
mod holding;
mod interval;
mod jvm;
mod list;
mod man;
mod markup;
mod numbers;
mod output;
mod quote;
mod report;
mod schema;
mod stderr;
mod stdout;
mod stream;
mod time;
mod top;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::exit::Outcome;
use crate::stdout::stdout;

/// Watches finalization in running JVMs: what is registered, pending, running, and who holds it.
#[derive(Debug, Parser)]
#[command(name = "finwatch", version, propagate_version = true, after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Attach(attach::Arguments),
    Detach(detach::Arguments),
    Explain(explain::Arguments),
    Heap(heap::Arguments),
    Holders(holders::Arguments),
    List(list::Arguments),
    Check(check::Arguments),
    Report(report::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Top(top::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = run(arguments.command).and_then(|outcome| {
        stdout().flush()?;
        Ok(outcome)
    });
    outcome
        .unwrap_or_else(|error| {
            stderr::tell(format_args!("{error:#}"));
            Outcome::Failed
        })
        .into()
}

fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Attach(arguments) => attach::run(&arguments),
        Command::Detach(arguments) => detach::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Heap(arguments) => heap::run(&arguments),
        Command::Holders(arguments) => holders::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Man(arguments) => man::run(&arguments, Arguments::command()),
        Command::Top(arguments) => top::run(&arguments),
    }
}

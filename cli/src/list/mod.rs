//! `finwatch list`: the HotSpot JVMs of this machine, those in containers too, and which of
//! them are watched.

mod row;
mod table;

use crate::attach;
use crate::exit::Outcome;
use crate::jvm::{Jvm, process_id};
use crate::stdout::stdout;

pub use row::Row;
pub use table::write as write_table;

/// Show the JVMs on this machine, and which are watched
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  finwatch list
  finwatch list 4711                                           exit code 1 if it is not watched
  finwatch list --json | jq -r 'select(.watched == false).pid'

JVMs of other users can only be looked into by root.")]
pub struct Arguments {
    /// Only these JVMs
    #[arg(value_name = "PID", value_parser = process_id)]
    pids: Vec<u32>,

    /// Print one line of JSON for each JVM
    #[arg(long)]
    json: bool,
}

/// Lists them.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let jvms = match arguments.pids.as_slice() {
        [] => Jvm::all()?,
        pids => pids
            .iter()
            .map(|pid| attach::find(*pid))
            .collect::<anyhow::Result<_>>()?,
    };
    let rows: Vec<Row> = jvms.iter().map(Row::of).collect();
    let mut out = stdout();
    match arguments.json {
        true => rows.iter().try_for_each(|row| row.write_json(&mut out))?,
        false => table::write(&mut out, &rows)?,
    }
    let asked_for_one_unwatched =
        !arguments.pids.is_empty() && rows.iter().any(|row| row.watched != Some(true));
    Ok(match asked_for_one_unwatched {
        true => Outcome::Found,
        false => Outcome::Done,
    })
}

//! `finwatch schema`: the wire format's JSON Schema, for whoever validates or generates code from it.

use std::io::Write;

use finwatch_record::SCHEMA;

use crate::exit::Outcome;
use crate::stdout::stdout;

/// Print the JSON Schema of the records
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Writes the schema to stdout.
pub fn run(_: &Arguments) -> anyhow::Result<Outcome> {
    stdout().write_all(SCHEMA.as_bytes())?;
    Ok(Outcome::Done)
}

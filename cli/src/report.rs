//! `finwatch report`: one HTML page out of files of records, which shows what happened and needs nothing else.
//!
//! Lines are read on all processors; one thread keeps of them what the page needs ([`jvm`]), which does not grow
//! with the files.

mod alerts;
mod classes;
mod incidents;
mod jvm;
mod notable;
mod page;
mod series;
mod standstill;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::exit::Outcome;
use crate::output::{self, STDOUT};
use crate::stdout::stdout;
use crate::stream::{Digest, Sources};
use page::Page;

const EXAMPLES: &str = "\
Examples:
  finwatch report finwatch-4711.jsonl
  finwatch report -o monday.html /var/log/app/finwatch-*.jsonl*
  kubectl logs app | finwatch report -

The page has everything in it and loads nothing: mail it, print it. Rotated files and
those of several JVMs may be given together and in any order.";

/// Make one HTML page of files of records: what happened, in charts and words
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Files of records, compressed with gzip or not, in any order; '-' is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// Where to write the page; '-' is stdout
    #[arg(
        short,
        long,
        value_name = "PAGE",
        default_value = "finwatch-report.html"
    )]
    output: PathBuf,
    /// Print what the page shows as JSON, and make no page
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

/// Reads the files and writes the page.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let output = &arguments.output;
    if !arguments.json {
        output::refuse_to_overwrite(output, &arguments.files)?;
    }
    let mut sources = Sources::open(&arguments.files)?;
    let (digest, is_complete) = Digest::read(&mut sources);
    let page = Page::of(digest);
    if page.files.records() == 0 {
        bail!("no page is made: {}", page.files.why_empty());
    }
    if arguments.json {
        writeln!(stdout(), "{}", page.json()?)?;
    } else {
        output::write(output, &page.html()?)?;
        if output != Path::new(STDOUT) {
            writeln!(stdout(), "{}", page.summary(output))?;
        }
    }
    page.files.tell_problems();
    Ok(match is_complete {
        true => Outcome::Done,
        false => Outcome::Failed,
    })
}

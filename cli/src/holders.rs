//! `finwatch holders`: asks the agent in a running JVM who holds the instances of a class.

use std::io::{self, Write};

use anyhow::Context;
use finwatch_record::{Holders, HoldingPath, command};

use crate::attach::{self, Target};
use crate::exit::Outcome;
use crate::holding;
use crate::jvm::Watch;
use crate::numbers::grouped;
use crate::quote::Plain;
use crate::stdout::stdout;

/// Find out who holds the finalizable objects of a class in a watched JVM
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  finwatch holders 4711 org.postgresql.jdbc3g.Jdbc3gPreparedStatement
  finwatch holders 4711 com.example.Handle --json

The JVM has to be watched (finwatch attach). What threads and static fields lead to is looked at
while it runs. Only where that explains too little, the JVM is stopped, a few times and each time
no longer than the agent's option pause says (off: never). The answer goes to the stream, too.
References from Finalizers and the referents of other references do not count as holding.")]
pub struct Arguments {
    #[command(flatten)]
    target: Target,

    /// Binary name of the class, as `finwatch top` shows it
    class: String,

    /// Print the answer as JSON, a line for each loader that has such a class
    #[arg(long)]
    json: bool,
}

/// Asks, and prints the answer.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let Target { pid, timeout } = arguments.target;
    let jvm = attach::find(pid)?;
    if jvm.watch().ok().flatten().is_none() && Watch::can_be_told() {
        anyhow::bail!("{pid} is not watched: `finwatch attach {pid}` first");
    }
    let question = format!("{}{}", command::HOLDERS, arguments.class);
    attach::load(&jvm, &question, timeout).with_context(|| format!("{pid}: no answer"))?;
    let answer = attach::find(pid)?.watch().ok().flatten();
    let answer = answer.map(|watch| watch.holders).unwrap_or_default();
    anyhow::ensure!(
        !answer.is_empty(),
        "{pid}: the answer is in the stream only: it can't be read from here"
    );
    anyhow::ensure!(
        answer
            .iter()
            .all(|holders| holders.class == arguments.class),
        "{pid}: somebody else asked at the same time: ask again"
    );
    let mut out = stdout();
    for holders in &answer {
        match arguments.json {
            true => {
                serde_json::to_writer(&mut out, holders)?;
                writeln!(out)?;
            }
            false => tell(&mut out, holders)?,
        }
    }
    Ok(Outcome::Done)
}

fn tell_paths(out: &mut impl Write, paths: &[HoldingPath]) -> io::Result<()> {
    for path in paths {
        let words = holding::path(path);
        writeln!(out, "  {:>11}  {}", grouped(path.count), Plain(&words))?;
    }
    Ok(())
}

fn tell(out: &mut impl Write, holders: &Holders) -> io::Result<()> {
    let loader = holders.loader.as_deref().unwrap_or("not told apart");
    writeln!(out, "{} (loader {})", Plain(&holders.class), Plain(loader))?;
    let about = if holders.sampled.is_some() {
        "about "
    } else {
        ""
    };
    writeln!(
        out,
        "{about}{} of {} instances are held{}",
        grouped(holders.held),
        grouped(holders.instances),
        if holders.paths.is_empty() { "" } else { ":" }
    )?;
    tell_paths(out, &holders.paths)?;
    let softly = holders.softly_held.unwrap_or(0);
    if softly > 0 {
        // A stack may hold them, too.
        let alone = match holders.complete {
            true => " alone",
            false => ", as far as is known",
        };
        writeln!(
            out,
            "{about}{} are held by soft references{alone}, until the collector needs room:",
            grouped(softly)
        )?;
        tell_paths(out, &holders.soft_paths)?;
    }
    let nobody = match holders.softly_held {
        Some(_) => "by nobody",
        None => "by nobody, or by soft references",
    };
    if let Some(unheld) = holding::by_nobody(holders).filter(|unheld| *unheld > 0) {
        let wait = "they wait for a collection or their finalizer";
        writeln!(out, "  {:>11}  {nobody}: {wait}", grouped(unheld))?;
    }
    if let Some(sampled) = holders.sampled {
        writeln!(
            out,
            "The numbers are estimated from {} instances.",
            grouped(sampled)
        )?;
    }
    if let Some(reason) = &holders.incomplete_reason {
        writeln!(out, "Not the whole answer: {}.", Plain(reason))?;
    }
    let (sum, longest) = (holders.stw_ms, holders.stw_ms_max);
    match sum.zip(longest) {
        Some((sum, longest)) => writeln!(
            out,
            "The JVM stood still for {sum:.0} ms in all, {longest:.0} ms at once."
        ),
        None => Ok(()),
    }
}

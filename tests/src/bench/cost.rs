//! What a command costs: CPU time and peak memory.
//!
//! Each run is a process of its own below a process of its own: `getrusage` of the children, which gives CPU time and
//! peak memory, then speaks of that run alone.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};

use super::cpu;
use super::setup::output;

/// First argument of the process between this one and the measured one.
const MEASURE: &str = "--measure";

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub cpu_ms: f64,
    pub elapsed_ms: f64,
    pub peak_kib: i64,
}

/// Runs a command `runs` times: the cost of the run with the least CPU time, because noise only adds, and what it
/// printed.
pub fn least(runs: usize, mut run: impl FnMut() -> Result<Command>) -> Result<(Cost, String)> {
    let mut least: Option<(Cost, String)> = None;
    for _ in 0..runs {
        let measured = measure(&run()?)?;
        least = Some(
            least
                .filter(|(known, _)| known.cpu_ms <= measured.0.cpu_ms)
                .unwrap_or(measured),
        );
    }
    least.context("no run")
}

/// Runs the process that runs the process.
fn measure(command: &Command) -> Result<(Cost, String)> {
    let own = std::env::current_exe().context("where this program is")?;
    let mut between = Command::new(own);
    between
        .arg(MEASURE)
        .arg(command.get_program())
        .args(command.get_args());
    let text = output(&mut between)?;
    let (answer, last) = text
        .trim_end()
        .rsplit_once('\n')
        .unwrap_or(("", text.trim_end()));
    let numbers: Vec<f64> = last
        .split(' ')
        .filter_map(|number| number.parse().ok())
        .collect();
    let [cpu_ms, elapsed_ms, peak_kib] = numbers[..] else {
        bail!("the measuring process says '{last}' instead of three numbers");
    };
    let cost = Cost {
        cpu_ms,
        elapsed_ms,
        peak_kib: peak_kib as i64,
    };
    Ok((cost, answer.to_owned()))
}

/// In that process, which these arguments tell: runs the command, prints what it prints and then what it took.
/// `false` in any other process.
pub fn measured(arguments: &[String]) -> Result<bool> {
    let Some((MEASURE, command)) = arguments
        .split_first()
        .map(|(first, rest)| (first.as_str(), rest))
    else {
        return Ok(false);
    };
    let (program, arguments) = command.split_first().context("no command to measure")?;
    let begun = Instant::now();
    let text = output(Command::new(program).args(arguments))?;
    let elapsed_ms = begun.elapsed().as_secs_f64() * 1e3;
    let peak_kib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    println!("{text}\n{} {elapsed_ms} {peak_kib}", cpu::children_ms()?);
    Ok(true)
}

//! Measures what the agent costs; `--help` tells how, `tests/bench/README.md` tells more.

use std::process::ExitCode;

use finwatch_tests::bench;

fn main() -> ExitCode {
    let arguments = bench::arguments::Arguments::parse(std::env::args().skip(1));
    match arguments.and_then(|arguments| bench::run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

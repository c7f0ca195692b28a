//! Measures what `finwatch heap` costs on dumps that it makes; `--help` tells how.

use std::process::ExitCode;

use finwatch_tests::bench::heap;

fn main() -> ExitCode {
    match heap::run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("heap_bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

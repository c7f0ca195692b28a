//! The command as one types it, where no JVM is needed: its exit codes, its files, its outputs, its terminal.

mod outputs;
mod overwrite;
mod stream;

use std::process::{Command, Output};

/// The command with these arguments.
fn finwatch(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_finwatch"));
    command.args(words);
    command
}

/// Runs it to its end.
fn run(mut command: Command) -> (Option<i32>, Output) {
    let output = command.output().unwrap();
    (output.status.code(), output)
}

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

#[test]
fn a_manual_page_of_no_subcommand_is_a_wrong_command_line() {
    let (code, output) = run(finwatch(&["man", "nope"]));
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("'nope' is no subcommand"), "{words}");
}

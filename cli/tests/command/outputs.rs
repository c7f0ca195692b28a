//! Outputs that nobody reads, or that are full, change neither the exit code nor end the command with a panic.

use std::fs::{self, File};
use std::io::pipe;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::{finwatch, run, stream};

/// A directory with a stream, and with a file that is none.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("good.jsonl"), stream::text()).unwrap();
    fs::write(directory.path().join("bad.jsonl"), "garbage\n").unwrap();
    directory
}

fn unread() -> Stdio {
    pipe().unwrap().1.into()
}

fn full() -> Stdio {
    File::create("/dev/full").unwrap().into()
}

fn within(directory: &Path, words: &[&str]) -> Command {
    let mut command = finwatch(words);
    command.current_dir(directory);
    command
}

#[test]
fn an_answer_that_nobody_reads_leaves_the_exit_code() {
    let directory = directory();
    let cases: [(&[&str], i32); 6] = [
        (&["check", "good.jsonl"], 0),
        (&["check", "bad.jsonl"], 1),
        (&["check", "--json", "bad.jsonl"], 1),
        (&["check", "good.jsonl", "missing.jsonl"], 3),
        (&["report", "good.jsonl"], 0),
        (&["top", "--once", "good.jsonl"], 0),
    ];
    for (words, expected) in cases {
        let mut command = within(directory.path(), words);
        command.stdout(unread());
        assert_eq!(run(command).0, Some(expected), "{words:?}");
    }
    assert!(directory.path().join("finwatch-report.html").exists());
}

#[test]
fn an_answer_that_has_no_room_is_told() {
    let directory = directory();
    let cases: [&[&str]; 5] = [
        &["check", "bad.jsonl"],
        &["explain", "good.jsonl"],
        &["report", "good.jsonl"],
        &["schema"],
        &["top", "--once", "good.jsonl"],
    ];
    for words in cases {
        let mut command = within(directory.path(), words);
        command.stdout(full());
        let (code, output) = run(command);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            told.contains("stdout can't be written to"),
            "{words:?}: {told}"
        );
        assert_eq!(code, Some(3), "{words:?}");
    }
}

#[test]
fn words_that_nobody_reads_leave_the_exit_code() {
    let directory = directory();
    let cases: [(&[&str], i32); 5] = [
        (&["check", "missing.jsonl"], 3),
        (&["check", "missing.jsonl", "good.jsonl"], 3),
        (&["report", "good.jsonl", "bad.jsonl"], 0),
        (&["top", "--once", "good.jsonl"], 0),
        (&["list", "4194305"], 3),
    ];
    for (words, expected) in cases {
        for stderr in [unread(), full()] {
            let mut command = within(directory.path(), words);
            command.stderr(stderr);
            assert_eq!(run(command).0, Some(expected), "{words:?}");
        }
    }
}

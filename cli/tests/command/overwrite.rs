//! No page goes over a file that it is made of, whatever name it is given.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use crate::{finwatch, run, stream};

/// What begins like a heap dump.
const DUMP: &str = "JAVA PROFILE 1.0.2\0";

fn assert_refused(command: Command, input: &Path) {
    let before = fs::read(input).unwrap();
    let (code, output) = run(command);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("would overwrite"), "{words}");
    assert_eq!(code, Some(3));
    assert_eq!(fs::read(input).unwrap(), before);
}

#[test]
fn a_page_does_not_go_over_a_heap_dump_or_a_stream_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("app.hprof"), DUMP).unwrap();
    for name in ["app.jsonl", "app.jsonl.1"] {
        fs::write(path(name), stream::text()).unwrap();
    }
    for name in ["app.hprof", "app.jsonl", "app.jsonl.1"] {
        let words = ["heap", "--stream", "app.jsonl", "app.hprof", "-o"];
        let mut command = finwatch(&words);
        command.arg(path(name)).current_dir(directory.path());
        assert_refused(command, &path(name));
    }
}

#[test]
fn another_name_of_the_same_file_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("a"), directory.path().join("b"));
    fs::write(&file, stream::text()).unwrap();
    fs::hard_link(&file, &link).unwrap();
    let mut command = finwatch(&["report", "-o"]);
    command.args([&link, &file]);
    assert_refused(command, &file);
}

#[test]
fn a_file_that_is_stdin_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.hprof");
    fs::write(&file, DUMP).unwrap();
    let mut command = finwatch(&["heap", "-", "-o"]);
    command.arg(&file).stdin(File::open(&file).unwrap());
    assert_refused(command, &file);
}

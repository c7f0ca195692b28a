//! Options, as the JVM's user meets them. What each value may be is tested beside the parser.

use std::os::unix::fs::PermissionsExt;

use finwatch_tests::{Ended, Launch, any_case, for_each_jdk};

/// A short program with a finalizer or two.
const TALKER: [&str; 3] = ["subject.Talker", "2", "0"];

fn talk(launch: Launch) -> Ended {
    launch.program(&TALKER).run()
}

#[test]
fn mistakes_refuse_the_start_and_are_all_named() {
    for_each_jdk(|case| {
        let launch = Launch::new(case).raw_options("=intervall=5s,classes=many,out=%x,rotate=");
        let ended = talk(launch);
        assert!(!ended.status.success(), "the JVM started");
        assert!(
            !ended.out().contains("out 0"),
            "the program ran:\n{}",
            ended.out()
        );
        for wanted in [
            "intervall=5s",
            "did you mean interval",
            "\"many\"",
            "\"%x\"",
            "rotate",
        ] {
            assert!(
                ended.err().contains(wanted),
                "no {wanted} in the message:\n{}",
                ended.err()
            );
        }
        let left = std::fs::read_dir(ended.directory())
            .into_iter()
            .flatten()
            .flatten();
        let files: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert!(files.is_empty(), "a JVM that never ran left {files:?}");
    });
}

#[test]
fn mistakes_in_the_environment_refuse_the_start_too() {
    let launch = Launch::new(&any_case()).environment("FINWATCH_OPTIONS", "gc=perhaps");
    let ended = talk(launch);
    assert!(!ended.status.success());
    let err = ended.err();
    assert!(
        err.contains("FINWATCH_OPTIONS") && err.contains("perhaps"),
        "{err}"
    );
}

#[test]
fn help_prints_the_table() {
    for_each_jdk(|case| {
        let ended = talk(Launch::new(case).raw_options("=help"));
        let shown = ended.out() + &ended.err();
        for key in [
            "out", "interval", "rotate", "keep", "classes", "gc", "alerts", "patience", "stuck",
            "many", "log", "config",
        ] {
            assert!(
                shown.contains(&format!("{key}=")),
                "no {key} in the help:\n{shown}"
            );
        }
        assert!(!shown.contains("out 0"), "the program ran:\n{shown}");
    });
}

#[test]
fn the_flag_wins_over_the_file_and_the_file_over_the_environment() {
    let launch = Launch::new(&any_case())
        .option("config", "finwatch.conf")
        .without_option("classes")
        .environment(
            "FINWATCH_OPTIONS",
            "classes=3,keep=3,rotate=1MiB,interval=3s",
        );
    let file = launch.directory().join("finwatch.conf");
    std::fs::write(&file, "# ours\nclasses=4\nkeep=4\ninterval=4s\n").unwrap();
    let mut ended = talk(launch);
    let options = ended.stream().start().agent.options;
    let shown = ["interval", "classes", "keep", "rotate", "gc"].map(|key| options[key].as_str());
    assert_eq!(shown, ["100ms", "4", "4", "1MiB", "on"]);
    ended.stream().stop();
}

#[test]
fn without_options_the_stream_is_a_private_file_named_after_the_process() {
    for_each_jdk(|case| {
        let jvm = Launch::new(case)
            .raw_options("")
            .program(&TALKER)
            .stdin(std::process::Stdio::null())
            .spawn();
        let name = format!("finwatch-{}.jsonl", jvm.pid());
        let ended = jvm.end();
        assert!(ended.status.success());
        let path = ended.directory().join(&name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("no {name}: {e}"));
        assert!(
            text.lines()
                .next()
                .is_some_and(|line| line.contains("\"start\"")),
            "{text}"
        );
        assert!(
            text.lines()
                .last()
                .is_some_and(|line| line.contains("\"stop\"")),
            "{text}"
        );
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "mode {mode:o}");
    });
}

#[test]
fn given_twice_there_is_one_ledger() {
    for_each_jdk(|case| {
        let again = format!("-agentpath:{}", finwatch_tests::agent_library().display());
        let mut ended = talk(Launch::new(case).flag(again));
        let err = ended.err();
        if ended.status.success() {
            ended.stream().stop();
        } else {
            assert!(err.contains("finwatch"), "refused without a word:\n{err}");
        }
    });
}

#[test]
fn gc_off_leaves_the_collections_out() {
    let mut jvm = Launch::new(&any_case()).option("gc", "off").start();
    let mut stream = jvm.stream();
    jvm.tell("gc 3");
    stream.quiet_sample();
    let mut ended = jvm.end();
    ended.stream().stop();
    let collections = ended
        .stream()
        .records()
        .iter()
        .filter(|record| record.kind == "gc")
        .count();
    assert_eq!(collections, 0);
}

#[test]
fn as_many_classes_as_asked_for_are_listed_and_the_others_summed_up() {
    let mut jvm = Launch::new(&any_case()).option("classes", "2").start();
    let mut stream = jvm.stream();
    jvm.tell("loaders 10");
    let sample = stream.quiet_sample();
    assert_eq!(sample.classes.len(), 2, "{:?}", sample.classes);
    assert!(
        sample.classes_omitted.count >= 8,
        "{:?}",
        sample.classes_omitted
    );
    let ended_rows = jvm.end().stream().stop().classes.len();
    assert!(
        ended_rows >= 10,
        "the stop record has all classes, not {ended_rows}"
    );
}

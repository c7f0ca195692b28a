//! However the JVM ends: what was made is in the stream, and the exit is the program's own.

use std::os::unix::process::ExitStatusExt;

use finwatch_record::StopReason;
use finwatch_tests::{Case, Ended, Jvm, Launch, find_row, for_each_jdk};
use nix::sys::signal::Signal;

/// A JVM with 100 objects registered that no sample has told of: the interval is an hour.
fn busy(case: &Case) -> Jvm {
    let mut jvm = Launch::new(case).option("interval", "1h").start();
    jvm.tell("register subject.Plain 100");
    jvm
}

fn assert_all_told(mut ended: Ended, code: i32) {
    assert_eq!(ended.status.code(), Some(code), "the exit code");
    let stop = ended.stream().stop();
    assert_eq!(stop.reason, StopReason::VmDeath);
    assert_eq!(
        find_row(&stop.classes, "subject.Plain")
            .counts
            .registered_total,
        100
    );
}

#[test]
fn main_returns() {
    for_each_jdk(|case| assert_all_told(busy(case).end(), 0));
}

#[test]
fn system_exit() {
    for_each_jdk(|case| {
        let mut jvm = busy(case);
        jvm.send("exit 3");
        assert_all_told(jvm.wait(), 3);
    });
}

#[test]
fn sigterm() {
    for_each_jdk(|case| {
        let jvm = busy(case);
        jvm.signal(Signal::SIGTERM);
        assert_all_told(jvm.wait(), 143);
    });
}

#[test]
fn uncaught_exception_in_main() {
    for_each_jdk(|case| {
        let mut jvm = busy(case);
        jvm.tell("throw");
        let ended = jvm.wait();
        assert!(ended.err().contains("uncaught on purpose"));
        assert_all_told(ended, 1);
    });
}

/// The VM may or may not say good-bye; no line may be torn either way.
#[test]
fn halt() {
    for_each_jdk(|case| {
        let mut jvm = busy(case);
        jvm.send("halt 4");
        let mut ended = jvm.wait();
        assert_eq!(ended.status.code(), Some(4));
        ended.stream().start();
    });
}

#[test]
fn kill_9_leaves_whole_lines() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        jvm.tell("register subject.Plain 100");
        stream.quiet_sample();
        jvm.signal(Signal::SIGKILL);
        let ended = jvm.wait();
        assert_eq!(ended.status.signal(), Some(9));
        let bytes = std::fs::read(ended.directory().join("stream.jsonl")).unwrap();
        assert_eq!(bytes.last(), Some(&b'\n'), "the last line is torn");
    });
}

#[test]
fn a_finalizer_that_never_returns_does_not_hold_up_the_end() {
    for_each_jdk(|case| {
        let mut jvm = busy(case);
        jvm.tell("stuck");
        jvm.send("exit 5");
        let mut ended = jvm.wait();
        assert_eq!(ended.status.code(), Some(5));
        let stop = ended.stream().stop();
        assert_eq!(find_row(&stop.classes, "subject.Stuck").counts.running, 1);
    });
}

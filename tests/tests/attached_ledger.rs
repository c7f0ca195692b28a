//! The ledger of an agent that comes late, goes, and comes again.

use std::{collections::BTreeSet, path::PathBuf};

use finwatch_record::{AlertKind, AlertState, Body, CoverageLevel, Record, Sample};
use finwatch_tests::{
    Case, Finwatch, Jvm, Launch, Stream, any_case, assert_chain, counts_of, find_row, for_each_jdk,
    for_each_jvm,
};

/// Attaches to a JVM, or changes what is attached: the stream under this name in its directory.
fn attach(jvm: &Jvm, name: &str, options: &[&str]) -> PathBuf {
    let path = jvm.directory().join(name);
    let (pid, out) = (jvm.pid().to_string(), format!("out={}", path.display()));
    let words = [&["attach", &pid, &out, "interval=100ms"], options].concat();
    Finwatch::new(&words).succeed();
    path
}

fn attached(jvm: &Jvm, name: &str, options: &[&str]) -> Stream {
    let path = attach(jvm, name, options);
    jvm.stream_at(&path, jvm.pid())
}

fn detach(jvm: &Jvm) {
    Finwatch::new(&["detach", &jvm.pid().to_string()]).succeed();
}

fn registered(sample: &Sample, class: &str) -> u64 {
    find_row(&sample.classes, class).counts.registered
}

#[test]
fn what_was_registered_and_pending_before_is_counted_per_class() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("register subject.Plain 1000");
        jvm.tell("register subject.Child 10");
        if case.collects() {
            jvm.tell("stuck");
            jvm.tell("register subject.Throwing 7");
            jvm.tell("drop subject.Throwing");
            jvm.tell("gc 3");
        }
        let mut stream = attached(&jvm, "late.jsonl", &[]);
        let start = stream.start();
        assert_eq!(start.coverage.level, CoverageLevel::Baseline);
        let sample = match case.collects() {
            true => stream.fresh_sample(),
            false => assert_chain(&mut jvm, &mut stream),
        };
        assert_eq!(registered(&sample, "subject.Plain"), 1000);
        assert_eq!(registered(&sample, "subject.Child"), 10);
        let counted = start.baseline.expect("counted at the beginning").objects;
        assert!(counted >= 1010, "{counted}");
        if case.collects() {
            assert_eq!(
                counts_of(&sample.classes, "subject.Throwing").pending,
                7,
                "behind the stuck one"
            );
            assert_eq!(
                Some(sample.finalizer.counts.pending),
                sample.finalizer.mxbean_pending
            );
            // The stuck one is off the chain, and nobody saw its finalize() begin.
            assert_eq!(
                jvm.jcmd().finalizers(),
                sample.finalizer.counts.registered + 1
            );
            jvm.tell("release");
            jvm.tell("await subject.Throwing 7");
            let sample = assert_chain(&mut jvm, &mut stream);
            let counts = counts_of(&sample.classes, "subject.Throwing");
            assert_eq!((counts.threw_total, counts.pending), (7, 0));
        }
        jvm.end();
    });
}

/// Its `finalize()` began before anybody counted, so the thread's stack has to tell.
#[test]
fn a_finalizer_that_was_stuck_before_is_told() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("stuck");
        jvm.tell("register subject.Throwing 7");
        jvm.tell("drop subject.Throwing");
        jvm.tell("gc 3");
        let mut stream = attached(&jvm, "late.jsonl", &["stuck=1s", "patience=1s"]);
        let told = stream.wait_for("alert of the stuck finalizer", |record| {
            matches!(&record.body, Body::Alert(alert) if alert.kind == AlertKind::FinalizerStuck)
        });
        let Body::Alert(alert) = told.body else {
            unreachable!("waited for an alert");
        };
        assert_eq!(alert.class.as_deref(), Some("subject.Stuck"));
        jvm.tell("release");
        stream.wait_for("end of the alert", |record| {
            matches!(&record.body, Body::Alert(alert) if alert.state == AlertState::Cleared)
        });
        jvm.end();
    });
}

#[test]
fn attached_again_it_knows_what_came_and_went_meanwhile() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("register subject.Plain 100");
        let mut first = attached(&jvm, "first.jsonl", &[]);
        jvm.tell("register subject.Throwing 10");
        assert_chain(&mut jvm, &mut first);
        detach(&jvm);
        assert_eq!(first.stop().coverage.level, CoverageLevel::Baseline);
        jvm.tell("register subject.Plain 20");
        if case.collects() {
            jvm.tell("drop subject.Throwing");
            jvm.tell("await subject.Throwing 10");
        }
        let mut second = attached(&jvm, "second.jsonl", &[]);
        let sample = assert_chain(&mut jvm, &mut second);
        assert_eq!(registered(&sample, "subject.Plain"), 120);
        jvm.tell("register subject.Plain 1");
        let sample = assert_chain(&mut jvm, &mut second);
        assert_eq!(registered(&sample, "subject.Plain"), 121);
        jvm.end();
    });
}

#[test]
fn without_a_baseline_only_what_comes_is_counted() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("register subject.Plain 100");
        let mut stream = attached(&jvm, "late.jsonl", &["baseline=off"]);
        let start = stream.start();
        assert_eq!(start.baseline, None);
        assert_eq!(start.coverage.level, CoverageLevel::Baseline);
        assert!(start.coverage.reason.contains("baseline=off"));
        jvm.tell("register subject.Plain 7");
        jvm.tell("quiet");
        let sample = stream.quiet_sample();
        assert_eq!(registered(&sample, "subject.Plain"), 7);
        detach(&jvm);
        let mut again = attached(&jvm, "again.jsonl", &["baseline=off"]);
        jvm.tell("register subject.Plain 5");
        jvm.tell("quiet");
        let sample = again.quiet_sample();
        assert_eq!(registered(&sample, "subject.Plain"), 5);
        jvm.end();
    });
}

/// Collections that the stream tells, by what they are known by.
fn collections(stream: &Stream) -> Vec<(String, u64)> {
    let told = stream
        .records()
        .iter()
        .filter_map(|record| match &record.body {
            Body::Gc(gc) => Some((gc.collector.clone()?, gc.id?)),
            _ => None,
        });
    told.collect()
}

#[test]
fn a_change_of_gc_tells_each_collection_once_or_not_at_all() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let mut stream = attached(&jvm, "changed.jsonl", &["gc=off", "alerts=off"]);
        jvm.tell("gc 3");
        stream.fresh_sample();
        assert_eq!(collections(&stream), []);
        attach(&jvm, "changed.jsonl", &["gc=on"]);
        jvm.tell("gc 3");
        stream.wait_for_gc("collection that is told now", |_| true);
        stream.fresh_sample();
        let is_bare =
            |record: &Record| matches!(&record.body, Body::Gc(gc) if gc.collector.is_none());
        let bare = stream.records().iter().find(|record| is_bare(record));
        assert!(bare.is_none(), "a pause that nobody listened to: {bare:?}");
        let told = collections(&stream);
        let each: BTreeSet<_> = told.iter().collect();
        assert_eq!(told.len(), each.len(), "told twice: {told:?}");
        attach(&jvm, "changed.jsonl", &["gc=off"]);
        stream.fresh_sample();
        let before = collections(&stream);
        jvm.tell("gc 3");
        stream.fresh_sample();
        assert_eq!(collections(&stream), before, "told with gc=off");
        jvm.end();
    });
}

#[test]
fn what_an_alert_is_holds_as_it_was_changed() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let mut stream = attached(&jvm, "changed.jsonl", &["alerts=off"]);
        stream.fresh_sample();
        attach(&jvm, "changed.jsonl", &["alerts=on", "stuck=24h"]);
        stream.fresh_sample();
        attach(&jvm, "changed.jsonl", &["stuck=1s", "patience=1s"]);
        jvm.tell("stuck");
        stream.wait_for("alert of the stuck finalizer", |record| {
            matches!(&record.body, Body::Alert(alert) if alert.kind == AlertKind::FinalizerStuck)
        });
        jvm.tell("release");
        jvm.end();
    });
}

/// Kilobytes of memory in RAM, threads, open descriptors.
fn size(jvm: &Jvm) -> [u64; 3] {
    let pid = jvm.pid();
    let entries = |name: &str| {
        std::fs::read_dir(format!("/proc/{pid}/{name}"))
            .expect("it runs")
            .count() as u64
    };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .expect("VmRSS in kB");
    [resident, entries("task"), entries("fd")]
}

/// Kilobytes that may come over the rounds that are compared, from whatever the JVM itself does
/// meanwhile: an attach and detach of which 50 KB stayed would show in eighty.
const GROWTH: u64 = 4096;

/// Rounds in which the JVM loads what an attach and a detach need.
const FIRST_ROUNDS: u32 = 20;

#[test]
fn a_hundred_times_leave_nothing_behind() {
    a_number_of_times_leaves_nothing_behind(100, &any_case());
}

#[test]
fn on_each_jdk_many_times_leave_nothing_behind() {
    for_each_jdk(|case| a_number_of_times_leaves_nothing_behind(FIRST_ROUNDS + 10, case));
}

fn a_number_of_times_leaves_nothing_behind(rounds: u32, case: &Case) {
    // One method that a JIT compiler takes up meanwhile is more than what the rounds may leave.
    let small = ["-Xms32m", "-Xmx32m", "-XX:+AlwaysPreTouch", "-Xint"];
    let mut jvm = Launch::new(case).flags(&small).without_agent().start();
    jvm.tell("register subject.Plain 100");
    let mut before = [0; 3];
    for round in 0..rounds {
        attach(&jvm, "again.jsonl", &[]);
        detach(&jvm);
        if round == FIRST_ROUNDS {
            jvm.tell("quiet");
            before = size(&jvm);
        }
    }
    jvm.tell("quiet");
    let after = size(&jvm);
    assert!(
        after[0] < before[0] + GROWTH && after[1] <= before[1] + 2 && after[2] <= before[2],
        "{}: memory in kB, threads and descriptors were {before:?} after {FIRST_ROUNDS} rounds \
             and are {after:?} after {rounds}",
        case.name()
    );
    let mut stream = attached(&jvm, "last.jsonl", &[]);
    let sample = assert_chain(&mut jvm, &mut stream);
    assert_eq!(registered(&sample, "subject.Plain"), 100);
    jvm.end();
}

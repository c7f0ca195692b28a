//! Every way into the ledger and every way out of it.

use std::collections::BTreeSet;

use finwatch_record::{AlertKind, Body, ClassRow, Counts};
use finwatch_tests::{
    Jvm, Launch, Stream, assert_chain, assert_timed, counts_of, find_row, for_each_jdk,
    for_each_jvm, rows_of, sample,
};

/// Commands that make objects, their class, how many are registered by it.
const WAYS: [(&str, &str, u64); 6] = [
    ("register subject.Plain 100", "subject.Plain", 100),
    ("register subject.Child 50", "subject.Child", 50),
    ("clone 9", "subject.Cloned", 10),
    ("deserialize 4", "subject.Stored", 5),
    ("reflect 6", "subject.Reflected", 6),
    ("unfinished 5", "subject.Unfinished", 5),
];

#[test]
fn every_way_to_make_an_object_registers_it_once() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        make_all(&mut jvm);
        let sample = stream.quiet_sample();
        for (command, class, made) in WAYS {
            let total = find_row(&sample.classes, class).counts.registered_total;
            assert_eq!(total, made, "registered_total of {class} after '{command}'");
        }
        for class in ["subject.Silenced", "subject.Lookalike"] {
            assert!(
                rows_of(&sample.classes, class).is_empty(),
                "{class} has no finalizer, and a row"
            );
        }
        if case.collects() {
            all_finalized(&mut jvm, &mut stream);
        }
    });
}

fn make_all(jvm: &mut Jvm) {
    for (command, _, _) in WAYS {
        jvm.tell(command);
    }
    // None of these registers anything: an empty finalizer, none at all, no constructor.
    jvm.tell("register subject.Silenced 30");
    jvm.tell("register subject.Lookalike 30");
    jvm.tell("unsafe 7");
}

fn all_finalized(jvm: &mut Jvm, stream: &mut Stream) {
    jvm.tell("drop");
    // A Child is counted by its parent's finalizer.
    jvm.tell("await subject.Plain 150");
    for (_, class, made) in &WAYS[2..] {
        jvm.tell(&format!("await {class} {made}"));
    }
    let sample = assert_chain(jvm, stream);
    for (_, class, made) in WAYS {
        assert_finalized(find_row(&sample.classes, class), made);
    }
}

fn assert_finalized(row: &ClassRow, made: u64) {
    let wanted = Counts {
        registered_total: made,
        enqueued_total: made,
        finalized_total: made,
        ..Counts::default()
    };
    assert_eq!(row.counts, wanted, "{}", row.class);
    assert_timed(&row.class, row.finalize_ns.count, made);
}

#[test]
fn virtual_threads_register_like_others() {
    for_each_jdk(|case| {
        if case.jdk.feature >= 21 {
            let mut jvm = Launch::new(case).start();
            let mut stream = jvm.stream();
            jvm.tell("virtual 200");
            let sample = stream.quiet_sample();
            assert_eq!(
                find_row(&sample.classes, "subject.Virtual")
                    .counts
                    .registered,
                200
            );
            jvm.tell("drop");
            jvm.tell("await subject.Virtual 200");
            let sample = assert_chain(&mut jvm, &mut stream);
            assert_finalized(find_row(&sample.classes, "subject.Virtual"), 200);
        }
    });
}

#[test]
fn a_finalizer_that_throws_is_counted_as_such_and_a_resurrected_object_once() {
    for_each_jvm(|case| {
        if !case.collects() {
            return;
        }
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        jvm.tell("register subject.Throwing 20");
        jvm.tell("register subject.Resurrected 10");
        jvm.tell("drop");
        jvm.tell("await subject.Throwing 20");
        jvm.tell("await subject.Resurrected 10");
        jvm.tell("gc 2");
        let sample = assert_chain(&mut jvm, &mut stream);
        let throwing = find_row(&sample.classes, "subject.Throwing");
        assert_eq!(
            (throwing.counts.threw_total, throwing.counts.finalized_total),
            (20, 0)
        );
        assert_eq!(
            throwing.finalize_ns.count, 20,
            "calls that threw took time too"
        );
        assert_finalized(find_row(&sample.classes, "subject.Resurrected"), 10);
    });
}

#[test]
fn a_slow_finalizer_shows_in_the_durations() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        jvm.tell("register subject.Slow 10");
        jvm.tell("drop");
        jvm.tell("await subject.Slow 10");
        let sample = assert_chain(&mut jvm, &mut stream);
        let took = find_row(&sample.classes, "subject.Slow").finalize_ns;
        assert_eq!(took.count, 10);
        assert!(
            took.max >= 5_000_000 && took.sum >= 50_000_000,
            "each took 5 ms at least: {took:?}"
        );
        assert!(took.p50 >= 4_375_000, "p50 is 12.5% off at most: {took:?}");
        assert!(
            took.p50 <= took.p99 && took.p99 <= took.max,
            "quantiles out of order: {took:?}"
        );
    });
}

#[test]
fn a_second_finalizer_thread_works_past_a_stuck_one() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        jvm.tell("stuck");
        jvm.tell("register subject.Plain 20");
        jvm.tell("drop");
        jvm.tell("gc 2");
        stream.wait_for_sample("sample with 20 pending behind the stuck one", |sample| {
            counts_of(&sample.classes, "subject.Plain").pending == 20
        });
        jvm.tell("runFinalization");
        let sample = stream.quiet_sample();
        assert_finalized(find_row(&sample.classes, "subject.Plain"), 20);
        let stuck = find_row(&sample.classes, "subject.Stuck").counts;
        assert_eq!(
            (stuck.registered, stuck.running, stuck.finalized_total),
            (0, 1, 0)
        );
        jvm.tell("release");
        stream.wait_for_sample("sample in which the stuck one has ended", |sample| {
            let stuck = counts_of(&sample.classes, "subject.Stuck");
            (stuck.running, stuck.finalized_total) == (0, 1)
        });
    });
}

/// The classes that were told to resurrect their objects.
fn resurrecting(stream: &Stream) -> Vec<String> {
    let alerts = stream
        .records()
        .iter()
        .filter_map(|record| match &record.body {
            Body::Alert(alert) if alert.kind == AlertKind::FinalizerResurrects => {
                alert.class.clone()
            }
            _ => None,
        });
    alerts.collect()
}

#[test]
fn what_an_object_in_the_queue_refers_to_is_not_told_to_be_resurrected() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        jvm.tell("stuck-with 3000");
        jvm.tell("runFinalization");
        stream.wait_for_sample("sample with all but the stuck one finalized", |sample| {
            counts_of(&sample.classes, "subject.Plain").finalized_total == 3000
        });
        let collect = |jvm: &mut Jvm, stream: &mut Stream| {
            jvm.tell("gc 1");
            for _ in 0..4 {
                stream.fresh_sample();
            }
        };
        for _ in 0..4 {
            collect(&mut jvm, &mut stream);
        }
        jvm.tell("release");
        jvm.tell("register subject.Resurrected 3000");
        jvm.tell("drop");
        jvm.tell("await subject.Resurrected 3000");
        for _ in 0..50 {
            if !resurrecting(&stream).is_empty() {
                break;
            }
            collect(&mut jvm, &mut stream);
        }
        assert_eq!(resurrecting(&stream), ["subject.Resurrected"]);
    });
}

#[test]
fn one_name_in_fifty_loaders_is_fifty_rows_until_each_is_unloaded() {
    for_each_jdk(|case| fifty_rows_until_each_is_unloaded(Launch::new(case)));
}

/// The collection that the VM starts when it has no room for more classes finds the old ones, and another follows only
/// when that has freed none: what keeps a class for one collection longer would be the end of the program.
///
/// C2 keeps the classes that it reads of in profiles as long as it compiles, and then it is the end without us too: of
/// JDK 8 in 7 of 500 runs, in none of 368 without C2.
#[test]
fn classes_are_unloaded_when_room_is_needed_for_others() {
    for_each_jdk(|case| {
        let launch =
            Launch::new(case).flags(&["-XX:MaxMetaspaceSize=20m", "-XX:TieredStopAtLevel=1"]);
        let mut jvm = launch.option("interval", "1h").start();
        assert_eq!(jvm.tell("redeploy 9000 4")["made"].as_u64(), Some(4));
        assert!(jvm.end().status.success());
    });
}

/// A collector that marks while the program runs keeps what is looked at meanwhile.
#[test]
fn classes_are_unloaded_however_busy_others_are() {
    for_each_jvm(|case| {
        if !case.unloads_classes() {
            return;
        }
        let launch = Launch::new(case).flag("-XX:+IgnoreUnrecognizedVMOptions");
        let mut jvm = launch.flag("-XX:+ExplicitGCInvokesConcurrent").start();
        let answer = jvm.tell("outdated 60");
        assert_eq!(answer["unloaded"].as_u64(), Some(60), "{answer}");
        assert!(jvm.end().status.success());
    });
}

/// The class of an object is read from its header where that is of a known shape; and what calls the hooks is
/// interpreted, or compiled by another compiler, or called before the constructor.
#[test]
fn classes_are_told_apart_whatever_the_headers_and_compilers() {
    let variants: [&[&str]; 3] = [
        &[
            "-XX:-UseCompressedOops",
            "-XX:-UseCompressedClassPointers",
            "-XX:TieredStopAtLevel=1",
        ],
        &[
            "-XX:+UnlockExperimentalVMOptions",
            "-XX:+UseCompactObjectHeaders",
            "-XX:ReservedCodeCacheSize=4m",
        ],
        &[
            "-XX:ObjectAlignmentInBytes=16",
            "-XX:-RegisterFinalizersAtInit",
            "-Xint",
        ],
    ];
    for_each_jdk(|case| {
        for flags in variants {
            let launch = Launch::new(case).flag("-XX:+IgnoreUnrecognizedVMOptions");
            fifty_rows_until_each_is_unloaded(launch.flags(flags));
        }
    });
}

fn fifty_rows_until_each_is_unloaded(launch: Launch) {
    let mut jvm = launch.start();
    let mut stream = jvm.stream();
    jvm.tell("loaders 50");
    let sample = stream.quiet_sample();
    assert_fifty_rows(&rows_of(&sample.classes, "subject.Isolated"));
    let total = jvm.tell("unload")["made"].as_u64();
    assert_unloaded_once(&mut stream);
    let sample = assert_chain(&mut jvm, &mut stream);
    assert!(
        rows_of(&sample.classes, "subject.Isolated").is_empty(),
        "a row after the last one"
    );
    assert!(
        sample.classes_omitted.count >= 50,
        "{:?}",
        sample.classes_omitted
    );
    assert!(
        Some(sample.classes_omitted.counts.finalized_total) >= total,
        "{:?}",
        sample.classes_omitted
    );
    let stop = jvm.end().stream().stop();
    assert!(
        Some(stop.classes_unloaded.counts.registered_total) >= total,
        "{:?}",
        stop.classes_unloaded
    );
}

fn assert_fifty_rows(rows: &[&ClassRow]) {
    assert_eq!(rows.len(), 50);
    let loaders: BTreeSet<_> = rows.iter().map(|row| &row.loader).collect();
    assert_eq!(
        loaders.len(),
        50,
        "each row names its own loader: {loaders:?}"
    );
    for k in 0..50 {
        let source = format!("file:/isolated/{k}.jar");
        let row = rows
            .iter()
            .find(|row| row.source.as_deref() == Some(&source));
        let row = row.unwrap_or_else(|| panic!("no row from {source} among {rows:?}"));
        assert_eq!(
            row.counts.registered,
            k % 3 + 1,
            "objects of the class from {source}"
        );
    }
}

/// Waits until fifty rows said that they are the last, each of another loader.
fn assert_unloaded_once(stream: &mut Stream) {
    let mut last: Vec<ClassRow> = Vec::new();
    while last.len() < 50 {
        let sample = stream.wait_for_sample("sample with rows that say unloaded", |sample| {
            sample.classes.iter().any(|row| row.unloaded)
        });
        last.extend(sample.classes.into_iter().filter(|row| row.unloaded));
    }
    let sources: BTreeSet<_> = last.iter().map(|row| row.source.clone()).collect();
    assert_eq!(
        (last.len(), sources.len()),
        (50, 50),
        "each class has one last row"
    );
    for row in &last {
        assert_eq!(
            (row.counts.registered, row.counts.running),
            (0, 0),
            "unloaded with objects left: {row:?}"
        );
    }
}

#[test]
fn past_the_fixed_number_the_other_classes_are_one_row_and_the_totals_exact() {
    for_each_jdk(|case| {
        // A sample of all these classes has more than a megabyte.
        let launch = Launch::new(case)
            .option("rotate", "off")
            .option("interval", "500ms");
        let mut jvm = launch.flag("-Xmx128m").start();
        let mut stream = jvm.stream();
        let before = stream.quiet_sample().finalizer.counts.registered_total;
        jvm.tell("manyclasses 5000");
        let sample = assert_chain(&mut jvm, &mut stream);
        let other = find_row(&sample.classes, "(other classes)");
        let named: Vec<_> = sample
            .classes
            .iter()
            .filter(|row| row.class.contains("Generated"))
            .collect();
        assert!(
            other.loader.is_none() && other.source.is_none(),
            "{other:?}"
        );
        assert!(
            named.len() >= 1000 && named.len() < 5000,
            "{} rows have names",
            named.len()
        );
        assert!(
            named.len() as u64 + other.counts.registered >= 5000,
            "{} and {other:?}",
            named.len()
        );
        assert!(sample.finalizer.counts.registered_total - before >= 5000);
        jvm.tell("unload");
        let sample = assert_chain(&mut jvm, &mut stream);
        assert!(sample.finalizer.counts.finalized_total >= 5000);
        after_unloading_there_is_room_again(&mut jvm, &mut stream);
    });
}

fn after_unloading_there_is_room_again(jvm: &mut Jvm, stream: &mut Stream) {
    stream.wait_for("sample without the unloaded classes", |record| {
        sample(record).is_some_and(|sample| {
            !sample
                .classes
                .iter()
                .any(|row| row.class.contains("Generated"))
        })
    });
    jvm.tell("manyclasses 100");
    let sample = stream.quiet_sample();
    let named = sample
        .classes
        .iter()
        .filter(|row| row.class.contains("Generated"));
    assert_eq!(
        named.map(|row| row.counts.registered).sum::<u64>(),
        100,
        "named again"
    );
}

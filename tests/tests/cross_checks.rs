//! The ledger against what the VM says itself.

use finwatch_record::{CoverageLevel, Sample};
use finwatch_tests::{
    Case, Jvm, Launch, Stream, assert_chain, counts_of, finalizer_statistics, find_row,
    for_each_jvm,
};

#[test]
fn registered_is_the_chain_and_pending_is_the_queue() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        assert_eq!(stream.start().coverage.level, CoverageLevel::Exact);
        jvm.tell("register subject.Plain 1000");
        jvm.tell("register subject.Child 10");
        let sample = assert_chain(&mut jvm, &mut stream);
        assert_eq!(
            find_row(&sample.classes, "subject.Plain").counts.registered,
            1000
        );
        if case.collects() {
            some_pending(&mut jvm, &mut stream);
            jvm.tell("release");
            assert_chain(&mut jvm, &mut stream);
        }
        jvm.end().stream().stop();
    });
}

/// With the finalizer thread held up, what was dropped stays in the queue.
fn some_pending(jvm: &mut Jvm, stream: &mut Stream) {
    jvm.tell("stuck");
    jvm.tell("drop subject.Plain");
    jvm.tell("register subject.Throwing 7");
    jvm.tell("drop subject.Throwing");
    jvm.tell("gc 3");
    stream.wait_for_sample("sample with everything dropped pending", |sample| {
        pending(sample, "subject.Plain") == 1000 && pending(sample, "subject.Throwing") == 7
    });
    let sample = stream.quiet_sample();
    assert_eq!(
        Some(sample.finalizer.counts.pending),
        sample.finalizer.mxbean_pending
    );
    assert_eq!(
        jvm.tell("beans")["pending"],
        sample.finalizer.counts.pending
    );
    assert_eq!(sample.finalizer.counts.running, 1, "the stuck one");
    assert_eq!(find_row(&sample.classes, "subject.Stuck").counts.running, 1);
    assert_eq!(
        jvm.jcmd().finalizers(),
        sample.finalizer.counts.registered + 1
    );
    if jvm.case().jdk.feature >= 9 {
        assert_same_pending(jvm, &sample);
    }
}

fn pending(sample: &Sample, class: &str) -> u64 {
    counts_of(&sample.classes, class).pending
}

fn assert_same_pending(jvm: &Jvm, sample: &Sample) {
    let waiting = sample.classes.iter().filter(|row| row.counts.pending > 0);
    let ours = waiting
        .map(|row| (row.class.clone(), row.counts.pending))
        .collect();
    assert_eq!(
        jvm.jcmd().finalizer_info(),
        ours,
        "GC.finalizer_info, against pending per class"
    );
}

/// The flight recorder counts by class too, from JDK 18 on; it loses those that threw.
#[test]
fn flight_recorder_counts_the_same_except_finalizers_that_threw() {
    for_each_jvm(|case| {
        if case.jdk.feature >= 18 && case.collects() {
            compare_with_flight_recorder(case);
        }
    });
}

fn compare_with_flight_recorder(case: &Case) {
    let mut jvm = Launch::new(case).start();
    let mut stream = jvm.stream();
    jvm.jcmd().run(&["JFR.start", "name=finalizers"]);
    for (class, dropped) in [
        ("subject.Plain", 50),
        ("subject.Reflected", 0),
        ("subject.Throwing", 8),
    ] {
        match class {
            "subject.Reflected" => jvm.tell("reflect 6"),
            _ => jvm.tell(&format!("register {class} {dropped}")),
        };
    }
    jvm.tell("drop subject.Plain");
    jvm.tell("drop subject.Throwing");
    jvm.tell("await subject.Plain 50");
    jvm.tell("await subject.Throwing 8");
    jvm.tell("register subject.Plain 20");
    jvm.tell("quiet");
    let file = jvm.directory().join("finalizers.jfr");
    jvm.jcmd().run(&[
        "JFR.dump",
        "name=finalizers",
        &format!("filename={}", file.display()),
    ]);
    let theirs = finalizer_statistics(&case.jdk, &file);
    let sample = stream.quiet_sample();
    for class in ["subject.Plain", "subject.Reflected", "subject.Throwing"] {
        let ours = find_row(&sample.classes, class).counts;
        let theirs = theirs
            .get(class)
            .unwrap_or_else(|| panic!("JFR has no {class} in {theirs:?}"));
        assert_eq!(
            theirs.run, ours.finalized_total,
            "{class}: finalizers that returned"
        );
        assert_eq!(
            theirs.objects,
            ours.registered + ours.threw_total,
            "{class}: objects, thrown ones included"
        );
    }
    assert_eq!(
        find_row(&sample.classes, "subject.Throwing")
            .counts
            .threw_total,
        8
    );
}

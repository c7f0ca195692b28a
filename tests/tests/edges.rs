//! Where registration fails, where everything happens at once, and with others loaded too.

use finwatch_record::{CoverageLevel, Sample};
use finwatch_tests::{
    Case, Collector, Jvm, Launch, Stream, assert_chain, assert_chain_within, counts_of, find_row,
    for_each_jdk, for_each_jvm, java_agent_jar, live_and_die,
};

#[test]
fn at_the_end_of_the_stack_what_registered_is_counted_and_nothing_else() {
    for_each_jvm(|case| {
        if !case.collects() {
            // Finalizers whose constructor failed stay in the heap: nothing to compare with.
            return;
        }
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        let answer = jvm.tell("deepstack 100");
        assert!(
            answer["failed"].as_u64() > Some(100),
            "the end of the stack was not met: {answer}"
        );
        assert_chain(&mut jvm, &mut stream);
        jvm.tell("drop");
        assert_chain(&mut jvm, &mut stream);
    });
}

#[test]
fn with_the_heap_full_what_registered_is_counted_and_nothing_else() {
    for_each_jvm(|case| {
        // Shenandoah collects a full heap for minutes, without the agent too, before it gives up.
        if !case.collects() || case.collector == Some(Collector::Shenandoah) {
            return;
        }
        // One large array takes a page of 32 MB.
        let heap = match case.collector {
            Some(Collector::Zgc) => "-Xmx128m",
            _ => "-Xmx32m",
        };
        let mut jvm = Launch::new(case).flag(heap).start();
        let mut stream = jvm.stream();
        // The beans' classes fail for good when the heap is full while they are initialized.
        stream.wait_for_sample("sample with memory in it", |sample| sample.memory.is_some());
        // Parallel goes through a full heap at a snail's pace: little at a time.
        let command = if case.has_regions() {
            "heapfull 3 2560"
        } else {
            "heapfull 40 3"
        };
        let answer = jvm.tell(command);
        assert_eq!(answer["full"], 1, "the heap was never full: {answer}");
        let made = answer["made"].as_u64();
        let sample = assert_chain(&mut jvm, &mut stream);
        assert!(
            Some(
                find_row(&sample.classes, "subject.Plain")
                    .counts
                    .registered_total
            ) >= made
        );
        jvm.tell("drop");
        jvm.tell(&format!("await subject.Plain {}", made.unwrap_or(0)));
        let sample = assert_chain(&mut jvm, &mut stream);
        assert_eq!(
            sample.coverage.level,
            CoverageLevel::Exact,
            "{}",
            sample.coverage.reason
        );
    });
}

#[test]
fn hundreds_of_threads_lose_no_count() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).flag("-Xmx128m").start();
        let mut stream = jvm.stream();
        let made = jvm.tell("threads 300 200")["made"].as_u64();
        assert_eq!(made, Some(60_000));
        let sample = assert_chain(&mut jvm, &mut stream);
        assert_eq!(
            find_row(&sample.classes, "subject.Plain")
                .counts
                .registered_total,
            60_000
        );
        if case.collects() {
            jvm.tell("drop");
            jvm.tell("await subject.Plain 60000");
            let sample = assert_chain(&mut jvm, &mut stream);
            assert_eq!(
                find_row(&sample.classes, "subject.Plain")
                    .counts
                    .finalized_total,
                60_000
            );
        }
    });
}

#[test]
fn classes_that_come_and_go_meanwhile_disturb_no_count() {
    for_each_jvm(|case| {
        if !case.collects() {
            return;
        }
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        let before = stream.quiet_sample().finalizer.counts.registered_total;
        jvm.tell("churn");
        jvm.tell("threads 10 500");
        jvm.tell("gc 5");
        let churned = jvm.tell("calm")["churned"].as_u64().unwrap_or(0);
        let sample = assert_chain(&mut jvm, &mut stream);
        assert_eq!(
            find_row(&sample.classes, "subject.Plain")
                .counts
                .registered_total,
            5000
        );
        let grown = sample.finalizer.counts.registered_total - before;
        assert!(
            churned > 10 && grown >= 5000 + churned,
            "{churned} churned, registered_total has grown by {grown}"
        );
    });
}

#[test]
fn with_the_flight_recorder() {
    for_each_jdk(|case| {
        watched_beside(
            case,
            &["-XX:StartFlightRecording=filename=recording.jfr,settings=profile"],
        )
    });
}

#[test]
fn with_a_debugger_agent() {
    for_each_jdk(|case| {
        watched_beside(
            case,
            &["-agentlib:jdwp=transport=dt_socket,server=y,suspend=n,address=127.0.0.1:0"],
        );
    });
}

#[test]
fn with_a_java_agent() {
    for_each_jdk(|case| {
        watched_beside(
            case,
            &[&format!("-javaagent:{}", java_agent_jar().display())],
        )
    });
}

fn watched_beside(case: &Case, flags: &[&str]) {
    let mut jvm = Launch::new(case).flags(flags).start();
    let mut stream = jvm.stream();
    live_and_die(&mut jvm, &mut stream);
    assert!(jvm.end().status.success());
}

/// A Java agent that retransforms our classes at noon gets the original bytes, and the
/// JVM takes what it makes of them: our hooks are gone. Within a few samples they are
/// back, or the stream says that it is blind.
#[test]
fn a_java_agent_that_retransforms_our_classes_does_not_blind_us_silently() {
    for_each_jdk(|case| {
        let jar = format!("-javaagent:{}", java_agent_jar().display());
        let mut jvm = Launch::new(case).flag(jar).start();
        let mut stream = jvm.stream();
        jvm.tell("register subject.Plain 100");
        assert_eq!(plain(&stream.quiet_sample()), 100);
        jvm.tell("retransform java.lang.ref.Finalizer java.lang.ref.ReferenceQueue");
        jvm.tell("register subject.Plain 50");
        within_a_few_samples(&mut stream, |sample| {
            plain(sample) == 150 || sample.coverage.level != CoverageLevel::Exact
        });
        within_a_few_samples(&mut stream, |sample| plain(sample) == 150);
        jvm.tell("register subject.Plain 70");
        within_a_few_samples(&mut stream, |sample| plain(sample) == 220);
        // On JDK 8 the JDK itself registers streams meanwhile, in the thread that retransforms.
        assert_chain_within(&mut jvm, &mut stream, 1);
        all_of_them_finalized(&mut jvm, &mut stream);
    });
}

fn plain(sample: &Sample) -> u64 {
    counts_of(&sample.classes, "subject.Plain").registered
}

fn within_a_few_samples(stream: &mut Stream, fits: impl Fn(&Sample) -> bool) {
    let samples: Vec<Sample> = (0..10)
        .map(|_| stream.wait_for_sample("sample", |_| true))
        .collect();
    let seen: Vec<_> = samples
        .iter()
        .map(|sample| (sample.coverage.level, plain(sample)))
        .collect();
    assert!(
        samples.iter().any(fits),
        "ten samples, none as it should be: {seen:?}"
    );
}

fn all_of_them_finalized(jvm: &mut Jvm, stream: &mut Stream) {
    jvm.tell("drop");
    jvm.tell("await subject.Plain 220");
    let sample = assert_chain_within(jvm, stream, 1);
    let counts = find_row(&sample.classes, "subject.Plain").counts;
    assert_eq!(
        (counts.registered, counts.pending, counts.finalized_total),
        (0, 0, 220)
    );
}

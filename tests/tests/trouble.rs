//! When it is already bad: the JVM runs out of memory, or stands still.

use finwatch_record::{Body, OutOfMemory, Record, Resource, Stall, StallState};
use finwatch_tests::{Collector, Launch, Stream, find_row, for_each_jdk, for_each_jvm};

fn oom(record: &Record) -> Option<&OutOfMemory> {
    match &record.body {
        Body::Oom(oom) => Some(oom),
        _ => None,
    }
}

fn stall(record: &Record) -> Option<&Stall> {
    match &record.body {
        Body::Stall(stall) => Some(stall),
        _ => None,
    }
}

fn wait_for_oom(stream: &mut Stream) -> OutOfMemory {
    let record = stream.wait_for("oom", |record| oom(record).is_some());
    oom(&record).cloned().expect("an oom")
}

#[test]
fn what_is_known_goes_out_when_the_heap_is_full() {
    for_each_jvm(|case| {
        // Shenandoah collects a full heap for minutes, without the agent too, before it gives up.
        if !case.collects() || case.collector == Some(Collector::Shenandoah) {
            return;
        }
        let mut jvm = Launch::new(case).flag("-Xmx64m").start();
        let mut stream = jvm.stream();
        jvm.tell("hold-static 1000");
        stream.fresh_sample();
        let answer = jvm.tell("run-out");
        assert_eq!(answer["error"], serde_json::Value::Null, "{answer}");
        let told = wait_for_oom(&mut stream);
        assert_eq!(told.resource, Resource::JavaHeap, "{told:#?}");
        assert!(told.error_thrown, "{told:#?}");
        assert_eq!(told.description, "Java heap space");
        let row = find_row(&told.classes, "subject.Holding$StaticHeld");
        assert_eq!(row.counts.registered, 1000, "{told:#?}");
        assert!(told.finalizer.registered >= 1000, "{told:#?}");
    });
}

#[test]
fn a_jvm_that_stands_still_is_told_while_it_does() {
    for_each_jdk(|case| {
        let launch = Launch::new(case).option("stall", "1s");
        let mut jvm = launch.flag("-XX:-UseCountedLoopSafepoints").start();
        let mut stream = jvm.stream();
        stream.fresh_sample();
        jvm.tell("standstill 3000");
        let over = |record: &Record| stall(record).is_some_and(|it| it.state == StallState::Over);
        let over = stream.wait_for("the end of a stall", over);
        let over = *stall(&over).expect("a stall");
        assert!(over.duration_ms >= 1000.0, "{over:?}");
        let mut before = stream.records().iter().filter_map(stall);
        let first = before.next().expect("a stall");
        assert_eq!(first.state, StallState::Ongoing, "{first:?}");
        assert_eq!(first.since_uptime_ms, over.since_uptime_ms);
        assert!(first.duration_ms <= over.duration_ms, "{first:?} {over:?}");
    });
}

#[test]
fn a_jvm_that_lives_is_not_told_to_stand_still() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).option("stall", "1s").start();
        let mut stream = jvm.stream();
        jvm.tell("register subject.Plain 100");
        let first = stream.fresh_sample();
        jvm.tell("gc 2");
        let past = |sample: &finwatch_record::Sample| {
            sample.finalizer.counts.registered_total >= first.finalizer.counts.registered_total
        };
        stream.wait_for_sample("sample", past);
        let later = stream.records().last().map_or(0, |record| record.uptime_ms) + 2500;
        stream.wait_for("record of a later time", |record| record.uptime_ms >= later);
        assert!(
            stream
                .records()
                .iter()
                .all(|record| stall(record).is_none())
        );
    });
}

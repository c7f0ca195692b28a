//! Memory, buffers, collectors and collections: what the program's own beans say.

use std::collections::{BTreeMap, BTreeSet};

use finwatch_record::{Body, Collection, PoolKind, Sample, Trigger};
use finwatch_tests::{Collector, Jvm, Launch, Stream, WATCHDOG, any_case, for_each_jvm};
use serde_json::Value;

#[test]
fn memory_buffers_and_collectors_are_what_the_beans_say() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        jvm.tell("quiet");
        stream.wait_for_sample("sample with memory in it", |sample| sample.memory.is_some());
        jvm.tell("buffers 3 65536");
        let (beans, sample) = both_without_a_collection_between(&mut jvm, &mut stream);
        assert_same_pools(&beans, &sample);
        assert_same_buffers(&beans, &sample);
        assert_same_collectors(&beans, &sample);
    });
}

#[test]
fn what_the_start_left_free_in_malloc_is_given_back() {
    let jvm = Launch::new(&any_case()).option("log", "debug").start();
    let told = |line: &str| line.contains("free after the start: given back to the system");
    jvm.err()
        .line(0, WATCHDOG, told)
        .unwrap_or_else(|why| panic!("{why}: {}", jvm.err().text()));
    jvm.end();
}

/// Some collectors come by themselves, at any time.
fn both_without_a_collection_between(jvm: &mut Jvm, stream: &mut Stream) -> (Value, Sample) {
    for _ in 0..20 {
        let before = jvm.tell("beans");
        let sample = stream.quiet_sample();
        if counts(&jvm.tell("beans")) == counts(&before) {
            return (before, sample);
        }
    }
    panic!("a collection between any two looks at the beans, twenty times over");
}

fn list<'a>(json: &'a Value, name: &str) -> &'a [Value] {
    json[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// `-1` is the beans' word for "none".
fn bytes(json: &Value) -> Option<u64> {
    json.as_u64()
}

fn assert_same_pools(beans: &Value, sample: &Sample) {
    let memory = sample.memory.as_ref().unwrap();
    assert_eq!(memory.heap.max_bytes, bytes(&beans["heap"]["max"]));
    assert_eq!(memory.non_heap.max_bytes, bytes(&beans["non_heap"]["max"]));
    assert!(
        memory.heap.used_bytes > 0 && memory.heap.used_bytes <= memory.heap.committed_bytes,
        "{memory:?}"
    );
    assert_eq!(memory.pools.len(), list(beans, "pools").len());
    for pool in &memory.pools {
        let is_it = |bean: &&Value| bean["name"] == pool.name.as_str();
        let bean = list(beans, "pools").iter().find(is_it).expect(&pool.name);
        let kind = if bean["kind"] == "HEAP" {
            PoolKind::Heap
        } else {
            PoolKind::NonHeap
        };
        assert_eq!(kind, pool.kind, "{}", pool.name);
        assert_eq!(
            pool.usage.max_bytes,
            bytes(&bean["usage"]["max"]),
            "{}",
            pool.name
        );
        assert_eq!(
            pool.after_gc_bytes,
            bytes(&bean["after_gc"]),
            "{}",
            pool.name
        );
    }
}

fn assert_same_buffers(beans: &Value, sample: &Sample) {
    let ours = sample.memory.iter().flat_map(|memory| &memory.buffers);
    let ours: BTreeMap<_, _> = ours
        .map(|pool| (pool.name.clone(), (pool.count, pool.used_bytes)))
        .collect();
    let number = |json: &Value| json.as_u64().unwrap_or_default();
    let theirs = list(beans, "buffers").iter().map(|bean| {
        let name = bean["name"].as_str().unwrap_or_default();
        (
            name.to_string(),
            (number(&bean["count"]), number(&bean["used"])),
        )
    });
    assert_eq!(ours, theirs.collect(), "buffer pools: count and bytes");
    assert!(
        ours["direct"].0 >= 3 && ours["direct"].1 >= 3 * 65536,
        "{ours:?}"
    );
}

fn assert_same_collectors(beans: &Value, sample: &Sample) {
    let ours = sample
        .gc
        .collectors
        .iter()
        .map(|it| (it.name.clone(), it.collections_total));
    assert_eq!(
        ours.collect::<BTreeMap<_, _>>(),
        counts(beans),
        "collections of each collector"
    );
}

/// Collections of each collector, as the program's beans count them.
fn counts(answer: &Value) -> BTreeMap<String, u64> {
    let bean = |bean: &Value| {
        Some((
            bean["name"].as_str()?.to_string(),
            bean["collections"].as_u64()?,
        ))
    };
    list(answer, "collectors").iter().filter_map(bean).collect()
}

#[test]
fn every_collection_has_a_record() {
    for_each_jvm(|case| {
        if !case.collects() {
            return;
        }
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        stream.wait_for_sample("sample with memory in it", |sample| sample.memory.is_some());
        let before = counts(&jvm.tell("gc 1"));
        jvm.tell("garbage 200");
        let after = counts(&jvm.tell("gc 3"));
        let told = collections_until(&mut jvm, &mut stream, &after);
        for (collector, &last) in &after {
            let first = before[collector] + 1;
            let ids = told
                .iter()
                .filter(|gc| gc.collector.as_ref() == Some(collector))
                .filter_map(|gc| gc.id);
            let ids: Vec<u64> = ids.filter(|id| (first..=last).contains(id)).collect();
            let distinct: BTreeSet<u64> = ids.iter().copied().collect();
            assert_eq!(
                distinct,
                (first..=last).collect(),
                "collections of {collector} that have a record"
            );
            assert_eq!(
                ids.len(),
                distinct.len(),
                "a collection of {collector} has two records: {ids:?}"
            );
        }
        let asked = told
            .iter()
            .filter(|gc| gc.cause.as_deref() == Some("System.gc()"))
            .count();
        assert!(
            asked >= 3,
            "{asked} records of the three collections that System.gc() asked for"
        );
        // The last one before the agent listens is told without the VM's words about it.
        let heard =
            |gc: &&Collection| gc.id > gc.collector.as_ref().map(|collector| before[collector]);
        told.iter().filter(heard).for_each(assert_truthful);
    });
}

/// All collections told up to the last one of each collector.
fn collections_until(
    jvm: &mut Jvm,
    stream: &mut Stream,
    last: &BTreeMap<String, u64>,
) -> Vec<Collection> {
    let told = |stream: &Stream| -> Vec<Collection> {
        let all = stream.records().iter();
        all.filter_map(|record| match &record.body {
            Body::Gc(gc) => Some(Collection::clone(gc)),
            _ => None,
        })
        .collect()
    };
    for _ in 0..20 {
        stream.fresh_sample();
        let told = told(stream);
        let reached = |(collector, &id): (&String, &u64)| {
            id == 0
                || told
                    .iter()
                    .any(|gc| gc.collector.as_ref() == Some(collector) && gc.id >= Some(id))
        };
        if last.iter().all(reached) {
            return told;
        }
    }
    panic!(
        "after 20 samples not all of {last:?} have records; now {}",
        jvm.tell("beans")["collectors"]
    );
}

/// A pause is part of its collection, and collectors that pause say so.
fn assert_truthful(gc: &Collection) {
    let name = gc.collector.as_deref().unwrap_or("none");
    // Parallel's System.gc() is a young and a full collection in one pause: both tell it.
    let is_one_pause = matches!(
        name,
        "G1 Young Generation"
            | "G1 Old Generation"
            | "Copy"
            | "ParNew"
            | "MarkSweepCompact"
            | "PS MarkSweep"
    );
    if is_one_pause {
        assert_eq!(gc.pauses.count, 1, "this collection is one pause: {gc:?}");
    }
    if name.ends_with(" Cycles") {
        // The VM tells the ends of a cycle in whole milliseconds.
        assert!(
            gc.pauses.total_ms <= gc.duration_ms + 3.0,
            "pauses longer than the cycle: {gc:?}"
        );
    }
    if name.starts_with("ZGC") && name.ends_with("Cycles") {
        assert!(gc.pauses.count >= 1, "a cycle of ZGC has pauses: {gc:?}");
    }
    assert!(
        !gc.pools.is_empty() || name.contains("Pauses"),
        "no pools in {gc:?}"
    );
    assert!(
        gc.action.is_some() && gc.cause.is_some() && gc.id.is_some(),
        "{gc:?}"
    );
}

#[test]
fn a_collection_is_followed_by_a_sample_whatever_the_interval() {
    for_each_jvm(|case| {
        if !case.collects() {
            return;
        }
        let mut jvm = Launch::new(case).option("interval", "1h").start();
        let mut stream = jvm.stream();
        // The sample of the interval, the only one for an hour.
        stream.wait_for_sample("first sample", |_| true);
        jvm.tell("register subject.Plain 10");
        jvm.tell("gc 1");
        stream.wait_for_sample("sample after a collection", |sample| {
            let has_ten = sample
                .classes
                .iter()
                .any(|row| row.counts.registered_total == 10);
            sample.trigger == Trigger::Gc && has_ten
        });
    });
}

#[test]
fn pauses_are_counted() {
    for_each_jvm(|case| {
        // Concurrent cycles of Shenandoah may post none.
        if !case.collects() || case.collector == Some(Collector::Shenandoah) {
            return;
        }
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        let before = stream.fresh_sample().gc;
        jvm.tell("gc 3");
        let after = stream.fresh_sample().gc;
        assert!(
            after.pauses_total >= before.pauses_total + 3,
            "{before:?} then {after:?}"
        );
        assert!(
            after.pause_ms_total > before.pause_ms_total,
            "{before:?} then {after:?}"
        );
    });
}

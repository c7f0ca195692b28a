//! Records for the tests: one of each type with every field filled, and any at all.

use std::collections::BTreeMap;

use finwatch_record::*;
use proptest::{collection::vec, option, prelude::*};

/// One record of each type, every optional field with a value, every list with an item,
/// numbers that differ, so that no two fields can be mixed up unseen.
pub fn full() -> Vec<Record> {
    let mut numbers = 1_u64..;
    let mut next = || numbers.next().unwrap();
    let mut counts = || Counts {
        registered: next(),
        pending: next(),
        running: next(),
        registered_total: next(),
        enqueued_total: next(),
        finalized_total: next(),
        threw_total: next(),
    };
    let finalizer = Finalizer {
        counts: counts(),
        mxbean_pending: Some(101),
    };
    let coverage = Coverage {
        level: CoverageLevel::PendingOnly,
        reason: "an unknown VM".to_owned(),
    };
    let row = ClassRow {
        class: "com.example.Statement".to_owned(),
        loader: Some("app".to_owned()),
        source: Some("file:/opt/app.jar".to_owned()),
        unloaded: true,
        counts: counts(),
        finalize_ns: FinalizeDurations {
            count: 201,
            sum: 202,
            p50: 203,
            p99: 204,
            max: 205,
        },
    };
    let omitted = OmittedClasses {
        count: 301,
        counts: counts(),
    };
    let usage = |first| Usage {
        used_bytes: first,
        committed_bytes: first + 1,
        max_bytes: Some(first + 2),
    };
    let start = Start {
        agent: AgentInfo {
            version: "0.1.0".to_owned(),
            options: BTreeMap::from([("gc".to_owned(), "on".to_owned())]),
            mode: Mode::Attach,
        },
        jvm: JvmInfo {
            version: "17.0.15+6".to_owned(),
            name: "OpenJDK 64-Bit Server VM".to_owned(),
            vendor: "Debian".to_owned(),
            gc: Some("G1 Young Generation + G1 Old Generation".to_owned()),
            heap_max_bytes: Some(401),
            command: Some("app.jar --serve".to_owned()),
        },
        host: "db-1".to_owned(),
        coverage: coverage.clone(),
    };
    let sample = Sample {
        trigger: Trigger::Interval,
        coverage: coverage.clone(),
        finalizer,
        classes: vec![row.clone()],
        classes_omitted: omitted,
        memory: Some(Memory {
            heap: usage(501),
            non_heap: usage(511),
            pools: vec![Pool {
                name: "Metaspace".to_owned(),
                kind: PoolKind::NonHeap,
                usage: usage(521),
                after_gc_bytes: Some(524),
            }],
            buffers: vec![Buffers {
                name: "direct".to_owned(),
                count: 531,
                used_bytes: 532,
            }],
        }),
        gc: Gc {
            pauses_total: 541,
            pause_ms_total: 542.5,
            pause_ms_max: 543.25,
            collectors: vec![Collector {
                name: "Copy".to_owned(),
                collections_total: 544,
                time_ms_total: 545,
            }],
        },
        agent: AgentCost {
            cpu_ms_total: 551.125,
            records_dropped_total: 552,
            write_errors_total: 553,
            stw_ms_total: 554.75,
        },
    };
    let collection = Collection {
        collector: Some("ZGC Cycles".to_owned()),
        action: Some("end of GC cycle".to_owned()),
        cause: Some("System.gc()".to_owned()),
        id: Some(601),
        start_uptime_ms: 602,
        duration_ms: 603.5,
        pauses: CollectionPauses {
            count: 604,
            total_ms: 605.25,
        },
        pools: vec![PoolChange {
            name: "ZHeap".to_owned(),
            before_bytes: 606,
            after_bytes: 607,
        }],
    };
    let stop = Stop {
        reason: StopReason::VmDeath,
        coverage,
        finalizer,
        classes: vec![row],
        classes_unloaded: omitted,
        records_dropped_total: 701,
    };
    [
        Body::Start(Box::new(start)),
        Body::Sample(Box::new(sample)),
        Body::Gc(Box::new(collection)),
        Body::Stop(Box::new(stop)),
    ]
    .into_iter()
    .map(record)
    .collect()
}

/// A record with this body.
pub fn record(body: Body) -> Record {
    Record {
        v: VERSION,
        kind: body.type_name().to_owned(),
        ts: "2026-11-24T22:59:59.123Z".to_owned(),
        seq: 801,
        pid: 802,
        uptime_ms: 803,
        body,
    }
}

/// The record as one line of the stream, without its line feed.
pub fn line(record: &Record) -> String {
    serde_json::to_string(record).unwrap()
}

/// Any record of a known type: the numbers of the whole range, names of any characters.
pub fn any_record() -> impl Strategy<Value = Record> {
    let body = prop_oneof![
        any_start().prop_map(|start| Body::Start(Box::new(start))),
        any_sample().prop_map(|sample| Body::Sample(Box::new(sample))),
        any_collection().prop_map(|collection| Body::Gc(Box::new(collection))),
        any_stop().prop_map(|stop| Body::Stop(Box::new(stop))),
    ];
    (body, any::<u64>(), any::<u32>(), any::<u64>()).prop_map(|(body, seq, pid, uptime_ms)| {
        Record {
            seq,
            pid,
            uptime_ms,
            ..record(body)
        }
    })
}

/// Any text, control characters, quotes, backslashes and line separators more often.
pub fn any_name() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        any::<char>(),
        prop::char::range('\0', '\u{9f}'),
        prop::sample::select(vec![
            '"', '\\', '/', '\n', '\u{2028}', '\u{2029}', '\u{feff}'
        ]),
    ];
    vec(character, 0..20).prop_map(String::from_iter)
}

/// Milliseconds as a clock of nanoseconds gives them.
fn any_ms() -> impl Strategy<Value = f64> {
    (0..1_000_000_000_000_000_u64).prop_map(|ns| ns as f64 / 1e6)
}

fn any_counts() -> impl Strategy<Value = Counts> {
    any::<[u64; 7]>().prop_map(|n| Counts {
        registered: n[0],
        pending: n[1],
        running: n[2],
        registered_total: n[3],
        enqueued_total: n[4],
        finalized_total: n[5],
        threw_total: n[6],
    })
}

fn any_finalizer() -> impl Strategy<Value = Finalizer> {
    (any_counts(), any::<Option<u64>>()).prop_map(|(counts, mxbean_pending)| Finalizer {
        counts,
        mxbean_pending,
    })
}

fn any_omitted() -> impl Strategy<Value = OmittedClasses> {
    (any::<u64>(), any_counts()).prop_map(|(count, counts)| OmittedClasses { count, counts })
}

fn any_coverage() -> impl Strategy<Value = Coverage> {
    let level = prop::sample::select(vec![
        CoverageLevel::Exact,
        CoverageLevel::Baseline,
        CoverageLevel::PendingOnly,
        CoverageLevel::Disabled,
    ]);
    (level, any_name()).prop_map(|(level, reason)| Coverage { level, reason })
}

fn any_row() -> impl Strategy<Value = ClassRow> {
    let names = (any_name(), option::of(any_name()), option::of(any_name()));
    let numbers = (any_counts(), any::<[u64; 5]>());
    (names, any::<bool>(), numbers).prop_map(|((class, loader, source), unloaded, (counts, n))| {
        ClassRow {
            class,
            loader,
            source,
            unloaded,
            counts,
            finalize_ns: FinalizeDurations {
                count: n[0],
                sum: n[1],
                p50: n[2],
                p99: n[3],
                max: n[4],
            },
        }
    })
}

fn any_usage() -> impl Strategy<Value = Usage> {
    any::<(u64, u64, Option<u64>)>().prop_map(|(used_bytes, committed_bytes, max_bytes)| Usage {
        used_bytes,
        committed_bytes,
        max_bytes,
    })
}

fn any_memory() -> impl Strategy<Value = Memory> {
    let kind = prop::sample::select(vec![PoolKind::Heap, PoolKind::NonHeap]);
    let pool = (any_name(), kind, any_usage(), any::<Option<u64>>()).prop_map(
        |(name, kind, usage, after_gc_bytes)| Pool {
            name,
            kind,
            usage,
            after_gc_bytes,
        },
    );
    let buffers =
        (any_name(), any::<u64>(), any::<u64>()).prop_map(|(name, count, used_bytes)| Buffers {
            name,
            count,
            used_bytes,
        });
    let lists = (vec(pool, 0..4), vec(buffers, 0..3));
    (any_usage(), any_usage(), lists).prop_map(|(heap, non_heap, (pools, buffers))| Memory {
        heap,
        non_heap,
        pools,
        buffers,
    })
}

fn any_gc() -> impl Strategy<Value = Gc> {
    let collector = (any_name(), any::<u64>(), any::<u64>()).prop_map(
        |(name, collections_total, time_ms_total)| Collector {
            name,
            collections_total,
            time_ms_total,
        },
    );
    (any::<u64>(), any_ms(), any_ms(), vec(collector, 0..3)).prop_map(
        |(pauses_total, pause_ms_total, pause_ms_max, collectors)| Gc {
            pauses_total,
            pause_ms_total,
            pause_ms_max,
            collectors,
        },
    )
}

fn any_cost() -> impl Strategy<Value = AgentCost> {
    (any_ms(), any::<u64>(), any::<u64>(), any_ms()).prop_map(
        |(cpu_ms_total, records_dropped_total, write_errors_total, stw_ms_total)| AgentCost {
            cpu_ms_total,
            records_dropped_total,
            write_errors_total,
            stw_ms_total,
        },
    )
}

fn any_start() -> impl Strategy<Value = Start> {
    let agent = (
        any_name(),
        prop::collection::btree_map(any_name(), any_name(), 0..4),
        prop::sample::select(vec![Mode::Start, Mode::Attach]),
    )
        .prop_map(|(version, options, mode)| AgentInfo {
            version,
            options,
            mode,
        });
    let optional = (
        option::of(any_name()),
        any::<Option<u64>>(),
        option::of(any_name()),
    );
    let jvm = (any_name(), any_name(), any_name(), optional).prop_map(
        |(version, name, vendor, (gc, heap_max_bytes, command))| JvmInfo {
            version,
            name,
            vendor,
            gc,
            heap_max_bytes,
            command,
        },
    );
    (agent, jvm, any_name(), any_coverage()).prop_map(|(agent, jvm, host, coverage)| Start {
        agent,
        jvm,
        host,
        coverage,
    })
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let trigger = prop::sample::select(vec![Trigger::Interval, Trigger::Gc]);
    let ledger = (any_finalizer(), vec(any_row(), 0..4), any_omitted());
    let rest = (option::of(any_memory()), any_gc(), any_cost());
    (trigger, any_coverage(), ledger, rest).prop_map(
        |(trigger, coverage, (finalizer, classes, classes_omitted), (memory, gc, agent))| Sample {
            trigger,
            coverage,
            finalizer,
            classes,
            classes_omitted,
            memory,
            gc,
            agent,
        },
    )
}

fn any_collection() -> impl Strategy<Value = Collection> {
    let change = any::<(u64, u64)>();
    let pool = (any_name(), change).prop_map(|(name, (before_bytes, after_bytes))| PoolChange {
        name,
        before_bytes,
        after_bytes,
    });
    let words = vec(option::of(any_name()), 3);
    let times = (any::<u64>(), any_ms(), any::<u64>(), any_ms());
    (words, any::<Option<u64>>(), times, vec(pool, 0..4)).prop_map(
        |(words, id, (start_uptime_ms, duration_ms, count, total_ms), pools)| Collection {
            collector: words[0].clone(),
            action: words[1].clone(),
            cause: words[2].clone(),
            id,
            start_uptime_ms,
            duration_ms,
            pauses: CollectionPauses { count, total_ms },
            pools,
        },
    )
}

fn any_stop() -> impl Strategy<Value = Stop> {
    let reason = prop::sample::select(vec![StopReason::VmDeath, StopReason::Detach]);
    let ledger = (any_finalizer(), vec(any_row(), 0..4), any_omitted());
    (reason, any_coverage(), ledger, any::<u64>()).prop_map(
        |(reason, coverage, (finalizer, classes, classes_unloaded), records_dropped_total)| Stop {
            reason,
            coverage,
            finalizer,
            classes,
            classes_unloaded,
            records_dropped_total,
        },
    )
}

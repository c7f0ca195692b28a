//! Records for the tests: one of each type with every field filled, and any at all.

use std::collections::BTreeMap;

use finwatch_record::*;
use proptest::{collection::vec, option, prelude::*};

/// Pointers of the maps: the names in them are no fields of the format.
pub const MAPS: [&str; 4] = [
    "/agent/options",
    "/evidence",
    "/alerts/0/evidence",
    "/findings/0/evidence",
];

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
        baseline: Some(Baseline {
            objects: 411,
            pause_ms: 41.5,
        }),
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
        alerts_raised: Some(555),
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
        classes: vec![row.clone()],
        classes_unloaded: omitted,
        records_dropped_total: 701,
    };
    let oom = OutOfMemory {
        resource: Resource::JavaHeap,
        description: "Java heap space".to_owned(),
        error_thrown: true,
        finalizer: counts(),
        classes: vec![row],
        classes_omitted: omitted,
        holders: vec![full_holders()],
        alerts: vec![full_alert()],
    };
    [
        Body::Start(Box::new(start)),
        Body::Sample(Box::new(sample)),
        Body::Gc(Box::new(collection)),
        Body::Alert(Box::new(full_alert())),
        Body::FinalizerThread(Box::new(full_finalizer_thread())),
        Body::HeapDump(Box::new(full_heap_dump())),
        Body::Holders(Box::new(full_holders())),
        Body::Sites(Box::new(full_sites())),
        Body::Stall(Box::new(full_stall())),
        Body::Oom(Box::new(oom)),
        Body::Stop(Box::new(stop)),
    ]
    .into_iter()
    .map(record)
    .collect()
}

fn full_alert() -> Alert {
    Alert {
        kind: AlertKind::RegisteredLeak,
        state: AlertState::Raised,
        severity: Severity::Critical,
        class: Some("com.example.Statement".to_owned()),
        loader: Some("app".to_owned()),
        cause_class: Some("com.example.Socket".to_owned()),
        since: "2026-11-24T22:59:01.123Z".to_owned(),
        since_uptime_ms: 901,
        evidence: BTreeMap::from([
            ("registered".to_owned(), 902.into()),
            ("growth_per_hour".to_owned(), number(903.5)),
        ]),
        advice: "close it".to_owned(),
    }
}

fn number(value: f64) -> serde_json::Number {
    serde_json::Number::from_f64(value).unwrap()
}

fn full_finalizer_thread() -> FinalizerThread {
    FinalizerThread {
        state: FinalizerState::Stuck,
        since_uptime_ms: 911,
        class: Some("com.example.Socket".to_owned()),
        loader: Some("app".to_owned()),
        finalize_ms: Some(912.5),
        cpu_ms_total: Some(913.5),
        stack: vec!["com.example.Socket.finalize(Socket.java:12)".to_owned()],
        lock: Some(AwaitedLock {
            class: "com.example.Pool".to_owned(),
            owner: Some(LockOwner {
                thread: "main".to_owned(),
                state: "runnable".to_owned(),
                stack: vec!["com.example.Pool.close(Pool.java:3)".to_owned()],
            }),
        }),
        deadlock: true,
        reference_handler: ReferenceHandler {
            state: ReferenceHandlerState::Stalled,
            stack: vec!["java.lang.ref.Reference.run(Reference.java)".to_owned()],
        },
        secondary: vec![SecondaryFinalizer {
            thread: "Secondary finalizer".to_owned(),
            class: Some("com.example.Statement".to_owned()),
            stack: vec!["com.example.Statement.finalize(Statement.java:9)".to_owned()],
        }],
    }
}

fn full_path(count: u64) -> HoldingPath {
    HoldingPath {
        count,
        root: Root {
            kind: RootKind::Thread,
            thread: Some("Timer-0".to_owned()),
            method: Some("java.util.TimerThread.run".to_owned()),
            class: Some("com.example.Driver".to_owned()),
            field: Some("timer".to_owned()),
        },
        chain: vec![Link {
            class: "java.util.TimerThread".to_owned(),
            field: Some("queue".to_owned()),
        }],
    }
}

fn full_holders() -> Holders {
    Holders {
        class: "com.example.Statement".to_owned(),
        loader: Some("app".to_owned()),
        instances: 921,
        held: 922,
        sampled: None,
        unheld: Some(923),
        softly_held: Some(925),
        paths: vec![full_path(924)],
        soft_paths: vec![full_path(927)],
        complete: true,
        incomplete_reason: Some("the budget was used up".to_owned()),
        looked_uptime_ms: Some(928),
        stw_ms: Some(925.5),
        stw_ms_max: Some(926.5),
    }
}

fn full_heap_dump() -> HeapDump {
    let amount = |objects| Amount {
        objects,
        bytes: objects + 1,
    };
    HeapDump {
        file: "java_pid7.hprof".to_owned(),
        dump_bytes: 951,
        heap: amount(952),
        damage: vec!["it is cut".to_owned()],
        notes: vec!["it is the last of two".to_owned()],
        chain: Some(UnfinalizedChain {
            length: 954,
            broken: Some("it leads back into itself".to_owned()),
        }),
        finalizers: amount(955),
        registered: 957,
        pending: 958,
        running: 959,
        retained: Some(amount(960)),
        classes: vec![HeapDumpClass {
            class: "com.example.Statement".to_owned(),
            loader: "app".to_owned(),
            registered: 962,
            pending: 963,
            running: 964,
            without_finalizer: 965,
            shallow_bytes: 966,
            retained: Some(amount(967)),
            fields: vec![HoldingField {
                class: "com.example.Statement$1".to_owned(),
                field: Some("this$0".to_owned()),
                is_static: false,
                count: 969,
            }],
        }],
        threads: vec![HeapDumpThread {
            thread: "Finalizer".to_owned(),
            stack: vec!["java.lang.Object.wait(Native Method)".to_owned()],
            waits_for: Some("a monitor".to_owned()),
        }],
        findings: vec![Finding {
            rule: "cancelled_timer_tasks".to_owned(),
            class: Some("com.example.Statement".to_owned()),
            count: 970,
            evidence: BTreeMap::from([("cancelled".to_owned(), 971.into())]),
            fields_read: vec!["java.util.TimerTask.state".to_owned()],
            text: "tasks wait".to_owned(),
            advice: "purge them".to_owned(),
        }],
    }
}

fn full_sites() -> Sites {
    Sites {
        class: "com.example.Statement".to_owned(),
        loader: Some("app".to_owned()),
        event: SiteEvent::Registration,
        sampled: 931,
        objects_estimate: 933,
        stacks: vec![SiteStack {
            count: 932,
            objects_estimate: 934,
            frames: vec!["com.example.Dao.find(Dao.java:12)".to_owned()],
        }],
    }
}

fn full_stall() -> Stall {
    Stall {
        state: StallState::Ongoing,
        since_uptime_ms: 941,
        duration_ms: 942.5,
        in_gc_pause: true,
    }
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
        any_alert().prop_map(|alert| Body::Alert(Box::new(alert))),
        any_finalizer_thread().prop_map(|thread| Body::FinalizerThread(Box::new(thread))),
        any_heap_dump().prop_map(|dump| Body::HeapDump(Box::new(dump))),
        any_holders().prop_map(|holders| Body::Holders(Box::new(holders))),
        any_sites().prop_map(|sites| Body::Sites(Box::new(sites))),
        any_stall().prop_map(|stall| Body::Stall(Box::new(stall))),
        any_oom().prop_map(|oom| Body::Oom(Box::new(oom))),
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

fn any_heap_dump() -> impl Strategy<Value = HeapDump> {
    (any_name(), any_name(), any::<u64>()).prop_map(|(class, text, registered)| {
        let mut dump = full_heap_dump();
        dump.registered = registered;
        dump.findings[0].text = text;
        dump.classes[0].class = class;
        dump.classes[0].registered = registered;
        dump
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
    let baseline = proptest::option::of((any::<u64>(), any::<u32>()).prop_map(
        |(objects, pause_ms)| Baseline {
            objects,
            pause_ms: pause_ms.into(),
        },
    ));
    (agent, jvm, any_name(), any_coverage(), baseline).prop_map(
        |(agent, jvm, host, coverage, baseline)| Start {
            agent,
            jvm,
            host,
            coverage,
            baseline,
        },
    )
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let trigger = prop::sample::select(vec![Trigger::Interval, Trigger::Gc]);
    let ledger = (any_finalizer(), vec(any_row(), 0..4), any_omitted());
    let rest = (
        option::of(any_memory()),
        any_gc(),
        any_cost(),
        any::<Option<u64>>(),
    );
    (trigger, any_coverage(), ledger, rest).prop_map(
        |(
            trigger,
            coverage,
            (finalizer, classes, classes_omitted),
            (memory, gc, agent, alerts_raised),
        )| Sample {
            trigger,
            coverage,
            finalizer,
            classes,
            classes_omitted,
            memory,
            gc,
            agent,
            alerts_raised,
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

fn any_names() -> impl Strategy<Value = Vec<String>> {
    vec(any_name(), 0..4)
}

fn any_alert() -> impl Strategy<Value = Alert> {
    let kind = prop::sample::select(vec![
        AlertKind::PendingGrowth,
        AlertKind::RegisteredLeak,
        AlertKind::RegisteredFloating,
        AlertKind::FinalizerStuck,
        AlertKind::FinalizerSlow,
        AlertKind::FinalizerDead,
        AlertKind::ReferenceHandlerStalled,
        AlertKind::FinalizerResurrects,
        AlertKind::FinalizerThrows,
        AlertKind::HeapExhaustion,
    ]);
    let state = prop::sample::select(vec![
        AlertState::Raised,
        AlertState::Ongoing,
        AlertState::Cleared,
    ]);
    let severity = prop::sample::select(vec![Severity::Warning, Severity::Critical]);
    let number = prop_oneof![
        any::<u64>().prop_map(serde_json::Number::from),
        any_ms().prop_map(number),
    ];
    let evidence = prop::collection::btree_map(any_name(), number, 0..4);
    let names = vec(option::of(any_name()), 3);
    let rest = (any_name(), any::<u64>(), evidence, any_name());
    ((kind, state, severity), names, rest).prop_map(
        |((kind, state, severity), names, (since, since_uptime_ms, evidence, advice))| Alert {
            kind,
            state,
            severity,
            class: names[0].clone(),
            loader: names[1].clone(),
            cause_class: names[2].clone(),
            since,
            since_uptime_ms,
            evidence,
            advice,
        },
    )
}

fn any_finalizer_thread() -> impl Strategy<Value = FinalizerThread> {
    let state = prop::sample::select(vec![
        FinalizerState::Waiting,
        FinalizerState::Running,
        FinalizerState::Blocked,
        FinalizerState::Starved,
        FinalizerState::Stuck,
        FinalizerState::Dead,
    ]);
    let owner =
        (any_name(), any_name(), any_names()).prop_map(|(thread, state, stack)| LockOwner {
            thread,
            state,
            stack,
        });
    let lock =
        (any_name(), option::of(owner)).prop_map(|(class, owner)| AwaitedLock { class, owner });
    let handler_state = prop::sample::select(vec![
        ReferenceHandlerState::Waiting,
        ReferenceHandlerState::Running,
        ReferenceHandlerState::Stalled,
        ReferenceHandlerState::Dead,
    ]);
    let reference_handler =
        (handler_state, any_names()).prop_map(|(state, stack)| ReferenceHandler { state, stack });
    let secondary =
        (any_name(), option::of(any_name()), any_names()).prop_map(|(thread, class, stack)| {
            SecondaryFinalizer {
                thread,
                class,
                stack,
            }
        });
    let call = (
        option::of(any_name()),
        option::of(any_name()),
        option::of(any_ms()),
    );
    let thread = (any::<u64>(), option::of(any_ms()), any_names());
    let others = (reference_handler, vec(secondary, 0..3));
    (
        state,
        call,
        thread,
        (option::of(lock), any::<bool>()),
        others,
    )
        .prop_map(
            |(
                state,
                (class, loader, finalize_ms),
                (since_uptime_ms, cpu_ms_total, stack),
                (lock, deadlock),
                (reference_handler, secondary),
            )| FinalizerThread {
                state,
                since_uptime_ms,
                class,
                loader,
                finalize_ms,
                cpu_ms_total,
                stack,
                lock,
                deadlock,
                reference_handler,
                secondary,
            },
        )
}

fn any_path() -> impl Strategy<Value = HoldingPath> {
    let kind = prop::sample::select(vec![
        RootKind::Thread,
        RootKind::Stack,
        RootKind::StaticField,
        RootKind::JniGlobal,
        RootKind::JniLocal,
        RootKind::Monitor,
        RootKind::Class,
        RootKind::Other,
    ]);
    let root = (kind, vec(option::of(any_name()), 4)).prop_map(|(kind, names)| Root {
        kind,
        thread: names[0].clone(),
        method: names[1].clone(),
        class: names[2].clone(),
        field: names[3].clone(),
    });
    let link =
        (any_name(), option::of(any_name())).prop_map(|(class, field)| Link { class, field });
    (any::<u64>(), root, vec(link, 0..4)).prop_map(|(count, root, chain)| HoldingPath {
        count,
        root,
        chain,
    })
}

fn any_holders() -> impl Strategy<Value = Holders> {
    let class = (any_name(), option::of(any_name()));
    let numbers = any::<(u64, Option<u64>, u64, Option<u64>, Option<u64>)>();
    let paths = (vec(any_path(), 0..3), vec(any_path(), 0..3));
    let times = (
        any::<Option<u64>>(),
        option::of(any_ms()),
        option::of(any_ms()),
    );
    let end = (any::<bool>(), option::of(any_name()));
    (class, numbers, paths, end, times).prop_map(
        |(
            (class, loader),
            (instances, sampled, held, unheld, softly_held),
            (paths, soft_paths),
            (complete, incomplete_reason),
            (looked_uptime_ms, stw_ms, stw_ms_max),
        )| Holders {
            class,
            loader,
            instances,
            sampled,
            held,
            unheld,
            softly_held,
            paths,
            soft_paths,
            complete,
            incomplete_reason,
            looked_uptime_ms,
            stw_ms,
            stw_ms_max,
        },
    )
}

fn any_sites() -> impl Strategy<Value = Sites> {
    let event = prop::sample::select(vec![SiteEvent::Registration, SiteEvent::Allocation]);
    let stack = (any::<(u64, u64)>(), any_names());
    let stack = stack.prop_map(|((count, objects_estimate), frames)| SiteStack {
        count,
        objects_estimate,
        frames,
    });
    let class = (any_name(), option::of(any_name()));
    (class, event, any::<(u64, u64)>(), vec(stack, 0..3)).prop_map(
        |((class, loader), event, (sampled, objects_estimate), stacks)| Sites {
            class,
            loader,
            event,
            sampled,
            objects_estimate,
            stacks,
        },
    )
}

fn any_stall() -> impl Strategy<Value = Stall> {
    let state = prop::sample::select(vec![StallState::Ongoing, StallState::Over]);
    (state, any::<u64>(), any_ms(), any::<bool>()).prop_map(
        |(state, since_uptime_ms, duration_ms, in_gc_pause)| Stall {
            state,
            since_uptime_ms,
            duration_ms,
            in_gc_pause,
        },
    )
}

fn any_oom() -> impl Strategy<Value = OutOfMemory> {
    let resource =
        prop::sample::select(vec![Resource::JavaHeap, Resource::Threads, Resource::Other]);
    let what = (resource, any_name(), any::<bool>());
    let ledger = (any_counts(), vec(any_row(), 0..3), any_omitted());
    let known = (vec(any_holders(), 0..2), vec(any_alert(), 0..2));
    (what, ledger, known).prop_map(
        |(
            (resource, description, error_thrown),
            (finalizer, classes, classes_omitted),
            (holders, alerts),
        )| OutOfMemory {
            resource,
            description,
            error_thrown,
            finalizer,
            classes,
            classes_omitted,
            holders,
            alerts,
        },
    )
}

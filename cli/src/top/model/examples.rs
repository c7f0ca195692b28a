//! Records for tests, made as the agent makes them.

use finwatch_record::*;

use super::Line;

pub(crate) const START_MS: u64 = 1_790_000_000_000;

/// A row of a class: its name, registered, pending, registered until now, finalized.
pub(crate) type Row<'a> = (&'a str, u64, u64, u64, u64);

pub(crate) fn counts(registered: u64, pending: u64, in_total: u64, out_total: u64) -> Counts {
    Counts {
        registered,
        pending,
        running: 0,
        registered_total: in_total,
        enqueued_total: pending + out_total,
        finalized_total: out_total,
        threw_total: 0,
    }
}

pub(crate) fn row(&(class, registered, pending, in_total, out_total): &Row<'_>) -> ClassRow {
    ClassRow {
        class: class.to_owned(),
        loader: Some("app".to_owned()),
        source: Some("file:/app.jar".to_owned()),
        unloaded: false,
        counts: counts(registered, pending, in_total, out_total),
        finalize_ns: FinalizeDurations {
            count: out_total,
            sum: out_total * 2000,
            p50: 2000,
            p99: if out_total > 0 { 15_000 } else { 0 },
            max: 1_200_000,
        },
    }
}

pub(crate) fn pool(name: &str, used_bytes: u64, after_gc_bytes: Option<u64>) -> Pool {
    Pool {
        name: name.to_owned(),
        kind: PoolKind::Heap,
        usage: usage(used_bytes, Some(64 << 20)),
        after_gc_bytes,
    }
}

pub(crate) fn usage(used_bytes: u64, max_bytes: Option<u64>) -> Usage {
    Usage {
        used_bytes,
        committed_bytes: used_bytes.next_multiple_of(1 << 20),
        max_bytes,
    }
}

pub(crate) fn coverage() -> Coverage {
    Coverage {
        level: CoverageLevel::Exact,
        reason: "hooked before the program began".to_owned(),
    }
}

pub(crate) fn sample(rows: &[Row<'_>]) -> Sample {
    let classes: Vec<ClassRow> = rows.iter().map(row).collect();
    let mut whole = Counts::default();
    classes.iter().for_each(|row| whole += row.counts);
    Sample {
        trigger: Trigger::Interval,
        coverage: coverage(),
        finalizer: Finalizer {
            counts: whole,
            mxbean_pending: Some(whole.pending),
        },
        classes,
        classes_omitted: OmittedClasses::default(),
        memory: Some(Memory {
            heap: usage(54 << 20, Some(96 << 20)),
            non_heap: usage(3 << 20, None),
            pools: vec![
                pool("G1 Eden Space", 10 << 20, Some(0)),
                pool("G1 Survivor Space", 4 << 20, Some(4 << 20)),
                pool("G1 Old Gen", 40 << 20, Some(39 << 20)),
            ],
            buffers: Vec::new(),
        }),
        gc: Gc {
            pauses_total: 2,
            pause_ms_total: 134.5,
            pause_ms_max: 12.25,
            collectors: vec![
                Collector {
                    name: "G1 Young Generation".to_owned(),
                    collections_total: 12,
                    time_ms_total: 130,
                },
                Collector {
                    name: "G1 Old Generation".to_owned(),
                    collections_total: 0,
                    time_ms_total: 0,
                },
            ],
        },
        agent: AgentCost::default(),
        alerts_raised: None,
    }
}

pub(crate) fn collection(pools: &[(&str, u64)]) -> Collection {
    Collection {
        collector: Some("G1 Young Generation".to_owned()),
        action: Some("end of minor GC".to_owned()),
        cause: Some("G1 Evacuation Pause".to_owned()),
        id: Some(1),
        start_uptime_ms: 1000,
        duration_ms: 12.0,
        pauses: CollectionPauses {
            count: 1,
            total_ms: 12.25,
        },
        pools: pools
            .iter()
            .map(|&(name, after_bytes)| PoolChange {
                name: name.to_owned(),
                before_bytes: after_bytes,
                after_bytes,
            })
            .collect(),
    }
}

pub(crate) fn start() -> Start {
    Start {
        agent: AgentInfo {
            version: "0.1.0".to_owned(),
            options: [("interval".to_owned(), "5s".to_owned())].into(),
            mode: Mode::Start,
        },
        jvm: JvmInfo {
            version: "17.0.21+9".to_owned(),
            name: "OpenJDK 64-Bit Server VM".to_owned(),
            vendor: "Debian".to_owned(),
            gc: Some("G1 Young Generation + G1 Old Generation".to_owned()),
            heap_max_bytes: Some(96 << 20),
            command: Some("com.example.Shop --port 8080".to_owned()),
        },
        host: "shop-7".to_owned(),
        baseline: None,
        coverage: coverage(),
    }
}

pub(crate) fn stop(reason: StopReason) -> Stop {
    let last = sample(&[("A", 1, 0, 10, 9)]);
    Stop {
        reason,
        coverage: coverage(),
        finalizer: last.finalizer,
        classes: last.classes,
        classes_unloaded: OmittedClasses::default(),
        records_dropped_total: 0,
    }
}

/// A record of process 4711 that started at [`START_MS`].
pub(crate) fn record(seq: u64, uptime_ms: u64, body: Body) -> Record {
    Record {
        v: VERSION,
        kind: body.type_name().to_owned(),
        ts: timestamp(START_MS + uptime_ms),
        seq,
        pid: 4711,
        uptime_ms,
        body,
    }
}

pub(crate) fn timestamp(ms: u64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms);
    humantime::format_rfc3339_millis(time).to_string()
}

pub(crate) fn sample_record(seq: u64, uptime_ms: u64, rows: &[Row<'_>]) -> Record {
    record(seq, uptime_ms, Body::Sample(Box::new(sample(rows))))
}

pub(crate) fn line(record: Record) -> Line {
    Line::Record(Box::new(record))
}

pub(crate) fn alert(kind: AlertKind, class: Option<&str>) -> Alert {
    Alert {
        kind,
        state: AlertState::Raised,
        severity: Severity::Warning,
        class: class.map(str::to_owned),
        loader: class.map(|_| "app".to_owned()),
        cause_class: None,
        since: timestamp(START_MS + 3000),
        since_uptime_ms: 3000,
        evidence: Default::default(),
        advice: "Find out who holds them.".to_owned(),
    }
}

pub(crate) fn finalizer_thread(state: FinalizerState, class: Option<&str>) -> FinalizerThread {
    FinalizerThread {
        state,
        since_uptime_ms: 3000,
        class: class.map(str::to_owned),
        loader: class.map(|_| "app".to_owned()),
        finalize_ms: class.map(|_| 2000.0),
        cpu_ms_total: Some(17.0),
        stack: Vec::new(),
        lock: None,
        deadlock: false,
        reference_handler: ReferenceHandler {
            state: ReferenceHandlerState::Waiting,
            stack: Vec::new(),
        },
        secondary: Vec::new(),
    }
}

//! The walk against a general validator of JSON Schema, and streams with one thing wrong each.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::stream::examples::sources;

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::of(SCHEMA).unwrap());

static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
});

fn envelope(kind: &str, seq: u64) -> Value {
    json!({ "v": 1, "type": kind, "ts": format!("2026-11-25T00:00:{:02}.000Z", seq % 60), "seq": seq,
        "pid": 7, "uptime_ms": 1000 * seq })
}

fn with(mut record: Value, body: Value) -> Value {
    let fields = record.as_object_mut().unwrap();
    fields.extend(body.as_object().unwrap().clone());
    record
}

fn counts(registered: u64) -> Value {
    json!({ "registered": registered, "pending": 0, "running": 0, "registered_total": registered + 5,
        "enqueued_total": 5, "finalized_total": 5, "threw_total": 0 })
}

fn sample(seq: u64, registered: u64, dropped: u64) -> Value {
    let row = with(
        counts(registered),
        json!({ "class": "a.B", "loader": "app", "source": null,
            "finalize_ns": { "count": 5, "sum": 50, "p50": 10, "p99": 10, "max": 10 } }),
    );
    let nothing = json!({ "count": 0, "registered": 0, "pending": 0, "running": 0, "registered_total": 0,
        "enqueued_total": 0, "finalized_total": 0, "threw_total": 0 });
    let usage = json!({ "used_bytes": 1, "committed_bytes": 2, "max_bytes": null });
    let pool = with(
        usage.clone(),
        json!({ "name": "Eden", "kind": "heap", "after_gc_bytes": null }),
    );
    with(
        envelope("sample", seq),
        json!({
            "trigger": "interval", "coverage": { "level": "exact", "reason": "" },
            "finalizer": with(counts(registered), json!({ "mxbean_pending": 0 })),
            "classes": [row], "classes_omitted": nothing,
            "memory": { "heap": usage, "non_heap": usage, "pools": [pool], "buffers": [] },
            "gc": { "pauses_total": 1, "pause_ms_total": 1.5, "pause_ms_max": 1, "collectors": [] },
            "agent": { "cpu_ms_total": 1.5, "records_dropped_total": dropped, "write_errors_total": 0,
                "stw_ms_total": 0.0 },
            "alerts_raised": 0,
        }),
    )
}

fn start() -> Value {
    with(
        envelope("start", 0),
        json!({ "agent": { "version": "1", "options": { "out": "x" }, "mode": "start" },
            "jvm": { "version": "17", "name": "OpenJDK", "vendor": "x", "gc": null, "heap_max_bytes": null,
                "command": null },
            "host": "h", "coverage": { "level": "exact", "reason": "" }, "baseline": null }),
    )
}

/// What is told of a file of these lines.
fn findings(lines: &[String]) -> String {
    let mut file = lines.join("\n").into_bytes();
    file.push(b'\n');
    findings_of(&[&file])
}

fn findings_of(files: &[&[u8]]) -> String {
    let (directory, mut sources) = sources(files);
    let mut checks = Checks::new(files.len(), 20);
    let open = std::mem::take(&mut sources.open);
    let failed = stream::read(
        open,
        |block| check_block(&RULES, &block),
        |lines| {
            lines.into_iter().for_each(|line| checks.take(line));
        },
    );
    assert!(failed.is_empty());
    let (findings, summary) = checks.finish();
    let mut out = Vec::new();
    findings.write(&mut out, &sources.names, false).unwrap();
    assert_eq!(summary.faults, findings.faults());
    String::from_utf8(out)
        .unwrap()
        .replace(&format!("{}/", directory.path().display()), "")
}

/// As the agent writes it: the envelope first. Or, which it never does, the type last.
fn line(record: &Value, is_type_last: bool) -> String {
    let envelope = ["v", "type", "ts", "seq", "pid", "uptime_ms"];
    let place = |name: &str| {
        envelope
            .iter()
            .position(|known| *known == name)
            .unwrap_or(envelope.len())
    };
    let mut fields: Vec<(&String, &Value)> = record.as_object().unwrap().iter().collect();
    fields.sort_by_key(|(name, _)| {
        if is_type_last {
            usize::from(*name == "type")
        } else {
            place(name)
        }
    });
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name:?}:{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn lines(records: &[Value]) -> Vec<String> {
    records.iter().map(|record| line(record, false)).collect()
}

#[test]
fn a_stream_as_it_should_be_has_nothing_to_tell() {
    let records = [
        start(),
        sample(1, 10, 0),
        sample(2, 11, 0),
        envelope("weather", 3),
    ];
    assert_eq!(findings(&lines(&records)), "");
}

#[test]
fn the_line_and_the_field_are_named() {
    let mut wrong = sample(1, 10, 0);
    wrong["classes"][0]["pending"] = json!(-1);
    wrong["coverage"]["level"] = json!("perfect");
    wrong["memory"]["pools"][0]
        .as_object_mut()
        .unwrap()
        .remove("max_bytes");
    wrong["ts"] = json!("yesterday");
    wrong["gc"] = json!([]);
    let told = findings(&lines(&[start(), wrong]));
    for expected in [
        "0:2: classes[0].pending: -1, wanted is an integer from 0",
        "0:2: coverage.level: \"perfect\", wanted is exact or baseline or pending-only or disabled",
        "0:2: memory.pools[0].max_bytes: is missing",
        "0:2: ts: \"yesterday\", wanted is a time like 2026-11-25T00:36:26.808Z",
        "0:2: gc: an array, wanted is an object",
    ] {
        assert!(
            told.lines().any(|line| line == expected),
            "no {expected} in {told}"
        );
    }
    assert_eq!(told.lines().count(), 5, "{told}");
}

#[test]
fn parts_that_do_not_add_up_are_told() {
    let mut wrong = sample(1, 10, 0);
    wrong["classes_omitted"]["pending"] = json!(3);
    assert_eq!(
        findings(&lines(&[start(), wrong])),
        "0:2: finalizer.pending: 0, the classes and the rest add up to 3\n"
    );
}

#[test]
fn a_gap_is_wrong_where_the_agent_has_dropped_less() {
    let told = [start(), sample(1, 1, 0), sample(5, 1, 3)];
    assert_eq!(findings(&lines(&told)), "");
    let lost = [start(), sample(1, 1, 0), sample(5, 1, 1), sample(6, 1, 1)];
    assert_eq!(
        findings(&lines(&lost)),
        "0:3: seq: records 2 to 4 are missing; of 3 so far the agent has dropped 1\n"
    );
}

#[test]
fn what_goes_back_is_told() {
    let mut backwards = sample(2, 9, 0);
    backwards["uptime_ms"] = json!(5);
    let told = findings(&lines(&[start(), sample(1, 10, 0), backwards]));
    assert_eq!(
        told,
        "0:3: uptime_ms: 5 after 1000 in line 2\n0:3: finalizer.registered_total: 14, it was 15 before\n"
    );
    let again = findings(&lines(&[start(), sample(1, 10, 0), sample(1, 10, 0)]));
    assert_eq!(again, "0:3: seq: 1 after 1 in line 2\n");
}

#[test]
fn hooks_that_were_put_back_may_have_missed_something() {
    let mut put_back = sample(2, 9, 0);
    put_back["coverage"] = json!({ "level": "baseline", "reason": "put back" });
    let mut later = sample(3, 8, 0);
    later["coverage"] = put_back["coverage"].clone();
    let told = findings(&lines(&[start(), sample(1, 10, 0), put_back, later]));
    assert_eq!(
        told,
        "0:4: finalizer.registered_total: 13, it was 14 before\n"
    );
}

#[test]
fn files_are_pieces_of_one_stream_in_any_order() {
    let file = |records: &[Value]| lines(records).join("\n").into_bytes();
    let newer = file(&[sample(3, 10, 0), sample(4, 10, 0)]);
    let older = file(&[start(), sample(1, 10, 0), sample(2, 10, 0)]);
    assert_eq!(findings_of(&[&newer, &older]), "");
    let told = findings_of(&[&newer]);
    assert!(
        told.starts_with("0: note: records 0 to 2 are missing of the JVM with pid 7"),
        "{told}"
    );
}

#[test]
fn a_start_amid_a_stream_tells_of_other_options() {
    let mut changed = start();
    changed = with(changed, envelope("start", 2));
    let file = |records: &[Value]| lines(records).join("\n").into_bytes();
    let whole = file(&[start(), sample(1, 10, 0), changed.clone(), sample(3, 10, 0)]);
    assert_eq!(findings_of(&[&whole]), "");
    // The stream has moved to another file.
    let (before, after) = ([start(), sample(1, 10, 0)], [changed, sample(3, 10, 0)]);
    assert_eq!(findings_of(&[&file(&before), &file(&after)]), "");
    let told = findings_of(&[&file(&after)]);
    assert!(
        told.starts_with("0: note: records 0 to 1 are missing"),
        "{told}"
    );
}

#[test]
fn what_is_no_stream_is_told_by_one_word() {
    assert_eq!(findings_of(&[b""]), "0: it is empty\n");
    assert_eq!(
        findings_of(&[b"one\n{\"two\":2}\n\x00\xff\n"]),
        "0: not a finwatch stream: none of its 3 lines is a record\n"
    );
    let torn = [
        line(&start(), false),
        line(&sample(1, 1, 0), false)[..99].to_owned(),
    ];
    assert_eq!(
        findings(&torn),
        "0:2: the record breaks off in the middle\n"
    );
    let mixed = [
        format!("INFO {}", line(&start(), false)),
        "INFO hello".to_owned(),
    ];
    assert_eq!(
        findings(&mixed),
        "0:1: not a finwatch record: 'INFO '\n0:2: not a finwatch record: 'INFO hello'\n"
    );
}

/// The places in a record: every object and array, and what is in them.
fn places(value: &Value, place: String, all: &mut Vec<String>) {
    all.push(place.clone());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| places(field, format!("{place}/{name}"), all)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, item)| places(item, format!("{place}/{n}"), all)),
        _ => {}
    }
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!(0)),
        Just(json!(u64::MAX)),
        Just(json!(1.5)),
        Just(json!(-0.5)),
        Just(json!("")),
        Just(json!("exact")),
        Just(json!("gc")),
        Just(json!("raised")),
        Just(json!("2026-11-25T00:36:26.808Z")),
        Just(json!([])),
        Just(json!([1])),
        Just(json!({})),
    ]
}

fn any_valid() -> impl Strategy<Value = Value> {
    let collection = with(
        envelope("gc", 1),
        json!({ "collector": "G1", "action": null, "cause": "x", "id": 1, "start_uptime_ms": 1, "duration_ms": 2.5,
            "pauses": { "count": 1, "total_ms": 2.5 },
            "pools": [{ "name": "Eden", "before_bytes": 1, "after_bytes": 0 }] }),
    );
    let alert = with(
        envelope("alert", 2),
        json!({ "kind": "pending_growth", "state": "raised", "severity": "warning", "class": "a.B",
            "loader": null, "cause_class": null, "since": "2026-11-25T00:36:26.808Z", "since_uptime_ms": 1,
            "evidence": { "pending": 1 }, "advice": "x" }),
    );
    prop_oneof![
        Just(start()),
        Just(sample(1, 2, 0)),
        Just(collection),
        Just(alert),
        Just(envelope("weather", 4)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// A record changed at any place is valid for the walk when it is for the validator.
    #[test]
    fn the_walk_is_a_validator(
        record in any_valid(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(any_scalar())), 0..3),
        is_type_last: bool,
    ) {
        let mut record = record;
        for (index, change) in changes {
            let mut all = Vec::new();
            places(&record, String::new(), &mut all);
            let place = &all[index.index(all.len())];
            let Some((parent, name)) = place.rsplit_once('/') else {
                continue;
            };
            match (change, record.pointer_mut(parent)) {
                (Some(value), _) => *record.pointer_mut(place).unwrap() = value,
                (None, Some(Value::Object(fields))) => drop(fields.remove(name)),
                (None, _) => {}
            }
        }
        let line = line(&record, is_type_last);
        let walked = walk::walk(&RULES, &line).unwrap();
        let expected: Vec<String> = VALIDATOR.iter_errors(&record).map(|e| e.to_string()).collect();
        prop_assert_eq!(walked.mistakes.is_empty(), expected.is_empty(), "{:?} {:?}\n{}", walked.mistakes, expected, line);
        // Not as the agent writes it.
        let spaced = walk::walk(&RULES, &format!(" {line}")).unwrap();
        prop_assert_eq!((walked.facts, walked.mistakes), (spaced.facts, spaced.mistakes), "{}", line);
    }

    /// Any text gives an answer.
    #[test]
    fn no_text_panics(text in "[\\[\\]{}\",:0-9eEtrufalsn\\\\ -]{0,60}") {
        let _ = walk::walk(&RULES, &text);
    }
}

#[test]
fn a_field_that_stands_there_twice_is_told() {
    let line = start().to_string().replacen("{", "{\"seq\":1,", 1);
    let walked = walk::walk(&RULES, &line).unwrap();
    assert_eq!(walked.mistakes.len(), 1);
    assert_eq!(walked.mistakes[0].field, "seq");
}

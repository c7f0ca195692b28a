//! Streams made of records, and what is said of them.

use std::io::Write as _;

use finwatch_record::*;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

use super::*;
use crate::top::model::examples::*;
use crate::top::text::width;

const STATEMENT: &str = "com.example.Statement";
const MINUTE_MS: u64 = 60_000;

fn file(records: &[Record]) -> Vec<u8> {
    let lines = records
        .iter()
        .map(|record| serde_json::to_string(record).unwrap() + "\n");
    lines.collect::<String>().into_bytes()
}

/// What there is to say about files with these contents, or why there is nothing.
fn explained(files: &[Vec<u8>], subject: &Subject) -> Result<Explanation, String> {
    let directory = tempfile::tempdir().unwrap();
    let names: Vec<OsString> = (0..files.len())
        .map(|n| directory.path().join(n.to_string()).into())
        .collect();
    for (name, bytes) in names.iter().zip(files) {
        std::fs::File::create(name)
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }
    let mut sources = Sources::open(&names).unwrap();
    let (digest, is_complete) = Digest::<Known>::read(&mut sources);
    assert!(is_complete);
    let (jvms, files) = digest.finish();
    Explanation::of(jvms, subject).ok_or_else(|| files.why_empty())
}

fn of_pid() -> Subject {
    Subject {
        pid: Some(4711),
        own_pid: Some(4711),
    }
}

/// The facts and the screen about records of one file.
fn told(records: &[Record], subject: &Subject) -> (Explanation, String) {
    let explanation = explained(&[file(records)], subject).unwrap();
    let text = prose::text(&explanation, 80);
    assert!(text.lines().count() <= 26, "too long for a screen:\n{text}");
    (explanation, text)
}

fn json_of(explanation: &Explanation) -> Value {
    serde_json::to_value(explanation).unwrap()
}

fn with_evidence(mut alert: Alert, evidence: &[(&str, f64)]) -> Alert {
    let number = |(name, value): &(&str, f64)| {
        let number = match value.fract() == 0.0 {
            true => Number::from(*value as u64),
            false => Number::from_f64(*value).unwrap(),
        };
        ((*name).to_owned(), number)
    };
    alert.evidence = evidence.iter().map(number).collect();
    alert
}

/// An alert told at that time, and since three seconds after the JVM began.
fn raised(seq: u64, uptime_ms: u64, alert: Alert) -> Record {
    record(seq, uptime_ms, Body::Alert(Box::new(alert)))
}

fn leak(class: &str) -> Alert {
    let evidence = [
        ("registered", 227_286.0),
        ("pending", 0.0),
        ("held", 210_286.0),
        ("collections", 3.0),
        ("held_growth_per_s", 10_288.468),
        ("bytes_per_object_estimate", 349.072),
        ("heap_share_estimate", 0.754),
        ("heap_used_after_gc_bytes", 75_616_384.0),
        ("heap_max_bytes", 100_663_296.0),
    ];
    let mut alert = with_evidence(alert(AlertKind::RegisteredLeak, Some(class)), &evidence);
    alert.severity = Severity::Critical;
    alert.advice = format!(
        "Objects of {class} are held by somebody and become more, closed or not: find the collection, \
         timer or thread that refers to them; waiting for the garbage collector is no use."
    );
    alert
}

fn exhaustion() -> Alert {
    let evidence = [
        ("heap_live_bytes", 81_616_384.0),
        ("heap_max_bytes", 100_663_296.0),
        ("collections", 5.0),
        ("growth_bytes_per_s", 12_000.0),
        ("confidence", 0.99),
        ("full_in_s_estimate", 1587.25),
        ("growth_share_estimate", 0.97),
    ];
    let mut alert = with_evidence(alert(AlertKind::HeapExhaustion, None), &evidence);
    alert.cause_class = Some(STATEMENT.to_owned());
    alert.advice = "The heap fills up.".to_owned();
    alert
}

fn link(class: &str, field: Option<&str>) -> Link {
    Link {
        class: class.to_owned(),
        field: field.map(str::to_owned),
    }
}

fn held_by_a_timer() -> Holders {
    let thread = Root {
        kind: RootKind::Thread,
        thread: Some("cancel timer".to_owned()),
        method: None,
        class: None,
        field: None,
    };
    Holders {
        class: STATEMENT.to_owned(),
        loader: Some("app".to_owned()),
        instances: 231_000,
        sampled: None,
        held: 230_990,
        unheld: Some(10),
        paths: vec![HoldingPath {
            count: 230_988,
            root: thread,
            chain: vec![
                link("java.util.TimerThread", Some("queue")),
                link("java.util.TaskQueue", Some("queue")),
                link("java.util.TimerTask[]", None),
                link("com.example.Statement$1", Some("this$0")),
            ],
        }],
        complete: true,
        incomplete_reason: None,
        stw_ms: Some(0.0),
        stw_ms_max: Some(0.0),
    }
}

fn made_in_dao() -> Sites {
    Sites {
        class: STATEMENT.to_owned(),
        loader: Some("app".to_owned()),
        event: SiteEvent::Registration,
        sampled: 1000,
        stacks: vec![SiteStack {
            count: 970,
            frames: [
                "com.example.Statement.<init>(Statement.java:5)",
                "com.example.Dao.find(Dao.java:12)",
                "com.example.Web.get(Web.java:77)",
            ]
            .map(str::to_owned)
            .to_vec(),
        }],
    }
}

fn started() -> Record {
    record(0, 1000, Body::Start(Box::new(start())))
}

/// Twelve minutes and three seconds after the JVM began.
fn last_sample(seq: u64, rows: &[Row<'_>]) -> Record {
    sample_record(seq, 12 * MINUTE_MS + 3000, rows)
}

/// A leak told after ten minutes, with everything that may be known of it.
fn timer_leak() -> Vec<Record> {
    vec![
        started(),
        raised(1, 10 * MINUTE_MS, leak(STATEMENT)),
        raised(2, 10 * MINUTE_MS, exhaustion()),
        record(3, 10 * MINUTE_MS + 500, Body::Holders(Box::new(held_by_a_timer()))),
        record(4, 11 * MINUTE_MS, Body::Sites(Box::new(made_in_dao()))),
        last_sample(5, &[(STATEMENT, 812_345, 0, 812_345, 0)]),
    ]
}

#[test]
fn a_leak_held_by_a_timer() {
    let (explanation, text) = told(&timer_leak(), &of_pid());
    assert_eq!(text, "");
    assert!(explanation.is_wrong);
}

//! Streams made of records with known numbers, and what the page says of them.

use finwatch_record::{
    AgentCost, Alert, AlertKind, AlertState, Baseline, Body, ClassRow, Counts, Coverage,
    CoverageLevel, FinalizeDurations, Finalizer, Gc, OmittedClasses, Record, Sample, Stall,
    StallState, Start, Trigger,
};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::stream::examples::{digest, file};
use crate::top::model::examples;

const STARTED_MS: u64 = 1_764_000_000_000;

fn counts(registered: u64, pending: u64) -> Counts {
    Counts {
        registered,
        pending,
        registered_total: registered,
        ..Counts::default()
    }
}

/// A sample at that second of the JVM's life, of one class with that name.
fn sample(pid: u32, second: u64, class: &str, counts: Counts) -> Record {
    let body = Sample {
        trigger: Trigger::Interval,
        coverage: Coverage {
            level: CoverageLevel::Exact,
            reason: String::new(),
        },
        finalizer: Finalizer {
            counts,
            mxbean_pending: Some(counts.pending),
        },
        classes: vec![ClassRow {
            class: class.to_owned(),
            loader: Some("app".to_owned()),
            source: None,
            unloaded: false,
            counts,
            finalize_ns: FinalizeDurations::default(),
        }],
        classes_omitted: OmittedClasses::default(),
        memory: None,
        gc: Gc {
            pauses_total: 0,
            pause_ms_total: 0.0,
            pause_ms_max: 0.0,
            collectors: Vec::new(),
        },
        agent: AgentCost::default(),
        alerts_raised: None,
    };
    let ms = STARTED_MS + 1000 * second;
    let (minutes, seconds) = (second / 60, second % 60);
    assert!(minutes < 60, "the times of these tests are within an hour");
    Record {
        v: 1,
        kind: "sample".to_owned(),
        ts: format!("2025-11-24T16:{minutes:02}:{seconds:02}.{:03}Z", ms % 1000),
        seq: second,
        pid,
        uptime_ms: 1000 * second,
        body: Body::Sample(Box::new(body)),
    }
}

fn page(files: &[Vec<u8>]) -> Page {
    Page::of(digest(files))
}

fn json(page: &Page) -> Value {
    serde_json::from_str(&page.json().unwrap()).unwrap()
}

/// The values of a series.
fn last(series: &Value) -> Vec<u64> {
    let values = series["last"].as_array().unwrap();
    values.iter().map(|value| value.as_u64().unwrap()).collect()
}

fn samples(pid: u32, seconds: std::ops::Range<u64>) -> Vec<Record> {
    seconds
        .map(|second| sample(pid, second, "a.B", counts(1000 * second, 0)))
        .collect()
}

#[test]
fn rotated_files_in_any_order_are_one_jvm() {
    let pieces = [samples(7, 20..30), samples(7, 0..10), samples(7, 10..20)];
    let files: Vec<Vec<u8>> = pieces.iter().map(|records| file(records)).collect();
    let page = json(&page(&files));
    let jvms = page["jvms"].as_array().unwrap();
    assert_eq!(jvms.len(), 1);
    let expected: Vec<u64> = (0..30).map(|second| 1000 * second).collect();
    assert_eq!(last(&jvms[0]["finalizer"]["registered"]), expected);
    let class = &jvms[0]["classes"]["shown"][0];
    assert_eq!(
        (class["class"].as_str(), last(&class["registered"])),
        (Some("a.B"), expected)
    );
    assert_eq!(class["counts"]["registered"], 29_000);
}

#[test]
fn a_file_given_twice_counts_once() {
    let once = file(&samples(7, 0..10));
    let page = json(&page(&[once.clone(), once]));
    assert_eq!(page["jvms"].as_array().unwrap().len(), 1);
    assert_eq!(page["jvms"][0]["records"], 10);
}

#[test]
fn two_jvms_in_one_file_are_told_apart() {
    let mut both = Vec::new();
    for (one, other) in samples(7, 0..10).into_iter().zip(samples(8, 0..10)) {
        both.extend([one, other]);
    }
    let page = json(&page(&[file(&both)]));
    let pids: Vec<&Value> = page["jvms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|jvm| &jvm["pid"])
        .collect();
    assert_eq!(pids, [7, 8]);
}

#[test]
fn names_can_not_get_out_of_their_place() {
    let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u{202e}";
    let page = page(&[file(&[
        sample(7, 1, hostile, counts(5, 0)),
        sample(7, 2, hostile, counts(5000, 5000)),
    ])]);
    let html = page.html().unwrap();
    // The data and the code, each begun and ended once.
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script").count(), 2);
    assert!(!html.contains("<img"));
    let begin = html.find("id=\"data\">").unwrap() + "id=\"data\">".len();
    assert!(!html[..begin].contains('\u{202e}'));
    let end = begin + html[begin..].find("</script>").unwrap();
    let data: Value = serde_json::from_str(&html[begin..end]).unwrap();
    assert_eq!(data["jvms"][0]["classes"]["shown"][0]["class"], hostile);
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let html = page(&[file(&samples(7, 0..3))]).html().unwrap();
    assert!(html.contains("default-src 'none'"));
    // A reference within the page itself.
    let html = html.replace("url(#", "");
    for loading in ["src=", "url(", "@import", "fetch(", "<link"] {
        assert!(!html.contains(loading), "the page has {loading}");
    }
}

/// The sentences about the only JVM of a stream of one class.
fn notable_of(at: impl Fn(u64) -> Counts) -> Vec<String> {
    let records: Vec<Record> = (0..100)
        .map(|second| sample(7, second, "a.B", at(second)))
        .collect();
    let page = json(&page(&[file(&records)]));
    let notable = page["jvms"][0]["notable"].as_array().unwrap();
    notable
        .iter()
        .map(|notable| notable["text"].as_str().unwrap().to_owned())
        .collect()
}

fn has(notable: &[String], words: &str) -> bool {
    notable.iter().any(|text| text.contains(words))
}

#[test]
fn what_is_notable_is_said() {
    let leak = notable_of(|second| counts(100 * second, 0));
    assert!(
        has(
            &leak,
            "a.B: registered objects grew from 0 to 9,900 and 0 are pending"
        ),
        "{leak:?}"
    );

    let slow = notable_of(|second| counts(100 * second, 100 * second));
    assert!(
        has(
            &slow,
            "9,900 objects wait for the finalizer thread and become more"
        ),
        "{slow:?}"
    );
    assert!(!has(&slow, "Something still refers"), "{slow:?}");

    let stuck = notable_of(|second| Counts {
        running: u64::from(second >= 40),
        finalized_total: second.min(40),
        registered_total: 1000,
        ..Counts::default()
    });
    assert!(has(&stuck, "One finalize() ran for 59.0s"), "{stuck:?}");

    let quiet = notable_of(|second| counts(500 + second % 7, 0));
    assert_eq!(quiet.len(), 2, "{quiet:?}");
    assert!(has(&quiet, "finwatch itself took"), "{quiet:?}");
    assert!(has(&quiet, "The stream has no end"), "{quiet:?}");
}

#[test]
fn what_was_there_before_the_agent_is_told() {
    let begun = |baseline| {
        let start = Start {
            baseline,
            ..examples::start()
        };
        let start = examples::record(0, 1000, Body::Start(Box::new(start)));
        page(&[file(&[start])]).html().unwrap()
    };
    let counted = begun(Some(Baseline {
        objects: 12_345,
        pause_ms: 1.5,
    }));
    assert!(
        counted.contains(
            "<dt>registered before</dt><dd>12,345 objects were there when finwatch came; while it counted them, \
             registering another one took 1.50ms at most</dd>"
        ),
        "{counted}"
    );
    assert!(!begun(None).contains("<dt>registered before</dt>"));
}

#[test]
fn what_could_not_be_read_is_told_and_the_rest_shown() {
    let mut damaged = b"INFO starting\n".to_vec();
    damaged.extend(file(&samples(7, 0..3)));
    damaged.extend(&file(&samples(7, 3..4))[..70]);
    let page = page(&[damaged]);
    let shown = json(&page);
    assert_eq!(
        last(&shown["jvms"][0]["finalizer"]["registered"]),
        [0, 1000, 2000]
    );
    assert_eq!(shown["files"][0]["problems"], 2);
    let html = page.html().unwrap();
    assert!(html.contains("line 1: not a finwatch record: &#39;INFO starting&#39;"));
    assert!(html.contains("line 5: the record breaks off in the middle"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// However the lines are cut into files and the files are ordered, the page is the same.
    #[test]
    fn the_page_depends_on_no_order(cuts in prop::collection::btree_set(1usize..39, 0..4), order in any::<prop::sample::Index>()) {
        let records = samples(7, 0..40);
        let mut files = Vec::new();
        let mut begin = 0;
        for end in cuts.into_iter().chain([40]) {
            files.push(file(&records[begin..end]));
            begin = end;
        }
        let first = order.index(files.len());
        files.rotate_left(first);
        let whole = json(&page(&[file(&records)]));
        let pieces = json(&page(&files));
        prop_assert_eq!(&whole["jvms"], &pieces["jvms"]);
    }
}

fn alert_record(second: u64, state: AlertState) -> Record {
    let alert = Alert {
        state,
        ..examples::alert(AlertKind::RegisteredLeak, Some("A"))
    };
    Record {
        kind: "alert".to_owned(),
        body: Body::Alert(Box::new(alert)),
        ..sample(7, second, "A", counts(1, 0))
    }
}

fn alerts_of(records: &[Vec<Record>]) -> Vec<(String, bool)> {
    let files: Vec<Vec<u8>> = records.iter().map(|records| file(records)).collect();
    let page = json(&page(&files));
    let shown = page["jvms"][0]["incidents"]["alerts"]["shown"]
        .as_array()
        .cloned();
    let of = |alert: Value| {
        (
            alert["end"].as_str().unwrap().to_owned(),
            alert["to_ms"].is_null(),
        )
    };
    shown.unwrap().into_iter().map(of).collect()
}

#[test]
fn a_stall_that_goes_on_in_another_file_is_one() {
    let stall = |second, state| {
        let stall = Stall {
            state,
            since_uptime_ms: 500,
            duration_ms: 1000.0 * second as f64,
            in_gc_pause: false,
        };
        Record {
            kind: "stall".to_owned(),
            body: Body::Stall(Box::new(stall)),
            ..sample(7, second, "A", counts(1, 0))
        }
    };
    let files = [
        file(&[
            stall(6, StallState::Ongoing),
            stall(12, StallState::Ongoing),
        ]),
        file(&[stall(14, StallState::Over)]),
    ];
    let page = json(&page(&files));
    let stalls = &page["jvms"][0]["incidents"]["stalls"];
    assert_eq!(stalls.as_array().unwrap().len(), 1, "{stalls:#}");
    assert_eq!(stalls[0]["told"]["state"], "over");
}

#[test]
fn an_alert_is_told_once_however_often_it_goes_on() {
    use AlertState::{Cleared, Ongoing, Raised};
    let open = || ("open".to_owned(), true);
    let cleared = || ("cleared".to_owned(), false);
    let told = |states: &[AlertState]| {
        let places = states.iter().enumerate();
        let records = places.map(|(place, state)| alert_record(place as u64 + 1, *state));
        records.collect::<Vec<_>>()
    };
    assert_eq!(alerts_of(&[told(&[Raised, Ongoing, Ongoing])]), [open()]);
    assert_eq!(alerts_of(&[told(&[Ongoing])]), [open()]);
    assert_eq!(
        alerts_of(&[told(&[Raised, Ongoing, Cleared, Raised])]),
        [cleared(), open()]
    );
    let both = told(&[Raised, Ongoing, Cleared]);
    let (first, later) = both.split_at(1);
    assert_eq!(alerts_of(&[first.to_vec(), later.to_vec()]), [cleared()]);
    let mut none = sample(7, 5, "A", counts(1, 0));
    if let Body::Sample(sample) = &mut none.body {
        sample.alerts_raised = Some(0);
    }
    assert_eq!(
        alerts_of(&[[told(&[Raised]), vec![none]].concat()]),
        [cleared()]
    );
}

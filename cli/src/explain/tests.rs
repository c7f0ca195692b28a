//! Streams made of records, and what is said of them.

use finwatch_record::*;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

use super::*;
use crate::stream::examples::{digest, file};
use crate::top::model::examples::*;

mod of_dumps;
mod of_gaps;

const STATEMENT: &str = "com.example.Statement";
const MINUTE_MS: u64 = 60_000;

/// What there is to say about files with these contents, or why there is nothing.
fn explained(files: &[Vec<u8>], subject: &Subject) -> Result<Explanation, String> {
    let (jvms, files) = digest::<Known>(files).finish();
    Explanation::of(jvms, None, subject).ok_or_else(|| files.why_empty())
}

fn of_pid() -> Subject {
    Subject {
        pid: Some(4711),
        own_pid: Some(4711),
        now_ms: None,
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
        softly_held: None,
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
        soft_paths: Vec::new(),
        complete: true,
        incomplete_reason: None,
        looked_uptime_ms: None,
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
        objects_estimate: 40_000,
        stacks: vec![SiteStack {
            count: 170,
            objects_estimate: 38_800,
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
        record(
            3,
            10 * MINUTE_MS + 500,
            Body::Holders(Box::new(held_by_a_timer())),
        ),
        record(4, 11 * MINUTE_MS, Body::Sites(Box::new(made_in_dao()))),
        last_sample(5, &[(STATEMENT, 812_345, 0, 812_345, 0)]),
    ]
}

#[test]
fn more_objects_than_the_finalizer_thread_will_get_done() {
    let evidence = [
        ("undecided", 226_254.0),
        ("registered", 260_776.0),
        ("pending", 27_042.0),
        ("heap_used_after_gc_bytes", 43_290_000.0),
        ("heap_max_bytes", 64_487_424.0),
        ("work_off_s", 11.4),
        ("thread_share", 1.5),
    ];
    let floating = alert(AlertKind::RegisteredFloating, Some(STATEMENT));
    let unheld = Holders {
        held: 0,
        unheld: Some(231_000),
        paths: Vec::new(),
        ..held_by_a_timer()
    };
    let (_, text) = told(
        &[
            started(),
            raised(1, 10 * MINUTE_MS, with_evidence(floating, &evidence)),
            record(2, 10 * MINUTE_MS + 500, Body::Holders(Box::new(unheld))),
            last_sample(3, &[(STATEMENT, 316_014, 0, 0, 0)]),
        ],
        &of_pid(),
    );
    let expected = "\
finwatch: PID 4711 (com.example.Shop) is MAKING MORE THAN IT CAN FINALIZE:
316,014 com.example.Statement are registered, and no collection has looked yet
whether they are held.
";
    assert!(!text.contains("Ask who holds them"), "{text}");
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains("11s to finalize them,\n          if they are dead"),
        "{text}"
    );
    assert!(
        text.contains(
            "0 of 231,000 in the heap are held, 231,000 by nobody (looked at\n          14:23:20)\n"
        ),
        "{text}"
    );
}

#[test]
fn a_leak_held_by_a_timer() {
    let (explanation, text) = told(&timer_leak(), &of_pid());
    let expected = "\
finwatch: PID 4711 (com.example.Shop) is LEAKING: 812,345 com.example.Statement
are registered and held.

Since     2026-09-21 14:13:23 UTC, 12 min ago (the last record is of 14:25:23).
Evidence  227,286 registered; 0 of them pending; 210,286 found held by the last
          of 3 collections; 10,288 more a second; 349 bytes each (estimate); 75%
          of the heap (estimate); 72.1M of 96.0M (75%) in use after collections
          (told at 14:23:20).
Held by   230,990 of 231,000 in the heap are held, 10 by nobody (looked at
          14:23:20):
          230,988 by thread 'cancel timer' > java.util.TimerThread.queue >
          java.util.TaskQueue.queue > java.util.TimerTask[] >
          com.example.Statement$1.this$0
Made in   com.example.Dao.find(Dao.java:12) < com.example.Web.get(Web.java:77)
          (97% of them; 1,000 looked at)
Time left about 24 min: at this pace the heap is full at 14:49:47 (estimate).
Also      the heap FILLS UP: 77.8M of 96.0M are in use after collections, since
          14:13:23, and follows from that.
To do     1. Objects of com.example.Statement are held by somebody and become
          more, closed or not: find the collection, timer or thread that refers
          to them; waiting for the garbage collector is no use.
          2. In the code look for what leaves com.example.Statement$1 with
          thread 'cancel timer', and have it taken back once the object is
          closed.
          3. Before a restart: jcmd 4711 GC.heap_dump FILE; finwatch heap FILE
";
    assert_eq!(text, expected);
    assert!(explanation.is_wrong);
}

#[test]
fn a_stuck_finalizer_and_the_owner_of_its_lock() {
    let (explanation, text) = told(&stuck(), &of_pid());
    let expected = "\
finwatch: PID 4711 (com.example.Shop): the finalizer thread is STUCK in
com.example.Connection.finalize(), and 89,999 objects wait.

Since     2026-09-21 14:13:23 UTC, 12 min ago (the last record is of 14:25:23).
Evidence  10.2s in this one call; 4,000 objects of all classes pending (told at
          14:13:33).
Thread    The finalizer thread is STUCK in finalize() of com.example.Connection
          for 11m52s, waits for a lock (com.example.Pool) of thread 'pool owner'
          (timed_waiting). It is in
          com.example.Connection.finalize(Connection.java:31). 'pool owner' is
          in com.example.Pool.refill(Pool.java:88).
Time left not known: the heap was not seen growing towards its maximum. Now
          54.0M of 96.0M are used.
Also      the finalizer thread FALLS BEHIND: 89,999 objects wait, most of them
          com.example.Row, since 14:13:23, and follows from that.
To do     1. com.example.Connection.finalize() waits for a lock of class
          com.example.Pool that the thread \"pool owner\" has: no object is
          finalized before it lets go.
          2. Find out why the thread 'pool owner' keeps the lock: it is in
          com.example.Pool.refill(Pool.java:88).
          3. Restart the JVM if it does not go on: nothing is finalized until
          then.
";
    assert_eq!(text, expected);
    assert!(explanation.is_wrong);
}

#[test]
fn nothing_is_wrong() {
    let (explanation, text) = told(&healthy(), &of_pid());
    let expected = "\
finwatch: Nothing is wrong with PID 4711 (com.example.Shop): 1,200 objects
registered, 3 pending, 0 in finalize().

Watched   since 2026-09-21 14:13:21 UTC, for 12 min, 2 records; the last record
          is of 14:25:23.
Heap      54.0M of 96.0M used.
";
    assert_eq!(text, expected);
    assert!(!explanation.is_wrong);
}

#[test]
fn where_collections_are_bare_pauses_a_leak_is_not_ruled_out() {
    let gc = |seq, collector: Option<&str>| {
        let collection = Collection {
            collector: collector.map(str::to_owned),
            action: None,
            cause: None,
            id: None,
            start_uptime_ms: 1000,
            duration_ms: 1.0,
            pauses: CollectionPauses::default(),
            pools: Vec::new(),
        };
        record(seq, MINUTE_MS, Body::Gc(Box::new(collection)))
    };
    let mut records = healthy();
    records.push(gc(2, None));
    let unsure = "Nothing is known to be wrong with PID 4711 (com.example.Shop), but no collection has told \
                  what it left, so a leak is not told either: 1,200 objects registered, 3 pending, 0 in finalize().";
    assert_eq!(told(&records, &of_pid()).0.headline, unsure);
    // That was before the agent listened.
    records.push(gc(3, Some("MarkSweepCompact")));
    let (explanation, _) = told(&records, &of_pid());
    let sure = "Nothing is wrong with PID 4711";
    assert!(
        explanation.headline.starts_with(sure),
        "{}",
        explanation.headline
    );
}

#[test]
fn two_alerts_the_worse_first_although_it_came_later() {
    let (_, text) = told(&two_alerts(), &of_pid());
    let expected = "\
finwatch: PID 4711 (com.example.Shop) is LEAKING: 4,988 com.example.Statement
are registered and held.

Since     2026-09-21 14:13:23 UTC, 12 min ago (the last record is of 14:25:23).
Evidence  227,286 registered; 0 of them pending; 210,286 found held by the last
          of 3 collections; 10,288 more a second; 349 bytes each (estimate); 75%
          of the heap (estimate); 72.1M of 96.0M (75%) in use after collections
          (told at 14:14:20).
Held by   not known yet: finwatch holders 4711 com.example.Statement finds out.
Time left not known: the heap was not seen growing towards its maximum. Now
          54.0M of 96.0M are used.
Also      com.example.Handle.finalize() THROWS: 90 calls ended with an exception
          so far, since 14:13:23.
To do     1. Objects of com.example.Statement are held by somebody and become
          more, closed or not: find the collection, timer or thread that refers
          to them; waiting for the garbage collector is no use.
          2. Ask who holds them: finwatch holders 4711 com.example.Statement
          3. Before a restart: jcmd 4711 GC.heap_dump FILE; finwatch heap FILE
";
    assert_eq!(text, expected);
    // Of a file it is not known which process on which machine it is about.
    let (_, text) = told(&two_alerts(), &Subject::default());
    assert!(
        text.contains("Held by   the stream does not tell.\n"),
        "{text}"
    );
    assert!(text.contains("finwatch holders PID com.example"), "{text}");
}

#[test]
fn an_alert_that_is_over_is_told_in_a_line_and_nothing_is_wrong() {
    let (explanation, text) = told(&cleared(), &of_pid());
    assert!(
        text.starts_with("finwatch: Nothing is wrong with"),
        "{text}"
    );
    assert!(
        text.ends_with("Over      leak, com.example.Statement from 14:13:23 to 14:15:20.\n"),
        "{text}"
    );
    assert!(!explanation.is_wrong);
}

#[test]
fn what_ran_out_of_memory_and_ended_has_no_time_left() {
    let (explanation, text) = told(&exhausted(), &of_pid());
    for part in [
        "is LEAKING: 227,286 com.example.Statement",
        "(the JVM ended at 14:28:20)",
        "OutOfMemoryError at 14:26:20 (Java heap space), with 273,783 objects",
        "none: memory ran out at 14:26:20, 2 min ago.",
        "-XX:+HeapDumpOnOutOfMemoryError",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("STANDS STILL"), "{text}");
    assert_eq!(
        json_of(&explanation)["outlook"]["ran_out"],
        "2026-09-21T14:26:20.000Z"
    );
}

#[test]
fn without_an_alert_a_stall_and_a_thread_in_trouble_are_wrong_too() {
    let body = |records: &[Record]| records[3].body.clone();
    let mut records = healthy();
    records.push(record(2, 13 * MINUTE_MS, body(&stuck())));
    let (explanation, text) = told(&records, &of_pid());
    assert!(explanation.is_wrong);
    assert!(
        text.contains("(com.example.Shop): the finalizer thread is STUCK in"),
        "{text}"
    );
    records.push(record(3, 14 * MINUTE_MS, body(&exhausted())));
    let (_, text) = told(&records, &of_pid());
    assert!(
        text.contains("(com.example.Shop) STANDS STILL, for 34.0s"),
        "{text}"
    );
}

#[test]
fn a_cause_stands_before_what_follows_from_it_however_bad_it_was_when_it_was_told() {
    let mut small = leak(STATEMENT);
    small.severity = Severity::Warning;
    let mut full = exhaustion();
    full.severity = Severity::Critical;
    let records = [
        started(),
        raised(1, MINUTE_MS, full),
        raised(2, MINUTE_MS, small),
    ];
    let (explanation, _) = told(&records, &of_pid());
    let kinds: Vec<AlertKind> = explanation
        .alerts
        .iter()
        .map(|raised| raised.alert.what.kind)
        .collect();
    assert_eq!(
        kinds,
        [AlertKind::RegisteredLeak, AlertKind::HeapExhaustion]
    );
    assert!(explanation.alerts[1].is_consequence);
}

#[test]
fn a_finalizer_that_resurrects_explains_a_heap_that_fills_up() {
    let mut resurrects = with_evidence(
        alert(AlertKind::FinalizerResurrects, Some("com.example.Buffer")),
        &[
            ("finalized_total", 90_000.0),
            ("watched", 16.0),
            ("survived_share", 1.0),
            ("resurrected_estimate", 90_000.0),
        ],
    );
    resurrects.since_uptime_ms = 1000;
    let records = [
        started(),
        raised(1, MINUTE_MS, exhaustion()),
        raised(2, MINUTE_MS, resurrects),
        last_sample(3, &[("com.example.Buffer", 20, 0, 90_020, 90_000)]),
    ];
    let (_, text) = told(&records, &of_pid());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let headline = "com.example.Buffer.finalize() RESURRECTS its objects: about 90,000 of them stay in the heap";
    assert!(text.contains(headline), "{text}");
    assert!(
        text.contains("100% of the last finalized objects that were watched survived"),
        "{text}"
    );
}

#[test]
fn rotated_files_in_any_order_are_one_jvm() {
    let records = timer_leak();
    let whole = explained(&[file(&records)], &of_pid()).unwrap();
    let pieces = [
        file(&records[4..]),
        file(&records[..2]),
        file(&records[2..4]),
    ];
    let pieces = explained(&pieces, &of_pid()).unwrap();
    assert_eq!(json_of(&whole), json_of(&pieces));
}

#[test]
fn an_agent_attached_again_knows_nothing_of_the_alerts_before() {
    let mut records = timer_leak();
    let again = |mut record: Record| {
        record.uptime_ms += 20 * MINUTE_MS;
        record.ts = timestamp(START_MS + record.uptime_ms);
        record
    };
    records.extend(healthy().into_iter().map(again));
    let (explanation, text) = told(&records, &of_pid());
    assert!(!explanation.is_wrong, "{text}");
}

#[test]
fn of_several_jvms_the_one_that_is_worst_off_now_is_explained() {
    let of = |pid: u32, records: Vec<Record>| {
        let mut records = records;
        records.iter_mut().for_each(|record| record.pid = pid);
        file(&records)
    };
    // The one that leaked has ended long before the others wrote last.
    let long_ago = |mut record: Record| {
        record.ts = timestamp(START_MS + record.uptime_ms - 1000 * MINUTE_MS);
        record
    };
    let ended: Vec<Record> = timer_leak().into_iter().map(long_ago).collect();
    let files = [of(1, ended), of(2, stuck()), of(3, healthy())];
    let worst = explained(&files, &Subject::default()).unwrap();
    assert_eq!((worst.pid, worst.others.len()), (2, 2));
    let text = prose::text(&worst, 200);
    assert!(
        text.contains("PID 1 (com.example.Shop) is LEAKING"),
        "{text}"
    );
    // A process id that was asked for decides.
    let asked = Subject {
        pid: Some(77),
        own_pid: Some(3),
        now_ms: None,
    };
    let asked = explained(&files, &asked).unwrap();
    assert_eq!((asked.pid, asked.is_wrong), (77, false));
}

/// The same records of a JVM with process id 1 that started that much later.
fn in_container(records: Vec<Record>, later_ms: u64) -> Vec<Record> {
    let move_it = |record: Record| Record {
        pid: 1,
        ts: timestamp(START_MS + record.uptime_ms + later_ms),
        ..record
    };
    records.into_iter().map(move_it).collect()
}

#[test]
fn a_jvm_that_was_asked_about_is_not_the_one_before_it() {
    let records = [
        in_container(timer_leak(), 0),
        in_container(healthy(), MINUTE_MS),
    ];
    let asked = Subject {
        pid: Some(77),
        own_pid: Some(1),
        now_ms: None,
    };
    let explanation = explained(&[file(&records.concat())], &asked).unwrap();
    assert_eq!((explanation.is_wrong, explanation.others.len()), (false, 1));
}

#[test]
fn a_jvm_that_is_looked_at_rarely_is_there_still() {
    let mut records = in_container(timer_leak(), 0);
    let Body::Start(start) = &mut records[0].body else {
        unreachable!("it is the first");
    };
    let options = &mut start.agent.options;
    options.insert("interval".to_owned(), "10m".to_owned());
    let files = [records, in_container(healthy(), 10 * MINUTE_MS)];
    let files = files.map(|records| file(&records));
    let explanation = explained(&files, &Subject::default()).unwrap();
    assert!(explanation.is_wrong, "{explanation:#?}");
}

#[test]
fn jvms_that_started_together_with_one_process_id_are_told_apart() {
    let mut both = [in_container(timer_leak(), 0), in_container(healthy(), 700)].concat();
    both.sort_by_key(|record| (record.seq > 0, record.ts.clone()));
    let explanation = explained(&[file(&both)], &Subject::default()).unwrap();
    assert!(explanation.is_wrong, "{explanation:#?}");
    assert_eq!(explanation.others.len(), 1);
}

#[test]
fn of_a_jvm_that_was_asked_about_nothing_is_told_from_the_records_of_others() {
    let directory = tempfile::tempdir().unwrap();
    let name = directory.path().join("app.jsonl");
    std::fs::write(&name, file(&timer_leak())).unwrap();
    let asked = |own_pid| {
        let subject = Subject {
            pid: Some(77),
            own_pid: Some(own_pid),
            now_ms: None,
        };
        let explained = Explained::read(None, &[name.clone().into()], &subject);
        explained.map(|explained| explained.explanation.pid)
    };
    assert_eq!(asked(4711).unwrap(), 77);
    let error = asked(3).unwrap_err().to_string();
    assert!(
        error.contains("app.jsonl', where there are only records of other JVMs"),
        "{error}"
    );
}

#[test]
fn a_cache_of_soft_references_is_told_as_one() {
    let cache = Root {
        kind: RootKind::StaticField,
        thread: None,
        method: None,
        class: Some("com.example.Cache".to_owned()),
        field: Some("BY_KEY".to_owned()),
    };
    let holders = Holders {
        sampled: Some(64),
        held: 0,
        unheld: None,
        softly_held: Some(230_000),
        paths: Vec::new(),
        soft_paths: vec![HoldingPath {
            count: 230_000,
            root: cache,
            chain: vec![link("java.lang.ref.SoftReference", Some("referent"))],
        }],
        ..held_by_a_timer()
    };
    let mut records = timer_leak();
    records[3].body = Body::Holders(Box::new(holders));
    let (explanation, _) = told(&records, &of_pid());
    let text = prose::text(&explanation, 200);
    for expected in [
        "about 0 of 231,000 in the heap are held, 230,000 by soft references alone (looked",
        "230,000 by static com.example.Cache.BY_KEY > java.lang.ref.SoftReference.referent",
        "bound that cache, or lower -XX:SoftRefLRUPolicyMSPerMB",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn what_is_missing_or_estimated_is_said() {
    let mut holders = held_by_a_timer();
    holders.sampled = Some(100);
    holders.unheld = None;
    holders.incomplete_reason = Some("stopped after 250 ms".to_owned());
    let mut records = timer_leak();
    records[3].body = Body::Holders(Box::new(holders));
    let (_, text) = told(&records, &of_pid());
    assert!(
        text.contains("Held by   about 230,990 of 231,000 in the heap are held (looked"),
        "{text}"
    );
    assert!(
        text.contains("Not the whole answer: stopped after 250 ms."),
        "{text}"
    );
}

#[test]
fn empty_and_other_files_are_told_apart() {
    let why = |bytes: &[u8]| explained(&[bytes.to_vec()], &Subject::default()).unwrap_err();
    assert!(why(b"").ends_with("is empty"), "{}", why(b""));
    let other = why(b"one\ntwo\n");
    assert!(
        other.contains("is not a finwatch stream, none of its 2 lines"),
        "{other}"
    );
}

#[test]
fn damaged_lines_do_not_hide_the_rest() {
    let mut damaged = b"INFO starting\n".to_vec();
    damaged.extend(file(&timer_leak()));
    damaged.extend(&file(&healthy())[..70]);
    let damaged = explained(&[damaged], &of_pid()).unwrap();
    let whole = explained(&[file(&timer_leak())], &of_pid()).unwrap();
    assert_eq!(json_of(&damaged), json_of(&whole));
}

#[test]
fn the_facts_as_json() {
    let json = json_of(&told(&timer_leak(), &of_pid()).0);
    assert_eq!(json["pid"], 4711);
    assert_eq!(json["is_wrong"], true);
    assert_eq!(json["alerts"][0]["kind"], "registered_leak");
    assert_eq!(json["alerts"][0]["ts"], "2026-09-21T14:23:20.000Z");
    assert_eq!(json["alerts"][0]["evidence"]["registered"], 227_286);
    assert_eq!(
        json["holders"]["paths"][0]["root"]["thread"],
        "cancel timer"
    );
    assert_eq!(
        json["outlook"],
        json!({"full_at": "2026-09-21T14:49:47.250Z"})
    );
    assert_eq!(json["stopped"], Value::Null);
}

#[test]
fn rotated_files_beside_a_file_are_found_and_each_is_read_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for name in ["a.jsonl", "a.jsonl.1", "a.jsonl.2", "a.jsonl.4", "b.jsonl"] {
        std::fs::write(path(name), "").unwrap();
    }
    let given = [path("a.jsonl").into(), path("a.jsonl.1").into(), "-".into()];
    let read = with_rotated(&given);
    let expected: Vec<OsString> = ["a.jsonl", "a.jsonl.1", "a.jsonl.2"]
        .map(|name| path(name).into())
        .into_iter()
        .chain(["-".into()])
        .collect();
    assert_eq!(read, expected);
}

#[test]
fn one_process_id_at_a_time() {
    let error = subject(&["a.jsonl".into(), "4711".into()])
        .unwrap_err()
        .to_string();
    assert!(error.contains("4711 is a process id"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the names and numbers are and however narrow the terminal is: nothing panics and
    /// nothing comes out that a terminal obeys.
    #[test]
    fn any_alert_is_told(
        name: String, advice: String, columns in 0..120usize, number in prop::num::f64::ANY, kind in 0..9usize,
        full_in in prop::num::f64::NORMAL,
    ) {
        use AlertKind::*;
        let kinds = [
            PendingGrowth, RegisteredLeak, RegisteredFloating, FinalizerStuck, FinalizerSlow, FinalizerDead,
            FinalizerThrows, HeapExhaustion, FinalizerResurrects,
        ];
        let mut alert = alert(kinds[kind], Some(&name));
        let names = leak(&name).evidence.into_keys().chain(exhaustion().evidence.into_keys());
        let number = Number::from_f64(number).unwrap_or(Number::from(u64::MAX));
        alert.evidence = names.map(|name| (name, number.clone())).collect();
        if let Some(full_in) = Number::from_f64(full_in) {
            alert.evidence.insert("full_in_s_estimate".to_owned(), full_in);
        }
        alert.advice = advice;
        let records = [started(), raised(1, MINUTE_MS, alert), last_sample(2, &[(&name, 5, 9, 1, 0)])];
        let explanation = explained(&[file(&records)], &of_pid()).unwrap();
        let text = prose::text(&explanation, columns);
        prop_assert!(text.lines().all(|line| !line.chars().any(char::is_control)), "{:?}", text);
    }
}

/// Prints the screens, for whoever changes them: `cargo test -p finwatch-cli explain_screens -- --ignored --nocapture`.
#[test]
#[ignore = "nothing to check, something to look at"]
fn explain_screens() {
    for records in [
        timer_leak(),
        stuck(),
        healthy(),
        two_alerts(),
        cleared(),
        exhausted(),
    ] {
        println!("{}\n{}", "=".repeat(80), told(&records, &of_pid()).1);
        println!(
            "{}\n{}",
            "-".repeat(80),
            told(&records, &Subject::default()).1
        );
    }
}

fn stuck() -> Vec<Record> {
    let mut alert = alert(AlertKind::FinalizerStuck, Some("com.example.Connection"));
    alert = with_evidence(
        alert,
        &[
            ("inside_ms", 10_250.0),
            ("running", 1.0),
            ("pending", 4000.0),
        ],
    );
    alert.severity = Severity::Critical;
    alert.advice =
        "com.example.Connection.finalize() waits for a lock of class com.example.Pool that the \
                    thread \"pool owner\" has: no object is finalized before it lets go."
            .to_owned();
    let mut thread = finalizer_thread(FinalizerState::Stuck, Some("com.example.Connection"));
    thread.stack = [
        "com.example.Connection.finalize(Connection.java:31)",
        "java.lang.ref.Finalizer$FinalizerThread.run(Finalizer.java:186)",
    ]
    .map(str::to_owned)
    .to_vec();
    thread.lock = Some(AwaitedLock {
        class: "com.example.Pool".to_owned(),
        owner: Some(LockOwner {
            thread: "pool owner".to_owned(),
            state: "timed_waiting".to_owned(),
            stack: [
                "java.lang.Thread.sleep(Native Method)",
                "com.example.Pool.refill(Pool.java:88)",
            ]
            .map(str::to_owned)
            .to_vec(),
        }),
    });
    let mut pending = with_evidence(
        alert_of(AlertKind::PendingGrowth),
        &[("pending", 4000.0), ("arriving_per_s", 120.0)],
    );
    pending.severity = Severity::Critical;
    vec![
        started(),
        raised(1, 13_250, pending),
        raised(2, 13_250, alert),
        record(3, 13_250, Body::FinalizerThread(Box::new(thread))),
        last_sample(4, &[("com.example.Connection", 90_000, 89_999, 90_000, 0)]),
    ]
}

fn alert_of(kind: AlertKind) -> Alert {
    alert(kind, Some("com.example.Row"))
}

fn healthy() -> Vec<Record> {
    vec![
        started(),
        last_sample(1, &[("java.io.FileInputStream", 1200, 3, 5000, 3800)]),
    ]
}

/// A small leak beside a `finalize()` that throws.
fn two_alerts() -> Vec<Record> {
    let mut throws = with_evidence(
        alert(AlertKind::FinalizerThrows, Some("com.example.Handle")),
        &[
            ("threw_share", 0.75),
            ("threw_total", 90.0),
            ("finalized_total", 30.0),
        ],
    );
    throws.since_uptime_ms = 1000;
    vec![
        started(),
        raised(1, MINUTE_MS, throws),
        raised(2, MINUTE_MS, leak(STATEMENT)),
        last_sample(3, &[(STATEMENT, 5000, 12, 5000, 0)]),
    ]
}

fn cleared() -> Vec<Record> {
    let mut over = leak(STATEMENT);
    over.state = AlertState::Cleared;
    let mut records = healthy();
    records.insert(1, raised(1, MINUTE_MS, leak(STATEMENT)));
    records.insert(2, raised(2, 2 * MINUTE_MS, over));
    records[3].seq = 3;
    records
}

fn exhausted() -> Vec<Record> {
    let last = sample(&[(STATEMENT, 273_783, 0, 273_783, 0)]);
    let oom = OutOfMemory {
        resource: Resource::JavaHeap,
        description: "Java heap space".to_owned(),
        error_thrown: true,
        finalizer: last.finalizer.counts,
        classes: last.classes,
        classes_omitted: OmittedClasses::default(),
        holders: vec![held_by_a_timer()],
        alerts: vec![leak(STATEMENT)],
    };
    let stall = Stall {
        state: StallState::Ongoing,
        since_uptime_ms: 11 * MINUTE_MS,
        duration_ms: 34_000.0,
        in_gc_pause: true,
    };
    vec![
        started(),
        last_sample(1, &[(STATEMENT, 273_783, 0, 273_783, 0)]),
        record(2, 13 * MINUTE_MS, Body::Oom(Box::new(oom))),
        record(3, 14 * MINUTE_MS, Body::Stall(Box::new(stall))),
        record(
            4,
            15 * MINUTE_MS,
            Body::Stop(Box::new(stop(StopReason::VmDeath))),
        ),
    ]
}

//! Heap dumps, alone and beside streams.

use std::io::Write;

use super::super::dump::Trouble;
use super::*;

/// When the dump was made, after the start of the JVM.
const MADE_MS: u64 = 12 * MINUTE_MS;

fn amount(objects: u64, bytes: u64) -> Amount {
    Amount { objects, bytes }
}

fn row_of(class: &str, registered: u64, pending: u64, retained: u64) -> HeapDumpClass {
    HeapDumpClass {
        class: class.to_owned(),
        loader: "app".to_owned(),
        registered,
        pending,
        running: 0,
        without_finalizer: 0,
        shallow_bytes: 24 * registered,
        retained: Some(amount(registered, retained)),
        fields: Vec::new(),
    }
}

fn finding(rule: &str, class: Option<&str>, count: u64) -> Finding {
    Finding {
        rule: rule.to_owned(),
        class: class.map(str::to_owned),
        count,
        evidence: Default::default(),
        fields_read: Vec::new(),
        text: format!("{rule} explains {count}"),
        advice: format!("Do away with {rule}."),
    }
}

fn heap_dump(classes: Vec<HeapDumpClass>, findings: Vec<Finding>) -> HeapDump {
    let sum = |of: fn(&HeapDumpClass) -> u64| classes.iter().map(of).sum();
    HeapDump {
        file: "/dumps/java_pid4711.hprof".to_owned(),
        dump_bytes: 100 << 20,
        heap: amount(3_000_000, 96 << 20),
        damage: Vec::new(),
        notes: Vec::new(),
        chain: None,
        finalizers: amount(sum(|row| row.registered), 0),
        registered: sum(|row| row.registered),
        pending: sum(|row| row.pending),
        running: 0,
        retained: None,
        classes,
        threads: Vec::new(),
        findings,
    }
}

/// The dump of the JVM of `timer_leak`.
fn leaking() -> HeapDump {
    let classes = vec![row_of(STATEMENT, 812_000, 0, 60 << 20)];
    let finding = finding("cancelled_timer_tasks", Some(STATEMENT), 811_000);
    heap_dump(classes, vec![finding])
}

fn read(dump: HeapDump, pid: u32) -> Dump {
    let holders = match dump.classes.is_empty() {
        true => Vec::new(),
        false => vec![Body::Holders(Box::new(held_by_a_timer()))],
    };
    let bodies = std::iter::once(Body::HeapDump(Box::new(dump))).chain(holders);
    let record = |(seq, body): (usize, Body)| Record {
        pid,
        ..record(seq as u64, MADE_MS, body)
    };
    Dump::of(bodies.enumerate().map(record).collect()).unwrap()
}

fn jvms(files: &[Vec<Record>]) -> Vec<Known> {
    let files: Vec<Vec<u8>> = files.iter().map(|records| file(records)).collect();
    digest::<Known>(&files).finish().0
}

fn explained(dump: &Dump, files: &[Vec<Record>]) -> (Explanation, String) {
    let explanation = Explanation::of(jvms(files), Some(dump), &Subject::default()).unwrap();
    let text = prose::text(&explanation, 80);
    assert!(text.lines().count() <= 32, "too long for a screen:\n{text}");
    (explanation, text)
}

#[test]
fn a_leak_in_a_dump_alone() {
    let (explanation, text) = explained(&read(leaking(), 4711), &[]);
    let expected = "\
finwatch: java_pid4711.hprof shows a LEAK: 812,000 com.example.Statement are
registered and held.

Dump      made 2026-09-21 14:25:20 UTC; 812,000 registered, 0 of them pending;
          with what only they keep alive 60.0M, 62% of the heap; 3,000,000
          objects, 96.0M in the heap.
Means     cancelled_timer_tasks explains 811000.
Held by   230,990 of 231,000 in the heap are held, 10 by nobody (in the dump):
          230,988 by thread 'cancel timer' > java.util.TimerThread.queue >
          java.util.TaskQueue.queue > java.util.TimerTask[] >
          com.example.Statement$1.this$0
To do     1. Do away with cancelled_timer_tasks.
          2. Where they are made and since when, no dump tells: watch the next
          JVM (java -agentpath:…/libfinwatch.so, or finwatch attach PID), then
          finwatch explain.
";
    assert_eq!(text, expected);
    assert!(explanation.is_wrong);
    let json = json_of(&explanation);
    assert_eq!((&json["pid"], &json["records"]), (&json!(4711), &json!(0)));
    assert_eq!(json["dump"]["class"]["registered"], 812_000);
    assert_eq!(json["dump"]["ts"], "2026-09-21T14:25:20.000Z");
    assert_eq!(json["holders"]["held"], 230_990);
}

#[test]
fn beside_a_stream_the_dump_tells_who_holds_and_the_stream_the_rest() {
    let (explanation, text) = explained(&read(leaking(), 4711), &[timer_leak()]);
    for part in [
        "PID 4711 (com.example.Shop) is LEAKING: 812,345",
        "Since     2026-09-21 14:13:23 UTC, 12 min ago",
        "10,288 more a second",
        "Dump      made 14:25:20; 812,000 registered, 0 of them pending;",
        "Means     cancelled_timer_tasks",
        "are held, 10 by nobody (in the dump):",
        "Made in   com.example.Dao.find(Dao.java:12)",
        "Time left about 24 min",
        "To do     1. Do away with cancelled_timer_tasks.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for part in ["Doubt", "GC.heap_dump", "no dump tells"] {
        assert!(!text.contains(part), "{part}: {text}");
    }
    assert_eq!(json_of(&explanation)["dump"]["doubts"], json!([]));
    let told = prose::of_stream(&explanation);
    let labels: Vec<&str> = told.iter().map(|(label, _)| *label).collect();
    let expected = ["", "Since", "Evidence", "Made in", "Time left", "Also"];
    assert_eq!(labels, expected);
}

#[test]
fn what_speaks_against_one_jvm_is_said() {
    let doubts = |dump: Dump, records: Vec<Record>| {
        let (explanation, text) = explained(&dump, &[records]);
        let doubts = explanation.dump.unwrap().doubts.join("; ");
        assert_eq!(
            text.contains("seems NOT to be"),
            !doubts.is_empty(),
            "{text}"
        );
        doubts
    };
    let at = |uptime_ms: u64| {
        let mut dump = read(leaking(), 4711);
        dump.at_ms = START_MS + uptime_ms;
        dump
    };
    assert_eq!(doubts(at(12 * MINUTE_MS + 30_000), timer_leak()), "");
    assert_eq!(
        doubts(at(20 * MINUTE_MS), timer_leak()),
        "the dump was made 7 min after the last record of the stream"
    );
    assert_eq!(
        doubts(at(20 * MINUTE_MS), exhausted()),
        "the dump was made 5 min after the stream's JVM ended; the stream last counted objects of A, and the dump has none"
    );
    let mut early = at(0);
    early.at_ms -= 60 * MINUTE_MS;
    assert_eq!(
        doubts(early, timer_leak()),
        "the dump was made 1 h 0 min before the stream's JVM started"
    );
    assert_eq!(
        doubts(read(leaking(), 12), timer_leak()),
        "the dump's name has process id 12, the stream 4711"
    );
    // A name without a process id says nothing.
    assert_eq!(doubts(read(leaking(), 0), timer_leak()), "");
    let other = heap_dump(vec![row_of("com.other.Handle", 5, 0, 100)], Vec::new());
    assert_eq!(
        doubts(read(other, 4711), timer_leak()),
        "the stream last counted objects of com.example.Statement, and the dump has none"
    );
}

#[test]
fn of_several_jvms_that_of_the_dump_is_explained() {
    let of = |pid: u32, mut records: Vec<Record>| {
        records.iter_mut().for_each(|record| record.pid = pid);
        records
    };
    let files = [of(1, timer_leak()), of(2, healthy()), of(3, stuck())];
    let mut dump = heap_dump(vec![row_of("com.example.Row", 9, 0, 1)], Vec::new());
    dump.file = "app.hprof".to_owned();
    let known = jvms(&files);
    let classes: Vec<String> = known[1]
        .ledger
        .iter()
        .flat_map(|l| &l.classes)
        .map(|row| row.class.clone())
        .collect();
    dump.classes = classes.iter().map(|class| row_of(class, 9, 0, 1)).collect();
    let (explanation, _) = explained(&read(dump, 2), &files);
    assert_eq!((explanation.pid, explanation.others.len()), (2, 2));
    assert!(explanation.dump.is_some());
}

#[test]
fn trouble_is_what_explains_many_or_much() {
    let trouble = |classes, findings| read(heap_dump(classes, findings), 0).trouble();
    let class = || Some("A");
    let few = || vec![row_of("A", 90, 0, 1 << 20)];
    assert_eq!(trouble(Vec::new(), Vec::new()), None);
    assert_eq!(
        trouble(few(), vec![finding("static_collection", class(), 90)]),
        None
    );
    let heavy = || vec![row_of("A", 90, 0, 40 << 20)];
    assert_eq!(
        trouble(heavy(), vec![finding("static_collection", class(), 90)]),
        Some(Trouble::Held("A".to_owned()))
    );
    // Nobody knows why, and they may be no more tomorrow.
    assert_eq!(trouble(heavy(), Vec::new()), None);
    assert_eq!(
        trouble(vec![row_of("A", 5000, 0, 40 << 20)], Vec::new()),
        Some(Trouble::PerhapsLeaking("A".to_owned()))
    );
    let waiting = |count| vec![row_of("A", count, count, 1)];
    let thread = |rule| vec![finding(rule, class(), 1)];
    assert_eq!(trouble(waiting(0), thread("finalizer_stuck")), None);
    assert_eq!(
        trouble(waiting(1), thread("finalizer_stuck")),
        Some(Trouble::Stuck("A".to_owned()))
    );
    assert_eq!(trouble(waiting(900), thread("finalizer_slow")), None);
    assert_eq!(
        trouble(waiting(1000), thread("finalizer_slow")),
        Some(Trouble::Busy("A".to_owned()))
    );
    assert_eq!(
        trouble(waiting(1), thread("finalizer_dead")),
        Some(Trouble::Dead)
    );
    assert_eq!(
        trouble(waiting(5000), Vec::new()),
        Some(Trouble::Behind("A".to_owned()))
    );
}

/// The next collection takes them, whatever they refer to.
#[test]
fn what_nobody_holds_is_no_leak() {
    let of = |held: u64, complete: bool, more: &[&str]| {
        let mut findings = vec![finding("each_other", Some(STATEMENT), 5000)];
        findings.extend(more.iter().map(|rule| finding(rule, None, 0)));
        let dump = heap_dump(vec![row_of(STATEMENT, 5000, 0, 40 << 20)], findings);
        let holders = Holders {
            instances: 5000,
            held,
            unheld: complete.then_some(5000 - held),
            paths: Vec::new(),
            complete,
            incomplete_reason: (!complete).then(|| "a part is missing".to_owned()),
            ..held_by_a_timer()
        };
        let bodies = [
            Body::HeapDump(Box::new(dump)),
            Body::Holders(Box::new(holders)),
        ];
        let records = (0..)
            .zip(bodies)
            .map(|(seq, body)| record(seq, MADE_MS, body));
        Dump::of(records.collect()).unwrap()
    };
    let held = Some(Trouble::Held(STATEMENT.to_owned()));
    assert_eq!(of(1, true, &[]).trouble(), held);
    assert_eq!(of(0, false, &[]).trouble(), held);
    assert_eq!(of(0, true, &["virtual_thread_stacks"]).trouble(), held);
    assert_eq!(of(0, true, &[]).trouble(), None);
    let (_, text) = explained(&of(0, false, &[]), &[]);
    assert!(
        text.contains("0 of 5,000 in the heap are known to be held"),
        "{text}"
    );
}

#[test]
fn each_trouble_has_its_headline() {
    let headline = |classes, findings| {
        let (explanation, _) = explained(&read(heap_dump(classes, findings), 0), &[]);
        explanation.headline
    };
    let waiting = || vec![row_of("A", 5000, 4000, 1)];
    let thread = |rule| vec![finding(rule, Some("B"), 4001)];
    let told = [
        headline(Vec::new(), Vec::new()),
        headline(waiting(), thread("finalizer_dead")),
        headline(waiting(), thread("finalizer_stuck")),
        headline(waiting(), thread("finalizer_slow")),
        headline(waiting(), Vec::new()),
        headline(vec![row_of("A", 5000, 0, 40 << 20)], Vec::new()),
    ];
    let expected = [
        "Nothing is known to be wrong with finalization in java_pid4711.hprof: 0 objects registered, 0 pending, 0 \
         in finalize().",
        "java_pid4711.hprof: the finalizer thread is DEAD: 4,000 objects wait, and none will be finalized.",
        "java_pid4711.hprof: the finalizer thread is STUCK in B.finalize(), and 4,000 objects wait.",
        "java_pid4711.hprof: the finalizer thread is BUSY in B.finalize(), and 4,000 objects wait.",
        "java_pid4711.hprof: the finalizer thread FALLS BEHIND: 4,000 objects wait, most of them A.",
        "java_pid4711.hprof shows PERHAPS A LEAK: 5,000 A are registered and held, and a dump does not tell whether \
         they become more.",
    ];
    assert_eq!(told, expected);
}

#[test]
fn of_a_damaged_dump_nothing_is_said_to_be_well() {
    let mut dump = heap_dump(vec![row_of("A", 90, 0, 1)], Vec::new());
    dump.damage = vec!["the dump ends inside a record".to_owned()];
    let (explanation, text) = explained(&read(dump, 0), &[]);
    let headline = "java_pid4711.hprof is DAMAGED, and nothing is sure: 90 objects registered";
    assert!(explanation.headline.starts_with(headline), "{text}");
    assert!(
        text.contains("Damage    the dump ends inside a record.\n"),
        "{text}"
    );
}

/// Of a file with several dumps, say; nothing is wrong with that.
#[test]
fn notes_are_told_and_no_damage() {
    let mut dump = heap_dump(vec![row_of("A", 90, 0, 1)], Vec::new());
    dump.notes = vec!["the last of two is told".to_owned()];
    let (explanation, text) = explained(&read(dump, 0), &[]);
    assert!(
        explanation.headline.starts_with("Nothing is known"),
        "{text}"
    );
    let note = "\nNote      the last of two is told.\n";
    assert!(text.contains(note), "{text}");
    assert!(!text.contains("Damage"), "{text}");
}

#[test]
fn a_dump_from_stdin_has_no_name() {
    let mut dump = heap_dump(Vec::new(), Vec::new());
    dump.file = "-".to_owned();
    let (explanation, _) = explained(&read(dump, 0), &[]);
    let told = "wrong with finalization in the dump from stdin: 0 objects";
    assert!(
        explanation.headline.contains(told),
        "{}",
        explanation.headline
    );
}

#[test]
fn dumps_are_known_by_what_is_in_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let begin = b"JAVA PROFILE 1.0.2\0\0\0\0\x08";
    std::fs::write(path("dump"), begin).unwrap();
    std::fs::write(path("short.hprof"), b"JAVA").unwrap();
    std::fs::write(path("a.jsonl"), file(&timer_leak())).unwrap();
    for (name, bytes) in [("packed", &begin[..]), ("a.jsonl.gz", b"{}\n")] {
        let packed = std::fs::File::create(path(name)).unwrap();
        let mut packed = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap();
    }
    let of = |names: &[&str]| {
        names
            .iter()
            .map(|name| path(name).into())
            .collect::<Vec<OsString>>()
    };
    let mut given = of(&[
        "dump",
        "short.hprof",
        "a.jsonl",
        "packed",
        "a.jsonl.gz",
        "missing",
    ]);
    given.extend(["-".into(), "4711".into()]);
    let (dumps, streams) = by_content(&given, || false);
    assert_eq!(dumps, of(&["dump", "packed"]));
    assert_eq!(streams.len(), 6);
    let (dumps, _) = by_content(&["-".into(), "4711".into()], || true);
    assert_eq!(dumps, ["-"]);
}

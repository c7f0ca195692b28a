//! Heap dumps of real JVMs: every number against what the program that was dumped knows itself, and sizes against
//! the JVM's own class histogram.

use std::path::{Path, PathBuf};

use finwatch_hprof::{
    Answer, ClassFacts, Depth, Dump, Finding, Holders, HoldingPath, HoldingRoot, Progress, answer,
};
use finwatch_tests::{Jvm, Launch, for_each_jdk, for_each_jvm};

/// `jcmd GC.heap_dump`, of live objects after a collection or of all.
fn dump(jvm: &Jvm, name: &str, options: &[&str]) -> PathBuf {
    let file = jvm.directory().join(name);
    let path = file.display().to_string();
    let words: Vec<&str> = ["GC.heap_dump"]
        .iter()
        .chain(options)
        .copied()
        .chain([path.as_str()])
        .collect();
    jvm.jcmd().run(&words);
    file
}

fn read(file: &Path, depth: Depth) -> Answer {
    let progress = Progress::default();
    let dump = Dump::open(file, &progress).unwrap_or_else(|e| panic!("{e}"));
    let answer = answer(&dump, depth, &progress).unwrap_or_else(|e| panic!("{e}"));
    assert!(
        answer.damage.is_empty(),
        "a dump that is whole: {:?}",
        answer.damage
    );
    answer
}

/// A dump from when `count` objects of the class are pending: which collection finds them is the collector's affair.
fn all_pending(jvm: &mut Jvm, name: &str, count: u64) -> Answer {
    for _ in 0..50 {
        jvm.tell("gc 1");
        let file = dump(jvm, "pending.hprof", &[]);
        let answer = read(&file, Depth::Whole);
        std::fs::remove_file(file).expect("the dump is there");
        if answer
            .classes
            .iter()
            .any(|facts| facts.class == name && facts.counts.pending == count)
        {
            return answer;
        }
    }
    panic!("after 50 collections there are no {count} {name} pending");
}

fn finding<'a>(answer: &'a Answer, rule: &str) -> &'a Finding {
    let found = answer.findings.iter().find(|finding| finding.rule == rule);
    found.unwrap_or_else(|| panic!("no {rule} in {:#?}", answer.findings))
}

fn evidence(finding: &Finding, name: &str) -> u64 {
    let found = finding.evidence.iter().find(|(key, _)| *key == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {finding:#?}"))
        .1
}

fn class<'a>(answer: &'a Answer, name: &str) -> &'a ClassFacts {
    let found = answer.classes.iter().find(|facts| facts.class == name);
    found.unwrap_or_else(|| panic!("no {name} in {:#?}", answer.classes))
}

fn holders<'a>(answer: &'a Answer, name: &str) -> &'a Holders {
    let found = answer.holders.iter().find(|holders| holders.class == name);
    found.unwrap_or_else(|| panic!("no {name} in {:#?}", answer.holders))
}

/// The agent retransforms `java.lang.ref.Finalizer`, and the dump then names more than one class so.
#[test]
fn a_watched_jvm_is_read_as_any_other() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).start();
        jvm.tell("register subject.Plain 1000");
        let answer = read(&dump(&jvm, "watched.hprof", &["-all"]), Depth::Whole);
        assert_eq!(class(&answer, "subject.Plain").counts.registered, 1000);
        assert_eq!(holders(&answer, "subject.Plain").held, 1000);
        assert!(answer.chain.is_some_and(|chain| chain.broken.is_none()));
    });
}

/// A path as one line: `Class.field` each, `[]` for an element.
fn line(holders: &Holders, place: usize) -> String {
    let links = holders.paths[place].chain.iter();
    let link = |link: &finwatch_hprof::Link| {
        format!("{}.{}", link.class, link.field.as_deref().unwrap_or("[]"))
    };
    links.map(link).collect::<Vec<_>>().join(" ")
}

#[test]
fn registered_pending_and_running_are_the_program_s() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("register subject.Plain 1000");
        jvm.tell("register subject.Child 10");
        let whole = read(&dump(&jvm, "held.hprof", &[]), Depth::Whole);
        let chain = whole.chain.as_ref().expect("a chain");
        assert_eq!(
            (chain.broken.as_ref(), chain.length),
            (None, whole.total.registered)
        );
        assert_eq!(class(&whole, "subject.Plain").counts.registered, 1000);
        assert_eq!(class(&whole, "subject.Child").counts.registered, 10);
        assert_eq!(class(&whole, "subject.Plain").loader, "app");
        if !case.collects() {
            return;
        }
        jvm.tell("stuck");
        jvm.tell("drop subject.Plain");
        let stuck = all_pending(&mut jvm, "subject.Plain", 1000);
        let plain = class(&stuck, "subject.Plain").counts;
        assert_eq!(
            (plain.registered, plain.pending, plain.running),
            (1000, 1000, 0)
        );
        let inside = class(&stuck, "subject.Stuck").counts;
        assert_eq!(
            (inside.registered, inside.pending, inside.running),
            (0, 0, 1)
        );
        assert_eq!(stuck.total.running, 1);
        let finding = finding(&stuck, "finalizer_stuck");
        assert_eq!(finding.class.as_deref(), Some("subject.Stuck"));
        assert_eq!(evidence(finding, "pending"), stuck.total.pending);
        let thread = &stuck.threads[0];
        assert_eq!(thread.name, "Finalizer");
        let finalize = |frame: &String| frame.starts_with("subject.Stuck.finalize(");
        assert!(thread.stack.iter().any(finalize), "{:?}", thread.stack);
        assert_eq!(
            holders(&stuck, "subject.Plain").held,
            0,
            "what is pending is held by nobody"
        );
        let summary = read(&dump(&jvm, "summary.hprof", &["-all"]), Depth::Summary);
        assert_eq!(class(&summary, "subject.Plain").counts, plain);
    });
}

#[test]
fn holders_are_those_that_the_program_made() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let until = jvm.tell("hold-timer 100 90")["until_ms"]
            .as_u64()
            .expect("a time");
        jvm.tell("hold-executor 70 60");
        jvm.tell("hold-local 105");
        jvm.tell("hold-static 300");
        let answer = read(&dump(&jvm, "held.hprof", &[]), Depth::Whole);
        for (name, count) in [("Timer", 101), ("Local", 105), ("Static", 300)] {
            let name = format!("subject.Holding${name}Held");
            let holders = holders(&answer, &name);
            assert_eq!((holders.instances, holders.held), (count, count), "{name}");
            let told: u64 = holders.paths.iter().map(|path| path.count).sum();
            assert_eq!(told, count, "each on one path: {:#?}", holders.paths);
        }
        // A task of an executor that is cancelled lets go of what it was to do (`FutureTask.callable`).
        let executor = holders(&answer, "subject.Holding$ExecutorHeld");
        let queue = |path: &&HoldingPath| {
            path.chain
                .iter()
                .any(|link| link.class.ends_with("$DelayedWorkQueue"))
        };
        assert_eq!(
            executor
                .paths
                .iter()
                .filter(queue)
                .map(|path| path.count)
                .sum::<u64>(),
            10
        );
        let mut rules = answer.findings.iter().map(|found| found.rule);
        assert!(rules.all(|rule| rule != "cancelled_executor_tasks"));
        let cancelled = finding(&answer, "cancelled_timer_tasks");
        assert_eq!(
            (
                evidence(cancelled, "tasks"),
                evidence(cancelled, "cancelled")
            ),
            (101, 90)
        );
        assert_eq!(evidence(cancelled, "until_ms"), until);
        assert_eq!(
            (cancelled.class.as_deref(), cancelled.count),
            (Some("subject.Holding$TimerHeld"), 90)
        );
        assert!(
            cancelled.text.contains("java.util.Timer 'holding-timer'"),
            "{}",
            cancelled.text
        );
        let locals = finding(&answer, "thread_locals");
        assert_eq!(
            (locals.class.as_deref(), locals.count),
            (Some("subject.Holding$LocalHeld"), 105)
        );
        assert!(locals.text.contains("'holding-local'"), "{}", locals.text);
        let map = finding(&answer, "static_collection");
        assert_eq!(
            (map.class.as_deref(), evidence(map, "elements")),
            (Some("subject.Holding$StaticHeld"), 300)
        );
        assert_eq!(
            map.fields_read,
            ["subject.Holding.STATIC_MAP", "java.util.HashMap.size"]
        );
        let timer = holders(&answer, "subject.Holding$TimerHeld");
        let root = HoldingRoot::Thread {
            thread: "holding-timer".into(),
        };
        assert_eq!(timer.paths[0].root, root);
        assert_eq!(
            line(timer, 0),
            "java.util.TimerThread.queue java.util.TaskQueue.queue java.util.TimerTask[].[] \
             subject.Holding$TimerHeld$1.this$0"
        );
        assert_eq!(timer.fields.len(), 1);
        assert_eq!(
            (timer.fields[0].field.as_deref(), timer.fields[0].count),
            (Some("this$0"), 101)
        );
        let map = holders(&answer, "subject.Holding$StaticHeld");
        let class = "subject.Holding".into();
        let field = Some("STATIC_MAP".into());
        assert_eq!(map.paths[0].root, HoldingRoot::StaticField { class, field });
        assert!(
            line(map, 0).starts_with("java.util.HashMap.table java.util.HashMap$Node[].[] "),
            "{}",
            line(map, 0)
        );
        assert!(
            line(map, 0).ends_with("java.util.HashMap$Node.value"),
            "{}",
            line(map, 0)
        );
        let local = holders(&answer, "subject.Holding$LocalHeld");
        let root = HoldingRoot::Thread {
            thread: "holding-local".into(),
        };
        assert_eq!(local.paths[0].root, root);
        assert!(
            line(local, 0).ends_with("java.lang.ThreadLocal$ThreadLocalMap$Entry.value"),
            "{}",
            line(local, 0)
        );
    });
}

/// A dump for which nothing is collected: a collection may let go of them.
#[test]
fn what_soft_references_keep_is_told_apart_from_what_is_held() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("hold-softly 200 40");
        let answer = read(&dump(&jvm, "softly.hprof", &["-all"]), Depth::Whole);
        let soft = holders(&answer, "subject.Holding$SoftlyHeld");
        // The last one may be in a frame still.
        assert_eq!((soft.softly_held, soft.held <= 1), (200, true), "{soft:#?}");
        assert_eq!(soft.soft_paths[0].count, 200, "{soft:#?}");
        let last = soft.soft_paths[0].chain.last().expect("a chain");
        let referent = ("subject.Holding$Cached", Some("referent"));
        assert_eq!((last.class.as_str(), last.field.as_deref()), referent);
    });
}

/// `count` objects with an array each, one array that all share, and one that is held elsewhere too.
#[test]
fn retained_sizes_are_the_closed_form() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("hold-payload 500 1003");
        let answer = read(&dump(&jvm, "payload.hprof", &[]), Depth::Whole);
        let histogram = jvm.jcmd().histogram_with_bytes();
        let (count, bytes) = histogram["subject.Holding$Payload"];
        assert_eq!(count, 500);
        let payload = class(&answer, "subject.Holding$Payload");
        assert_eq!(payload.shallow_bytes, bytes, "against the JVM's histogram");
        let (finalizers, finalizer_bytes) = histogram["java.lang.ref.Finalizer"];
        let each = finalizer_bytes / finalizers;
        assert_eq!(answer.finalizers.bytes, answer.finalizers.objects * each);
        let retained = payload.retained.expect("the first of few classes");
        assert_eq!(retained.objects, 500 + 500 + 1);
        let array = (retained.bytes - bytes) / 501;
        assert_eq!(array * 501, retained.bytes - bytes);
        assert!(
            (1003 + 12..1003 + 32).contains(&array) && array.is_multiple_of(8),
            "{array} bytes for byte[1003]"
        );
        let all = answer.retained.expect("a whole answer");
        assert!(all.bytes >= retained.bytes + 500 * each);
    });
}

/// All objects of all classes: sizes and counts of the whole heap.
#[test]
fn sizes_add_up_to_the_histogram() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("register subject.Plain 1000");
        let answer = read(&dump(&jvm, "heap.hprof", &[]), Depth::Summary);
        let histogram = jvm.jcmd().histogram_with_bytes();
        let (objects, bytes) = histogram
            .values()
            .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
        // jcmd itself leaves objects behind, and the histogram counts what the JVM keeps for itself, such as the
        // constants of classes: 110 bytes a class on JDK 28 with ZGC, a ninth of this small heap.
        let near = |ours: u64, theirs: u64| ours.abs_diff(theirs) * 8 < theirs;
        assert!(
            near(answer.heap.objects, objects),
            "{} objects, histogram {objects}",
            answer.heap.objects
        );
        assert!(
            near(answer.heap.bytes, bytes),
            "{} bytes, histogram {bytes}",
            answer.heap.bytes
        );
    });
}

#[test]
fn a_lock_that_the_finalizer_waits_for_is_told_with_its_owner() {
    for_each_jvm(|case| {
        if !case.collects() {
            return;
        }
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("stuck-lock");
        let answer = read(&dump(&jvm, "locked.hprof", &["-all"]), Depth::Whole);
        let stuck = finding(&answer, "finalizer_stuck");
        assert_eq!(stuck.class.as_deref(), Some("subject.Holding$Locked"));
        let lock = answer.threads[0].waits_for.as_deref().unwrap_or_default();
        assert!(
            lock.starts_with("a java.util.concurrent.locks.ReentrantLock$NonfairSync"),
            "{lock}"
        );
        assert!(lock.contains("'lock-owner'"), "{lock}");
        assert!(stuck.text.contains(lock), "{}", stuck.text);
    });
}

/// No collection between their end and the dump: nobody has found out yet that nothing holds them.
#[test]
fn objects_held_by_each_other_alone_are_told() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("drop-ring 140");
        let answer = read(&dump(&jvm, "ring.hprof", &["-all"]), Depth::Whole);
        let ring = finding(&answer, "each_other");
        assert_eq!(ring.class.as_deref(), Some("subject.Holding$Ring"));
        // The JDK itself makes finalizable objects that refer to each other; up to 8 it makes many.
        assert!((140..200).contains(&ring.count), "{ring:#?}");
        assert_eq!(holders(&answer, "subject.Holding$Ring").held, 0);
        assert_eq!(
            class(&answer, "subject.Holding$Ring").counts.registered,
            140
        );
    });
}

/// Their loader is in memory for nothing but its own finalizable objects.
#[test]
fn a_loader_that_only_finalizable_objects_keep_is_told() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("loaders 5");
        let held = read(&dump(&jvm, "held.hprof", &[]), Depth::Whole);
        let isolated: Vec<&ClassFacts> = held
            .classes
            .iter()
            .filter(|facts| facts.class == "subject.Isolated")
            .collect();
        let mut counts: Vec<u64> = isolated
            .iter()
            .map(|facts| facts.counts.registered)
            .collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 1, 2, 2, 3], "a row for each loader");
        assert!(
            isolated
                .iter()
                .all(|facts| facts.loader.starts_with("subject.Loading$Loader@")),
            "{isolated:#?}"
        );
        let loaders = finding(&held, "class_loader");
        assert_eq!(
            (
                evidence(loaders, "loaders"),
                evidence(loaders, "held"),
                loaders.count
            ),
            (5, 9, 9)
        );
    });
}

/// Every way in which a JVM makes a dump of its own, compressed and by several threads where it can.
#[test]
fn all_ways_to_a_dump_tell_the_same() {
    for_each_jdk(|case| {
        let mut launch = Launch::new(case).without_agent();
        let oom = launch.directory().join("oom.hprof");
        launch = launch
            .flag("-XX:+HeapDumpOnOutOfMemoryError")
            .flag(format!("-XX:HeapDumpPath={}", oom.display()));
        let mut jvm = launch.start();
        jvm.tell("register subject.Plain 1000");
        jvm.tell("hold-timer 100 90");
        let bean = jvm.directory().join("bean.hprof");
        jvm.tell(&format!("dump {}", bean.display()));
        jvm.tell("run-out");
        let mut files = vec![bean, oom];
        if case.jdk.feature >= 17 {
            files.push(dump(&jvm, "packed.hprof.gz", &["-gz=1"]));
        }
        if case.jdk.feature >= 25 {
            files.push(dump(&jvm, "parallel.hprof", &["-parallel=2"]));
        }
        for file in files {
            let answer = read(&file, Depth::Whole);
            let name = file.display();
            assert_eq!(
                class(&answer, "subject.Plain").counts.registered,
                1000,
                "{name}"
            );
            assert_eq!(holders(&answer, "subject.Plain").held, 1000, "{name}");
            let cancelled = finding(&answer, "cancelled_timer_tasks");
            assert_eq!(evidence(cancelled, "cancelled"), 90, "{name}");
        }
    });
}

/// Without compressed references, and where the JDK has them with compact headers: sizes change, counts do not.
#[test]
fn other_layouts_of_objects_have_other_sizes() {
    for_each_jdk(|case| {
        let mut layouts = vec![vec!["-XX:-UseCompressedOops"]];
        if case.jdk.feature >= 25 {
            layouts.push(vec!["-XX:+UseCompactObjectHeaders"]);
        }
        if case.jdk.feature == 8 {
            layouts.push(vec![
                "-XX:-UseCompressedOops",
                "-XX:-UseCompressedClassPointers",
            ]);
        }
        for layout in layouts {
            let mut jvm = Launch::new(case).without_agent().flags(&layout).start();
            jvm.tell("hold-payload 500 1003");
            let answer = read(&dump(&jvm, "layout.hprof", &[]), Depth::Whole);
            let histogram = jvm.jcmd().histogram_with_bytes();
            let payload = class(&answer, "subject.Holding$Payload");
            assert_eq!(
                payload.shallow_bytes, histogram["subject.Holding$Payload"].1,
                "{layout:?}"
            );
            let (finalizers, bytes) = histogram["java.lang.ref.Finalizer"];
            assert_eq!(
                answer.finalizers.bytes / answer.finalizers.objects,
                bytes / finalizers,
                "{layout:?}"
            );
        }
    });
}

/// From JDK 25 on dumps have the stacks of all of them, and before it is said that they are missing.
#[test]
fn virtual_threads_are_told_together_or_said_to_be_missing() {
    for_each_jdk(|case| {
        if case.jdk.feature < 21 {
            return;
        }
        let classes = tempfile::tempdir().unwrap();
        let source = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/java/virtual/VirtualHolders.java"
        );
        let into = classes.path().display().to_string();
        case.jdk
            .run_tool("javac", &["-nowarn", "-d", &into, source]);
        let jvm = Launch::new(case)
            .without_agent()
            .class_path(classes.path().to_owned())
            .program(&["VirtualHolders"])
            .start();
        let answer = read(&dump(&jvm, "virtual.hprof", &[]), Depth::Whole);
        let held = holders(&answer, "VirtualHolders$Held");
        assert_eq!(held.instances, 1000);
        if case.jdk.feature < 25 {
            let missing = finding(&answer, "virtual_thread_stacks");
            assert!(evidence(missing, "without_stack") > 900, "{missing:?}");
            return;
        }
        assert_eq!(held.held, 1000);
        let together = &held.paths[0];
        assert!(together.count > 900, "{held:#?}");
        assert!(
            matches!(&together.root, HoldingRoot::Stack { method: Some(method), .. }
                if method.starts_with("VirtualHolders.park(")),
            "{together:?}"
        );
    });
}

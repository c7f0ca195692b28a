//! Who holds the objects of a class in a running JVM: the right path, with and without a stop.

use finwatch_record::{Holders, HoldingPath, Root, RootKind};
use finwatch_tests::{Finwatch, Jvm, Launch, any_case, for_each_jvm};

/// Asks the agent by the command.
fn holders(jvm: &Jvm, class: &str) -> Holders {
    let pid = jvm.pid().to_string();
    let told = Finwatch::new(&["holders", &pid, class, "--json"]).succeed();
    let mut rows = told.json();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    serde_json::from_value(rows.remove(0)).expect("a holders record")
}

/// The objects on the worst path, `Class.field` each.
fn chain(holders: &Holders) -> Vec<String> {
    links(&holders.paths[0])
}

fn links(path: &HoldingPath) -> Vec<String> {
    let links = path.chain.iter();
    links
        .map(|link| match &link.field {
            Some(field) => format!("{}.{field}", link.class),
            None => link.class.clone(),
        })
        .collect()
}

fn root(kind: RootKind) -> Root {
    Root {
        kind,
        thread: None,
        method: None,
        class: None,
        field: None,
    }
}

fn thread(name: &str) -> Root {
    Root {
        thread: Some(name.to_owned()),
        ..root(RootKind::Thread)
    }
}

/// Nearly all of them on one path, and that without a stop.
fn assert_all_on_one_path(holders: &Holders, count: u64, from: &Root) {
    assert_eq!(holders.instances, count, "{holders:#?}");
    assert!(holders.complete, "{holders:#?}");
    assert_eq!(&holders.paths[0].root, from, "{holders:#?}");
    assert!(holders.paths[0].count * 100 >= count * 95, "{holders:#?}");
    let sum: u64 = holders.paths.iter().map(|path| path.count).sum();
    assert!(sum <= holders.held && holders.held <= count, "{holders:#?}");
    assert_eq!(holders.stw_ms, Some(0.0), "{holders:#?}");
}

#[test]
fn threads_and_static_fields_that_hold_objects_are_found_without_a_stop() {
    for_each_jvm(|case| {
        let launch = Launch::new(case).option("pause", "off");
        let mut jvm = launch.flag("-Xmx256m").start();
        jvm.tell("hold-timer 4000 3000");
        jvm.tell("hold-executor 300 0");
        jvm.tell("hold-local 50");
        jvm.tell("hold-static 70000");
        let timer = holders(&jvm, "subject.Holding$TimerHeld");
        assert_all_on_one_path(&timer, 4001, &thread("holding-timer"));
        assert_eq!(
            chain(&timer),
            [
                "java.util.TimerThread.queue",
                "java.util.TaskQueue.queue",
                "java.util.TimerTask[]",
                "subject.Holding$TimerHeld$1.this$0"
            ]
        );
        let local = holders(&jvm, "subject.Holding$LocalHeld");
        assert_all_on_one_path(&local, 50, &thread("holding-local"));
        let links = chain(&local);
        assert!(links[0].ends_with("Thread.threadLocals"), "{local:#?}");
        let value = "java.lang.ThreadLocal$ThreadLocalMap$Entry.value".to_owned();
        assert_eq!(links.last(), Some(&value));
        let map = holders(&jvm, "subject.Holding$StaticHeld");
        let field = Root {
            class: Some("subject.Holding".to_owned()),
            field: Some("STATIC_MAP".to_owned()),
            ..root(RootKind::StaticField)
        };
        assert_all_on_one_path(&map, 70_000, &field);
        assert_eq!(
            chain(&map)[..2],
            ["java.util.HashMap.table", "java.util.HashMap$Node[]"]
        );
        let executor = holders(&jvm, "subject.Holding$ExecutorHeld");
        assert!(executor.complete, "{executor:#?}");
        let queue = "java.util.concurrent.ScheduledThreadPoolExecutor$DelayedWorkQueue.queue";
        assert!(
            chain(&executor).contains(&queue.to_owned()),
            "{executor:#?}"
        );
    });
}

/// Weak references keep nothing, not even softly; and what is found with room in the heap stops nothing.
#[test]
fn what_soft_references_keep_is_told_apart_from_what_is_held() {
    for_each_jvm(|case| {
        let launch = Launch::new(case).option("pause", "off");
        let mut jvm = launch.flag("-Xmx256m").start();
        jvm.tell("hold-softly 30000 1000");
        let soft = holders(&jvm, "subject.Holding$SoftlyHeld");
        assert_eq!((soft.held, soft.paths.len()), (0, 0), "{soft:#?}");
        assert_eq!(soft.stw_ms, Some(0.0), "{soft:#?}");
        // Stacks were not looked at.
        let reason = soft.incomplete_reason.as_deref().unwrap_or_default();
        assert!(!soft.complete && reason.contains("pause=off"), "{soft:#?}");
        let softly = soft.softly_held.expect("looked for");
        assert!((29_000..=31_000).contains(&softly), "{soft:#?}");
        let path = &soft.soft_paths[0];
        assert_eq!(path.root.field.as_deref(), Some("SOFT_MAP"), "{soft:#?}");
        assert!(path.count * 100 >= softly * 95, "{soft:#?}");
        let referent = "subject.Holding$Cached.referent";
        let links = links(path);
        assert_eq!(links.last().map(String::as_str), Some(referent));
    });
}

#[test]
fn what_soft_references_and_others_keep_is_held() {
    for_each_jvm(|case| {
        let launch = Launch::new(case).option("pause", "off");
        let mut jvm = launch.flag("-Xmx256m").start();
        jvm.tell("hold-softly-and-far 500");
        let far = holders(&jvm, "subject.Holding$SoftlyHeld");
        assert_eq!(
            (far.held, far.softly_held.unwrap_or(0)),
            (500, 0),
            "{far:#?}"
        );
        assert_eq!(far.paths[0].root.field.as_deref(), Some("far"), "{far:#?}");
        let mut jvm = Launch::new(case).option("pause", "2s").start();
        jvm.tell("hold-softly-and-stack 1000");
        let stack = holders(&jvm, "subject.Holding$SoftlyHeld");
        assert_eq!(
            (stack.held, stack.softly_held),
            (1000, Some(0)),
            "{stack:#?}"
        );
        assert!(stack.soft_paths.is_empty(), "{stack:#?}");
        assert_eq!(stack.paths[0].root.kind, RootKind::Stack, "{stack:#?}");
    });
}

/// Only some of those that share them are looked at.
#[test]
fn what_many_share_is_not_as_many() {
    for_each_jvm(|case| {
        let launch = Launch::new(case).option("pause", "off");
        let mut jvm = launch.flag("-Xmx256m").start();
        jvm.tell("hold-shared 100000 5000");
        let shared = holders(&jvm, "subject.Holding$SharedHeld");
        assert_eq!((shared.held, shared.paths.len()), (10, 1), "{shared:#?}");
    });
}

#[test]
fn what_only_a_stack_holds_is_found_in_a_stop_and_what_nobody_holds_as_well() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).option("pause", "2s").start();
        jvm.tell("hold-stack 500");
        let stack = holders(&jvm, "subject.Holding$StackHeld");
        assert!(stack.complete, "{stack:#?}");
        let path = &stack.paths[0];
        assert_eq!((path.count, path.root.kind), (500, RootKind::Stack));
        assert_eq!(path.root.thread.as_deref(), Some("holding-stack"));
        assert_eq!(
            path.root.method.as_deref(),
            Some("subject.Holding.holdInFrame")
        );
        assert_eq!(chain(&stack), ["subject.Holding$StackHeld[]"]);
        assert!(stack.stw_ms > Some(0.0), "{stack:#?}");
        jvm.tell("drop-ring 300");
        let ring = holders(&jvm, "subject.Holding$Ring");
        let left = ring.instances;
        assert!(ring.paths.iter().all(|path| path.count <= 1), "{ring:#?}");
        assert!(ring.complete && left <= 300, "{ring:#?}");
        assert_eq!(ring.unheld, Some(left - ring.held), "{ring:#?}");
    });
}

#[test]
fn what_only_a_virtual_thread_holds_is_found_with_the_number_of_the_thread() {
    for_each_jvm(|case| {
        if case.jdk.feature < 21 {
            return;
        }
        let mut jvm = Launch::new(case).option("pause", "2s").start();
        let id = jvm.tell("hold-virtual 500")["id"].clone();
        let stack = holders(&jvm, "subject.Holding$StackHeld");
        assert!(stack.complete, "{stack:#?}");
        let path = &stack.paths[0];
        assert_eq!((path.count, path.root.kind), (500, RootKind::Stack));
        assert_eq!(path.root.thread, Some(format!("#{id}")), "{stack:#?}");
        assert_eq!(
            path.root.method.as_deref(),
            Some("subject.Holding.holdInFrame")
        );
    });
}

#[test]
fn what_only_native_code_holds_is_found() {
    for_each_jvm(|case| {
        if case.jdk.feature < 22 {
            return;
        }
        let launch = Launch::new(case).option("pause", "2s");
        let mut jvm = launch.flag("--enable-native-access=ALL-UNNAMED").start();
        assert_eq!(jvm.tell("hold-native 500")["held"], 500);
        let native = holders(&jvm, "subject.Holding$NativeHeld");
        assert!(native.complete, "{native:#?}");
        let path = &native.paths[0];
        assert_eq!((path.count, path.root.kind), (500, RootKind::JniGlobal));
        assert_eq!(
            chain(&native).last().map(String::as_str),
            Some("subject.Holding$NativeHeld[]")
        );
    });
}

#[test]
fn without_a_stop_it_says_what_it_did_not_look_at() {
    let mut jvm = Launch::new(&any_case()).option("pause", "off").start();
    jvm.tell("hold-stack 500");
    let stack = holders(&jvm, "subject.Holding$StackHeld");
    assert!(!stack.complete && stack.held == 0, "{stack:#?}");
    let others = (stack.unheld, stack.softly_held);
    assert_eq!(others, (None, Some(0)), "{stack:#?}");
    let reason = stack.incomplete_reason.unwrap_or_default();
    assert!(reason.contains("pause=off"), "{reason}");
}

#[test]
fn whoever_asks_before_the_stream_has_begun_begins_it() {
    let case = any_case();
    // Long enough that the first record is not due for a second.
    let mut jvm = Launch::new(&case).option("interval", "10s").start();
    jvm.tell("hold-local 50");
    holders(&jvm, "subject.Holding$LocalHeld");
    let mut ended = jvm.end();
    ended.stream().stop();
    let told = ended.stream().records();
    let kinds: Vec<&str> = told.iter().map(|record| record.kind.as_str()).collect();
    assert_eq!(kinds[0], "start", "{kinds:?}");
    assert!(kinds.contains(&"holders"), "{kinds:?}");
}

#[test]
fn a_class_that_is_not_in_the_ledger_is_refused_in_words() {
    let jvm = Launch::new(&any_case()).start();
    let pid = jvm.pid().to_string();
    let refused = Finwatch::new(&["holders", &pid, "no.such.Class"]).run();
    assert_ne!(refused.code, Some(0), "{refused:#?}");
    assert!(refused.err.contains("no.such.Class"), "{refused:#?}");
}

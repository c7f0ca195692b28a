//! `finwatch explain` on a real JVM that leaks, by its process id and by its stream.

use std::path::{Path, PathBuf};
use std::process::Command;

use finwatch_record::{AlertKind, AlertState, Body, Record};
use finwatch_tests::{Finwatch, Jvm, Launch, Stream, any_case, wait_until};

const CLASS: &str = "incident.TimerStatements$Statement";

/// Statements that are closed and still held by a timer, 8,000 a second.
fn leaking(classes: &Path) -> Jvm {
    Launch::new(&any_case())
        .class_path(classes.to_owned())
        .option("patience", "2s")
        .program(&["incident.TimerStatements", "8000"])
        .spawn()
}

/// The program and what it needs, compiled into that directory.
fn compile(into: &Path) {
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("java/incident");
    let compiled = Command::new(any_case().jdk.tool("javac"))
        .args(["-nowarn", "-d"])
        .arg(into)
        .args(["TimerStatements.java", "Pace.java"].map(|name| sources.join(name)))
        .output()
        .unwrap_or_else(|e| panic!("cannot run javac: {e}"));
    assert!(compiled.status.success(), "{compiled:?}");
}

fn is_leak(record: &Record) -> bool {
    matches!(&record.body, Body::Alert(alert)
        if alert.kind == AlertKind::RegisteredLeak && alert.class.as_deref() == Some(CLASS))
}

fn tells_who_holds(record: &Record) -> bool {
    matches!(&record.body, Body::Holders(holders) if holders.class == CLASS && !holders.paths.is_empty())
}

#[test]
fn a_leak_is_explained_with_who_holds_it() {
    let classes = tempfile::tempdir().unwrap();
    compile(classes.path());
    let jvm = leaking(classes.path());
    let mut stream = jvm.stream();
    stream.wait_for("alert about the leak", is_leak);
    stream.wait_for("record of who holds the objects", tells_who_holds);

    let pid = jvm.pid().to_string();
    let told = Finwatch::new(&["explain", &pid]).run();
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.err.is_empty(), "{told:?}");
    let name = format!("PID {pid} (incident.TimerStatements) is LEAKING: ");
    for words in [&name, CLASS, "Since ", "thread 'cancel timer'", "To do "] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    for line in told.out.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    println!("{}", told.out);

    let path = jvm.directory().join("stream.jsonl");
    let told = Finwatch::new(&["explain", "--json", path.to_str().unwrap()]).run();
    assert_eq!(told.code, Some(1), "{told:?}");
    let facts = &told.json()[0];
    assert_eq!(facts["alerts"][0]["kind"], "registered_leak", "{facts}");
    assert_eq!(facts["alerts"][0]["class"], CLASS, "{facts}");
    assert_eq!(
        facts["holders"]["paths"][0]["root"]["thread"], "cancel timer",
        "{facts}"
    );
    a_dump_is_explained_too(&jvm, &path);
    a_stream_that_begins_later_tells_of_it_too(&jvm);
    a_fifo_is_left_to_its_reader(&jvm);
}

fn move_stream(jvm: &Jvm, path: &Path) {
    let (pid, out) = (jvm.pid().to_string(), format!("out={}", path.display()));
    Finwatch::new(&["attach", &pid, &out]).succeed();
}

fn a_stream_that_begins_later_tells_of_it_too(jvm: &Jvm) {
    let path = jvm.directory().join("later.jsonl");
    move_stream(jvm, &path);
    let mut stream = jvm.stream_at(&path, jvm.pid());
    let alert = stream.wait_for("alert that goes on", is_leak);
    assert!(matches!(&alert.body, Body::Alert(alert) if alert.state == AlertState::Ongoing));
    stream.wait_for("record of who holds the objects", tells_who_holds);
    let told = Finwatch::new(&["explain", &jvm.pid().to_string()]).run();
    assert_eq!(told.code, Some(1), "{told:?}");
    for words in [" is LEAKING: ", "thread 'cancel timer'", "Made in "] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    let leaks = |stream: &Stream| {
        stream
            .records()
            .iter()
            .filter(|record| is_leak(record))
            .count()
    };
    stream.read();
    let before = leaks(&stream);
    Finwatch::new(&["attach", &jvm.pid().to_string()]).succeed();
    wait_until("the alert once more", || {
        stream.read();
        leaks(&stream) > before
    });
}

fn a_fifo_is_left_to_its_reader(jvm: &Jvm) {
    let path = jvm.directory().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    move_stream(jvm, &path);
    for command in ["explain", "top"] {
        let pid = jvm.pid().to_string();
        let told = Finwatch::new(&[command, &pid]).run();
        assert_eq!(told.code, Some(3), "{told:?}");
        assert!(told.err.contains("moves it to a file"), "{told:?}");
    }
}

/// By itself, and together with the stream of the same JVM.
fn a_dump_is_explained_too(jvm: &Jvm, stream: &Path) {
    let dump = jvm.directory().join("app.bin");
    let dump = dump.to_str().unwrap();
    jvm.jcmd().run(&["GC.heap_dump", dump]);
    let told = Finwatch::new(&["explain", dump]).run();
    assert_eq!(told.code, Some(1), "{told:?}");
    for words in ["app.bin shows a LEAK: ", CLASS, "purge()", "cancel timer"] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    println!("{}", told.out);

    let stream = stream.to_str().unwrap();
    let told = Finwatch::new(&["explain", stream, dump]).run();
    assert_eq!(told.code, Some(1), "{told:?}");
    for words in [" is LEAKING: ", "Since ", "Dump ", "purge()", "Made in "] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    assert!(!told.out.contains("Doubt"), "{}", told.out);
    println!("{}", told.out);

    let told = Finwatch::new(&["heap", dump, "--stream", stream, "--json"]).succeed();
    let facts = told.json().pop().expect("records");
    assert_eq!(facts["type"], "explanation", "{facts}");
    assert_eq!(facts["alerts"][0]["class"], CLASS, "{facts}");
    assert_eq!(facts["sites"]["class"], CLASS, "{facts}");
    let told = Finwatch::new(&["heap", dump, "--stream", stream]).succeed();
    assert!(told.out.contains("what the stream tells"), "{}", told.out);
    let page = jvm.directory().join("page.html");
    Finwatch::new(&[
        "heap",
        dump,
        "--stream",
        stream,
        "-o",
        page.to_str().unwrap(),
    ])
    .succeed();
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<h2>What the stream tells</h2>"), "{page}");
}

//! `finwatch heap` as one types it: text, records, a page, and words about what is no dump.

use std::path::Path;

use finwatch_record::strict_schema;
use finwatch_tests::{Finwatch, Launch, any_case};

/// A dump with cancelled tasks of a timer in it.
fn with_dump(test: impl Fn(&Path)) {
    let mut jvm = Launch::new(&any_case()).without_agent().start();
    let file = jvm.directory().join("java_pid4711.hprof");
    jvm.tell("hold-timer 100 90");
    jvm.tell(&format!("dump {}", file.display()));
    test(&file);
}

fn heap(words: &[&str], file: &Path) -> Finwatch {
    let words: Vec<&str> = ["heap"].iter().chain(words).copied().collect();
    Finwatch::new(&words).argument(&file.display().to_string())
}

#[test]
fn the_text_tells_who_holds_what_and_what_to_do() {
    with_dump(|file| {
        let text = heap(&[], file).succeed().out;
        for part in [
            "subject.Holding$TimerHeld (app)",
            "90 of the 101 tasks in the queue of java.util.Timer 'holding-timer' are cancelled",
            "Call Timer.purge()",
            "thread 'holding-timer' > java.util.TimerThread.queue > java.util.TaskQueue.queue > java.util.TimerTask[]",
            "thread 'Finalizer'",
        ] {
            assert!(text.contains(part), "no {part:?} in:\n{text}");
        }
        assert!(
            !text.contains('\u{1b}'),
            "colours where there is no terminal:\n{text}"
        );
        let summary = heap(&["--summary"], file).succeed().out;
        assert!(
            summary.contains("subject.Holding$TimerHeld (app)"),
            "{summary}"
        );
        assert!(!summary.contains("who holds"), "{summary}");
    });
}

#[test]
fn records_are_those_of_the_schema() {
    with_dump(|file| {
        let records = heap(&["--json"], file).succeed().json();
        let schema = strict_schema().expect("the schema is JSON");
        let validator = jsonschema::validator_for(&schema).expect("the schema is one");
        for record in &records {
            let mistakes: Vec<String> = validator
                .iter_errors(record)
                .map(|error| error.to_string())
                .collect();
            assert_eq!(mistakes, [""; 0], "{record}");
            assert_eq!(record["pid"], 4711);
        }
        assert_eq!(records[0]["type"], "heap_dump");
        assert_eq!(records[0]["findings"][0]["evidence"]["cancelled"], 90);
        let held = records
            .iter()
            .find(|record| record["class"] == "subject.Holding$TimerHeld");
        let held = held.expect("holders of that class");
        assert_eq!(
            (&held["type"], &held["held"]),
            (&"holders".into(), &101.into())
        );
        assert_eq!(held["paths"][0]["root"]["thread"], "holding-timer");
    });
}

#[test]
fn page_and_records_are_made_by_one_reading() {
    with_dump(|file| {
        let page = file.with_extension("both.html");
        let output = page.display().to_string();
        let records = heap(&["--json", "-o", &output], file).succeed().json();
        assert_eq!(records[0]["type"], "heap_dump");
        let page = std::fs::read_to_string(page).expect("a page");
        assert!(page.contains("subject.Holding$TimerHeld"), "{page}");
    });
}

#[test]
fn the_page_needs_nothing_else() {
    with_dump(|file| {
        let page = file.with_extension("html");
        heap(&["-o", &page.display().to_string()], file).succeed();
        let page = std::fs::read_to_string(page).expect("a page");
        let to_stdout = heap(&["-o", "-"], file).succeed();
        assert_eq!(to_stdout.out, page);
        let both = heap(&["--json", "-o", "-"], file).run();
        assert_eq!((both.code, both.out.as_str()), (Some(3), ""), "{both:?}");
        assert!(both.err.contains("give a file after -o"), "{both:?}");
        for part in [
            "subject.Holding$TimerHeld",
            "Call Timer.purge()",
            "java.util.TimerTask[]",
        ] {
            assert!(page.contains(part), "no {part:?} in:\n{page}");
        }
        for foreign in ["<script", "http:", "https:", "src=", "@import"] {
            assert!(!page.contains(foreign), "{foreign:?} in:\n{page}");
        }
    });
}

#[test]
fn what_is_cut_or_no_dump_is_told() {
    with_dump(|file| {
        let bytes = std::fs::read(file).expect("the dump");
        let cut = file.with_extension("cut");
        std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("half a dump");
        let finished = heap(&["--summary"], &cut).run();
        assert_eq!(finished.code, Some(1), "{finished:#?}");
        assert!(
            finished
                .out
                .contains("DAMAGED: the dump ends inside a record"),
            "{finished:#?}"
        );
        std::fs::write(&cut, "PK\u{1b}[2J").expect("no dump");
        let finished = heap(&[], &cut).run();
        assert_eq!(finished.code, Some(3), "{finished:#?}");
        assert!(finished.err.contains("is not a heap dump"), "{finished:#?}");
        assert!(!finished.err.contains('\u{1b}'), "{finished:#?}");
        let finished = heap(&[], &file.with_extension("missing")).run();
        assert_eq!(finished.code, Some(3), "{finished:#?}");
        assert_eq!(
            finished.err.matches("os error 2").count(),
            1,
            "{finished:#?}"
        );
    });
}

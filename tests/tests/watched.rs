//! JVMs that are watched: what `finwatch list`, `attach` and `detach` say of them and do to
//! them, one after the other.

use std::collections::BTreeSet;
use std::path::Path;

use finwatch_tests::{Container, Finwatch, Launch, any_case, for_each_jdk, wait_until};
use serde_json::{Value, json};

/// The row of one JVM, and the exit code.
fn row(pid: u32) -> (Value, Option<i32>) {
    let finished = Finwatch::new(&["list", "--json", &pid.to_string()]).run();
    let mut rows = finished.json();
    assert_eq!(rows.len(), 1, "{finished:#?}");
    (rows.remove(0), finished.code)
}

#[test]
fn a_watched_jvm_is_shown_with_its_stream_and_its_coverage() {
    for_each_jdk(|case| {
        let jvm = Launch::new(case).start();
        let (row, code) = row(jvm.pid());
        assert_eq!((code, &row["watched"]), (Some(0), &json!(true)), "{row:#}");
        let stream = jvm.directory().join("stream.jsonl").display().to_string();
        assert_eq!(row["stream_here"], stream, "{row:#}");
        for (field, value) in [
            ("mode", "start"),
            ("state", "watching"),
            ("coverage", "exact"),
            ("out", &stream),
        ] {
            assert_eq!(row["watch"][field], value, "{field} in {row:#}");
        }
    });
}

#[test]
fn the_stream_of_a_container_is_shown_as_it_can_be_read_from_here() {
    let container = Container::start(Launch::new(&any_case()), "");
    let pid = container.pid().to_string();
    let attached = Finwatch::new(&["attach", &pid, "out=/tmp/stream.jsonl", "--json"]).succeed();
    let told = &attached.json()[0];
    assert_eq!(told["watch"]["out"], "/tmp/stream.jsonl", "{told:#}");
    let here = told["stream_here"].as_str().unwrap_or_default();
    assert_eq!(
        Path::new(here),
        container.path("/tmp/stream.jsonl"),
        "{told:#}"
    );
    assert_eq!(row(container.pid()).0["stream_here"], here);
}

/// Such links lead to files of the container, even where the host has some of the same name.
#[test]
fn the_stream_of_a_container_is_found_through_absolute_links() {
    let container = Container::start(Launch::new(&any_case()), "");
    let host = tempfile::tempdir_in("/tmp").expect("the host's /tmp");
    let real = host.path();
    std::fs::write(real.join("stream.jsonl"), "not of the container\n").expect("a file");
    std::fs::create_dir(container.path(real.to_str().expect("text"))).expect("its /tmp");
    std::os::unix::fs::symlink(real, container.path("/tmp/logs")).expect("its /tmp");
    let told = attach(
        container.pid(),
        &["out=/tmp/logs/stream.jsonl", "interval=100ms"],
    );
    assert_eq!(told["watch"]["out"], "/tmp/logs/stream.jsonl", "{told:#}");
    let here = container.path(&format!("{}/stream.jsonl", real.display()));
    assert_eq!(told["stream_here"], here.display().to_string(), "{told:#}");
    wait_until("a sample", || {
        std::fs::read_to_string(&here).is_ok_and(|text| text.contains("\"type\":\"sample\""))
    });
    let looked = Finwatch::new(&["top", "--once", &container.pid().to_string()]).succeed();
    assert!(looked.out.contains("(all classes)"), "{looked:?}");
}

/// It is the JVM's own output, and not that of whoever looks.
#[test]
fn the_stream_on_a_device_of_the_output_is_read_where_the_output_goes() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("output");
    let output = std::fs::File::create(&path).expect("a file");
    let launch = Launch::new(&any_case()).option("out", "/dev/stdout");
    let jvm = launch.stdout(output).spawn();
    wait_until("a sample", || {
        std::fs::read_to_string(&path).is_ok_and(|text| text.contains("\"type\":\"sample\""))
    });
    assert_eq!(row(jvm.pid()).0["watch"]["out"], "stdout");
    let looked = Finwatch::new(&["top", "--once", &jvm.pid().to_string()]).succeed();
    assert!(looked.out.contains("(all classes)"), "{looked:?}");
}

/// Runs `finwatch` with these words and the JVM's id after the first, and gives its row of JSON.
fn attach(pid: u32, options: &[&str]) -> Value {
    let pid = pid.to_string();
    let words = [&["attach", &pid, "--json"], options].concat();
    Finwatch::new(&words).succeed().json().remove(0)
}

fn detach(pid: u32) -> Option<i32> {
    Finwatch::new(&["detach", &pid.to_string()]).run().code
}

#[test]
fn a_second_attach_moves_the_stream_and_a_detach_ends_it_again_and_again() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let pid = jvm.pid();
        assert_eq!(detach(pid), Some(1), "it was not watched");
        for round in 0..3 {
            for name in ["one", "two"] {
                let out = jvm.directory().join(format!("{name}-{round}.jsonl"));
                let told = attach(pid, &[&format!("out={}", out.display())]);
                assert_eq!(told["stream_here"], out.display().to_string(), "{told:#}");
                assert_eq!(told["watched"], true, "{told:#}");
                wait_until("a line of the stream", || ends_in_a_line(&out));
            }
            assert_eq!(detach(pid), Some(0));
            let (row, code) = row(pid);
            assert_eq!((code, &row["watched"]), (Some(1), &json!(false)), "{row:#}");
            let last = jvm.directory().join(format!("two-{round}.jsonl"));
            let text = std::fs::read_to_string(&last).expect("the second stream");
            let line = text.lines().last().unwrap_or_default();
            assert!(
                line.contains("\"type\":\"stop\""),
                "the last line is {line}"
            );
        }
        assert_eq!(detach(pid), Some(1), "it was not watched any more");
        jvm.tell("gc 1");
    });
}

fn ends_in_a_line(path: &Path) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.ends_with(b"\n"))
}

/// The library's file is gone after the first: the second must not bring another.
#[test]
fn in_a_container_a_second_attach_finds_the_library_of_the_first() {
    for_each_jdk(|case| {
        let container = Container::start(Launch::new(case), "");
        let pid = container.pid();
        attach(pid, &["out=/tmp/one.jsonl"]);
        let told = attach(pid, &["out=/tmp/two.jsonl"]);
        assert_eq!(told["watch"]["out"], "/tmp/two.jsonl", "{told:#}");
        assert_eq!(detach(pid), Some(0));
        attach(pid, &["out=/tmp/three.jsonl"]);
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
        let libraries = maps.lines().filter(|line| line.contains("libfinwatch"));
        let libraries: BTreeSet<_> = libraries
            .filter_map(|line| line.split_whitespace().nth(4))
            .collect();
        assert_eq!(libraries.len(), 1, "{maps}");
    });
}

/// What the agent itself refuses is told in its words.
#[test]
fn a_config_file_that_only_the_jvm_can_see_is_judged_there() {
    let container = Container::start(Launch::new(&any_case()), "");
    let pid = container.pid().to_string();
    std::fs::write(container.path("/tmp/good.conf"), "out=/tmp/good.jsonl\n").expect("its /tmp");
    std::fs::write(container.path("/tmp/bad.conf"), "interval=never\n").expect("its /tmp");
    let told = attach(container.pid(), &["config=/tmp/good.conf"]);
    assert_eq!(told["watch"]["out"], "/tmp/good.jsonl", "{told:#}");
    let refused = Finwatch::new(&["attach", &pid, "config=/tmp/bad.conf"]).run();
    assert_eq!(refused.code, Some(3), "{refused:#?}");
    for words in ["the agent refused", "bad.conf:1: interval=\"never\""] {
        assert!(refused.err.contains(words), "no {words} in {refused:#?}");
    }
    assert_eq!(row(container.pid()).0["watch"]["out"], "/tmp/good.jsonl");
}

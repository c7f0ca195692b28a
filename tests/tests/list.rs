//! `finwatch list`: what it says of real JVMs, held against what the tests know of them.

use finwatch_tests::{Container, Finwatch, Jvm, Launch, any_case, for_each_jdk};
use serde_json::{Value, json};

/// The row of one JVM, and the exit code.
fn row(pid: u32, through: &[&str]) -> (Value, Option<i32>) {
    let finished = Finwatch::new(&["list", "--json", &pid.to_string()])
        .through(through)
        .run();
    let mut rows = finished.json();
    assert_eq!(rows.len(), 1, "{finished:#?}");
    (rows.remove(0), finished.code)
}

/// The row of a JVM among all of this machine.
fn row_among_all(pid: u32) -> Value {
    let rows = Finwatch::new(&["list", "--json"]).succeed().json();
    let found = rows.iter().find(|row| row["pid"] == pid);
    found
        .unwrap_or_else(|| panic!("no {pid} among {rows:#?}"))
        .clone()
}

fn assert_version(jvm: &Jvm, row: &Value) {
    let version = row["version"].as_str().unwrap_or_default();
    let build = &jvm.case().jdk.version;
    assert!(
        version.len() > 1 && build.starts_with(version),
        "{version} is not {build}"
    );
}

#[test]
fn a_jvm_is_shown_with_what_it_is() {
    for_each_jdk(|case| {
        let jvm = Launch::new(case).without_agent().start();
        let (row, code) = row(jvm.pid(), &[]);
        assert_eq!(code, Some(1), "not watched");
        assert_version(&jvm, &row);
        for (field, value) in [
            ("pid", json!(jvm.pid())),
            ("own_pid", json!(jvm.pid())),
            ("container", json!(false)),
            ("user", json!("root")),
            ("uid", json!(0)),
            ("program", json!("subject.Driver")),
            ("watched", json!(false)),
            ("watch", Value::Null),
            ("unknown", Value::Null),
        ] {
            assert_eq!(row[field], value, "{field} in {row:#}");
        }
        assert_eq!(row_among_all(jvm.pid()), row);
    });
}

#[test]
fn a_jvm_that_publishes_nothing_is_shown_with_what_is_known() {
    for_each_jdk(|case| {
        let jvm = Launch::new(case)
            .without_agent()
            .flag("-XX:-UsePerfData")
            .start();
        let (row, _) = row(jvm.pid(), &[]);
        assert_eq!(row["program"], "subject.Driver", "{row:#}");
        match case.jdk.home.join("release").is_file() {
            true => assert_version(&jvm, &row),
            false => assert_eq!(row["version"], Value::Null, "{row:#}"),
        }
    });
}

#[test]
fn jvms_of_other_users_are_shown_with_the_reason_for_what_is_not_known() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let (row, code) = row(jvm.pid(), &nobody);
    assert_eq!(code, Some(1));
    assert_eq!(row["program"], "subject.Driver", "{row:#}");
    assert_eq!(
        (&row["watched"], &row["version"]),
        (&Value::Null, &Value::Null),
        "{row:#}"
    );
    let why = row["unknown"].as_str().unwrap_or_default();
    assert!(why.contains("not allowed"), "{row:#}");
}

#[test]
fn jvms_in_containers_are_shown() {
    for_each_jdk(|case| {
        let container = Container::start(Launch::new(case), "");
        let row = row_among_all(container.pid());
        assert_eq!(row["own_pid"], 1, "{row:#}");
        assert_eq!(row["container"], true, "{row:#}");
        assert_eq!(row["program"], "subject.Driver", "{row:#}");
        assert_version(&container, &row);
    });
}

#[test]
fn the_table_has_a_line_for_each() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let pid = jvm.pid().to_string();
    let finished = Finwatch::new(&["list", &pid]).run();
    let lines: Vec<Vec<&str>> = finished
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let version = row(jvm.pid(), &[]).0["version"].clone();
    assert_eq!(
        lines,
        [
            vec!["PID", "USER", "VERSION", "PROGRAM", "WATCHED", "STREAM"],
            vec![
                &pid,
                "root",
                version.as_str().unwrap_or_default(),
                "subject.Driver",
                "no"
            ],
        ]
    );
}

#[test]
fn no_such_process_is_an_error() {
    let finished = Finwatch::new(&["list", "2147483647"]).run();
    assert_eq!(finished.code, Some(3), "{finished:#?}");
    assert!(finished.err.contains("no such process"), "{finished:#?}");
}

//! `finwatch top` in a real terminal: on streams of real JVMs, and on a file that is rotated, cut
//! off and deleted under it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use finwatch_tests::{Container, Finwatch, Launch, Terminal, any_case};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Turns what a screen shows into the words of the line that begins with a class.
fn row(text: &str, class: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.starts_with(class));
    let line = line.unwrap_or_else(|| panic!("no line of {class} on the screen:\n{text}"));
    line.split_whitespace().map(str::to_owned).collect()
}

/// Whether the line of a class has that number registered.
fn shows(text: &str, class: &str, registered: &str) -> bool {
    let line = text.lines().find(|line| line.starts_with(class));
    line.is_some_and(|line| line.split_whitespace().nth(1) == Some(registered))
}

fn wait_for_registered(terminal: &Terminal, class: &str, registered: &str) -> String {
    let what = format!("{class} with {registered} registered");
    terminal.wait_for(&what, |screen| shows(&screen.contents(), class, registered))
}

fn top(source: &Path) -> Finwatch {
    Finwatch::new(&["top"]).argument(&source.display().to_string())
}

/// The command as "$@" in a script of a shell.
fn scripted(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    shell
}

/// The command in a shell that then says how it ended and how it left the terminal.
fn in_a_shell(command: &Command) -> Command {
    let mut shell = scripted(r#""$@"; echo "status $?"; stty -a"#, command);
    for (name, value) in command.get_envs() {
        value.map(|value| shell.env(name, value));
    }
    shell
}

/// The terminal is as it was: no other screen, a cursor, lines and echo.
fn assert_given_back(terminal: &mut Terminal, status: &str) {
    let (_, text) = terminal.wait_for_end();
    assert!(text.contains(&format!("status {status}")), "{text}");
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(
        words.contains(&"icanon") && words.contains(&"echo"),
        "not given back: {text}"
    );
    terminal.wait_for("screen of before, with a cursor", |screen| {
        !screen.alternate_screen() && !screen.hide_cursor()
    });
}

#[test]
fn a_jvm_is_watched_from_its_first_object_to_its_end() {
    let mut jvm = Launch::new(&any_case()).start();
    let stream = jvm.directory().join("stream.jsonl");
    let mut terminal = Terminal::run(&in_a_shell(&top(&stream).command()), 80, 24);
    terminal.wait_for_text("live, last record");

    jvm.tell("register subject.Plain 1500");
    wait_for_registered(&terminal, "subject.Plain", "1,500");
    terminal.wait_for_text("subject.Driver");
    terminal.wait_for_text("coverage exact");
    jvm.tell("drop");
    jvm.tell("await subject.Plain 1500");
    // Its finalize() was timed: the last column is no dash.
    terminal.wait_for("a p99 of subject.Plain", |screen| {
        let text = screen.contents();
        let last = shows(&text, "subject.Plain", "0").then(|| row(&text, "subject.Plain").pop());
        last.flatten().is_some_and(|p99| p99.ends_with('s'))
    });
    terminal.wait_for_text("collections");

    terminal.resize(200, 50);
    for text in ["memory pools", "ever registered 1,500", "finwatch itself"] {
        terminal.wait_for_text(text);
    }
    terminal.resize(60, 12);
    terminal.wait_for("a screen of 60 columns", |screen| {
        let text = screen.contents();
        text.lines().count() <= 12
            && text.contains("subject.Plain")
            && !text.contains("memory pools")
    });
    terminal.resize(80, 24);

    jvm.end();
    terminal.wait_for_text("The stream ended: the JVM ended.");
    terminal.press("q");
    assert_given_back(&mut terminal, "0");
}

#[test]
fn a_jvm_is_found_by_its_process_id_and_its_death_is_told() {
    let jvm = Launch::new(&any_case()).start();
    let pid = jvm.pid().to_string();
    jvm.stream().start();
    let once = Finwatch::new(&["top", "--once", &pid]).succeed();
    assert!(
        once.out
            .lines()
            .last()
            .is_some_and(|line| line.ends_with("(all classes)")),
        "{once:?}"
    );

    let mut terminal = Terminal::run(&Finwatch::new(&["top", &pid]).command(), 100, 30);
    terminal.wait_for_text("live, last record");
    jvm.signal(Signal::SIGKILL);
    terminal.wait_for_text("The JVM has ended without a word: it was killed, or it crashed.");
    terminal.press("q");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn the_agent_is_attached_where_the_user_wants_it() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let pid = jvm.pid().to_string();
    let refused = Finwatch::new(&["top", &pid]).run();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.err.contains(&format!("finwatch attach {pid}")),
        "{refused:?}"
    );

    let command = Finwatch::new(&["top", &pid]).command();
    let mut terminal = Terminal::run(&command, 100, 30);
    terminal.wait_for_text("is not watched. Attach the agent to it? [y/N]");
    terminal.press("n\r");
    assert_eq!(terminal.wait_for_end().0.exit_code(), 1);

    let mut terminal = Terminal::run(&command, 100, 30);
    terminal.wait_for_text("[y/N]");
    terminal.press("y\r");
    terminal.wait_for_text("coverage baseline");
    terminal.press("q");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn a_jvm_in_a_container_is_watched_from_outside() {
    let mut container = Container::start(Launch::new(&any_case()), "");
    let pid = container.pid().to_string();
    let options = ["out=/tmp/stream.jsonl", "interval=100ms"];
    let attach = Finwatch::new(&["attach", &pid]);
    attach.argument(options[0]).argument(options[1]).succeed();
    let mut terminal = Terminal::run(&Finwatch::new(&["top", &pid]).command(), 80, 24);
    terminal.wait_for_text("pid 1 subject.Driver");
    container.tell("register subject.Plain 42");
    wait_for_registered(&terminal, "subject.Plain", "42");
    terminal.press("q");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn without_a_name_the_only_jvm_that_is_watched_is_taken() {
    let alone = [
        "unshare",
        "--pid",
        "--mount",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ];
    let none = Finwatch::new(&["top"]).through(&alone).run();
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(
        none.err.contains("there is no JVM on this machine"),
        "{none:?}"
    );

    let jvm = Launch::new(&any_case()).through(&alone).start();
    let stream = jvm.directory().join("stream.jsonl");
    jvm.stream_at(&stream, 1).fresh_sample();
    let pid = only_child(jvm.pid());
    let beside = ["nsenter", "--target", &pid, "--pid", "--mount"];
    let one = Finwatch::new(&["top"]).through(&beside).succeed();
    assert!(one.out.contains("(all classes)"), "{one:?}");
}

/// A stream that the test writes.
struct Log {
    directory: tempfile::TempDir,
    records: u64,
}

impl Log {
    fn new() -> Log {
        let directory = tempfile::tempdir().unwrap();
        Log {
            directory,
            records: 0,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("app.jsonl")
    }

    fn write(&self, text: &str) {
        let file = fs::File::options()
            .append(true)
            .create(true)
            .open(self.path());
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// A sample with these classes and numbers registered.
    fn sample(&mut self, classes: &[(&str, u64)]) {
        let counts = |registered: u64| {
            json!({
                "registered": registered, "pending": 0, "running": 0, "registered_total": registered,
                "enqueued_total": 0, "finalized_total": 0, "threw_total": 0, "mxbean_pending": 0
            })
        };
        let row = |&(class, registered): &(&str, u64)| {
            let mut row = counts(registered);
            row["class"] = class.into();
            row["finalize_ns"] = json!({"count": 0, "sum": 0, "p50": 0, "p99": 0, "max": 0});
            row
        };
        let mut omitted = counts(0);
        omitted["count"] = 0.into();
        let record = json!({
            "v": 1, "type": "sample", "ts": "2026-01-01T00:00:00.000Z", "seq": self.records, "pid": 7,
            "uptime_ms": 5000 * (self.records + 1), "trigger": "interval",
            "coverage": {"level": "exact", "reason": ""},
            "finalizer": counts(classes.iter().map(|(_, registered)| registered).sum()),
            "classes": classes.iter().map(row).collect::<Vec<Value>>(), "classes_omitted": omitted, "memory": null,
            "gc": {"pauses_total": 0, "pause_ms_total": 0.0, "pause_ms_max": 0.0, "collectors": []},
            "agent": {"cpu_ms_total": 0.0, "records_dropped_total": 0, "write_errors_total": 0, "stw_ms_total": 0.0}
        });
        self.records += 1;
        self.write(&format!("{record}\n"));
    }

    fn one(&mut self, registered: u64) {
        self.sample(&[("com.example.One", registered)]);
    }
}

#[test]
fn a_file_is_followed_through_rotation_and_deletion() {
    let mut log = Log::new();
    let path = log.path();
    let rotated = path.with_extension("jsonl.1");
    let mut terminal = Terminal::run(&top(&path).command(), 100, 24);
    terminal.wait_for_text("is not there; it will be read once it is.");
    log.one(1);
    wait_for_registered(&terminal, "com.example.One", "1");

    log.one(2);
    fs::rename(&path, &rotated).unwrap();
    log.one(3);
    wait_for_registered(&terminal, "com.example.One", "3");
    fs::copy(&path, &rotated).unwrap();
    fs::write(&path, "").unwrap();
    log.one(4);
    wait_for_registered(&terminal, "com.example.One", "4");
    fs::remove_file(&path).unwrap();
    terminal.wait_for_text("is not there");
    log.one(5);
    let text = wait_for_registered(&terminal, "com.example.One", "5");
    assert!(!text.contains("missing"), "a record was lost: {text}");

    log.write(r#"{"v":1,"type":"sample","ts":"2026-"#);
    log.write("\nsome words of the program\n");
    log.one(6);
    let text = wait_for_registered(&terminal, "com.example.One", "6");
    assert!(text.contains("2 lines are no records"), "{text}");
    terminal.press("q");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn keys_sort_choose_hold_and_help() {
    let mut log = Log::new();
    let classes = [
        ("com.example.Many", 900),
        ("com.example.Few", 3),
        ("evil\u{1b}[2J\u{9b}语语", 1),
    ];
    log.sample(&classes);
    let mut terminal = Terminal::run(&top(&log.path()).command(), 80, 24);
    let first = |text: &str| {
        text.lines()
            .skip_while(|line| !line.starts_with("class"))
            .nth(1)
            .map(str::to_owned)
    };
    let is_first = |class: &'static str| {
        move |screen: &vt100::Screen| {
            first(&screen.contents()).is_some_and(|line| line.starts_with(class))
        }
    };
    terminal.wait_for("the most registered first", is_first("com.example.Many"));
    terminal.wait_for_text(r"evil\u{1b}[2J\u{9b}语语");
    terminal.press("\x0c");

    terminal.press("r");
    terminal.wait_for("the order reversed", is_first("evil"));
    terminal.press("<");
    terminal.wait_for("the order of names, reversed", is_first("evil"));
    terminal.press("r");
    terminal.wait_for("the order of names", is_first("com.example.Few"));
    terminal.press("/many");
    terminal.wait_for("classes chosen", |screen| {
        let text = screen.contents();
        text.contains("filter: many")
            && text.contains("com.example.Many")
            && !text.contains("com.example.Few")
    });
    terminal.press("\x1b");
    terminal.wait_for_text("com.example.Few");

    terminal.press("\x1b[B\r");
    terminal.wait_for_text("ever registered 3, finalized 0");
    terminal.press("\x1b[B");
    terminal.wait_for_text("ever registered 900, finalized 0");
    terminal.press("\r");
    terminal.wait_for("no detail", |screen| {
        !screen.contents().contains("ever registered")
    });

    terminal.press("p");
    terminal.wait_for_text("PAUSED");
    log.sample(&[("com.example.Many", 901)]);
    terminal.press("?");
    terminal.wait_for_text("what the numbers mean");
    terminal.press("?");
    terminal.wait_for("the screen held", |screen| {
        shows(&screen.contents(), "com.example.Many", "900")
    });
    terminal.press("p");
    wait_for_registered(&terminal, "com.example.Many", "901");
    terminal.press("\x03");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn the_terminal_is_given_back_when_a_signal_ends_it() {
    let mut log = Log::new();
    log.one(1);
    for (signal, status) in [("TERM", "143"), ("INT", "130"), ("HUP", "129")] {
        let command = top(&log.path()).command();
        let mut terminal = Terminal::run(&in_a_shell(&command), 80, 24);
        wait_for_registered(&terminal, "com.example.One", "1");
        terminal.wait_for("the other screen", |screen| {
            screen.alternate_screen() && screen.hide_cursor()
        });
        signal_child(&terminal, signal);
        assert_given_back(&mut terminal, status);
    }
}

/// Sends a signal to the child of the shell in the terminal.
fn signal_child(terminal: &Terminal, signal: &str) {
    let child = only_child(terminal.pid());
    let sent = Command::new("kill").args(["-s", signal, &child]).status();
    assert!(sent.unwrap().success(), "no signal to {child}");
}

fn only_child(pid: u32) -> String {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    children.trim().to_owned()
}

#[test]
fn a_pipe_is_shown_while_the_keys_come_from_the_terminal() {
    let mut log = Log::new();
    log.one(7);
    let command = Finwatch::new(&["top", "-"]).command();
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"cat "$0" | "$@""#]).arg(log.path());
    shell.arg(command.get_program()).args(command.get_args());
    let mut terminal = Terminal::run(&shell, 80, 24);
    wait_for_registered(&terminal, "com.example.One", "7");
    terminal.wait_for_text("'-' has ended: no more records will come.");
    terminal.press("q");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn the_shell_has_the_terminal_while_it_is_suspended() {
    let mut log = Log::new();
    log.one(1);
    let script = r#"set -m; "$@"; echo away; stty -a; read answer; fg; echo "status $?""#;
    let shell = scripted(script, &top(&log.path()).command());
    let mut terminal = Terminal::run(&shell, 80, 24);
    wait_for_registered(&terminal, "com.example.One", "1");
    terminal.press("\x1a");
    let text = terminal.wait_for("the shell", |screen| {
        screen.contents().contains("away") && !screen.alternate_screen()
    });
    terminal.wait_for_text(" echo ");
    assert!(!text.contains("com.example.One"), "{text}");
    terminal.press("\r");
    wait_for_registered(&terminal, "com.example.One", "1");
    log.one(2);
    wait_for_registered(&terminal, "com.example.One", "2");
    terminal.press("q");
    let (_, text) = terminal.wait_for_end();
    assert!(text.contains("status 0"), "{text}");
}

#[test]
fn where_nobody_could_continue_it_it_is_not_suspended() {
    let mut log = Log::new();
    log.one(1);
    // It leads the session of its terminal, as under `docker exec -it`: there is no shell.
    let mut terminal = Terminal::run(&top(&log.path()).command(), 80, 24);
    wait_for_registered(&terminal, "com.example.One", "1");
    terminal.press("\x1a");
    for number in 2..5 {
        log.one(number);
        wait_for_registered(&terminal, "com.example.One", &number.to_string());
    }
    terminal.press("q");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn a_terminal_that_does_not_know_its_size_is_taken_for_one_of_80_columns() {
    let mut log = Log::new();
    log.one(1);
    let script = r#"stty rows 0 columns 0; exec "$@""#;
    let mut shell = scripted(script, &top(&log.path()).command());
    shell.env_remove("COLUMNS").env_remove("LINES");
    let mut terminal = Terminal::run(&shell, 80, 24);
    wait_for_registered(&terminal, "com.example.One", "1");
    terminal.press("q");
    assert!(terminal.wait_for_end().0.success());
}

#[test]
fn without_a_terminal_it_prints_a_table() {
    let mut log = Log::new();
    log.one(1);
    log.sample(&[("com.example.One", 11), ("evil\u{1b}[2J", 5)]);
    let table = top(&log.path()).succeed();
    let words: Vec<Vec<&str>> = table
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(words[0][0], "registered");
    assert_eq!(
        words[1],
        [
            "11",
            "0",
            "0",
            "2.0",
            "0.0",
            "0",
            "0",
            "-",
            "-",
            "com.example.One"
        ]
    );
    assert_eq!(words[2].last(), Some(&r"evil\u{1b}[2J"));
    assert!(table.err.contains("the last record is"), "{table:?}");
    let filtered = top(&log.path())
        .argument("--filter")
        .argument("one")
        .argument("--json")
        .argument("--once");
    let json = &filtered.succeed().json()[0];
    assert_eq!(json["classes"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["classes"][0]["in_per_second"], 2.0);
    assert_eq!(json["life"], "silent");
}

#[test]
fn what_is_no_stream_is_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let cases = [
        (path("empty", ""), "holds no sample yet: it is empty"),
        (path("words", "READY\n"), "its last line is no record"),
        (
            path("dump.hprof", "JAVA PROFILE 1.0.2\0"),
            "it is a heap dump",
        ),
        (directory.path().to_owned(), "is a directory"),
        (directory.path().join("nosuch"), "No such file"),
    ];
    for (path, words) in cases {
        let refused = top(&path).run();
        assert_eq!(refused.code, Some(3), "{path:?}: {refused:?}");
        assert!(refused.err.contains(words), "{path:?}: {refused:?}");
        assert_eq!(refused.err.lines().count(), 1, "{refused:?}");
    }
}

//! The options as a whole: precedence, every key, every mistake, and two promises for
//! any input: it resolves or gets a short answer, and what is in force parses back.

use std::{path::Path, time::UNIX_EPOCH};

use proptest::prelude::*;

use super::*;

/// A host, a process and a moment that exist only in tests.
pub(super) fn facts() -> Facts {
    Facts {
        pid: 4711,
        host: "db-1.example".to_owned(),
        start: UNIX_EPOCH + Duration::from_secs(1_795_561_199),
    }
}

fn from(flag: &[u8], environment: Option<&[u8]>) -> Result<Request, Mistakes> {
    resolve(&Sources { flag, environment }, &facts())
}

fn run(flag: &str) -> Options {
    run_in(flag, None)
}

fn run_in(flag: &str, environment: Option<&str>) -> Options {
    match from(flag.as_bytes(), environment.map(str::as_bytes)) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Help(_)) => panic!("help for {flag:?}"),
        Err(mistakes) => panic!("{mistakes}"),
    }
}

/// The mistakes told for a flag, without header and footer.
fn mistakes(flag: &[u8]) -> Vec<String> {
    let message = from(flag, None).expect_err("a mistake").to_string();
    let lines: Vec<_> = message.lines().collect();
    lines[1..lines.len() - 1]
        .iter()
        .map(|line| line.trim().to_owned())
        .collect()
}

fn config(content: &[u8]) -> (tempfile::TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("finwatch.conf");
    std::fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn nothing_given_is_the_defaults() {
    let defaults = Options {
        out: Destination::File(PathBuf::from("finwatch-4711.jsonl")),
        interval: Duration::from_secs(5),
        rotate_bytes: 64 << 20,
        keep: 5,
        classes: 20,
        gc: true,
        baseline: true,
        alerts: true,
        patience: Duration::from_secs(10),
        stuck: Duration::from_secs(10),
        many: 1000,
        pause: Some(Duration::from_millis(250)),
        sites: Sites::Registrations,
        stall: Some(Duration::from_secs(5)),
        log: LogLevel::Warn,
        config: None,
    };
    for nothing in ["", ",", " ,, "] {
        assert_eq!(run_in(nothing, Some(nothing)), defaults);
    }
}

#[test]
fn every_key_is_read() {
    let given = concat!(
        r"out=unix:/run/a\,b.sock, interval=1m30s,rotate=1GiB,keep=0,classes=4096,gc=off,baseline=off,",
        "alerts=off,patience=2m,stuck=1h,many=7,pause=300ms,sites=jvmti,stall=off,log=debug,",
    );
    let wanted = Options {
        out: Destination::Unix(PathBuf::from("/run/a,b.sock")),
        interval: Duration::from_secs(90),
        rotate_bytes: 1 << 30,
        keep: 0,
        classes: 4096,
        gc: false,
        baseline: false,
        alerts: false,
        patience: Duration::from_secs(120),
        stuck: Duration::from_secs(3600),
        many: 7,
        pause: Some(Duration::from_millis(300)),
        sites: Sites::Allocations,
        stall: None,
        log: LogLevel::Debug,
        config: None,
    };
    assert_eq!(run(given), wanted);
    assert_eq!(run("rotate=off").rotate_bytes, Options::NEVER_ROTATE);
    for (word, level) in [
        ("off", LogLevel::Off),
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
    ] {
        assert_eq!(run(&format!("log={word}")).log, level);
    }
}

#[test]
fn a_change_leaves_what_it_does_not_name() {
    let before = run(r"out=unix:/run/a\,b%%.sock,interval=1m30s,rotate=off,gc=off");
    let Ok(Request::Run(after)) = change(&before, b"interval=2s, log=debug", &facts()) else {
        panic!("refused");
    };
    let wanted = Options {
        interval: Duration::from_secs(2),
        log: LogLevel::Debug,
        ..before.clone()
    };
    assert_eq!(after, wanted);
    assert_eq!(
        change(&before, b"", &facts()),
        Ok(Request::Run(before.clone()))
    );
    let mistakes = change(&before, b"interval=2", &facts()).unwrap_err();
    assert!(
        mistakes.to_string().contains("interval=\"2\""),
        "{mistakes}"
    );
}

#[test]
fn the_limits_are_inclusive() {
    assert_eq!(run("interval=100ms").interval, Duration::from_millis(100));
    assert_eq!(run("interval=60m").interval, Duration::from_secs(3600));
    assert_eq!(run("rotate=65536B").rotate_bytes, 65_536);
    assert_eq!(run("rotate=1024GiB").rotate_bytes, 1 << 40);
    assert_eq!(run("keep=1000,classes=0").keep, 1000);
    for beyond in [
        "interval=99ms",
        "interval=1h1ms",
        "rotate=65535B",
        "rotate=1025GiB",
        "keep=1001",
        "classes=4097",
    ] {
        assert_eq!(mistakes(beyond.as_bytes()).len(), 1, "{beyond}");
    }
}

#[test]
fn the_flag_wins_over_the_file_and_the_file_over_the_environment() {
    let (_directory, path) = config(b"interval=2s\nkeep=2\n");
    let environment = "interval=3s,keep=3,classes=3";
    let options = run_in(&format!("interval=1s,config={path}"), Some(environment));
    assert_eq!(options.interval, Duration::from_secs(1));
    assert_eq!(options.keep, 2);
    assert_eq!(options.classes, 3);
    assert_eq!(options.config.as_deref(), Some(Path::new(&path)));
}

#[test]
fn the_environment_may_name_the_file_and_the_flag_another() {
    let (_first, in_environment) = config(b"keep=7");
    let environment = format!("keep=3,config={in_environment}");
    let options = run_in("", Some(&environment));
    assert_eq!(options.keep, 7);

    let (_second, in_flag) = config(b"classes=9");
    let options = run_in(&format!("config={in_flag}"), Some(&environment));
    assert_eq!((options.keep, options.classes), (3, 9));
    assert_eq!(options.config.as_deref(), Some(Path::new(&in_flag)));
}

#[test]
fn a_file_has_comments_blanks_commas_and_any_line_ends() {
    let (_directory, path) = config(
        b"\xef\xbb\xbf# finwatch\r\n\r\n  out = /var/log/a,b\\,c d.jsonl \r\n\tgc=off\nlog = info",
    );
    let options = run(&format!("config={path}"));
    assert_eq!(
        options.out,
        Destination::File(PathBuf::from("/var/log/a,b,c d.jsonl"))
    );
    assert_eq!((options.gc, options.log), (false, LogLevel::Info));
}

#[test]
fn mistakes_in_a_file_name_file_and_line() {
    let (_directory, path) = config(b"# c\ninterval=5\n\nkeep=1\nkeep=2\nconfig=x\nhelp\nout=\n");
    let wanted = [
        format!(
            r#"{path}:2: interval="5": the unit is missing; wanted: 100ms to 1h, each number with its unit ms, s, m or h, such as 5s or 1m30s"#
        ),
        format!(r#"{path}:5: "keep=2": keep is given twice, line 4 has it too; wanted: once"#),
        format!(
            r#"{path}:6: "config=x": a config file can't name another; wanted: config in the flag or in FINWATCH_OPTIONS"#
        ),
        format!(r#"{path}:7: "help": help stands alone, in the flag or the environment"#),
        format!(
            r#"{path}:8: "out=": an empty value; wanted: a file's PATH, stdout, stderr, or unix:PATH for a socket that someone listens on"#
        ),
    ];
    assert_eq!(mistakes(format!("config={path}").as_bytes()), wanted);
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake() {
    assert_eq!(
        mistakes(b"config=/nonexistent/x.conf"),
        [
            "/nonexistent/x.conf: config file: No such file or directory (os error 2); \
             wanted: the PATH of a regular file with one key=value a line"
        ]
    );
    assert_eq!(
        mistakes(b"config=/dev/zero"),
        ["/dev/zero: config file: not a regular file; \
             wanted: the PATH of a regular file with one key=value a line"]
    );
}

#[test]
fn each_mistake_says_what_is_wrong() {
    for (flag, told) in [
        (
            &b"intervall=5s"[..],
            r#"flag: "intervall=5s": no such key; did you mean interval?"#,
        ),
        (
            b"colour=red",
            r#"flag: "colour=red": no such key; the keys are out, interval, rotate, keep, classes, gc, baseline, alerts, patience, stuck, many, pause, sites, stall, log, config"#,
        ),
        (
            b"stdout",
            r#"flag: "stdout": not key=value; the keys are out, interval, rotate, keep, classes, gc, baseline, alerts, patience, stuck, many, pause, sites, stall, log, config"#,
        ),
        (
            b"=5s",
            r#"flag: "=5s": no key before the =; wanted: key=value"#,
        ),
        (
            b"help=yes",
            r#"flag: "help=yes": help stands alone, in the flag or the environment"#,
        ),
        (b"gc", r#"flag: "gc": no =value; wanted: on or off"#),
        (b"gc= ", r#"flag: "gc=": an empty value; wanted: on or off"#),
        (
            b"gc=yes",
            r#"flag: gc="yes": not one of the known words; wanted: on or off"#,
        ),
        (
            b"gc=on,gc=off",
            r#"flag: "gc=off": gc is given twice, "on" comes before it; wanted: once"#,
        ),
        (
            b"log=loud",
            r#"flag: log="loud": not one of the known words; wanted: off, error, warn, info or debug"#,
        ),
        (
            b"keep=many",
            r#"flag: keep="many": a number is missing; wanted: a whole number from 0 to 1000"#,
        ),
        (
            b"keep=\x1b[2J",
            r#"flag: keep="\u{1b}[2J": the control character U+001B in it; wanted: a whole number from 0 to 1000"#,
        ),
        (
            b"keep=\xff",
            r#"flag: keep="\xff": not UTF-8; wanted: a whole number from 0 to 1000"#,
        ),
        (
            br"keep=\1",
            r#"flag: keep="\1": a lone backslash, write \\ for \ and \, for a comma; wanted: a whole number from 0 to 1000"#,
        ),
    ] {
        assert_eq!(mistakes(flag), [told]);
    }
}

#[test]
fn an_overwritten_value_must_be_right_too() {
    let told = from(b"keep=1", Some(b"keep=x")).unwrap_err().to_string();
    assert!(
        told.contains("\n  FINWATCH_OPTIONS: keep=\"x\": "),
        "{told}"
    );
}

#[test]
fn many_mistakes_are_one_message() {
    let flag = b"intervall=5s,interval=5,rotate=64MB,keep=-1,classes=5000,gc=maybe,log=\x1b[1m,\
        out=unix:,colour=red,keep=2,nonsense";
    let environment = b"out=%x.jsonl,log=\xff\xfe,gc=,interval=10ms,interval=10s";
    let message = from(flag, Some(environment)).unwrap_err().to_string();
    assert_eq!(message + "\n", include_str!("golden/mistakes.txt"));
}

#[test]
fn help_comes_before_mistakes() {
    assert_eq!(from(b"help", None), Ok(Request::Help(help())));
    assert_eq!(from(b"gc=maybe, help", None), Ok(Request::Help(help())));
    assert_eq!(from(b"", Some(b"help")), Ok(Request::Help(help())));
}

#[test]
fn help_is_as_published() {
    let help = help().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    assert_eq!(help, include_str!("golden/help.txt"));
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn the_readme_table_has_every_key() {
    assert_eq!(readme_table(), include_str!("golden/table.md"));
}

#[test]
fn in_force_has_every_option_with_its_units() {
    let shown = run(r"rotate=1048576B,interval=90s,out=%h/100%%\,%p").in_force();
    let shown: Vec<_> = shown
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let wanted = [
        "alerts=on",
        "baseline=on",
        "classes=20",
        "gc=on",
        "interval=1m30s",
        "keep=5",
        "log=warn",
        "many=1000",
        r"out=db-1.example/100%%\,4711",
        "patience=10s",
        "pause=250ms",
        "rotate=1MiB",
        "sites=on",
        "stall=5s",
        "stuck=10s",
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn in_force_names_the_file() {
    let (_directory, path) = config(b"gc=off");
    let options = run(&format!("config={path}"));
    assert_eq!(options.in_force()["config"], path);
    assert_reads_back(&options);
}

fn assert_reads_back(options: &Options) {
    let entries = options.in_force().into_iter();
    let flag: Vec<_> = entries
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(&run(&flag.join(",")), options);
}

/// Text that is wrong in interesting ways more often than plain noise is.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "out=", "interval=", "rotate=", "keep=", "classes=", "gc=", "log=", "help=", ",",
            "=", "\\", "\\,", "%", "%p", "%h", "%%", "unix:", "stdout", "on", "off", "5", "s",
            "ms", "MiB", "99999999999999999999", "config=/dev/null", " ", "\n", "\u{202e}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..100),
    ];
    prop::collection::vec(piece, 0..200).prop_map(|pieces| pieces.concat())
}

/// A flag without mistakes.
fn valid() -> impl Strategy<Value = String> {
    let path = "[a-zA-Z0-9 =:.\u{e9}\u{1f980}]{1,20}x|(/[-_%\\\\,a]{1,9}){1,9}x|stdout|stderr|unix:[a,%\\\\]{1,50}";
    let path = path.prop_map(|path| layer::escape(&path.replace('%', "%%")));
    let log = prop::sample::select(vec!["off", "error", "warn", "info", "debug"]);
    let rotate = prop_oneof![
        (65_536_u64..=1 << 40).prop_map(|bytes| format!("{bytes}B")),
        (1_u64..=4096).prop_map(|size| format!("{size}m")),
        Just("off".to_owned()),
    ];
    (path, 100_u64..=3_600_000, rotate, 0..=1000, 0..=4096, any::<(bool, bool)>(), log).prop_map(
        |(out, interval, rotate, keep, classes, (gc, baseline), log)| {
            let word = |on| if on { "on" } else { "off" };
            let (gc, baseline) = (word(gc), word(baseline));
            format!(
                "out={},interval={interval}ms,rotate={rotate},keep={keep},classes={classes},gc={gc},baseline={baseline},log={log}",
                out.trim()
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_resolve_or_get_a_short_answer(flag in hostile(), environment in hostile()) {
        match from(&flag, Some(&environment)) {
            Ok(Request::Run(options)) => assert_reads_back(&options),
            Ok(Request::Help(_)) => {}
            Err(mistakes) => {
                let message = mistakes.to_string();
                prop_assert!(message.len() < 8 * 1024, "{} bytes", message.len());
                prop_assert!(message.lines().count() <= 23);
                prop_assert!(!message.chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }

    #[test]
    fn any_file_resolves_or_gets_a_short_answer(content in hostile()) {
        let (_directory, path) = config(&content);
        if let Err(mistakes) = from(format!("config={path}").as_bytes(), None) {
            prop_assert!(mistakes.to_string().len() < 16 * 1024);
        }
    }

    #[test]
    fn what_is_in_force_reads_back(flag in valid()) {
        assert_reads_back(&run(&flag));
    }
}

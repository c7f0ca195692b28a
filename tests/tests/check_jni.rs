//! Everything once under `-Xcheck:jni`: nothing to complain about that the program alone
//! would not be complained about.

use std::collections::BTreeSet;

use finwatch_tests::{Case, Finwatch, Launch, for_each_jdk, for_each_jvm};

const EVERYTHING: [&str; 21] = [
    "register subject.Plain 200",
    "register subject.Throwing 20",
    "clone 5",
    "deserialize 3",
    "reflect 3",
    "loaders 20",
    "manyclasses 300",
    "buffers 2 4096",
    "garbage 50",
    "gc 2",
    "threads 20 100",
    "drop",
    "quiet",
    "unload",
    "stuck",
    "runFinalization",
    "release",
    "deepstack 20",
    "hold-timer 100 50",
    "hold-static 100",
    "hold-stack 100",
];

/// Classes whose holders are asked for.
const HELD: [&str; 3] = ["TimerHeld", "StaticHeld", "StackHeld"];

#[test]
fn nothing_is_complained_about() {
    for_each_jdk(|case| {
        let without = complaints(case, false);
        let with = complaints(case, true);
        let ours: Vec<_> = with.difference(&without).collect();
        assert!(
            ours.is_empty(),
            "complaints that the program alone has not: {ours:#?}"
        );
    });
}

fn complaints(case: &Case, watched: bool) -> BTreeSet<String> {
    let launch = Launch::new(case).flag("-Xcheck:jni").flag("-Xmx128m");
    let mut jvm = if watched {
        launch.start()
    } else {
        launch.without_agent().start()
    };
    for command in EVERYTHING {
        jvm.tell(command);
    }
    if watched {
        for class in HELD {
            let (pid, class) = (jvm.pid().to_string(), format!("subject.Holding${class}"));
            Finwatch::new(&["holders", &pid, &class]).succeed();
        }
        jvm.stream().fresh_sample();
    }
    let mut ended = jvm.end();
    assert!(ended.status.success());
    if watched {
        ended.stream().stop();
    }
    let all = ended.out() + &ended.err();
    let complaint = |line: &&str| {
        ["WARNING", "FATAL", "[warning]", "[error]"]
            .iter()
            .any(|word| line.contains(word))
    };
    all.lines().filter(complaint).map(String::from).collect()
}

#[test]
fn a_short_life_with_every_collector() {
    for_each_jvm(|case| {
        let run = |launch: Launch| {
            launch
                .flag("-Xcheck:jni")
                // Started with SIGHUP ignored (nohup), the VM would complain of that now and then.
                .flag("-Xrs")
                .program(&["subject.Talker", "3", "0"])
                .run()
        };
        let watched = run(Launch::new(case));
        let plain = run(Launch::new(case).without_agent());
        assert_eq!(without_uptime(&watched.out()), without_uptime(&plain.out()));
        assert_eq!(without_uptime(&watched.err()), without_uptime(&plain.err()));
    });
}

/// Lines that the VM itself logs begin with its uptime, `[0.003s]`, which is never the same.
fn without_uptime(output: &str) -> Vec<&str> {
    let rest = |line: &'_ str| {
        line.find("s]")
            .filter(|_| line.starts_with('['))
            .map_or(0, |at| at + 2)
    };
    output.lines().map(|line| &line[rest(line)..]).collect()
}

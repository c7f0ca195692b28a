//! How exact the ledger is, told and never guessed.

use std::path::{Path, PathBuf};
use std::process::Command;

use finwatch_record::{Coverage, CoverageLevel};
use finwatch_tests::{
    Case, Ended, Finwatch, Jdk, Launch, all_jdks, assert_chain, classes, find_row, for_each_jdk,
    for_each_jvm,
};

/// Makes 100 objects, holds them, answers, and waits for the end of its input.
const BARE: [&str; 2] = ["subject.Bare", "100"];

#[test]
fn exact_everywhere_when_loaded_with_the_flag() {
    for_each_jvm(|case| {
        let mut ended = Launch::new(case).program(&BARE).run();
        assert!(ended.status.success());
        let coverage = ended.stream().start().coverage;
        assert_eq!(coverage.level, CoverageLevel::Exact, "{}", coverage.reason);
        let stop = ended.stream().stop();
        assert_eq!(
            stop.coverage.level,
            CoverageLevel::Exact,
            "{}",
            stop.coverage.reason
        );
        assert_eq!(
            find_row(&stop.classes, "subject.Plain")
                .counts
                .registered_total,
            100
        );
    });
}

#[test]
fn disabled_where_the_vm_runs_without_finalization() {
    for_each_jdk(|case| {
        if case.jdk.feature < 18 {
            return;
        }
        let mut jvm = Launch::new(case).flag("--finalization=disabled").start();
        let mut stream = jvm.stream();
        jvm.tell("register subject.Plain 10");
        let sample = stream.quiet_sample();
        assert_eq!(
            sample.coverage.level,
            CoverageLevel::Disabled,
            "{}",
            sample.coverage.reason
        );
        assert_eq!(sample.finalizer.counts.registered_total, 0);
        assert_eq!(
            jvm.end().stream().start().coverage.level,
            CoverageLevel::Disabled
        );
    });
}

#[test]
fn an_unknown_shape_of_the_class_file_leaves_the_vms_own_count_and_the_program_unharmed() {
    for_each_jdk(|case| {
        let patch = odd_finalizer(case);
        let mut jvm = Launch::new(case)
            .flag(patch_flag(&case.jdk, &patch.directory().join("odd")))
            .start();
        let mut stream = jvm.stream();
        assert_eq!(stream.start().coverage.level, CoverageLevel::PendingOnly);
        jvm.tell("stuck");
        jvm.tell("register subject.Plain 30");
        jvm.tell("drop");
        jvm.tell("gc 2");
        let sample = stream.wait_for_sample("sample with the VM's own pending count", |sample| {
            sample.finalizer.mxbean_pending >= Some(30)
        });
        assert_eq!(sample.coverage.level, CoverageLevel::PendingOnly);
        assert!(
            sample.coverage.reason.contains("Finalizer"),
            "a reason to start from: {}",
            sample.coverage.reason
        );
        jvm.tell("release");
        jvm.tell("await subject.Plain 30");
        let ended = jvm.end();
        assert!(ended.status.success());
        assert!(
            ended.err().contains("finwatch"),
            "not a word on stderr:\n{}",
            ended.err()
        );
    });
}

/// The directory `odd` of what this gives has the classes.
fn odd_finalizer(case: &Case) -> Ended {
    let ended = Launch::new(case)
        .without_agent()
        .program(&["subject.OddFinalizer", "odd"])
        .run();
    assert!(ended.status.success(), "{}", ended.err());
    ended
}

fn patch_flag(jdk: &Jdk, classes: &std::path::Path) -> String {
    match jdk.feature {
        8 => format!("-Xbootclasspath/p:{}", classes.display()),
        _ => format!("--patch-module=java.base={}", classes.display()),
    }
}

#[test]
fn a_run_that_records_for_an_aot_cache_ends_as_without_the_agent() {
    for_each_jdk(|case| {
        if case.jdk.feature < 25 {
            return;
        }
        let launch = recording(Launch::new(case));
        let configuration = launch.directory().join("recorded");
        let mut ended = launch.run();
        assert_recorded(&ended, &configuration);
        assert_not_hooked(&ended.stream().stop().coverage);

        let jvm = recording(Launch::new(case).without_agent()).start();
        let configuration = jvm.directory().join("recorded");
        let out = format!("out={}", jvm.directory().join("stream.jsonl").display());
        Finwatch::new(&["attach", &jvm.pid().to_string(), &out]).succeed();
        let mut ended = jvm.end();
        assert_recorded(&ended, &configuration);
        assert_not_hooked(&ended.stream().stop().coverage);
    });
}

/// `subject.Bare` out of a jar: the VM records no classes of directories.
fn recording(launch: Launch) -> Launch {
    let jar = launch.directory().join("classes.jar");
    let (to, from) = (jar.display().to_string(), classes().display().to_string());
    let jdk = &launch.case().jdk;
    jdk.run_tool("jar", &["--create", "--file", &to, "-C", &from, "."]);
    launch
        .flag("-XX:AOTMode=record")
        .flag("-XX:AOTConfiguration=recorded")
        .class_path(jar)
        .program(&BARE)
}

fn assert_recorded(ended: &Ended, configuration: &Path) {
    assert!(
        ended.status.success(),
        "{}:\n{}{}",
        ended.status,
        ended.out(),
        ended.err()
    );
    assert!(configuration.exists(), "nothing was recorded");
}

fn assert_not_hooked(coverage: &Coverage) {
    assert_eq!(coverage.level, CoverageLevel::PendingOnly);
    assert!(coverage.reason.contains("AOT"), "{}", coverage.reason);
}

/// A runtime of `java.base` alone, from every JDK here that can make one.
#[test]
fn a_runtime_without_java_management_is_watched_without_the_beans() {
    for jdk in all_jdks().iter().filter(|jdk| jdk.feature > 8) {
        let directory = tempfile::tempdir().unwrap();
        let launch = Launch::new(&Case::default_of(jdk)).program(&BARE);
        let jvm = match bare_runtime(jdk, directory.path().join("bare")) {
            Some(java) => launch.java(java).start(),
            None => launch.flag("--limit-modules=java.base").start(),
        };
        let mut stream = jvm.stream();
        assert_eq!(stream.start().coverage.level, CoverageLevel::Exact);
        let sample = stream.quiet_sample();
        assert_eq!(
            find_row(&sample.classes, "subject.Plain").counts.registered,
            100
        );
        assert_eq!(
            (sample.memory, sample.finalizer.mxbean_pending),
            (None, None)
        );
        assert!(
            sample.gc.collectors.is_empty() && sample.gc.pauses_total >= 1,
            "{:?}",
            sample.gc
        );
        let mut ended = jvm.end();
        assert!(ended.status.success());
        let stop = ended.stream().stop();
        assert_eq!(
            find_row(&stop.classes, "subject.Plain")
                .counts
                .registered_total,
            100
        );
        let untold = |record: &&finwatch_record::Record| record.kind == "gc";
        assert!(
            ended
                .stream()
                .records()
                .iter()
                .any(|record| untold(&record)),
            "no record of the collection"
        );
        let said = ended.err();
        for module in ["java.management", "jdk.management"] {
            assert!(
                said.contains(&format!("this runtime has no module {module} ")),
                "{module}: {said}"
            );
        }
    }
}

/// `None` where the JDK has neither `jmods` nor a runtime image that can be linked from.
fn bare_runtime(jdk: &Jdk, into: PathBuf) -> Option<PathBuf> {
    let mut jlink = Command::new(jdk.tool("jlink"));
    let output = jlink
        .args(["--add-modules", "java.base", "--output"])
        .arg(&into)
        .output()
        .ok()?;
    output.status.success().then(|| into.join("bin/java"))
}

#[test]
fn a_ledger_of_the_jdks_own_objects_begins_with_a_baseline() {
    for_each_jvm(|case| {
        let mut jvm = Launch::new(case).start();
        let mut stream = jvm.stream();
        assert_chain(&mut jvm, &mut stream);
    });
}

//! `finwatch attach` and real JVMs: those that take it, and those that do not, which must
//! go on as if nothing had happened.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use finwatch_record::{CoverageLevel, Mode};
use finwatch_tests::{
    Case, Container, Finished, Finwatch, Jvm, Launch, Stream, agent_library, any_case, find_row,
    for_each_jdk, live_and_die, wait_until,
};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// User and group `nobody` of every Linux.
const NOBODY: u32 = 65534;
/// A user and a group that no system has.
const STRANGER: u32 = 65533;

/// A program of `java.base` alone.
const BARE: [&str; 2] = ["subject.Bare", "100"];

/// Not long to wait for, where the JVM does not answer.
const SHORT: &str = "--timeout=3s";

/// Arguments that attach with the options that the tests' streams have.
fn attach(pid: u32, out: &str) -> Finwatch {
    let out = format!("out={out}");
    Finwatch::new(&[
        "attach",
        &pid.to_string(),
        &out,
        "interval=100ms",
        "classes=4096",
    ])
}

fn attach_to(jvm: &Jvm) -> Finwatch {
    attach(jvm.pid(), &stream_path(jvm).display().to_string())
}

fn stream_path(jvm: &Jvm) -> PathBuf {
    jvm.directory().join("stream.jsonl")
}

/// The attach was refused, for a reason with these words, and left nothing behind.
fn assert_refused(jvm: &Jvm, finished: &Finished, words: &[&str]) {
    assert_eq!(finished.code, Some(3), "{finished:#?}");
    let said = finished.err.trim_end();
    let prefix = format!("finwatch: {}: ", jvm.pid());
    assert!(
        said.starts_with(&prefix) && !said.contains('\n'),
        "no line of words: {finished:#?}"
    );
    for word in words {
        assert!(said.contains(word), "no '{word}' in {said}");
    }
    assert_nothing_left(jvm);
    assert!(!stream_path(jvm).exists(), "a stream was begun");
}

/// Neither a file of ours nor a thread dump.
fn assert_nothing_left(jvm: &Jvm) {
    let pid = jvm.pid();
    let trigger = format!(".attach_pid{pid}");
    for directory in [Path::new("/tmp"), jvm.directory()] {
        let left = directory.join(&trigger);
        assert!(!left.exists(), "{} was left behind", left.display());
    }
    assert_eq!(copies(Path::new("/tmp"), user_of(pid)), [""; 0]);
    let out = jvm.out().text();
    assert!(!out.contains("Full thread dump"), "a thread dump: {out}");
}

/// Copies of the library that belong to that user, who has no other JVM there.
fn copies(directory: &Path, user: u32) -> Vec<String> {
    let entries = std::fs::read_dir(directory);
    let entries = entries.unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let of_user = entries.flatten().filter(|entry| {
        // One that is gone now is somebody else's.
        entry.metadata().is_ok_and(|found| found.uid() == user)
    });
    let mut names: Vec<String> = of_user
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.retain(|name| name.starts_with("libfinwatch"));
    names
}

/// The user that a process runs as.
fn user_of(pid: u32) -> u32 {
    let path = format!("/proc/{pid}");
    let found = std::fs::metadata(&path);
    found.unwrap_or_else(|e| panic!("{path}: {e}")).uid()
}

/// The beginning of a command that runs as that user.
fn as_user(user: u32, group: u32) -> [String; 4] {
    [
        "setpriv".into(),
        format!("--reuid={user}"),
        format!("--regid={group}"),
        "--clear-groups".into(),
    ]
}

#[test]
fn a_jvm_at_rest_is_watched_from_the_attach_on() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.tell("register subject.Child 7");
        let finished = attach_to(&jvm).succeed();
        assert!(finished.out.contains("is watched"), "{finished:#?}");
        let mut stream = jvm.stream();
        let start = stream.start();
        assert_eq!(start.agent.mode, Mode::Attach);
        assert_eq!(start.coverage.level, CoverageLevel::Baseline);
        live_and_die(&mut jvm, &mut stream);
        assert_nothing_left(&jvm);
        assert_eq!(jvm.end().status.code(), Some(0));
    });
}

/// The age of the JVM is known without its beans too.
#[test]
fn a_jvm_without_management_is_as_old_as_it_is() {
    for_each_jdk(|case| {
        if case.jdk.feature == 8 {
            return;
        }
        let launch = Launch::new(case).without_agent();
        let jvm = launch
            .flag("--limit-modules=java.base")
            .program(&BARE)
            .start();
        let ready = Instant::now();
        attach_to(&jvm).succeed();
        let before = ready.elapsed();
        let first = jvm.stream().wait_for("first record", |_| true);
        let least = before.as_millis() as u64;
        let uptime = first.uptime_ms;
        assert!(
            (least..60_000).contains(&uptime),
            "{uptime} ms, at least {least}"
        );
        assert!(jvm.end().status.success());
    });
}

/// The flag's load is under way when a tool comes that attaches to all that runs.
#[test]
fn a_jvm_that_is_just_starting_with_the_flag_has_one_agent() {
    for_each_jdk(|case| {
        let jvm = Launch::new(case).spawn();
        let pid = jvm.pid().to_string();
        let attached = Finwatch::new(&["attach", &pid]).run();
        let mut stream = jvm.stream();
        assert_eq!(
            stream.start().coverage.level,
            CoverageLevel::Exact,
            "{attached:#?}"
        );
        let mut ended = jvm.end();
        assert_eq!(ended.status.code(), Some(0));
        ended.stream().stop();
        let other = std::env::current_dir()
            .unwrap()
            .join(format!("finwatch-{pid}.jsonl"));
        assert!(!other.exists(), "{}", other.display());
        assert!(!ended.err().contains("without asking"), "{}", ended.err());
    });
}

#[test]
fn a_jvm_under_load_is_attached_to() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let mut finwatch = attach_to(&jvm).command();
        let mut finwatch = finwatch.stdout(Stdio::null()).spawn().expect("it runs");
        let ended = loop {
            jvm.tell("threads 4 5000");
            jvm.tell("drop");
            if let Some(ended) = finwatch.try_wait().expect("ours") {
                break ended;
            }
        };
        assert!(ended.success(), "{ended}");
        assert_counted(&mut jvm, 4);
        assert_nothing_left(&jvm);
    });
}

/// At a quiet moment the ledger agrees with the JVM, but for an object of each thread that
/// stood between a hook and the chain during the attach.
fn assert_counted(jvm: &mut Jvm, threads: u64) {
    jvm.tell("quiet");
    let finalizers = jvm.jcmd().finalizers();
    let counts = jvm.stream().fresh_sample().finalizer.counts;
    let live = counts.registered + counts.running;
    assert!(
        finalizers.abs_diff(live) <= threads,
        "{finalizers} java.lang.ref.Finalizer in the heap, but {counts:?}"
    );
    let ended = counts.finalized_total + counts.threw_total;
    assert!(
        counts.registered_total.abs_diff(live + ended) <= threads,
        "registered_total against the places: {counts:?}"
    );
}

#[test]
fn with_reduced_signals_the_jvm_listens_from_its_start_and_is_attached_to() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().flag("-Xrs").start();
        attach_to(&jvm).succeed();
        let mut stream = jvm.stream();
        live_and_die(&mut jvm, &mut stream);
    });
}

#[test]
fn with_reduced_signals_and_no_socket_it_is_not_killed() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().flag("-Xrs").start();
        std::fs::remove_file(format!("/tmp/.java_pid{}", jvm.pid())).expect("its socket");
        assert_refused(&jvm, &attach_to(&jvm).run(), &["-Xrs", ".java_pid"]);
        jvm.tell("gc 1");
    });
}

#[test]
fn disabled_attach_is_told_with_its_flag() {
    for_each_jdk(|case| {
        for flags in [
            &["-XX:+DisableAttachMechanism"][..],
            // Then only the command line tells.
            &["-XX:+DisableAttachMechanism", "-XX:-UsePerfData"],
        ] {
            let mut jvm = Launch::new(case).without_agent().flags(flags).start();
            let finished = attach_to(&jvm).run();
            assert_refused(&jvm, &finished, &["-XX:+DisableAttachMechanism"]);
            jvm.tell("gc 1");
        }
    });
}

#[test]
fn a_variable_of_the_environment_disables_attach_as_well() {
    let launch = Launch::new(&any_case()).without_agent();
    let jvm = launch
        .environment("JAVA_TOOL_OPTIONS", "-XX:+DisableAttachMechanism")
        .flag("-XX:-UsePerfData")
        .start();
    let finished = attach_to(&jvm).run();
    assert_refused(&jvm, &finished, &["-XX:+DisableAttachMechanism"]);
}

#[test]
fn disabled_loading_is_told_with_its_flag() {
    for_each_jdk(|case| {
        // JEP 451 made a flag of 9 known; 8 has none.
        if case.jdk.feature < 9 {
            return;
        }
        let launch = Launch::new(case).without_agent();
        let mut jvm = launch.flag("-XX:-EnableDynamicAgentLoading").start();
        let finished = attach_to(&jvm).run();
        assert_refused(
            &jvm,
            &finished,
            &["-XX:+EnableDynamicAgentLoading", "JEP 451"],
        );
        jvm.tell("gc 1");
    });
}

#[test]
fn a_stopped_jvm_is_left_alone() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        jvm.signal(Signal::SIGSTOP);
        wait_until("a stopped JVM", || state(jvm.pid()) == "T");
        let finished = attach_to(&jvm).run();
        assert_refused(&jvm, &finished, &["state T", "kill -CONT"]);
        jvm.signal(Signal::SIGCONT);
        jvm.tell("gc 1");
        assert_nothing_left(&jvm);
    });
}

/// What the kernel says a process does, as a letter.
fn state(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(") ").unwrap_or_default().1;
    after_name.chars().take(1).collect()
}

/// Its listener is busy with another client until later: then it finds half a request.
#[test]
fn a_jvm_that_does_not_read_the_request_does_not_load_the_library_later() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        // From here on it listens.
        jvm.jcmd().run(&["VM.version"]);
        // Takes the only thread that reads requests, and says nothing.
        let socket = format!("/tmp/.java_pid{}", jvm.pid());
        let silent = UnixStream::connect(socket).expect("its socket");
        let finished = attach_to(&jvm).argument(SHORT).run();
        assert_refused(&jvm, &finished, &["does not answer", "3s", "did not read"]);
        drop(silent);
        // Requests are read one after the other: ours has been by now.
        jvm.jcmd().run(&["VM.version"]);
        assert!(!maps(jvm.pid()).contains("libfinwatch"), "loaded later");
        jvm.tell("gc 1");
        assert!(!stream_path(&jvm).exists(), "a stream was begun");
    });
}

fn maps(pid: u32) -> String {
    let path = format!("/proc/{pid}/maps");
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// With a copy of the library in its `/tmp`, and waiting for a JVM that does not read.
#[test]
fn an_interrupted_attach_leaves_nothing_behind() {
    // With -Xrs it listens from its start.
    let launch = Launch::new(&any_case()).flag("-Xrs");
    let container = Container::start(launch, "");
    let socket = container.path("/tmp/.java_pid1");
    let silent = UnixStream::connect(socket).expect("its socket");
    let hidden = hidden_library();
    let attach = attach(container.pid(), "/tmp/stream.jsonl").library(&hidden.1);
    let mut child = attach.command().spawn().expect("finwatch runs");
    let temporary = container.path("/tmp");
    wait_until("a copy of the library", || {
        !copies(&temporary, 0).is_empty()
    });
    let pid = Pid::from_raw(child.id().cast_signed());
    kill(pid, Signal::SIGTERM).expect("finwatch runs");
    let status = child.wait().expect("finwatch ends");
    assert_eq!(status.signal(), Some(Signal::SIGTERM as i32));
    assert_eq!(copies(&temporary, 0), [""; 0], "left behind");
    drop(silent);
    // Requests are read one after the other: with this one, the first has been dropped.
    attach.succeed();
    assert_eq!(libraries(container.pid()).len(), 1);
}

/// A copy of the library where no other mount namespace of these tests has it.
fn hidden_library() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir_in("/tmp").expect("a directory in /tmp");
    let path = directory.path().join("libfinwatch.so");
    std::fs::copy(agent_library(), &path).expect("a copy of the library");
    (directory, path)
}

/// The loader knows it by the path of the flag, the kernel by another one; a second agent must not come of that.
#[test]
fn a_library_that_was_loaded_through_a_link_is_found_when_its_file_was_replaced() {
    for_each_jdk(|case| {
        let (directory, library) = hidden_library();
        let link = directory.path().join("current");
        std::os::unix::fs::symlink(directory.path(), &link).expect("a link");
        let out = directory.path().join("stream.jsonl");
        let flag = format!(
            "-agentpath:{}/libfinwatch.so=out={}",
            link.display(),
            out.display()
        );
        let jvm = Launch::new(case).without_agent().flag(flag).start();
        std::fs::remove_file(&library).expect("the library");
        attach(jvm.pid(), "removed.jsonl").succeed();
        std::fs::copy(agent_library(), &library).expect("a new library");
        attach(jvm.pid(), "replaced.jsonl").succeed();
        Finwatch::new(&["detach", &jvm.pid().to_string()]).succeed();
        attach(jvm.pid(), "again.jsonl").succeed();
        assert_eq!(libraries(jvm.pid()).len(), 1, "{}", maps(jvm.pid()));
    });
}

/// The different files of the agent's that a JVM has mapped, by device and number.
fn libraries(pid: u32) -> BTreeSet<String> {
    let maps = maps(pid);
    let lines = maps.lines().filter(|line| line.contains("libfinwatch"));
    let fields = lines.map(|line| line.split_whitespace().skip(3).take(2).collect());
    fields.map(|fields: Vec<&str>| fields.join(" ")).collect()
}

#[test]
fn a_jvm_in_a_container_gets_a_copy_of_the_library_that_is_gone_afterwards() {
    for_each_jdk(|case| {
        let mut container = Container::start(Launch::new(case), "");
        let hidden = hidden_library();
        let finished = attach(container.pid(), "/tmp/stream.jsonl")
            .library(&hidden.1)
            .succeed();
        assert!(finished.out.contains("is watched"), "{finished:#?}");
        let mut stream = container.stream("/tmp/stream.jsonl");
        live_and_die_in(&mut container, &mut stream);
        assert_eq!(copies(&container.path("/tmp"), 0), [""; 0], "left behind");
        assert!(!container.path("/tmp/.attach_pid1").exists());
        assert_eq!(libraries(container.pid()).len(), 1);
    });
}

/// Where there is no `jcmd` to ask.
fn live_and_die_in(jvm: &mut Jvm, stream: &mut Stream) {
    jvm.tell("register subject.Plain 100");
    jvm.tell("drop");
    jvm.tell("await subject.Plain 100");
    jvm.tell("quiet");
    let sample = stream.quiet_sample();
    let counts = find_row(&sample.classes, "subject.Plain").counts;
    assert_eq!(
        (counts.registered_total, counts.finalized_total),
        (100, 100)
    );
}

/// Each would bring a copy of its own.
#[test]
fn several_at_once_bring_one_library() {
    let container = Container::start(Launch::new(&any_case()), "");
    let hidden = hidden_library();
    let attach = attach(container.pid(), "/tmp/stream.jsonl").library(&hidden.1);
    let started: Vec<_> = (0..4)
        .map(|_| {
            let mut command = attach.command();
            command.stdout(Stdio::null()).spawn().expect("it runs")
        })
        .collect();
    for mut finwatch in started {
        let ended = finwatch.wait().expect("ours");
        assert!(ended.success(), "{ended}");
    }
    assert_eq!(libraries(container.pid()).len(), 1);
    container.stream("/tmp/stream.jsonl").start();
}

#[test]
fn a_stream_that_cannot_be_begun_is_told() {
    let mut jvm = Launch::new(&any_case()).without_agent().start();
    let finished = attach(jvm.pid(), "missing/stream.jsonl").succeed();
    assert!(finished.err.contains("not there yet"), "{finished:#?}");
    assert!(
        finished.out.contains("missing/stream.jsonl"),
        "{finished:#?}"
    );
    jvm.tell("gc 1");
}

#[test]
fn where_tmp_allows_no_programs_the_copy_goes_elsewhere() {
    let container = Container::start(Launch::new(&any_case()), "noexec");
    let hidden = hidden_library();
    attach(container.pid(), "/tmp/stream.jsonl")
        .library(&hidden.1)
        .succeed();
    container.stream("/tmp/stream.jsonl").start();
    let maps = maps(container.pid());
    let library = maps
        .lines()
        .find(|line| line.contains("libfinwatch"))
        .expect("loaded");
    assert!(library.contains(" /var/tmp/libfinwatch-"), "{library}");
    assert_eq!(copies(Path::new("/var/tmp"), 0), [""; 0], "left behind");
}

#[test]
fn a_failed_attach_to_a_container_leaves_nothing_behind() {
    for_each_jdk(|case| {
        if case.jdk.feature < 9 {
            return;
        }
        let launch = Launch::new(case).flag("-XX:-EnableDynamicAgentLoading");
        let container = Container::start(launch, "");
        let hidden = hidden_library();
        let finished = attach(container.pid(), "/tmp/stream.jsonl")
            .library(&hidden.1)
            .run();
        assert_eq!(finished.code, Some(3), "{finished:#?}");
        let left = std::fs::read_dir(container.path("/tmp"))
            .expect("its /tmp")
            .flatten();
        let mut left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        left.retain(|name| !name.to_string_lossy().starts_with("hsperfdata"));
        // Its own, for as long as it lives.
        left.retain(|name| name != ".java_pid1" && name != "lost+found");
        left.retain(|name| !Path::new("/tmp").join(name).is_dir());
        assert!(left.is_empty(), "left behind: {left:?}");
    });
}

#[test]
fn root_attaches_to_the_jvm_of_another_user() {
    for_each_jdk(|case| {
        let mut jvm = of_user(case, NOBODY);
        attach_to(&jvm).succeed();
        let mut stream = jvm.stream();
        assert_eq!(stream.start().agent.mode, Mode::Attach);
        jvm.tell("register subject.Plain 10");
        let sample = stream.quiet_sample();
        assert_eq!(
            find_row(&sample.classes, "subject.Plain").counts.registered,
            10
        );
        assert_nothing_left(&jvm);
    });
}

/// A JVM that runs as that user, in a directory of that user's.
fn of_user(case: &Case, user: u32) -> Jvm {
    let launch = Launch::new(case)
        .without_agent()
        .through(&as_user(user, user));
    let owner = nix::unistd::Uid::from_raw(user);
    nix::unistd::chown(launch.directory(), Some(owner), None).expect("these tests run as root");
    let jvm = launch.start();
    // An earlier root's socket of the same number would be in its way, and stay: /tmp is sticky.
    let _ = std::fs::remove_file(format!("/tmp/.java_pid{}", jvm.pid()));
    jvm
}

/// Makes the directory that the JVM will run in a user's own.
fn give(launch: &Launch, user: u32) {
    let owner = nix::unistd::Uid::from_raw(user);
    nix::unistd::chown(launch.directory(), Some(owner), None).expect("these tests run as root");
}

/// The JVM is root to itself, and would not know the root out here.
#[test]
fn root_attaches_to_a_jvm_in_a_user_namespace_and_so_does_its_user() {
    for_each_jdk(|case| {
        let hidden = hidden_library();
        // Its user must find it, too.
        std::fs::set_permissions(hidden.0.path(), PermissionsExt::from_mode(0o755)).expect("ours");
        for through in [as_user(0, 0), as_user(NOBODY, NOBODY)] {
            let launch = Launch::new(case);
            give(&launch, NOBODY);
            let container = Container::rootless(launch, NOBODY);
            let attach = attach(container.pid(), "/tmp/stream.jsonl").library(&hidden.1);
            attach.through(&through).succeed();
            container.stream("/tmp/stream.jsonl").start();
            assert_eq!(
                copies(&container.path("/tmp"), NOBODY),
                [""; 0],
                "left behind"
            );
        }
    });
}

#[test]
fn a_library_that_the_other_user_cannot_read_is_copied() {
    let mut jvm = of_user(&any_case(), STRANGER);
    let hidden = hidden_library();
    let private = PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(hidden.0.path(), private).expect("ours");
    attach_to(&jvm).library(&hidden.1).succeed();
    let maps = maps(jvm.pid());
    assert!(maps.contains(" /tmp/libfinwatch-"), "no copy is mapped");
    jvm.stream().start();
    jvm.tell("gc 1");
    assert_nothing_left(&jvm);
}

#[test]
fn another_user_is_not_allowed() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let finished = attach_to(&jvm).through(&as_user(NOBODY, NOBODY)).run();
        assert_refused(&jvm, &finished, &["not allowed", "user root", "or root"]);
        jvm.tell("gc 1");
    });
}

#[test]
fn another_group_is_not_allowed() {
    let jvm = of_user(&any_case(), NOBODY);
    let other_group = [
        "setpriv",
        "--reuid=65534",
        "--regid=65533",
        "--clear-groups",
    ];
    let finished = attach_to(&jvm).through(&other_group).run();
    assert_refused(&jvm, &finished, &["not allowed", "group 65534"]);
}

/// Older JVMs compare the group even of root.
#[test]
fn root_attaches_to_a_jvm_of_root_in_another_group() {
    for_each_jdk(|case| {
        let launch = Launch::new(case).without_agent();
        let mut jvm = launch.through(&as_user(0, STRANGER)).start();
        attach_to(&jvm).succeed();
        jvm.stream().start();
        jvm.tell("gc 1");
        assert_nothing_left(&jvm);
    });
}

#[test]
fn an_agent_under_another_name_gets_no_second_one_beside_it() {
    let hidden = hidden_library();
    let other_name = hidden.1.with_file_name("other.so");
    std::fs::rename(&hidden.1, &other_name).expect("ours");
    let launch = Launch::new(&any_case()).without_agent();
    let stream = launch.directory().join("stream.jsonl");
    let flag = format!(
        "-agentpath:{}=out={}",
        other_name.display(),
        stream.display()
    );
    let jvm = launch.flag(flag).start();
    jvm.stream().start();
    let finished = attach_to(&jvm).run();
    assert_eq!(finished.code, Some(3), "{finished:#?}");
    assert!(finished.err.contains("watched already"), "{finished:#?}");
    assert_eq!(libraries(jvm.pid()).len(), 0, "a second one was loaded");
}

#[test]
fn root_without_its_capabilities_attaches_as_the_other_user() {
    let mut jvm = of_user(&any_case(), NOBODY);
    let lesser = ["setpriv", "--bounding-set=-sys_ptrace,-sys_admin"];
    attach_to(&jvm).through(&lesser).succeed();
    jvm.stream().start();
    jvm.tell("gc 1");
    assert_nothing_left(&jvm);
}

#[test]
fn a_socket_that_another_user_left_behind_is_told() {
    let jvm = of_user(&any_case(), NOBODY);
    let path = format!("/tmp/.java_pid{}", jvm.pid());
    drop(UnixListener::bind(&path).expect("a socket in /tmp"));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("ours");
    let finished = attach_to(&jvm).run();
    let left = std::fs::remove_file(&path);
    assert_refused(&jvm, &finished, &[&path, "another user (root)", "remove"]);
    left.expect("still there");
}

#[test]
fn a_socket_of_another_process_is_not_spoken_to() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let path = format!("/tmp/.java_pid{}", jvm.pid());
    let listener = UnixListener::bind(&path).expect("a socket in /tmp");
    let finished = attach_to(&jvm).run();
    std::fs::remove_file(&path).expect("still there");
    let us = format!("process {} listens", std::process::id());
    assert_refused(&jvm, &finished, &[&us]);
    drop(listener);
}

#[test]
fn what_is_no_jvm_is_told() {
    let mut sleeper = Command::new("sleep").arg("600").spawn().expect("sleep");
    let pid = sleeper.id();
    // What was spawned is this program still, for a moment.
    wait_until("the other program", || {
        let line = std::fs::read(format!("/proc/{pid}/cmdline"));
        line.is_ok_and(|line| line.starts_with(b"sleep\0"))
    });
    let finished = attach(pid, "stream.jsonl").run();
    assert_eq!(finished.code, Some(3));
    assert!(finished.err.contains("no JVM, but sleep"), "{finished:#?}");
    assert_eq!(sleeper.try_wait().expect("ours"), None, "it was killed");
    sleeper.kill().expect("ours");
    // It has ended, and nobody has asked how.
    wait_until("its end", || state(pid) == "Z");
    let finished = attach(pid, "stream.jsonl").run();
    assert!(finished.err.contains("has ended"), "{finished:#?}");
    sleeper.wait().expect("ours");
    let finished = attach(pid, "stream.jsonl").run();
    assert!(finished.err.contains("no such process"), "{finished:#?}");
}

#[test]
fn a_thread_is_not_its_process() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let tasks = std::fs::read_dir(format!("/proc/{}/task", jvm.pid())).expect("it runs");
    let names = tasks.flatten().map(|entry| entry.file_name());
    let ids: Vec<u32> = names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect();
    let thread = ids
        .iter()
        .find(|id| **id != jvm.pid())
        .expect("a second thread");
    let finished = attach(*thread, "stream.jsonl").run();
    assert!(
        finished
            .err
            .contains(&format!("a thread of process {}", jvm.pid())),
        "{finished:#?}"
    );
}

#[test]
fn the_number_that_a_jvm_has_inside_its_container_is_understood() {
    let container = Container::start(Launch::new(&any_case()), "");
    let finished = attach(1, "stream.jsonl").run();
    assert_eq!(finished.code, Some(3), "{finished:#?}");
    let pid = container.pid().to_string();
    let mut numbers = finished.err.split(|c: char| !c.is_ascii_digit());
    assert!(
        numbers.any(|number| number == pid),
        "no {pid} in {finished:#?}"
    );
}

#[test]
fn mistakes_in_the_options_are_told_before_anything_is_done() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let pid = jvm.pid().to_string();
    let finished = Finwatch::new(&["attach", &pid, "intervall=1s", "classes=many"]).run();
    assert_eq!(finished.code, Some(2), "{finished:#?}");
    for words in ["2 mistakes", "did you mean interval?", "\"many\""] {
        assert!(finished.err.contains(words), "{finished:#?}");
    }
    let socket = format!("/tmp/.java_pid{pid}");
    assert!(!Path::new(&socket).exists(), "it was spoken to");
    assert_nothing_left(&jvm);
}

#[test]
fn too_many_options_for_the_protocol_are_told() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let out = format!("/{}", "directory/".repeat(120));
    let finished = attach(jvm.pid(), &format!("{out}stream.jsonl")).run();
    assert_refused(&jvm, &finished, &["1024", "config="]);
}

#[test]
fn a_library_for_another_machine_or_c_library_or_none_is_told() {
    let jvm = Launch::new(&any_case()).without_agent().start();
    let hidden = hidden_library();
    let genuine = std::fs::read(&hidden.1).expect("the library");

    let mut foreign = genuine.clone();
    // e_machine (elf(5)) of an architecture that none of these tests runs on.
    foreign[18..20].copy_from_slice(&22u16.to_le_bytes());
    let musl = replaced(&genuine, b"libc.so.6\0", b"libc.so\0\0\0");
    for (bytes, words) in [
        (foreign, ["is for s390", "FINWATCH_LIB"]),
        (musl, ["is for musl, the JVM runs on glibc", "FINWATCH_LIB"]),
        (
            b"#!/bin/sh\n".to_vec(),
            ["no shared library", "FINWATCH_LIB"],
        ),
    ] {
        std::fs::write(&hidden.1, bytes).expect("ours");
        let finished = attach_to(&jvm).library(&hidden.1).run();
        assert_refused(&jvm, &finished, &words);
    }
    std::fs::remove_file(&hidden.1).expect("ours");
    let finished = attach_to(&jvm).library(&hidden.1).run();
    assert_refused(&jvm, &finished, &["cannot be opened", "FINWATCH_LIB"]);
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut replaced = bytes.to_vec();
    let places = bytes.windows(from.len()).enumerate();
    for (at, _) in places.filter(|(_, window)| *window == from) {
        replaced[at..at + to.len()].copy_from_slice(to);
    }
    assert_ne!(replaced, bytes, "it is not in there");
    replaced
}

/// The library's own dependency cannot be had: the JVM says so, and we pass it on.
#[test]
fn what_the_jvm_says_of_a_library_that_it_cannot_load_is_passed_on() {
    for_each_jdk(|case| {
        let mut jvm = Launch::new(case).without_agent().start();
        let hidden = hidden_library();
        let genuine = std::fs::read(&hidden.1).expect("the library");
        let other = replaced(&genuine, b"libgcc_s.so.1\0", b"libnone_.so.9\0");
        std::fs::write(&hidden.1, other).expect("ours");
        let finished = attach_to(&jvm).library(&hidden.1).run();
        let words: &[&str] = match case.jdk.feature {
            8 => &["could not load the library"],
            _ => &["could not load the library", "libnone_.so.9"],
        };
        assert_refused(&jvm, &finished, words);
        jvm.tell("gc 1");
    });
}

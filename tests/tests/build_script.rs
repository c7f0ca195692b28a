//! What the agent's build says on a machine without a JDK that can compile the Java shim.
//!
//! `agent/build.rs` is compiled here and run on machines made up of fake JDKs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use finwatch_tests::all_jdks;
use tempfile::TempDir;

/// A line to type, for a JDK and not only a JRE.
const REMEDY: &str = "apt-get install openjdk-17-jdk-headless";

fn agent() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent")
}

fn temporary() -> TempDir {
    let directory = tempfile::Builder::new().prefix("finwatch-test-").tempdir();
    directory.unwrap_or_else(|e| panic!("cannot make a temporary directory: {e}"))
}

/// `agent/build.rs` as a program.
fn build_script() -> &'static Path {
    static SCRIPT: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let directory = temporary();
        let program = directory.path().join("build-script");
        let output = Command::new("rustc")
            .args(["--edition", "2024", "build.rs", "-o"])
            .arg(&program)
            .current_dir(agent())
            .output()
            .unwrap_or_else(|e| panic!("rustc can't be run: {e}"));
        assert!(output.status.success(), "{}", said(&output));
        (directory, program)
    });
    &SCRIPT.1
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A machine whose JDKs are all below one directory.
struct Machine {
    directory: TempDir,
}

impl Machine {
    fn bare() -> Machine {
        Machine {
            directory: temporary(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// With a program that does what the shell script says.
    fn with(self, name: &str, script: &str) -> Machine {
        let path = self.path(name);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).unwrap();
        }
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        self
    }

    /// Runs the build there: `home` is JAVA_HOME, `path` is on the PATH, `jvm` is where
    /// the distribution puts its JDKs.
    fn build(&self) -> Output {
        Command::new(build_script())
            .current_dir(agent())
            .env_clear()
            .env("OUT_DIR", self.path("out"))
            .env("JAVA_HOME", self.path("home"))
            .env("PATH", self.path("path"))
            .env("FINWATCH_JDK_ROOTS", self.path("jvm"))
            .output()
            .unwrap_or_else(|e| panic!("the build script can't be run: {e}"))
    }

    /// The message with which the build fails.
    fn refusal(&self) -> String {
        let output = self.build();
        assert!(!output.status.success(), "it was built");
        said(&output)
    }
}

fn assert_said(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "'{part}' is not in:\n{message}");
    }
}

#[test]
fn without_any_jdk_the_places_are_named_and_the_line_to_type() {
    let machine = Machine::bare();
    let root = machine.path("jvm").display().to_string();
    assert_said(
        &machine.refusal(),
        &["No javac was found", "JAVA_HOME", "PATH", &root, REMEDY],
    );
}

#[test]
fn a_jre_is_told_from_a_jdk() {
    let machine = Machine::bare().with("home/bin/java", "echo never run; exit 1");
    let java = machine.path("home/bin/java").display().to_string();
    let told = format!("{java} has no javac beside it");
    assert_said(&machine.refusal(), &[&told, REMEDY]);
}

#[test]
fn jdks_too_old_are_all_named_with_their_versions() {
    let machine = Machine::bare()
        .with("home/bin/javac", "echo javac 1.8.0_482 >&2")
        .with("path/javac", "echo javac 9.0.4")
        .with("jvm/ten/bin/javac", "echo javac 10.0.2");
    let told = [
        ("home/bin/javac", "is JDK 8"),
        ("path/javac", "is JDK 9"),
        ("jvm/ten/bin/javac", "is JDK 10"),
    ]
    .map(|(name, version)| format!("{} {version}", machine.path(name).display()));
    let message = machine.refusal();
    assert_said(&message, &told.each_ref().map(String::as_str));
    assert_said(&message, &["11 or later", REMEDY]);
}

#[test]
fn a_javac_that_does_not_run_is_named() {
    let machine = Machine::bare().with("path/javac", "echo no libjli.so >&2; exit 127");
    let told = format!("{} does not run", machine.path("path/javac").display());
    assert_said(&machine.refusal(), &[&told, REMEDY]);
}

#[test]
fn a_compiler_that_refuses_is_quoted() {
    let machine = Machine::bare().with(
        "home/bin/javac",
        "if [ \"$1\" = -version ]; then echo javac 99; else echo error: release version 8 not supported; exit 2; fi",
    );
    assert_said(
        &machine.refusal(),
        &["error: release version 8 not supported", "JAVA_HOME"],
    );
}

#[test]
fn a_jdk_where_distributions_put_them_is_found_behind_older_ones() {
    let jdks = all_jdks();
    let real = jdks
        .iter()
        .find(|jdk| jdk.feature >= 11 && jdk.has_tool("javac"))
        .unwrap_or_else(|| panic!("no JDK of 11 or later with javac"));
    let machine = Machine::bare()
        .with("home/bin/javac", "echo javac 1.8.0_482")
        .with("path/java", "exit 1");
    std::fs::create_dir_all(machine.path("jvm")).unwrap();
    std::os::unix::fs::symlink(&real.home, machine.path("jvm/real")).unwrap();
    let output = machine.build();
    assert!(output.status.success(), "{}", said(&output));
    let hook = machine.path("out/shim/java/lang/ref/FinwatchHook.class");
    assert!(hook.is_file(), "no {}", hook.display());
}

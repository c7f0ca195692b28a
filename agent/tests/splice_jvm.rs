//! Real JVMs load the rewritten classes under their verifier, and the redirected calls arrive.
//!
//! On every JDK found (`FINWATCH_JDKS`, a list of homes separated by `:`; `target/jdks/*`;
//! `/usr/lib/jvm/*`; `JAVA_HOME`) both forms of the classes are taken: as shipped, and as the VM
//! reconstitutes them for a retransformation. No JDK is a failure, not a pass.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use finwatch::splice;

const SEEN: &str =
    "counts: registered=800 uncalled=200 kept=128 enqueued=1000 finalized=900 threw=100";

/// The VM verifies no class of its own unless told so.
const VERIFY: [&str; 2] = [
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:+BytecodeVerificationLocal",
];

#[test]
fn every_jdk_runs_the_redirected_classes() {
    let build = Build::new();
    for jdk in jdks() {
        let captured = build.capture(&jdk);
        for form in ["shipped", "reconstituted"] {
            let patch = build.patch(&captured.join(form), form);
            let output = probe(&jdk, &VERIFY, &patch, &build);
            let counted = stdout(&output).contains(SEEN);
            assert!(
                output.status.success() && counted,
                "{}",
                report(&jdk, form, &output)
            );
            eprintln!("{}: the {form} classes verify and count", jdk.display());
        }
    }
}

/// Without its frames a class must fail under the verifier, and do well without one: this shows that
/// the test above would notice frames that are wrong.
#[test]
fn every_jdk_rejects_a_class_without_frames() {
    let build = Build::new();
    for jdk in jdks() {
        let patch = build.patch(&build.capture(&jdk).join("shipped"), "frameless");
        let path = patch.join("java/lang/ref/Finalizer.class");
        let mut class_file = fs::read(&path).unwrap();
        let name = class_file
            .windows(13)
            .position(|bytes| bytes == b"StackMapTable")
            .unwrap();
        class_file[name] = b'X';
        fs::write(&path, class_file).unwrap();
        let verified = probe(&jdk, &VERIFY, &patch, &build);
        assert!(
            !verified.status.success(),
            "{}",
            report(&jdk, "frameless", &verified)
        );
        let trusted = probe(&jdk, &[], &patch, &build);
        assert!(
            stdout(&trusted).contains(SEEN),
            "{}",
            report(&jdk, "frameless", &trusted)
        );
        eprintln!("{}: rejects a class without frames", jdk.display());
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn report(jdk: &Path, form: &str, output: &Output) -> String {
    format!(
        "{} with the {form} classes: {}, wanted {SEEN:?}\nstdout:\n{}\nstderr:\n{}",
        jdk.display(),
        output.status,
        stdout(output),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs the probe with the classes of `patch` in place of the JDK's own.
fn probe(jdk: &Path, options: &[&str], patch: &Path, build: &Build) -> Output {
    let mut java = Command::new(jdk.join("bin/java"));
    java.args(options);
    match is_modular(jdk) {
        true => java
            .arg("--patch-module")
            .arg(format!("java.base={}", patch.display())),
        false => java.arg(format!("-Xbootclasspath/p:{}", patch.display())),
    };
    java.args(["-Xmx64m", "-cp"])
        .arg(&build.program)
        .arg("Probe");
    // A VM that dies leaves its hs_err file where it stands.
    java.current_dir(build.directory.path()).output().unwrap()
}

/// The Java classes of this test, compiled.
struct Build {
    directory: tempfile::TempDir,
    program: PathBuf,
    boot: PathBuf,
}

impl Build {
    fn new() -> Self {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/splice_java");
        let directory = tempfile::tempdir().unwrap();
        let (program, boot) = (
            directory.path().join("program"),
            directory.path().join("boot"),
        );
        let compiler = compiler();
        for (output, files) in [
            (
                &program,
                &["program/Probe.java", "program/Capture.java"][..],
            ),
            (
                &boot,
                &[
                    "boot/java/lang/ref/FinwatchHook.java",
                    "boot/sun/misc/JavaLangAccess.java",
                    "boot/sun/misc/VM.java",
                ][..],
            ),
        ] {
            fs::create_dir(output).unwrap();
            let mut javac = Command::new(compiler.join("bin/javac"));
            javac
                .args(["-g", "--release", "8", "-Xlint:-options", "-d"])
                .arg(output);
            succeed(javac.args(files.iter().map(|file| sources.join(file))));
        }
        let manifest = directory.path().join("manifest");
        fs::write(
            &manifest,
            "Premain-Class: Capture\nCan-Retransform-Classes: true\n",
        )
        .unwrap();
        let mut jar = Command::new(compiler.join("bin/jar"));
        jar.arg("cfm")
            .arg(program.join("capture.jar"))
            .arg(&manifest);
        succeed(jar.arg("-C").arg(&program).arg("."));
        Build {
            directory,
            program,
            boot,
        }
    }

    /// Has a JDK write out its two class files, in both forms. JDK 8 forgets the frames of classes
    /// that it does not verify, and reconstitutes them without.
    fn capture(&self, jdk: &Path) -> PathBuf {
        let captured = self.directory.path().join("captured");
        let _ = fs::remove_dir_all(&captured);
        let jar = self.program.join("capture.jar");
        let mut java = Command::new(jdk.join("bin/java"));
        java.args(VERIFY);
        java.arg(format!(
            "-javaagent:{}={}",
            jar.display(),
            captured.display()
        ));
        succeed(java.arg("-cp").arg(jar).arg("Capture"));
        captured
    }

    /// A directory to patch `java.base` with: the two classes redirected, and the hook renamed.
    fn patch(&self, classes: &Path, name: &str) -> PathBuf {
        let finalizer = fs::read(classes.join("Finalizer.class")).unwrap();
        let queue = fs::read(classes.join("ReferenceQueue.class")).unwrap();
        let hook = fs::read(self.boot.join("java/lang/ref/FinwatchHook.class")).unwrap();
        let names = splice::vm_names(&finalizer, &queue).unwrap();
        let renames = [
            ("sun/misc/JavaLangAccess", &*names.java_lang_access),
            ("sun/misc/VM", &*names.vm),
        ];
        let patch = self.directory.path().join(name).join("java/lang/ref");
        fs::create_dir_all(&patch).unwrap();
        for (file, class_file) in [
            ("Finalizer.class", splice::finalizer(&finalizer).unwrap()),
            (
                "ReferenceQueue.class",
                splice::reference_queue(&queue).unwrap(),
            ),
            ("FinwatchHook.class", splice::shim(&hook, &renames).unwrap()),
        ] {
            fs::write(patch.join(file), class_file).unwrap();
        }
        self.directory.path().join(name)
    }
}

fn succeed(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn is_modular(jdk: &Path) -> bool {
    jdk.join("lib/modules").exists() || jdk.join("jmods").exists()
}

/// A JDK whose compiler still knows how to compile for Java 8 and knows `--release`.
fn compiler() -> PathBuf {
    let found = jdks()
        .into_iter()
        .filter(|jdk| jdk.join("bin/javac").exists())
        .find(|jdk| is_modular(jdk));
    found.expect("no JDK of 9 or later with a javac in FINWATCH_JDKS, target/jdks, /usr/lib/jvm or JAVA_HOME")
}

/// Homes of all JDKs and JREs on this machine, each once.
fn jdks() -> Vec<PathBuf> {
    let mut homes: Vec<PathBuf> = env::var("FINWATCH_JDKS")
        .map(|list| env::split_paths(&list).collect())
        .unwrap_or_default();
    homes.extend(env::var_os("JAVA_HOME").map(PathBuf::from));
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/jdks");
    for root in [target, PathBuf::from("/usr/lib/jvm")] {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        homes.extend(entries.map(|entry| entry.path()));
    }
    let real = homes.iter().filter(|home| home.join("bin/java").exists());
    let jdks: BTreeSet<PathBuf> = real
        .filter_map(|home| fs::canonicalize(home).ok())
        .collect();
    assert!(
        !jdks.is_empty(),
        "no JDK found in FINWATCH_JDKS, JAVA_HOME, target/jdks or /usr/lib/jvm: install one, or set FINWATCH_JDKS"
    );
    jdks.into_iter().collect()
}

//! The Java programs under `tests/java`, compiled once for all test processes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::jdk::{Jdk, all_jdks};
use crate::workspace;

/// Directory of the compiled programs, class files of Java 8.
pub fn classes() -> PathBuf {
    static CLASSES: OnceLock<PathBuf> = OnceLock::new();
    CLASSES.get_or_init(|| compile("subject")).clone()
}

/// Directory of the compiled programs of the package `incident`.
pub fn incident_classes() -> PathBuf {
    static CLASSES: OnceLock<PathBuf> = OnceLock::new();
    CLASSES.get_or_init(|| compile("incident")).clone()
}

/// The Java agent `javaagent.Retransformer` as a jar for `-javaagent`.
pub fn java_agent_jar() -> PathBuf {
    static JAR: OnceLock<PathBuf> = OnceLock::new();
    JAR.get_or_init(|| pack(&compile("javaagent"))).clone()
}

fn compiler() -> &'static Jdk {
    let fits = |jdk: &&Jdk| jdk.feature >= 11 && jdk.has_tool("javac") && jdk.has_tool("jar");
    all_jdks().iter().rev().find(fits).unwrap_or_else(|| {
        panic!(
            "no JDK 11 or later with javac among {:?}: install one, or name it in FINWATCH_JDKS",
            all_jdks()
        )
    })
}

fn compile(package: &str) -> PathBuf {
    let sources = sources(package);
    let texts = sources.iter().map(|path| {
        std::fs::read(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
    });
    let version = std::iter::once(compiler().version.clone().into_bytes());
    let name = workspace::fingerprint(version.chain(texts));
    let directory = workspace::cache_directory().join(format!("{package}-{name}"));
    workspace::exclusively("programs", || {
        if !directory.is_dir() {
            javac(&sources, &directory);
        }
    });
    directory
}

fn sources(package: &str) -> Vec<PathBuf> {
    let directory = workspace::root().join("tests/java").join(package);
    let entries = std::fs::read_dir(&directory)
        .unwrap_or_else(|e| panic!("cannot list {}: {e}", directory.display()));
    let mut sources: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    sources.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "java")
    });
    sources.sort();
    sources
}

/// Compiles beside the destination and moves it there: what has its name is complete.
fn javac(sources: &[PathBuf], destination: &Path) {
    let fresh = tempfile::tempdir_in(workspace::cache_directory())
        .unwrap_or_else(|e| panic!("cannot make a directory to compile into: {e}"));
    let output = Command::new(compiler().tool("javac"))
        .args(["--release", "8", "-Xlint:-options", "-nowarn", "-d"])
        .arg(fresh.path())
        .args(sources)
        .output()
        .unwrap_or_else(|e| panic!("cannot run javac of {}: {e}", compiler()));
    assert!(
        output.status.success(),
        "javac of {} refuses the test programs:\n{}",
        compiler(),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::rename(fresh.keep(), destination)
        .unwrap_or_else(|e| panic!("cannot make {}: {e}", destination.display()));
}

fn pack(classes: &Path) -> PathBuf {
    let jar = classes.with_extension("jar");
    workspace::exclusively("programs", || {
        if jar.is_file() {
            return;
        }
        let manifest = classes.join("MANIFEST.MF");
        let attributes = "Premain-Class: javaagent.Retransformer\nCan-Retransform-Classes: true\n";
        std::fs::write(&manifest, attributes)
            .unwrap_or_else(|e| panic!("cannot write {}: {e}", manifest.display()));
        let fresh = jar.with_extension("jar.new");
        let paths =
            [&fresh, &manifest, classes].map(|path: &Path| path.to_string_lossy().into_owned());
        compiler().run_tool(
            "jar",
            &["cfm", &paths[0], &paths[1], "-C", &paths[2], "javaagent"],
        );
        std::fs::rename(&fresh, &jar)
            .unwrap_or_else(|e| panic!("cannot make {}: {e}", jar.display()));
    });
    jar
}

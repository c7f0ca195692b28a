//! The JDKs of this machine and the collectors that each has.
//!
//! Looked for in `FINWATCH_JDKS` (homes, or directories of homes, separated by colons),
//! in `target/jdks`, in `/usr/lib/jvm`, in `JAVA_HOME`, and behind `java` on the path.
//! `FINWATCH_JDKS_ONLY=1` keeps to the first of these.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::workspace;

/// One JDK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jdk {
    /// The directory with `bin/java`.
    pub home: PathBuf,
    /// What the VM calls its build, for example `17.0.15+6-Debian-1deb12u1`.
    pub version: String,
    /// The feature release, for example 17.
    pub feature: u32,
    /// The collectors that it can be started with.
    pub collectors: Vec<Collector>,
}

/// A collector, with its mode where a JDK has a choice of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Collector {
    /// `-XX:+UseSerialGC`.
    Serial,
    /// `-XX:+UseParallelGC`.
    Parallel,
    /// `-XX:+UseConcMarkSweepGC` (up to 13).
    Cms,
    /// `-XX:+UseG1GC`.
    G1,
    /// `-XX:+UseZGC`: one generation up to 22, generations from 23 on.
    Zgc,
    /// `-XX:+UseZGC -XX:+ZGenerational`, a choice in 21 to 23.
    ZgcGenerational,
    /// `-XX:+UseShenandoahGC`.
    Shenandoah,
    /// `-XX:+UseEpsilonGC`, which never collects.
    Epsilon,
}

impl Collector {
    const ALL: [Collector; 8] = [
        Collector::Serial,
        Collector::Parallel,
        Collector::Cms,
        Collector::G1,
        Collector::Zgc,
        Collector::ZgcGenerational,
        Collector::Shenandoah,
        Collector::Epsilon,
    ];

    /// The flags that select it.
    pub fn flags(self) -> &'static [&'static str] {
        match self {
            Collector::Serial => &["-XX:+UseSerialGC"],
            Collector::Parallel => &["-XX:+UseParallelGC"],
            Collector::Cms => &["-XX:+UseConcMarkSweepGC"],
            Collector::G1 => &["-XX:+UseG1GC"],
            Collector::Zgc => &["-XX:+UnlockExperimentalVMOptions", "-XX:+UseZGC"],
            Collector::ZgcGenerational => &["-XX:+UseZGC", "-XX:+ZGenerational"],
            Collector::Shenandoah => &["-XX:+UnlockExperimentalVMOptions", "-XX:+UseShenandoahGC"],
            Collector::Epsilon => &["-XX:+UnlockExperimentalVMOptions", "-XX:+UseEpsilonGC"],
        }
    }

    /// False for the one that leaves everything in the heap.
    pub fn collects(self) -> bool {
        self != Collector::Epsilon
    }

    /// Whether an allocation near the limit of the heap needs a whole free region.
    pub fn has_regions(self) -> bool {
        !matches!(
            self,
            Collector::Serial | Collector::Parallel | Collector::Cms
        )
    }
}

impl Jdk {
    /// A program of this JDK, for example `jcmd`.
    pub fn tool(&self, name: &str) -> PathBuf {
        self.home.join("bin").join(name)
    }

    /// Whether it has that program.
    pub fn has_tool(&self, name: &str) -> bool {
        self.tool(name).is_file()
    }

    /// Runs a program of this JDK to its end and gives its standard output.
    pub fn run_tool(&self, name: &str, arguments: &[&str]) -> String {
        let output = Command::new(self.tool(name))
            .args(arguments)
            .output()
            .unwrap_or_else(|e| panic!("cannot run {}: {e}", self.tool(name).display()));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{} {} failed with {}:\n{text}{}",
            self.tool(name).display(),
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }
}

impl std::fmt::Display for Jdk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JDK {} ({})", self.version, self.home.display())
    }
}

/// Every JDK found, oldest first. Panics where there is none: nothing to test on is a
/// failure, not a reason to skip.
pub fn all_jdks() -> &'static [Jdk] {
    static JDKS: OnceLock<Vec<Jdk>> = OnceLock::new();
    JDKS.get_or_init(|| {
        let places = places();
        let mut jdks: Vec<Jdk> = distinct(homes(&places)).into_iter().map(known_or_asked).collect();
        assert!(
            !jdks.is_empty(),
            "no JDK found in {places:?}: run tests/fetch-jdks, install one, or name the homes in FINWATCH_JDKS"
        );
        jdks.sort_by_key(|jdk| (jdk.feature, jdk.version.clone()));
        jdks
    })
}

fn places() -> Vec<PathBuf> {
    let mut places = named(&std::env::var_os("FINWATCH_JDKS").unwrap_or_default());
    if std::env::var_os("FINWATCH_JDKS_ONLY").is_some() {
        return places;
    }
    places.push(workspace::root().join("target/jdks"));
    places.push(PathBuf::from("/usr/lib/jvm"));
    places.extend(std::env::var_os("JAVA_HOME").map(PathBuf::from));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let java = std::env::split_paths(&path).map(|directory| directory.join("java"));
    places.extend(java.filter_map(|java| home_of(&java.canonicalize().ok()?)));
    places
}

/// The places in a value of `FINWATCH_JDKS`. Panics where there is no JDK in one: fewer would be tested than are meant.
fn named(value: &OsStr) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = std::env::split_paths(value).collect();
    places.retain(|place| !place.as_os_str().is_empty());
    for place in &places {
        assert!(
            !homes(std::slice::from_ref(place)).is_empty(),
            "FINWATCH_JDKS names {}, where there is no JDK; wanted are the full paths of homes, or of directories of homes",
            place.display()
        );
    }
    places
}

/// The home above `bin/java`; for a JRE inside a JDK 8, the JDK's.
fn home_of(java: &Path) -> Option<PathBuf> {
    let home = java.parent()?.parent()?;
    match home.parent() {
        Some(outer) if home.ends_with("jre") && is_home(outer) => Some(outer.into()),
        _ => Some(home.into()),
    }
}

fn is_home(directory: &Path) -> bool {
    directory.join("bin/java").is_file()
}

/// The places that are homes, and the homes directly below those that are not.
fn homes(places: &[PathBuf]) -> Vec<PathBuf> {
    let mut homes = Vec::new();
    for place in places {
        if is_home(place) {
            homes.push(place.clone());
        } else if let Ok(entries) = std::fs::read_dir(place) {
            let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            below.retain(|path| is_home(path) && !hidden(path));
            below.sort();
            homes.extend(below);
        }
    }
    homes
}

fn hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Each home once, and each build once: `(home, version)`.
fn distinct(homes: Vec<PathBuf>) -> Vec<(PathBuf, String)> {
    let mut seen_homes = BTreeSet::new();
    let mut seen_versions = BTreeSet::new();
    homes
        .into_iter()
        .filter_map(|home| home.canonicalize().ok())
        .filter(|home| seen_homes.insert(home.clone()))
        .filter_map(|home| full_version(&home).map(|version| (home, version)))
        .filter(|(_, version)| seen_versions.insert(version.clone()))
        .collect()
}

/// The build in brackets of `java -version`'s second line; `None` for what does not run.
fn full_version(home: &Path) -> Option<String> {
    let output = Command::new(home.join("bin/java"))
        .arg("-version")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, build) = text.split_once("(build ")?;
    Some(build.split(')').next()?.to_string())
}

/// `1.8.0_504-b01` is 8, `25.0.5+3` and `28-ea+9` are what they begin with.
fn feature(version: &str) -> Option<u32> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    match numbers.next()?.parse().ok()? {
        1 => numbers.next()?.parse().ok(),
        feature => Some(feature),
    }
}

/// What an earlier process learned about this build, or the same learned now: trying
/// every collector takes seconds, and each test binary is a process.
fn known_or_asked((home, version): (PathBuf, String)) -> Jdk {
    let name = workspace::fingerprint([home.as_os_str().as_encoded_bytes(), version.as_bytes()]);
    let path = workspace::cache_directory().join(format!("jdk-{name}.json"));
    workspace::exclusively("jdks", || {
        if let Some(known) = std::fs::read(&path)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
        {
            return known;
        }
        let asked = ask(home, version);
        if let Ok(json) = serde_json::to_vec(&asked) {
            std::fs::write(&path, json)
                .unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        }
        asked
    })
}

fn ask(home: PathBuf, version: String) -> Jdk {
    let feature = feature(&version).unwrap_or_else(|| {
        panic!(
            "'{version}' of {} does not begin with a number",
            home.display()
        )
    });
    let collectors = Collector::ALL
        .into_iter()
        .filter(|&collector| has(&home, feature, collector))
        .collect();
    Jdk {
        home,
        version,
        feature,
        collectors,
    }
}

fn has(home: &Path, feature: u32, collector: Collector) -> bool {
    if collector == Collector::ZgcGenerational && !(21..=22).contains(&feature) {
        return false;
    }
    Command::new(home.join("bin/java"))
        .args(collector.flags())
        .args(["-Xmx64m", "-version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_releases_of_real_version_strings() {
        assert_eq!(feature("1.8.0_504-8u504-ga-1-b01"), Some(8));
        assert_eq!(feature("11.0.33-ea+8-post-1-Debian"), Some(11));
        assert_eq!(feature("28-ea+20-1-Debian"), Some(28));
        assert_eq!(feature("internal"), None);
    }

    #[test]
    #[should_panic(expected = "FINWATCH_JDKS names /nowhere")]
    fn a_place_without_a_jdk_is_no_place_of_jdks() {
        let home = all_jdks()[0].home.to_string_lossy();
        named(format!("{home}:/nowhere").as_ref());
    }

    #[test]
    fn at_least_one_jdk_with_a_collector_is_here() {
        assert!(all_jdks().iter().all(|jdk| !jdk.collectors.is_empty()));
    }
}

//! Compiles the Java shim with a JDK's `javac` and hands its bytes to the library.
//!
//! Any JDK from 11 on will do: it is looked for in `JAVA_HOME`, on the `PATH` and where
//! Linux distributions put JDKs, or in the directories of JDKs that `FINWATCH_JDK_ROOTS`
//! names instead, separated by colons. The class files are for JDK 8 (`--release 8`).

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// `--release` came with 9; 11 is the oldest that is maintained anywhere.
const OLDEST_JDK: u32 = 11;

/// Where Linux distributions and vendors' packages put JDKs.
const JDK_ROOTS: &str = "/usr/lib/jvm:/usr/java:/opt/java";

const SHIM: &str = "../java-shim";

/// What the library embeds; `include_bytes!` names them.
const CLASSES: [&str; 8] = [
    "java/lang/ref/FinwatchSlot.class",
    "java/lang/ref/FinwatchKlass.class",
    "java/lang/ref/FinwatchChain.class",
    "java/lang/ref/FinwatchSurvivor.class",
    "java/lang/ref/FinwatchHook.class",
    "finwatch/Management.class",
    "finwatch/GarbageCollections.class",
    "finwatch/Sites.class",
];

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={SHIM}");
    println!("cargo::rerun-if-env-changed=JAVA_HOME");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rerun-if-env-changed=FINWATCH_JDK_ROOTS");
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\nfinwatch: the Java shim can't be compiled.\n{message}\n");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR")?).join("shim");
    let sources = java_files(Path::new(SHIM))?;
    let javac = find_javac()?;
    fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let output = Command::new(&javac)
        .args([
            "--release",
            "8",
            "-Xlint:-options",
            "-g:source,lines",
            "-proc:none",
        ])
        .args(["-encoding", "UTF-8", "-implicit:none", "-d"])
        .arg(&out)
        .args(&sources)
        .output()
        .map_err(|error| format!("{} can't be run: {error}", javac.display()))?;
    let missing = CLASSES.iter().find(|class| !out.join(class).exists());
    if output.status.success() && missing.is_none() {
        return Ok(());
    }
    Err(format!(
        "{} ended with {}:\n{}{}\n\
         It must understand `--release 8`: set JAVA_HOME to another JDK of 11 or later.",
        javac.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    ))
}

fn java_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory)
            .map_err(|error| format!("{}: {error}", directory.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "java")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The first `javac` that is new enough; an error names everything that was looked at.
fn find_javac() -> Result<PathBuf, String> {
    let mut seen = Vec::new();
    for javac in candidates() {
        match version(&javac) {
            Some(version) if version >= OLDEST_JDK => return Ok(javac),
            Some(version) => seen.push(format!("  {} is JDK {version}", javac.display())),
            None if javac.exists() => seen.push(format!("  {} does not run", javac.display())),
            None if javac.with_file_name("java").exists() => seen.push(format!(
                "  {} has no javac beside it: a JRE",
                javac.with_file_name("java").display()
            )),
            None => {}
        }
    }
    let seen = match seen.is_empty() {
        true => format!(
            "No javac was found in JAVA_HOME, on the PATH or under {}.",
            jdk_roots().to_string_lossy().replace(':', ", ")
        ),
        false => format!("No JDK that was found will do:\n{}", seen.join("\n")),
    };
    Err(format!(
        "{seen}\n\
         Wanted: a JDK (not only a JRE) of {OLDEST_JDK} or later, for the build alone; for example\n  \
         apt-get install openjdk-17-jdk-headless      (Debian, Ubuntu)\n  \
         dnf install java-17-openjdk-devel            (Fedora, RHEL)\n\
         or set JAVA_HOME to one that is installed elsewhere."
    ))
}

fn candidates() -> Vec<PathBuf> {
    let home = env::var_os("JAVA_HOME").map(PathBuf::from);
    let mut javacs: Vec<PathBuf> = home.iter().map(|home| home.join("bin/javac")).collect();
    if let Some(path) = env::var_os("PATH") {
        javacs.extend(env::split_paths(&path).map(|directory| directory.join("javac")));
    }
    for root in env::split_paths(&jdk_roots()) {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries
            .map(|entry| entry.path().join("bin/javac"))
            .collect();
        found.sort();
        javacs.extend(found);
    }
    javacs
}

fn jdk_roots() -> OsString {
    env::var_os("FINWATCH_JDK_ROOTS").unwrap_or_else(|| JDK_ROOTS.into())
}

/// The feature number that `javac -version` prints: `javac 17.0.15` is 17, `javac 1.8.0_482` is 8.
fn version(javac: &Path) -> Option<u32> {
    let output = Command::new(javac).arg("-version").output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let number = text
        .split_whitespace()
        .skip_while(|word| *word != "javac")
        .nth(1)?;
    let mut parts = number.split(|c: char| !c.is_ascii_digit());
    let first: u32 = parts.next()?.parse().ok()?;
    if first == 1 {
        parts.next()?.parse().ok()
    } else {
        Some(first)
    }
}

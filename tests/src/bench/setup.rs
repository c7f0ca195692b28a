//! What the benchmarks need before they can run: the library, the Java programs, libraries from Maven Central.
//!
//! All of it lands in `target/bench` and stays there, so that a second run needs no network.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};

use super::arguments::Arguments;
use crate::{Jdk, agent_library, all_jdks, maven, target_directory};

/// Releases to measure on where none are named: the oldest, the most used, the newest with long support.
const RELEASES: [u32; 3] = [8, 17, 25];

/// Compiled for Java 8, so that all JDKs run the same class files; JDK 8's own javac has no `--release`.
const COMPILERS: std::ops::RangeInclusive<u32> = 11..=25;

/// Everything that a benchmark may use.
#[derive(Debug)]
pub struct Setup {
    /// Fewer and smaller runs, one JDK.
    pub short: bool,
    /// The library; `None` for runs without it on both sides.
    pub agent: Option<PathBuf>,
    /// Where to measure, oldest first.
    pub jdks: Vec<Jdk>,
    /// Jar of the programs in `tests/bench`.
    pub programs: PathBuf,
    directory: PathBuf,
    compiler: &'static Jdk,
    streams: AtomicU32,
}

impl Setup {
    pub fn new(arguments: &Arguments) -> Result<Self> {
        let directory = target_directory().join("bench");
        fs::create_dir_all(&directory)
            .with_context(|| format!("making the directory {}", directory.display()))?;
        let compiler = compiler()?;
        Ok(Self {
            short: arguments.short,
            agent: (!arguments.null).then(|| agent(arguments)).transpose()?,
            jdks: chosen(arguments)?,
            programs: compile_programs(compiler, &directory)?,
            directory,
            compiler,
            streams: AtomicU32::new(0),
        })
    }

    /// `full` or, for a short run, `short`.
    pub fn effort<T>(&self, full: T, short: T) -> T {
        if self.short { short } else { full }
    }

    /// Where to measure what takes long: all JDKs, in a short run the newest alone.
    pub fn few_jdks(&self) -> &[Jdk] {
        let skip = if self.short { self.jdks.len() - 1 } else { 0 };
        &self.jdks[skip..]
    }

    /// A path for the stream of one run.
    pub fn stream(&self) -> Result<StreamFile> {
        let number = self.streams.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.join("streams");
        fs::create_dir_all(&directory)?;
        let name = format!("{}-{number}.jsonl", std::process::id());
        Ok(StreamFile(directory.join(name)))
    }

    /// A file of the benchmarks' own directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The jar whose name begins with `artifact`, from Maven Central through `tests/bench/pom.xml`.
    pub fn library(&self, artifact: &str) -> Result<PathBuf> {
        let libraries = self.file("libraries");
        if jar(&libraries, artifact).is_none() {
            self.copy_libraries(&libraries)?;
        }
        jar(&libraries, artifact).with_context(|| {
            format!(
                "no {artifact}*.jar in {}: name it in tests/bench/pom.xml",
                libraries.display()
            )
        })
    }

    fn copy_libraries(&self, to: &Path) -> Result<()> {
        let directory = format!("-DoutputDirectory={}", to.display());
        let arguments = ["dependency:copy-dependencies", &directory];
        maven(&sources().join("pom.xml"), arguments).context("fetching libraries")
    }

    /// The classes of the programs in a directory below `tests/bench`, compiled against these jars.
    pub fn compile(&self, programs: &str, libraries: &[PathBuf]) -> Result<PathBuf> {
        let classes = self.file(programs);
        javac(
            self.compiler,
            &sources().join(programs),
            libraries,
            &classes,
        )?;
        Ok(classes)
    }

    /// The contents of that jar.
    pub fn unpacked(&self, artifact: &str) -> Result<PathBuf> {
        let jar = self.library(artifact)?;
        let directory = self.file(artifact);
        if !directory.exists() {
            let half = self.file(&format!("{artifact}.half"));
            fs::create_dir_all(&half)?;
            run(Command::new(self.compiler.tool("jar"))
                .arg("xf")
                .arg(jar)
                .current_dir(&half))?;
            fs::rename(half, &directory)?;
        }
        Ok(directory)
    }
}

/// Where the stream of one run goes. The file is removed when this is dropped.
#[derive(Debug)]
pub struct StreamFile(PathBuf);

impl Deref for StreamFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for StreamFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // Not there without the agent.
    }
}

/// The first JDK of each release that is wanted and there.
fn chosen(arguments: &Arguments) -> Result<Vec<Jdk>> {
    let wanted = arguments.jdks.as_deref().unwrap_or(&RELEASES);
    let of_release = |&release| all_jdks().iter().find(|jdk| jdk.feature == release);
    let chosen: Vec<Jdk> = wanted.iter().filter_map(of_release).cloned().collect();
    let known: Vec<_> = all_jdks().iter().map(|jdk| jdk.feature).collect();
    ensure!(
        !chosen.is_empty(),
        "none of the JDKs {wanted:?} is on this machine, only {known:?}: tests/fetch-jdks fetches them, --jdk names others"
    );
    Ok(chosen)
}

fn compiler() -> Result<&'static Jdk> {
    let fits = |jdk: &&Jdk| COMPILERS.contains(&jdk.feature) && jdk.has_tool("javac");
    all_jdks().iter().find(fits).with_context(|| {
        format!("no JDK with javac from {COMPILERS:?}: install one (Debian: apt-get install openjdk-17-jdk-headless)")
    })
}

fn compile_programs(compiler: &Jdk, directory: &Path) -> Result<PathBuf> {
    let classes = directory.join("classes");
    javac(compiler, &sources(), &[], &classes)?;
    let jar = directory.join("programs.jar");
    run(Command::new(compiler.tool("jar"))
        .arg("cf")
        .arg(&jar)
        .arg("-C")
        .arg(&classes)
        .arg("."))?;
    Ok(jar)
}

fn javac(compiler: &Jdk, sources: &Path, libraries: &[PathBuf], classes: &Path) -> Result<()> {
    fs::create_dir_all(classes)?;
    let mut javac = Command::new(compiler.tool("javac"));
    javac
        .args([
            "--release",
            "8",
            "-Xlint:-options",
            "-encoding",
            "UTF-8",
            "-cp",
        ])
        .arg(std::env::join_paths(libraries)?)
        .arg("-d")
        .arg(classes);
    for entry in fs::read_dir(sources)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "java")
        {
            javac.arg(path);
        }
    }
    run(&mut javac)
}

/// The library to measure: the one named, or the release build.
fn agent(arguments: &Arguments) -> Result<PathBuf> {
    match &arguments.agent {
        Some(agent) => agent
            .canonicalize()
            .with_context(|| format!("no agent library at {}", agent.display())),
        None => Ok(agent_library()),
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench")
}

fn jar(directory: &Path, artifact: &str) -> Option<PathBuf> {
    fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(artifact))
        })
}

/// The command `finwatch` as it is shipped.
pub fn finwatch() -> Result<PathBuf> {
    run(cargo().args(["build", "--release", "--quiet", "-p", "finwatch-cli"]))?;
    Ok(target_directory().join("release/finwatch"))
}

/// The cargo that runs this command, in the workspace.
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(sources());
    cargo
}

/// Runs a tool to its end; its words are in the error.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// The same, and gives its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{command:?} ended with {}:\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(text)
}

/// Asks a JVM through the `jcmd` of its JDK.
pub fn jcmd(jdk: &Jdk, pid: u32, words: &[&str]) -> Result<()> {
    let mut command = Command::new(jdk.tool("jcmd"));
    run(command.arg(pid.to_string()).args(words))
}

//! A JVM about to be started: the one place where its command line is put together.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::jvm::{Ended, Evidence, Jvm};
use crate::library::agent_library;
use crate::matrix::Case;
use crate::programs::classes;

/// The agent's part of a command line.
enum Agent {
    None,
    Options(BTreeMap<String, String>),
    Raw(String),
}

/// A JVM about to be started, in a directory of its own, which is its working directory
/// too: relative paths and `hs_err` files land there.
pub struct Launch {
    case: Case,
    directory: tempfile::TempDir,
    agent: Agent,
    flags: Vec<OsString>,
    program: Vec<OsString>,
    class_path: Option<PathBuf>,
    environment: BTreeMap<String, String>,
    java: PathBuf,
    through: Vec<OsString>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
}

impl Launch {
    /// The `subject.Driver` with the agent, a small heap, a sample of all classes every
    /// 100 ms, and the stream in the file `stream.jsonl` of the JVM's directory.
    pub fn new(case: &Case) -> Launch {
        let directory = tempfile::Builder::new().prefix("finwatch-test-").tempdir();
        let directory =
            directory.unwrap_or_else(|e| panic!("cannot make a temporary directory: {e}"));
        let out = directory.path().join("stream.jsonl").display().to_string();
        let options = [
            ("out", out),
            ("interval", "100ms".into()),
            ("classes", "4096".into()),
        ];
        Launch {
            case: case.clone(),
            agent: Agent::Options(options.map(|(key, value)| (key.to_string(), value)).into()),
            flags: case
                .flags()
                .iter()
                .chain(&["-Xmx64m"])
                .map(OsString::from)
                .collect(),
            program: vec!["subject.Driver".into()],
            class_path: None,
            environment: BTreeMap::new(),
            java: case.jdk.tool("java"),
            through: Vec::new(),
            stdin: None,
            stdout: None,
            stderr: None,
            directory,
        }
    }

    /// Which JVM of the matrix it will be.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// The JVM's working directory, there until the JVM's [`Jvm`] or [`Ended`] is dropped.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Without the agent.
    pub fn without_agent(mut self) -> Launch {
        self.agent = Agent::None;
        self
    }

    /// Sets an option of the agent.
    pub fn option(mut self, key: &str, value: &str) -> Launch {
        if let Agent::Options(options) = &mut self.agent {
            options.insert(key.to_string(), value.to_string());
        }
        self
    }

    /// Leaves an option of the agent out.
    pub fn without_option(mut self, key: &str) -> Launch {
        if let Agent::Options(options) = &mut self.agent {
            options.remove(key);
        }
        self
    }

    /// What follows `libfinwatch.so` in the flag, character for character; `""` is the
    /// flag alone.
    pub fn raw_options(mut self, text: &str) -> Launch {
        self.agent = Agent::Raw(text.to_string());
        self
    }

    /// Adds a flag of the JVM, after those given before: the last of two that differ wins.
    pub fn flag(mut self, flag: impl Into<OsString>) -> Launch {
        self.flags.push(flag.into());
        self
    }

    /// Adds flags of the JVM.
    pub fn flags(self, flags: &[&str]) -> Launch {
        flags.iter().fold(self, |launch, flag| launch.flag(flag))
    }

    /// The main class and its arguments, instead of the driver.
    pub fn program(mut self, words: &[&str]) -> Launch {
        self.program = words.iter().map(OsString::from).collect();
        self
    }

    /// Other classes than those of the driver.
    pub fn class_path(mut self, directory: PathBuf) -> Launch {
        self.class_path = Some(directory);
        self
    }

    /// Sets a variable of the environment.
    pub fn environment(mut self, name: &str, value: &str) -> Launch {
        self.environment.insert(name.to_string(), value.to_string());
        self
    }

    /// Another `java` than the JDK's own.
    pub fn java(mut self, path: PathBuf) -> Launch {
        self.java = path;
        self
    }

    /// A command that `java` and its arguments are appended to.
    pub fn through<S: AsRef<OsStr>>(mut self, words: &[S]) -> Launch {
        self.through = words.iter().map(|word| word.as_ref().into()).collect();
        self
    }

    /// Standard input from elsewhere than [`Jvm::tell`].
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Launch {
        self.stdin = Some(stdin.into());
        self
    }

    /// Standard output to elsewhere than the harness.
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Launch {
        self.stdout = Some(stdout.into());
        self
    }

    /// Standard error to elsewhere than the harness.
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Launch {
        self.stderr = Some(stderr.into());
        self
    }

    /// Starts it. For the driver, [`Launch::start`] waits until it is ready besides.
    pub fn spawn(mut self) -> Jvm {
        let mut command = self.command();
        let stdin = self.stdin.take().unwrap_or_else(Stdio::piped);
        let stdout = self.stdout.take().unwrap_or_else(Stdio::piped);
        let stderr = self.stderr.take().unwrap_or_else(Stdio::piped);
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let stream = self.stream_path();
        let shown = format!("{command:?}");
        let child = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {shown}: {e}"));
        Jvm::watching(
            child,
            Evidence::new(shown, self.case, self.directory, stream),
        )
    }

    /// Starts it and waits for its first answer, `@{"ready":1}`.
    pub fn start(self) -> Jvm {
        let mut jvm = self.spawn();
        jvm.answer();
        jvm
    }

    /// Starts it with nothing on its standard input and waits for its end.
    pub fn run(self) -> Ended {
        self.stdin(Stdio::null()).spawn().end()
    }

    fn command(&self) -> Command {
        let mut words = self
            .through
            .iter()
            .map(OsString::as_os_str)
            .chain([self.java.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command.current_dir(self.directory.path());
        for name in [
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "JDK_JAVA_OPTIONS",
            "FINWATCH_OPTIONS",
        ] {
            command.env_remove(name);
        }
        command.envs(&self.environment);
        command.args(self.agent_flag()).args(&self.flags);
        if !self.case.collects() {
            // Nothing is ever freed.
            command.arg("-Xmx2g");
        }
        let class_path = self.class_path.clone().unwrap_or_else(classes);
        command.arg("-cp").arg(class_path).args(&self.program);
        command
    }

    fn agent_flag(&self) -> Option<OsString> {
        let options = match &self.agent {
            Agent::None => return None,
            Agent::Raw(text) => text.clone(),
            Agent::Options(options) => {
                let pairs = options.iter().map(|(key, value)| format!("{key}={value}"));
                format!("={}", pairs.collect::<Vec<_>>().join(","))
            }
        };
        let mut flag = OsString::from("-agentpath:");
        flag.push(agent_library());
        flag.push(options);
        Some(flag)
    }

    /// The file that the stream goes to, where it goes to one.
    fn stream_path(&self) -> Option<PathBuf> {
        let Agent::Options(options) = &self.agent else {
            return Some(self.directory.path().join("stream.jsonl"));
        };
        let out = options.get("out")?;
        let elsewhere = ["stdout", "stderr"].contains(&out.as_str()) || out.starts_with("unix:");
        (!elsewhere).then(|| self.directory.path().join(out))
    }
}

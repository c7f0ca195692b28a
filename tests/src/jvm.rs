//! A JVM that runs, and one that has ended.
//!
//! When a test panics, the drop of either shows everything known about the JVM: command,
//! both outputs, `hs_err` file and the end of the stream. A running one is killed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::capture::Capture;
use crate::matrix::Case;
use crate::stream::Stream;
use crate::workspace::WATCHDOG;

/// What there is to see of one JVM; shown when it is dropped in a panic.
pub(crate) struct Evidence {
    command: String,
    case: Case,
    directory: tempfile::TempDir,
    stream: Option<PathBuf>,
    out: Capture,
    err: Capture,
}

impl Evidence {
    pub(crate) fn new(
        command: String,
        case: Case,
        directory: tempfile::TempDir,
        stream: Option<PathBuf>,
    ) -> Evidence {
        Evidence {
            command,
            case,
            directory,
            stream,
            out: Capture::default(),
            err: Capture::default(),
        }
    }

    fn hs_err(&self) -> String {
        let entries = std::fs::read_dir(self.directory.path())
            .into_iter()
            .flatten()
            .flatten();
        let reports =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("hs_err"));
        let heads = reports.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
        heads
            .map(|text| text.lines().take(120).collect::<Vec<_>>().join("\n"))
            .collect()
    }

    fn report(&self) -> String {
        let stream = self
            .stream
            .as_ref()
            .and_then(|path| std::fs::read(path).ok())
            .unwrap_or_default();
        let stream = String::from_utf8_lossy(&stream).into_owned();
        [
            ("command", self.command.clone()),
            ("standard output", tail(&self.out.text(), 60)),
            ("standard error", tail(&self.err.text(), 60)),
            ("hs_err", self.hs_err()),
            ("end of the stream", tail(&stream, 4)),
        ]
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .fold(
            format!("===== {} =====\n", self.case.name()),
            |all, (title, text)| format!("{all}----- {title}\n{text}\n"),
        )
    }
}

impl Drop for Evidence {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.report());
        }
    }
}

fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A JVM that runs.
pub struct Jvm {
    evidence: Option<Evidence>,
    pid: u32,
    stdin: Option<ChildStdin>,
    status: Receiver<ExitStatus>,
    ended: Arc<AtomicBool>,
    answered: usize,
}

impl Jvm {
    /// Takes the outputs over and waits for the end in a thread of its own.
    pub(crate) fn watching(mut child: Child, mut evidence: Evidence) -> Jvm {
        evidence.out = child.stdout.take().map(Capture::of).unwrap_or_default();
        evidence.err = child.stderr.take().map(Capture::of).unwrap_or_default();
        let (pid, stdin) = (child.id(), child.stdin.take());
        let (sender, status) = channel();
        let ended = Arc::new(AtomicBool::new(false));
        let flag = ended.clone();
        std::thread::spawn(move || {
            let status = child.wait();
            flag.store(true, Ordering::SeqCst);
            // Nobody listens when the test gave the JVM up.
            let _ = status.map(|status| sender.send(status));
        });
        Jvm {
            evidence: Some(evidence),
            pid,
            stdin,
            status,
            ended,
            answered: 0,
        }
    }

    fn evidence(&self) -> &Evidence {
        match &self.evidence {
            Some(evidence) => evidence,
            None => unreachable!("only end() takes the evidence, and it takes the Jvm too"),
        }
    }

    /// Which JVM of the matrix it is.
    pub fn case(&self) -> &Case {
        &self.evidence().case
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its working directory.
    pub fn directory(&self) -> &Path {
        self.evidence().directory.path()
    }

    /// What it printed on standard output so far.
    pub fn out(&self) -> &Capture {
        &self.evidence().out
    }

    /// What it printed on standard error so far.
    pub fn err(&self) -> &Capture {
        &self.evidence().err
    }

    /// A reader of the file that the agent writes.
    pub fn stream(&self) -> Stream {
        match &self.evidence().stream {
            Some(path) => Stream::of(path, self.pid, self.ended.clone()),
            None => panic!("this JVM's stream goes to no file"),
        }
    }

    /// A reader of a stream at another path, of a JVM that calls itself `pid`.
    pub fn stream_at(&self, path: &Path, pid: u32) -> Stream {
        Stream::of(path, pid, self.ended.clone())
    }

    /// Gives the driver a command and waits for its answer; an answer with `error` in it
    /// fails the test.
    pub fn tell(&mut self, command: &str) -> Value {
        self.send(command);
        let answer = self.answer();
        assert!(
            answer.get("error").is_none(),
            "'{command}' was answered with {answer}"
        );
        answer
    }

    /// Gives the driver a command that it does not answer, such as `exit 3`.
    pub fn send(&mut self, command: &str) {
        let written = match &mut self.stdin {
            Some(stdin) => writeln!(stdin, "{command}").and_then(|()| stdin.flush()),
            None => panic!("this JVM's standard input is elsewhere"),
        };
        written.unwrap_or_else(|e| panic!("the JVM does not take the command '{command}': {e}"));
    }

    /// Waits for the next line on standard output that begins with `@`.
    pub fn answer(&mut self) -> Value {
        let out = self.evidence().out.clone();
        let (line, position) = out
            .line(self.answered, WATCHDOG, |line| line.starts_with("@{"))
            .unwrap_or_else(|why| panic!("no answer from the program: {why}"));
        self.answered = position;
        serde_json::from_str(&line[1..]).unwrap_or_else(|e| panic!("'{line}' is no answer: {e}"))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let sent = kill(Pid::from_raw(self.pid.cast_signed()), signal);
        sent.unwrap_or_else(|e| panic!("cannot send {signal} to the JVM: {e}"));
    }

    /// Closes its standard input, so that the driver's main returns, and waits for its end.
    pub fn end(mut self) -> Ended {
        self.stdin = None;
        self.wait()
    }

    /// Waits for the end that something else brings about.
    pub fn wait(mut self) -> Ended {
        let status = self.status.recv_timeout(WATCHDOG);
        let status = status.unwrap_or_else(|_| panic!("the JVM did not end within {WATCHDOG:?}"));
        for (name, capture) in [("output", self.out()), ("error", self.err())] {
            assert!(
                capture.wait_for_end(WATCHDOG),
                "standard {name} stays open after the JVM's end"
            );
        }
        let pid = self.pid;
        match self.evidence.take() {
            Some(evidence) => Ended {
                status,
                pid,
                stream: None,
                evidence,
            },
            None => unreachable!("taken here and nowhere else"),
        }
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::SeqCst) {
            // It may have ended just now; then there is nothing to kill.
            let _ = kill(Pid::from_raw(self.pid.cast_signed()), Signal::SIGKILL);
        }
    }
}

/// A JVM that has ended.
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    pid: u32,
    stream: Option<Stream>,
    evidence: Evidence,
}

impl Ended {
    /// All it printed on standard output.
    pub fn out(&self) -> String {
        self.evidence.out.text()
    }

    /// All it printed on standard error.
    pub fn err(&self) -> String {
        self.evidence.err.text()
    }

    /// Its directory, with the stream in it.
    pub fn directory(&self) -> &Path {
        self.evidence.directory.path()
    }

    /// The stream, whose end has been reached; every line of it is checked on the way.
    pub fn stream(&mut self) -> &mut Stream {
        let Some(path) = &self.evidence.stream else {
            panic!("this JVM's stream went to no file");
        };
        let ended = || Arc::new(AtomicBool::new(true));
        self.stream
            .get_or_insert_with(|| Stream::of(path, self.pid, ended()))
    }
}

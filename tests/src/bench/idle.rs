//! A JVM that waits, and what can be seen of it from outside.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::jvm::{Jvm, Side};
use super::proc::{self, Resident};
use super::setup::Setup;
use crate::Jdk;

/// What the agent's native threads are named by.
const AGENT_THREADS: &str = "finwatch";

/// The program `Idle`: it collects and answers for each line that it is sent. Ends when dropped.
pub struct IdleJvm {
    child: Child,
    /// `None` only while it is being dropped.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    stream: PathBuf,
}

impl IdleJvm {
    /// Started, not yet ready.
    pub fn start(setup: &Setup, jdk: &Jdk, side: Side) -> Result<Self> {
        let stream = setup.stream()?;
        let mut child = Jvm::new(setup, jdk, "Idle")
            .options("-Xms64m -Xmx64m -XX:+AlwaysPreTouch")
            // An attach is no surprise here (JEP 451); 8 does not know the flag.
            .options("-XX:+IgnoreUnrecognizedVMOptions -XX:+EnableDynamicAgentLoading")
            .command(setup, side, &stream)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", jdk.tool("java").display()))?;
        let input = child.stdin.take();
        let output = child
            .stdout
            .take()
            .context("the child has no standard output")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
            stream,
        })
    }

    /// Returns when the program has collected.
    pub fn await_ready(&mut self) -> Result<()> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(
            line == "ready\n",
            "wanted the line `ready` from the idle program, got {line:?}"
        );
        Ok(())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// CPU time of all its threads, in nanoseconds.
    pub fn cpu_ns(&self) -> Result<u64> {
        proc::threads_cpu_ns(self.child.id(), "")
    }

    /// CPU time of the agent's threads, in nanoseconds.
    pub fn agent_cpu_ns(&self) -> Result<u64> {
        proc::threads_cpu_ns(self.child.id(), AGENT_THREADS)
    }

    /// Resident memory after two more collections.
    pub fn resident_after_gc(&mut self) -> Result<Resident> {
        for _ in 0..2 {
            let input = self
                .input
                .as_mut()
                .context("the program's input is closed")?;
            input.write_all(b"\n")?;
            self.await_ready()?;
        }
        proc::resident(self.child.id())
    }

    /// CPU of the agent by its own count, between its second and its last sample, in percent of a core. `None` without
    /// the agent or before there are three samples.
    pub fn stream_core_percent(&self) -> Result<Option<f64>> {
        let Ok(text) = fs::read_to_string(&self.stream) else {
            return Ok(None);
        };
        let samples = samples(&text)?;
        let (Some(first), Some(last)) = (samples.get(1), samples.get(2..).and_then(<[_]>::last))
        else {
            return Ok(None);
        };
        Ok(Some(
            100.0 * (last.cpu_ms - first.cpu_ms) / (last.uptime_ms - first.uptime_ms),
        ))
    }
}

impl Drop for IdleJvm {
    /// End of input ends the program.
    fn drop(&mut self) {
        self.input.take();
        // Nothing to be done about a child that cannot be waited for, or a stream that was never written.
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.stream);
    }
}

struct CpuSample {
    uptime_ms: f64,
    cpu_ms: f64,
}

fn samples(stream: &str) -> Result<Vec<CpuSample>> {
    let mut samples = Vec::new();
    for line in stream.lines() {
        let record: Value =
            serde_json::from_str(line).with_context(|| format!("reading the record `{line}`"))?;
        if record["type"] == "sample" && record["trigger"] == "interval" {
            let number = |value: &Value| {
                value
                    .as_f64()
                    .with_context(|| format!("no number in `{line}`"))
            };
            samples.push(CpuSample {
                uptime_ms: number(&record["uptime_ms"])?,
                cpu_ms: number(&record["agent"]["cpu_ms_total"])?,
            });
        }
    }
    Ok(samples)
}

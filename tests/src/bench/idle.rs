//! A JVM that waits, and what can be seen of it from outside.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::conversation::Conversation;
use super::jvm::{Jvm, Side};
use super::proc::{self, Resident};
use super::setup::{self, Setup, StreamFile};
use crate::Jdk;

/// What the agent's native threads are named by.
const AGENT_THREADS: &str = "finwatch";

/// The program `Idle`: it collects and answers for each byte that it is sent. Ends when dropped.
pub struct IdleJvm {
    jdk: Jdk,
    program: Conversation,
    /// After the program, whose last act is to write to it: fields are dropped in this order.
    stream: StreamFile,
}

impl IdleJvm {
    /// Started, not yet ready.
    pub fn start(setup: &Setup, jdk: &Jdk, side: Side) -> Result<Self> {
        let stream = setup.stream()?;
        let mut command = Jvm::new(setup, jdk, "Idle")
            .options("-Xms64m -Xmx64m -XX:+AlwaysPreTouch")
            // An attach is no surprise here (JEP 451); 8 does not know the flag.
            .options("-XX:+IgnoreUnrecognizedVMOptions -XX:+EnableDynamicAgentLoading")
            .command(setup, side, &stream);
        let program = Conversation::start(&mut command)?;
        Ok(Self {
            jdk: jdk.clone(),
            program,
            stream,
        })
    }

    /// Returns when the program has collected.
    pub fn await_ready(&mut self) -> Result<()> {
        self.program.await_ready()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// CPU time of all its threads, in nanoseconds.
    pub fn cpu_ns(&self) -> Result<u64> {
        proc::threads_cpu_ns(self.program.pid(), "")
    }

    /// CPU time of the agent's threads, in nanoseconds.
    pub fn agent_cpu_ns(&self) -> Result<u64> {
        proc::threads_cpu_ns(self.program.pid(), AGENT_THREADS)
    }

    /// Resident memory after two more collections.
    pub fn resident_after_gc(&mut self) -> Result<Resident> {
        for _ in 0..2 {
            self.program.send()?;
            self.await_ready()?;
        }
        proc::resident(self.program.pid())
    }

    /// The same once `malloc` has given back what is free in it, or `None` where the JDK has no command for that. What
    /// the compilers leave there depends on which method they took last.
    pub fn resident_trimmed(&self) -> Result<Option<Resident>> {
        if self.jdk.feature < 17 {
            return Ok(None);
        }
        setup::jcmd(&self.jdk, self.pid(), &["System.trim_native_heap"])?;
        proc::resident(self.pid()).map(Some)
    }

    /// CPU of the agent by its own count, between its second and its last sample, in percent of a core. `None` without
    /// the agent or before there are three samples.
    pub fn stream_core_percent(&self) -> Result<Option<f64>> {
        let Ok(text) = fs::read_to_string(&*self.stream) else {
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

//! From typing `finwatch attach` to the first record in the stream, on a JVM that waits.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::idle::IdleJvm;
use super::jvm::Side;
use super::setup::{self, Setup};
use super::table::{Bound, Figure, Tables};
use crate::Jdk;

/// How often it is looked for the record: the figure is that much too high at most.
const LOOK: Duration = Duration::from_micros(200);

/// Longer than any attach lasts.
const LONGEST: Duration = Duration::from_secs(60);

pub fn measure(setup: &Setup, tables: &mut Tables) -> Result<()> {
    let Some(agent) = &setup.agent else {
        return Ok(()); // Nothing to attach.
    };
    let finwatch = setup::finwatch()?;
    for jdk in &setup.jdks {
        let mut times = Vec::new();
        for _ in 0..setup.effort(20, 5) {
            times.push(attach_once(setup, jdk, &finwatch, agent)?);
            eprint!(".");
        }
        for (what, time) in [
            (
                "to the first record",
                (|times| times.first_record) as fn(&Times) -> f64,
            ),
            ("to the end of the command", |times| times.command),
        ] {
            let values: Vec<f64> = times.iter().map(time).collect();
            let name = format!("finwatch attach, {what}");
            let figure = Figure::alone(jdk.feature.to_string(), name, " ms", &values, Bound::None);
            tables.figures.extend(figure);
        }
    }
    Ok(())
}

/// Milliseconds from the start of the command.
struct Times {
    first_record: f64,
    command: f64,
}

fn attach_once(setup: &Setup, jdk: &Jdk, finwatch: &Path, agent: &Path) -> Result<Times> {
    let mut jvm = IdleJvm::start(setup, jdk, Side::Without)?;
    jvm.await_ready()?;
    let stream = setup.stream()?;
    let start = Instant::now();
    let mut command = Command::new(finwatch)
        .args(["attach", &jvm.pid().to_string()])
        .arg(format!("out={}", stream.display()))
        .env("FINWATCH_LIB", agent)
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", finwatch.display()))?;
    let (mut first_record, mut ended) = (None, None);
    while first_record.is_none() || ended.is_none() {
        ensure!(
            start.elapsed() < LONGEST,
            "no record in {}",
            stream.display()
        );
        let now = || start.elapsed().as_secs_f64() * 1e3;
        if first_record.is_none() && fs::read(&*stream).is_ok_and(|text| text.contains(&b'\n')) {
            first_record = Some(now());
        }
        if let Some(status) = command.try_wait()?.filter(|_| ended.is_none()) {
            ensure!(status.success(), "finwatch attach ended with {status}");
            ended = Some(now());
        }
        std::thread::sleep(LOOK);
    }
    Ok(Times {
        first_record: first_record.unwrap_or_default(),
        command: ended.unwrap_or_default(),
    })
}

//! Measures how fast `finwatch report` and `finwatch check` read a stream, beside `jq` on the same file.
//!
//! Usage: cargo run --release -p finwatch-tests --bin bench_streams [MEGABYTES]
//!
//! The file is of samples of 20 classes with a collection after each, as an agent writes them, 200 MB unless said
//! otherwise. Each program runs three times in turn with the others; the fastest run counts, as whatever else the
//! machine does only takes time away.
//! `jq` is given the least that it can do with every record: to read it.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use finwatch_record::Record;
use finwatch_tests::bench::{machine, setup};
use serde_json::{Value, json};

const CLASSES: u64 = 20;

const ROUNDS: usize = 3;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_streams: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let megabytes = match std::env::args().nth(1) {
        None => 200,
        Some(given) => match given.parse() {
            Ok(megabytes) => megabytes,
            Err(_) => bail!("'{given}' is no number of megabytes"),
        },
    };
    let finwatch = setup::finwatch()?;
    let directory = tempfile::tempdir()?;
    let stream = directory.path().join("stream.jsonl");
    let size = generate(&stream, megabytes * 1_000_000)?;
    let page = directory.path().join("page.html");

    let mut programs = [
        Program::new("finwatch check", command(&finwatch, &["check"], &stream)),
        Program::new("finwatch report", {
            let mut report = command(&finwatch, &["report", "-o"], &page);
            report.arg(&stream);
            report
        }),
        Program::new(
            "jq, counting records",
            command(
                Path::new("jq"),
                &["-n", "reduce inputs as $record (0; . + 1)"],
                &stream,
            ),
        ),
    ];
    let others = machine::Others::watch();
    for _ in 0..ROUNDS {
        programs.iter_mut().try_for_each(Program::measure)?;
    }
    let speed = |program: &Program| size as f64 / 1e6 / program.fastest.as_secs_f64();
    let jq = speed(&programs[2]);
    println!("{}; {}", machine::description(), machine::load_line());
    println!("{}\n", others.sentence());
    println!(
        "| {:.0} MB of records | MB/s | times jq | resident, MB |",
        size as f64 / 1e6
    );
    println!("| --- | ---: | ---: | ---: |");
    for program in &programs {
        let speed = speed(program);
        let resident = program.resident as f64 / 1e6;
        println!(
            "| {} | {speed:.0} | {:.1} | {resident:.0} |",
            program.name,
            speed / jq
        );
    }
    Ok(())
}

fn command(program: &Path, arguments: &[&str], file: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

struct Program {
    name: &'static str,
    command: Command,
    fastest: Duration,
    /// The most that it had in memory, bytes.
    resident: u64,
}

impl Program {
    fn new(name: &'static str, command: Command) -> Program {
        Program {
            name,
            command,
            fastest: Duration::MAX,
            resident: 0,
        }
    }

    fn measure(&mut self) -> Result<()> {
        let begun = Instant::now();
        let mut child = self
            .command
            .spawn()
            .with_context(|| format!("starting {}", self.name))?;
        let status = loop {
            self.resident = self.resident.max(high_water(child.id()));
            match child.try_wait()? {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        self.fastest = self.fastest.min(begun.elapsed());
        if !status.success() {
            bail!("{} ended with {status}", self.name);
        }
        Ok(())
    }
}

/// The most that a process has had in memory until now, bytes; 0 when it has ended.
fn high_water(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Writes a stream of at least so many bytes; gives how many they are.
fn generate(path: &Path, size: u64) -> Result<u64> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut written = 0;
    for second in 0.. {
        for (seq, (kind, body)) in [
            (2 * second, ("sample", sample(second))),
            (2 * second + 1, ("gc", collection(second))),
        ] {
            let envelope = format!(
                r#"{{"v":1,"type":"{kind}","ts":"{}","seq":{seq},"pid":4711,"uptime_ms":{},"#,
                time(second),
                second * 1000,
            );
            // The fields of the body, without its first brace.
            let record = Record::parse(&format!("{envelope}{}", &body.to_string()[1..]))?;
            let line = serde_json::to_string(&record)? + "\n";
            written += line.len() as u64;
            out.write_all(line.as_bytes())?;
        }
        if written >= size {
            break;
        }
    }
    out.flush()?;
    Ok(written)
}

fn time(second: u64) -> String {
    let (day, rest) = (1 + second / 86_400 % 28, second % 86_400);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}

fn counts(registered: u64, ended: u64) -> Value {
    json!({ "registered": registered, "pending": 3, "running": 0, "registered_total": registered + ended,
        "enqueued_total": ended + 3, "finalized_total": ended, "threw_total": 0 })
}

fn joined(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

fn sample(second: u64) -> Value {
    let (registered, ended) = (1000 + second, 50 * second);
    let row = |place: u64| {
        joined(
            counts(registered, ended),
            json!({ "class": format!("org.example.application.module{place}.PreparedStatement"), "loader": "app",
                "source": "file:/opt/application/lib/application.jar",
                "finalize_ns": { "count": ended, "sum": ended * 2500, "p50": 2300, "p99": 41_000, "max": 912_345 } }),
        )
    };
    let sum = |count: u64| CLASSES * count;
    let whole = json!({ "registered": sum(registered), "pending": sum(3), "running": 0,
        "registered_total": sum(registered + ended), "enqueued_total": sum(ended + 3),
        "finalized_total": sum(ended), "threw_total": 0, "mxbean_pending": sum(3) });
    let usage = json!({ "used_bytes": 54_207_776 + second % 5000 * 4096, "committed_bytes": 97_320_960, "max_bytes": 97_320_960 });
    let pool = |name: &str| {
        joined(
            usage.clone(),
            json!({ "name": name, "kind": "heap", "after_gc_bytes": 3_342_328 }),
        )
    };
    let nothing = json!({ "count": 0, "registered": 0, "pending": 0, "running": 0, "registered_total": 0,
        "enqueued_total": 0, "finalized_total": 0, "threw_total": 0 });
    let pools = [
        "G1 Eden Space",
        "G1 Old Gen",
        "G1 Survivor Space",
        "Metaspace",
    ]
    .map(pool);
    json!({
        "trigger": "interval",
        "coverage": { "level": "exact", "reason": "hooked before the program began; 0 objects of the JDK's own were counted then" },
        "finalizer": whole,
        "classes": (0..CLASSES).map(row).collect::<Vec<_>>(),
        "classes_omitted": nothing,
        "memory": { "heap": usage, "non_heap": usage,
            "pools": pools,
            "buffers": [{ "name": "direct", "count": 1, "used_bytes": 8192 }] },
        "gc": { "pauses_total": second, "pause_ms_total": second as f64 * 1.625, "pause_ms_max": 2.5,
            "collectors": [{ "name": "G1 Young Generation", "collections_total": second, "time_ms_total": 2 * second }] },
        "agent": { "cpu_ms_total": second as f64 * 0.125, "records_dropped_total": 0, "write_errors_total": 0, "stw_ms_total": 0.5 },
        "alerts_raised": 0,
    })
}

fn collection(second: u64) -> Value {
    json!({ "collector": "G1 Young Generation", "action": "end of minor GC", "cause": "G1 Evacuation Pause", "id": second + 1,
        "start_uptime_ms": second * 1000, "duration_ms": 2.0, "pauses": { "count": 1, "total_ms": 1.625 },
        "pools": [{ "name": "G1 Eden Space", "before_bytes": 26_869_760, "after_bytes": 0 }] })
}

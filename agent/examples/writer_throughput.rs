//! How many records a second go through the stream to a file.
//!
//! `cargo run --release -p finwatch-agent --example writer_throughput [FILE]`
//!
//! Several runs of each kind, the median first. Making a record counts too: one thread
//! makes them as fast as the writer takes them, none is dropped.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use finwatch::{
    options::Destination,
    stream::Stream,
    writer::{Target, Writer, no_rounds},
};
use finwatch_record::Body;

const RUNS: usize = 7;

/// Records that may be under way: less than the channel holds, so that none is dropped.
const UNDER_WAY: u64 = 512;

const GC: &str = r#"{"v":1,"type":"gc","ts":"2026-01-01T00:00:00.000Z","seq":0,"pid":1,"uptime_ms":1,
    "collector":"G1 Young Generation","action":"end of minor GC","cause":"G1 Evacuation Pause",
    "id":4711,"start_uptime_ms":123456,"duration_ms":7.0,"pauses":{"count":1,"total_ms":6.871},
    "pools":[{"name":"G1 Eden Space","before_bytes":134217728,"after_bytes":0},
             {"name":"G1 Survivor Space","before_bytes":8388608,"after_bytes":9437184},
             {"name":"G1 Old Gen","before_bytes":73400320,"after_bytes":74448896}]}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let file = file.unwrap_or_else(|| std::env::temp_dir().join("finwatch-throughput.jsonl"));
    for (kind, body, records) in [
        ("gc", parse(GC)?, 500_000),
        ("sample, 1 class", parse(&sample(1))?, 200_000),
        ("sample, 20 classes", parse(&sample(20))?, 30_000),
    ] {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            runs.push(run(&file, &body, records)?);
        }
        report(kind, runs);
    }
    Ok(())
}

fn parse(line: &str) -> Result<Body, finwatch_record::ParseError> {
    Ok(finwatch_record::Record::parse(line)?.body)
}

struct Run {
    records_per_s: f64,
    writer_us_per_record: f64,
    bytes_per_record: f64,
}

fn run(file: &Path, body: &Body, records: u64) -> std::io::Result<Run> {
    let target = Target {
        out: Destination::File(file.to_owned()),
        rotate_bytes: 64 << 20,
        keep: 1,
    };
    let begin = Instant::now();
    let (stream, writer) = Writer::start(&target, no_rounds)?;
    (0..records).for_each(|made| emit(&stream, body, made));
    let complete = writer.finish(Duration::from_secs(60));
    let took = begin.elapsed();
    if !complete || stream.records_written_total() != records {
        return Err(std::io::Error::other("not every record was written"));
    }
    let line = std::fs::read(file)?;
    let lines = line.iter().filter(|&&byte| byte == b'\n').count();
    let run = Run {
        records_per_s: records as f64 / took.as_secs_f64(),
        writer_us_per_record: stream.writer_cpu_ms() * 1e3 / records as f64,
        bytes_per_record: line.len() as f64 / lines as f64,
    };
    remove(file);
    Ok(run)
}

/// Only now and then does it look how far the writer is.
fn emit(stream: &Stream, body: &Body, made: u64) {
    if made.is_multiple_of(UNDER_WAY / 4) {
        while made - stream.records_written_total() > UNDER_WAY / 2 {
            std::thread::yield_now();
        }
    }
    stream.emit(body.clone(), made);
}

fn remove(file: &Path) {
    for name in [file.to_owned(), format!("{}.1", file.display()).into()] {
        // What is not there needs no removing.
        let _ = std::fs::remove_file(name);
    }
}

fn report(kind: &str, mut runs: Vec<Run>) {
    runs.sort_by(|a, b| a.records_per_s.total_cmp(&b.records_per_s));
    let (low, mid, high) = (&runs[0], &runs[runs.len() / 2], &runs[runs.len() - 1]);
    println!(
        "{kind}: {:.0} records/s ({:.0} to {:.0} in {RUNS} runs), {:.0} bytes each, {:.0} MB/s, {:.2} us CPU of the writer each",
        mid.records_per_s,
        low.records_per_s,
        high.records_per_s,
        mid.bytes_per_record,
        mid.records_per_s * mid.bytes_per_record / 1e6,
        mid.writer_us_per_record,
    );
}

fn sample(classes: usize) -> String {
    let counts = r#""registered":123456,"pending":12,"running":1,"registered_total":987654,
        "enqueued_total":864198,"finalized_total":864185,"threw_total":1"#;
    let durations =
        r#""finalize_ns":{"count":864186,"sum":1234567890,"p50":1100,"p99":8200,"max":1234567}"#;
    let class = format!(
        r#"{{"class":"org.postgresql.jdbc3g.Jdbc3gPreparedStatement","loader":"app",
        "source":"file:/opt/app/lib/postgresql-9.2-1004-jdbc3.jar",{counts},{durations}}}"#
    );
    let usage = r#""used_bytes":73400320,"committed_bytes":134217728,"max_bytes":268435456"#;
    let pool =
        format!(r#"{{"name":"G1 Old Gen","kind":"heap",{usage},"after_gc_bytes":73400320}}"#);
    format!(
        r#"{{"v":1,"type":"sample","ts":"2026-01-01T00:00:00.000Z","seq":0,"pid":1,"uptime_ms":1,
        "trigger":"interval","coverage":{{"level":"exact","reason":"loaded at start"}},
        "finalizer":{{{counts},"mxbean_pending":12}},
        "classes":[{}],"classes_omitted":{{"count":0,{counts}}},
        "memory":{{"heap":{{{usage}}},"non_heap":{{{usage}}},"pools":[{}],
          "buffers":[{{"name":"direct","count":12,"used_bytes":98304}}]}},
        "gc":{{"pauses_total":12,"pause_ms_total":81.5,"pause_ms_max":9.25,
          "collectors":[{{"name":"G1 Young Generation","collections_total":12,"time_ms_total":81}}]}},
        "agent":{{"cpu_ms_total":12.5,"records_dropped_total":0,"write_errors_total":0,"stw_ms_total":0.0}}}}"#,
        vec![class; classes].join(","),
        vec![pool; 8].join(","),
    )
}

//! Loads agents that others wrote beside finwatch, before it and after it, and holds the ledger against the JVM's own
//! answers: `cargo run --release -p finwatch-tests --bin real_agents`. Fails where the ledger is not exact, an alert is
//! raised or the JVM ends badly. Takes half a minute for each JVM, and Maven (`mvn`).
//!
//! On one JDK with its own collector, or on those of the matrix whose name contains the argument:
//! `real_agents "JDK 8"`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
};

use finwatch_record::{Body, CoverageLevel};
use finwatch_tests::{Launch, asked_for, live_and_die, maven, target_directory};

/// Name, and the flags that load it; `{}` is the directory with its file.
const AGENTS: [(&str, &[&str]); 8] = [
    (
        "OpenTelemetry",
        &[
            "-javaagent:{}/opentelemetry-javaagent.jar",
            "-Dotel.traces.exporter=none",
            "-Dotel.metrics.exporter=none",
            "-Dotel.logs.exporter=none",
        ],
    ),
    (
        "Elastic APM",
        &[
            "-javaagent:{}/elastic-apm-agent.jar",
            "-Delastic.apm.server_url=http://127.0.0.1:9",
            "-Delastic.apm.log_level=OFF",
        ],
    ),
    (
        "New Relic",
        &[
            "-javaagent:{}/newrelic-agent.jar",
            "-Dnewrelic.config.license_key=0000000000000000000000000000000000000000",
            "-Dnewrelic.config.app_name=finwatch",
            "-Dnewrelic.config.log_file_name=STDERR",
        ],
    ),
    ("JaCoCo", &["-javaagent:{}/org.jacoco.agent-runtime.jar"]),
    ("AspectJ", &["-javaagent:{}/aspectjweaver.jar"]),
    (
        "Prometheus JMX exporter",
        &["-javaagent:{}/jmx_prometheus_javaagent.jar=127.0.0.1:0:{}/exporter.yml"],
    ),
    (
        "async-profiler, allocations",
        &[
            "-agentpath:{}/linux-x64/libasyncProfiler.so=start,event=alloc,alloc=10k,file=profile.txt",
        ],
    ),
    (
        "async-profiler, locks",
        &["-agentpath:{}/linux-x64/libasyncProfiler.so=start,event=lock,file=profile.txt"],
    ),
];

fn main() -> ExitCode {
    let given = std::env::args().nth(1);
    let cases = asked_for(given.as_deref());
    let directory = fetch();
    println!("| JVM | beside | loaded before finwatch | after it |");
    println!("| --- | --- | --- | --- |");
    let mut good = true;
    for case in &cases {
        for (name, flags) in AGENTS {
            let flags: Vec<String> = flags
                .iter()
                .map(|flag| flag.replace("{}", &directory))
                .collect();
            let before = Launch::new(case).environment("JAVA_TOOL_OPTIONS", &flags.join(" "));
            let after = flags.into_iter().fold(Launch::new(case), Launch::flag);
            let [before, after] = [before, after].map(|launch| {
                let failed = catch_unwind(AssertUnwindSafe(|| watch(launch))).is_err();
                good &= !failed;
                if failed { "**no**" } else { "exact" }
            });
            println!("| {} | {name} | {before} | {after} |", case.name());
        }
    }
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Their files; the directory.
fn fetch() -> String {
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/agents/pom.xml");
    maven(&pom, ["package"])
        .unwrap_or_else(|error| panic!("the agents can't be fetched: {error:#}"));
    let directory = target_directory().join("real/agents");
    let exporter = directory.join("exporter.yml");
    std::fs::write(&exporter, "rules:\n- pattern: \".*\"\n")
        .unwrap_or_else(|error| panic!("can't write {}: {error}", exporter.display()));
    directory.display().to_string()
}

/// Panics, with everything there is to see, where something is not as it would be without the other.
fn watch(launch: Launch) {
    let mut jvm = launch.flag("-Xmx256m").start();
    let mut stream = jvm.stream();
    live_and_die(&mut jvm, &mut stream);
    let mut ended = jvm.end();
    assert!(ended.status.success(), "{}: {}", ended.status, ended.err());
    let stream = ended.stream();
    let coverage = stream.stop().coverage;
    assert_eq!(coverage.level, CoverageLevel::Exact, "{}", coverage.reason);
    let alert = |body: &Body| matches!(body, Body::Alert(_));
    assert!(!stream.records().iter().any(|record| alert(&record.body)));
}

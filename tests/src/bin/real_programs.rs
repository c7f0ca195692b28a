//! Runs programs that others wrote in heaps that are small for them, three at a time so that the machine is busy, and
//! prints the alerts: `cargo run -p finwatch-tests --bin real_programs`. They leak nothing, so there should be none;
//! fails where there are, or where a program does. Takes three minutes for each JVM, and Maven (`mvn`).
//!
//! On one JDK with its own collector, or on those of the matrix whose name contains the argument:
//! `real_programs "JDK 8"`. A program's name runs that alone: `real_programs JRubyScript`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    slice,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use finwatch_record::Body;
use finwatch_tests::{Case, Collector, Launch, asked_for, maven, target_directory};

/// Classes of `tests/real`.
const PROGRAMS: [&str; 6] = [
    "JRubyScript",
    "TomcatServer",
    "LuceneIndex",
    "DerbyDatabase",
    "ActiveMqBroker",
    "ZipArchives",
];

/// Time for a program to settle, and for what settles never to show: several times the default `patience`.
const SECONDS: &str = "70";

/// At once, on two processors.
const BUSY: usize = 3;

fn main() -> ExitCode {
    let given = std::env::args().nth(1);
    let class_path = build();
    let given = given.as_deref();
    let (programs, cases) = match PROGRAMS.iter().find(|&&program| given == Some(program)) {
        Some(only) => (slice::from_ref(only), asked_for(None)),
        None => (&PROGRAMS[..], asked_for(given)),
    };
    let runs: Vec<(&Case, &str)> = cases
        .iter()
        .flat_map(|case| programs.iter().map(move |&program| (case, program)))
        .collect();
    println!("| JVM | heap | program | alerts |");
    println!("| --- | --- | --- | --- |");
    match run_all(&runs, &class_path) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Compiles the programs; the class path that they need, with their classes first.
fn build() -> String {
    let directory = target_directory().join("real");
    let libraries = directory.join("class-path");
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("real/pom.xml");
    let file = format!("-Dmdep.outputFile={}", libraries.display());
    maven(&pom, ["compile", "dependency:build-classpath", &file])
        .unwrap_or_else(|error| panic!("tests/real can't be built: {error:#}"));
    let libraries = std::fs::read_to_string(&libraries)
        .unwrap_or_else(|error| panic!("can't read {}: {error}", libraries.display()));
    format!(
        "{}:{}",
        directory.join("classes").display(),
        libraries.trim()
    )
}

/// Whether nothing was told and all ended well.
fn run_all(runs: &[(&Case, &str)], class_path: &str) -> bool {
    let next = AtomicUsize::new(0);
    let good = AtomicBool::new(true);
    let printing = Mutex::new(());
    thread::scope(|scope| {
        for _ in 0..BUSY {
            scope.spawn(|| {
                while let Some((case, program)) = runs.get(next.fetch_add(1, Relaxed)) {
                    let told = run(case, program, class_path);
                    let told = if told.is_empty() {
                        "none".to_owned()
                    } else {
                        good.store(false, Relaxed);
                        told.join(", ")
                    };
                    let _printing = printing.lock();
                    println!("| {} | {} | {program} | {told} |", case.name(), heap(case));
                }
            });
        }
    });
    good.into_inner()
}

/// What was told, and how the program ended where that was badly.
fn run(case: &Case, program: &str, class_path: &str) -> Vec<String> {
    let jar = class_path.split(':').nth(1).unwrap_or_default();
    let mut ended = Launch::new(case)
        .flag(format!("-Xmx{}", heap(case)))
        .option("interval", "1s")
        .class_path(PathBuf::from(class_path))
        .program(&[program, SECONDS, ".", jar])
        .run();
    let mut told: Vec<String> = Vec::new();
    if !ended.status.success() {
        told.push(format!("ended with {}: {}", ended.status, ended.err()));
    }
    let stream = ended.stream();
    stream.read();
    told.extend(
        stream
            .records()
            .iter()
            .filter_map(|record| match &record.body {
                Body::Alert(alert) => {
                    let seconds = record.uptime_ms / 1000;
                    Some(format!(
                        "{:?} {:?} after {seconds} s",
                        alert.kind, alert.state
                    ))
                }
                _ => None,
            }),
    );
    told
}

/// Enough for each of them, and little more.
fn heap(case: &Case) -> &'static str {
    match case.collector {
        Some(Collector::Serial | Collector::Parallel | Collector::Cms) => "56m",
        Some(Collector::G1) | None => "72m",
        Some(Collector::Shenandoah) => "128m",
        Some(_) => "192m",
    }
}

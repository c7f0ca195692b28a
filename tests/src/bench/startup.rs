//! Start-up of an empty `main`, and whether the JVM still uses what makes it quick: its CDS archive, an AOT cache.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::cpu;
use super::jvm::{self, Jvm, Side};
use super::pairs::Pair;
use super::setup::{self, Setup};
use super::table::{Bound, Figure, Tables};

const BOUND_MS: f64 = 15.0;

/// With nothing set: the JDK's own CDS archive, if it has one.
pub fn plain(setup: &Setup, tables: &mut Tables) -> Result<()> {
    for jdk in &setup.jdks {
        let jvm = Jvm::new(setup, jdk, "Empty");
        measure(setup, tables, &jvm, "start-up of an empty main")?;
        archive_in_use(setup, tables, &jvm, "default CDS")?;
    }
    Ok(())
}

/// With an AOT cache (JDK 25 and later) that was made without the agent.
pub fn with_aot_cache(setup: &Setup, tables: &mut Tables) -> Result<()> {
    for jdk in setup.jdks.iter().filter(|jdk| jdk.feature >= 25) {
        let cache = setup.file(&format!("empty-{}.aot", jdk.feature));
        let jvm = Jvm::new(setup, jdk, "Empty");
        create_cache(setup, &jvm, &cache)?;
        // `AOTMode=on` ends the JVM where the cache can't be used, instead of going on without it.
        let jvm = jvm.options(&format!("-XX:AOTCache={} -XX:AOTMode=on", cache.display()));
        measure(setup, tables, &jvm, "start-up of an empty main, AOT cache")?;
        archive_in_use(setup, tables, &jvm, "AOT cache")?;
        cache_evidence(setup, tables, &jvm)?;
    }
    Ok(())
}

fn create_cache(setup: &Setup, jvm: &Jvm, cache: &Path) -> Result<()> {
    let training = jvm
        .clone()
        .options(&format!("-XX:AOTCacheOutput={}", cache.display()));
    setup::run(&mut training.command(setup, Side::Without, &setup.stream()?))
}

fn measure(setup: &Setup, tables: &mut Tables, jvm: &Jvm, name: &str) -> Result<()> {
    let jdk = jvm.jdk.feature.to_string();
    let runs = jvm::interleave(setup.effort(40, 15), jvm::PAIR, |side| {
        timed(setup, jvm, side)
    })?;
    let pairs = |time: fn(&Times) -> f64| -> Vec<Pair> {
        let pair = |[without, with]: &[Times; 2]| Pair {
            without: time(without),
            with: time(with),
        };
        runs.iter().map(pair).collect()
    };
    for (what, pairs) in [
        ("elapsed", pairs(|times| times.elapsed_ms)),
        ("CPU", pairs(|times| times.cpu_ms)),
    ] {
        let bound = Bound::AtMost(BOUND_MS);
        let figure =
            Figure::difference(jdk.clone(), format!("{name}, {what}"), " ms", &pairs, bound);
        tables.figures.extend(figure);
    }
    Ok(())
}

struct Times {
    elapsed_ms: f64,
    cpu_ms: f64,
}

/// From before the start to after the end, as whoever types the command sees it.
fn timed(setup: &Setup, jvm: &Jvm, side: Side) -> Result<Times> {
    let stream = setup.stream()?;
    let mut command = jvm.command(setup, side, &stream);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let cpu_before = cpu::children_ms()?;
    let start = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("starting {command:?}"))?;
    let elapsed_ms = start.elapsed().as_secs_f64() * 1e3;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(Times {
        elapsed_ms,
        cpu_ms: cpu::children_ms()? - cpu_before,
    })
}

/// Counts the classes that came out of an archive, on both sides: whatever takes the archive away shows here.
fn archive_in_use(setup: &Setup, tables: &mut Tables, jvm: &Jvm, what: &str) -> Result<()> {
    let jvm = jvm.clone().options("-verbose:class");
    let sides = [Side::Without, Side::With].map(|side| -> Result<String> {
        let log = setup::output(&mut jvm.command(setup, side, &setup.stream()?))?;
        let loaded = log.lines().filter(|line| is_class_load(line));
        let (mut all, mut archived) = (0, 0);
        for line in loaded {
            all += 1;
            archived += usize::from(line.contains("shared objects file"));
        }
        Ok(format!("{archived} of {all}"))
    });
    let [without, with] = sides;
    tables.notes.push(format!(
        "JDK {}, {what}: classes loaded from the archive without the agent {}, with it {}",
        jvm.jdk.feature, without?, with?
    ));
    Ok(())
}

/// `[Loaded X from Y]` on JDK 8, `[class,load] X source: Y` later.
fn is_class_load(line: &str) -> bool {
    line.starts_with("[Loaded ") || line.contains(" source: ")
}

/// What the JVM itself says about the cache with the agent loaded.
fn cache_evidence(setup: &Setup, tables: &mut Tables, jvm: &Jvm) -> Result<()> {
    let jvm = jvm.clone().options("-Xlog:aot*=info,cds*=info");
    let log = setup::output(&mut jvm.command(setup, Side::With, &setup.stream()?))?;
    let telling = [
        "Opened AOT cache",
        "Using AOT-linked classes",
        "full module graph",
        "cannot be used",
        "disabled",
    ];
    for line in log
        .lines()
        .filter(|line| telling.iter().any(|words| line.contains(words)))
    {
        tables
            .notes
            .push(format!("JDK {}, with the agent: `{line}`", jvm.jdk.feature));
    }
    Ok(())
}

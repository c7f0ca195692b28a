//! One look, printed: a table for people and simple scripts, or a JSON object.

use std::io::Write;

use anyhow::bail;
use finwatch_record::{
    Alert, ClassRow, Counts, Coverage, Finalizer, FinalizerThread, OmittedClasses,
};
use serde::Serialize;

use super::feed::Feed;
use super::model::{Class, Life, Model, Series};
use super::ranking::Ranking;
use crate::exit::Outcome;
use crate::numbers::time;
use crate::quote::Plain;
use crate::stderr;
use crate::stdout::stdout;

/// Titles of the table, the unit in the name. The class comes last: it may hold spaces.
const TITLES: [&str; 10] = [
    "registered",
    "pending",
    "running",
    "in_per_s",
    "out_per_s",
    "finalized",
    "threw",
    "p99_ns",
    "max_ns",
    "class",
];

/// Reads what there is of the stream now into the model and prints it.
///
/// # Errors
///
/// The stream can't be read, or there is no sample in it.
pub fn run(
    feed: Feed,
    mut model: Model,
    source: &str,
    ranking: &Ranking,
    json: bool,
    now_ms: u64,
) -> anyhow::Result<Outcome> {
    feed.read_now(&mut model)?;
    let Some(finalizer) = &model.finalizer else {
        bail!("{} holds no sample{}", Plain(source), why_none(&model));
    };
    let mut out = stdout();
    if json {
        serde_json::to_writer(&mut out, &look(&model, finalizer, ranking, source, now_ms))?;
        writeln!(out)?;
    } else {
        write!(out, "{}", table(&model, finalizer, ranking))?;
        remark(&model, now_ms);
    }
    Ok(Outcome::Done)
}

fn why_none(model: &Model) -> String {
    match (&model.place, &model.doubts.last_problem) {
        (None, _) if model.doubts.of_others > 0 => {
            " of this JVM, but records of others: 'finwatch attach PID out=FILE' \
             moves its stream to a file of its own"
                .to_owned()
        }
        (None, Some(problem)) => format!(", its last line is no record: {problem}"),
        (None, None) => " yet: it is empty".to_owned(),
        (Some(_), _) => " yet".to_owned(),
    }
}

/// What the table does not say, beside it.
fn remark(model: &Model, now_ms: u64) {
    match model.life(now_ms) {
        Life::Stopped { age_ms, .. } => {
            stderr::tell(format_args!("the stream ended {} ago", time(age_ms / 1000)))
        }
        Life::Silent { age_ms } => stderr::tell(format_args!(
            "the last record is {} old",
            time(age_ms / 1000)
        )),
        Life::Unborn | Life::Live { .. } => {}
    }
}

fn table(model: &Model, finalizer: &Finalizer, ranking: &Ranking) -> String {
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(ranking.of(model).into_iter().map(class_row));
    if model.omitted.count > 0 && ranking.filter.is_empty() {
        let name = format!("({} classes that are not listed)", model.omitted.count);
        rows.push(sum_row(&model.omitted.counts, None, name));
    }
    rows.push(sum_row(
        &finalizer.counts,
        Some(&model.past),
        "(all classes)".to_owned(),
    ));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..TITLES.len() - 1).map(width).collect();
    let line = |row: &[String; TITLES.len()]| {
        let numbers = row
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:>width$}  "));
        format!("{}{}\n", numbers.collect::<String>(), row[TITLES.len() - 1])
    };
    rows.iter().map(line).collect()
}

fn class_row(class: &Class) -> [String; TITLES.len()] {
    let timed = &class.row.finalize_ns;
    let mut row = sum_row(
        &class.row.counts,
        Some(&class.past),
        Plain(&class.row.class).to_string(),
    );
    if timed.count > 0 {
        (row[7], row[8]) = (timed.p99.to_string(), timed.max.to_string());
    }
    row
}

fn sum_row(counts: &Counts, past: Option<&Series>, name: String) -> [String; TITLES.len()] {
    let rate =
        |per_second: Option<f64>| per_second.map_or_else(unknown, |rate| format!("{rate:.1}"));
    [
        counts.registered.to_string(),
        counts.pending.to_string(),
        counts.running.to_string(),
        rate(past.and_then(Series::rate_in)),
        rate(past.and_then(Series::rate_out)),
        counts.finalized_total.to_string(),
        counts.threw_total.to_string(),
        unknown(),
        unknown(),
        name,
    ]
}

fn unknown() -> String {
    "-".to_owned()
}

/// The same as JSON, with more; fields are those of the records where they have their names.
#[derive(Serialize)]
struct Look<'a> {
    source: &'a str,
    pid: Option<u32>,
    uptime_ms: Option<u64>,
    life: &'static str,
    age_ms: Option<u64>,
    coverage: Option<&'a Coverage>,
    finalizer: Rated<&'a Finalizer>,
    classes: Vec<Rated<&'a ClassRow>>,
    classes_omitted: OmittedClasses,
    heap: Option<Heap>,
    gc: GcLook,
    finalizer_thread: Option<&'a FinalizerThread>,
    alerts: Vec<&'a Alert>,
    alerts_untold: u64,
    records_missing: u64,
    lines_unreadable: u64,
    records_of_others: u64,
}

/// Counts with what a single record can't tell.
#[derive(Serialize)]
struct Rated<T> {
    #[serde(flatten)]
    counts: T,
    in_per_second: Option<f64>,
    out_per_second: Option<f64>,
}

#[derive(Serialize)]
struct Heap {
    used_bytes: u64,
    after_gc_bytes: Option<u64>,
    max_bytes: Option<u64>,
}

#[derive(Serialize)]
struct GcLook {
    collections_total: Option<u64>,
    pauses_total: Option<u64>,
    pause_ms_total: Option<f64>,
    paused_lately_ratio: Option<f64>,
}

fn look<'a>(
    model: &'a Model,
    finalizer: &'a Finalizer,
    ranking: &Ranking,
    source: &'a str,
    now_ms: u64,
) -> Look<'a> {
    let (life, age_ms) = match model.life(now_ms) {
        Life::Unborn => ("unborn", None),
        Life::Live { age_ms } => ("live", Some(age_ms)),
        Life::Silent { age_ms } => ("silent", Some(age_ms)),
        Life::Stopped { age_ms, .. } => ("stopped", Some(age_ms)),
    };
    let (gc, state) = (model.memory.gc.as_ref(), &model.memory);
    Look {
        source,
        pid: model.place.map(|place| place.pid),
        uptime_ms: model.place.map(|place| place.uptime_ms),
        life,
        age_ms,
        coverage: model.coverage.as_ref(),
        finalizer: rated(finalizer, &model.past),
        classes: ranking
            .of(model)
            .into_iter()
            .map(|class| rated(&class.row, &class.past))
            .collect(),
        classes_omitted: model.omitted,
        heap: state.memory.as_ref().map(|memory| Heap {
            used_bytes: memory.heap.used_bytes,
            after_gc_bytes: state.heap_after_gc_bytes(),
            max_bytes: memory.heap.max_bytes,
        }),
        gc: GcLook {
            collections_total: state.collections_total(),
            pauses_total: gc.map(|gc| gc.pauses_total),
            pause_ms_total: gc.map(|gc| gc.pause_ms_total),
            paused_lately_ratio: state.paused_lately(),
        },
        finalizer_thread: model
            .findings
            .finalizer_thread
            .as_ref()
            .map(|told| &told.what),
        alerts: model.findings.alerts(),
        alerts_untold: model.findings.untold_alerts(),
        records_missing: model.doubts.missing,
        lines_unreadable: model.doubts.unreadable,
        records_of_others: model.doubts.of_others,
    }
}

fn rated<T>(counts: T, past: &Series) -> Rated<T> {
    Rated {
        counts,
        in_per_second: past.rate_in(),
        out_per_second: past.rate_out(),
    }
}

//! Runs every incident and prints what was told of it, how full the heap was by then, and
//! how long it took until it was full: `cargo run -p finwatch-tests --bin incidents`.
//!
//! On one JDK with its own collector, or on those of the matrix whose name contains the
//! argument: `incidents "JDK 8"`, `incidents Parallel`. A program's name runs that alone:
//! `incidents TimerStatements`. With the default thresholds.

use std::time::Duration;

use finwatch_record::Alert;
use finwatch_tests::{
    Case, any_case, asked_for,
    incidents::{HEALTHY, INCIDENTS, Incident, Setting},
};

/// The agent's own defaults, and room for the programs to take longer than these.
const SETTING: Setting = Setting {
    thresholds: "10s",
    times_heap: 3,
};

/// How long the end of the program is waited for.
const UNTIL_FULL: Duration = Duration::from_secs(90);

fn main() {
    let given = std::env::args().nth(1);
    let chosen = |program: &str| given.as_deref() == Some(program);
    if let Some(incident) = INCIDENTS.iter().find(|each| chosen(each.program)) {
        tell(incident, &any_case());
        return;
    }
    for case in &asked_for(given.as_deref()) {
        println!(
            "\n{}, heap of 192 MiB (generational ZGC: 768 MiB)\n",
            case.name()
        );
        println!("| modelled on | told | class | after | heap then | full later |");
        println!("| --- | --- | --- | --- | --- | --- |");
        INCIDENTS.iter().for_each(|incident| tell(incident, case));
        for program in &HEALTHY {
            let told = program.run(case, SETTING);
            let kinds: Vec<String> = told.iter().map(kind).collect();
            let verdict = match kinds.is_empty() {
                true => "nothing".to_owned(),
                false => kinds.join(", "),
            };
            println!("| healthy: {} | {verdict} | | | | |", program.name);
        }
    }
}

fn tell(incident: &Incident, case: &Case) {
    let outcome = incident.run(case, SETTING);
    let kinds: Vec<String> = outcome.told.iter().map(kind).collect();
    let classes: Vec<String> = outcome.told.iter().map(class).collect();
    let lead = match outcome.lead(UNTIL_FULL) {
        Some(lead) => format!("{:.0} s", lead.as_secs_f64()),
        None => format!("more than {} s", UNTIL_FULL.as_secs()),
    };
    println!(
        "| {} | {} | {} | {:.0} s | {:.0}% | {lead} |",
        incident.report,
        kinds.join(", "),
        classes.join(", "),
        outcome.after.as_secs_f64(),
        outcome.heap_share * 100.0,
    );
}

fn kind(alert: &Alert) -> String {
    let value = serde_json::to_value(alert.kind).unwrap_or_default();
    format!("`{}`", value.as_str().unwrap_or_default())
}

fn class(alert: &Alert) -> String {
    let simple = |class: &Option<String>| {
        let name = class.as_deref().unwrap_or("-");
        name.rsplit('$').next().unwrap_or(name).to_owned()
    };
    match &alert.cause_class {
        Some(_) => format!(
            "{}, because of {}",
            simple(&alert.class),
            simple(&alert.cause_class)
        ),
        None => simple(&alert.class),
    }
}

//! Which JVMs a test runs on.
//!
//! `FINWATCH_MATRIX=full`: every JDK with every collector it has. `quick` (the default):
//! every JDK with the collector that it takes by itself, and the JDK that has the most
//! with every one. `FINWATCH_CASES=TEXT` keeps only the cases whose name
//! contains the text, for work on one of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::jdk::{Collector, Jdk, all_jdks};

/// One JVM to test on.
#[derive(Debug, Clone)]
pub struct Case {
    /// The JDK.
    pub jdk: Jdk,
    /// The collector; `None`: the one that the JVM takes by itself.
    pub collector: Option<Collector>,
}

impl Case {
    /// The JDK with the collector that it takes by itself.
    pub fn default_of(jdk: &Jdk) -> Case {
        Case {
            jdk: jdk.clone(),
            collector: None,
        }
    }

    /// The flags that select the collector.
    pub fn flags(&self) -> &'static [&'static str] {
        self.collector.map_or(&[], Collector::flags)
    }

    /// False where garbage stays for ever.
    pub fn collects(&self) -> bool {
        self.collector.is_none_or(Collector::collects)
    }

    /// False where classes stay loaded too: ZGC has unloaded them since JDK 12.
    pub fn unloads_classes(&self) -> bool {
        let is_zgc = self.collector == Some(Collector::Zgc);
        self.collects() && (self.jdk.feature >= 12 || !is_zgc)
    }

    /// See [`Collector::has_regions`]; JDK 8 takes Parallel by itself, the later ones G1
    /// (on a machine with two processors and 2 GB).
    pub fn has_regions(&self) -> bool {
        self.collector
            .map_or(self.jdk.feature > 8, Collector::has_regions)
    }

    /// For people: the build and the collector.
    pub fn name(&self) -> String {
        match self.collector {
            Some(collector) => format!("JDK {} {collector:?}", self.jdk.version),
            None => format!("JDK {} default collector", self.jdk.version),
        }
    }
}

/// Runs `test` on every JVM of the matrix, one after the other, and fails at the end
/// with the names of all those on which it failed.
pub fn for_each_jvm(test: impl Fn(&Case)) {
    run(jvms(), test);
}

/// Runs `test` on every JDK with the collector that it takes by itself: for what no
/// collector has a part in.
pub fn for_each_jdk(test: impl Fn(&Case)) {
    run(all_jdks().iter().map(Case::default_of).collect(), test);
}

/// Runs `test` on every JVM of the whole matrix, and on one where the quick one is asked for:
/// for what takes minutes on each.
pub fn for_each_jvm_of_the_whole(test: impl Fn(&Case)) {
    if full() {
        run(jvms(), test);
    } else {
        run(vec![any_case()], test);
    }
}

/// One JVM, for what depends on neither JDK nor collector.
pub fn any_case() -> Case {
    Case::default_of(broad())
}

/// The JVMs of the matrix whose name contains the text.
fn cases(text: &str) -> Vec<Case> {
    let mut cases = jvms();
    cases.retain(|case| case.name().contains(text));
    cases
}

/// What a command was asked to run on: the JVMs that collect and whose name contains the text; without one, any.
///
/// # Panics
/// There is none.
pub fn asked_for(text: Option<&str>) -> Vec<Case> {
    let mut asked = text.map_or_else(|| vec![any_case()], cases);
    asked.retain(Case::collects);
    assert!(
        !asked.is_empty(),
        "no JVM of the matrix has {text:?} in its name"
    );
    asked
}

fn jvms() -> Vec<Case> {
    if full() {
        return all_jdks().iter().flat_map(with_every_collector).collect();
    }
    let defaults = all_jdks().iter().map(Case::default_of);
    defaults.chain(with_every_collector(broad())).collect()
}

fn full() -> bool {
    match std::env::var("FINWATCH_MATRIX").as_deref() {
        Ok("full") => true,
        Ok("quick") | Err(_) => false,
        Ok(other) => panic!("FINWATCH_MATRIX is '{other}', there is full and quick (the default)"),
    }
}

fn with_every_collector(jdk: &Jdk) -> Vec<Case> {
    let case = |&collector| Case {
        jdk: jdk.clone(),
        collector: Some(collector),
    };
    jdk.collectors.iter().map(case).collect()
}

/// The JDK that the quick matrix runs with every collector.
fn broad() -> &'static Jdk {
    let jdks = all_jdks();
    let most = |jdk: &&Jdk| (jdk.collectors.len(), jdk.feature);
    jdks.iter().max_by_key(most).unwrap_or(&jdks[0])
}

fn run(cases: Vec<Case>, test: impl Fn(&Case)) {
    announce();
    let only = std::env::var("FINWATCH_CASES").unwrap_or_default();
    let wanted: Vec<&Case> = cases
        .iter()
        .filter(|case| case.name().contains(&only))
        .collect();
    let may_be_wanted = |case: &Case| case.name().contains(&only);
    assert!(
        !wanted.is_empty() || jvms().iter().any(may_be_wanted),
        "FINWATCH_CASES is '{only}', and none of these has that in its name: {}",
        jvms().iter().map(Case::name).collect::<Vec<_>>().join(", ")
    );
    let mut failures = Vec::new();
    for case in &wanted {
        if catch_unwind(AssertUnwindSafe(|| test(case))).is_err() {
            failures.push(case.name());
        }
    }
    assert!(
        failures.is_empty(),
        "failed on {} of {} JVMs (what happened on each is told above):\n  {}",
        failures.len(),
        wanted.len(),
        failures.join("\n  ")
    );
}

/// Says once in a process which JDKs there are.
fn announce() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let matrix = if full() { "full" } else { "quick" };
        eprintln!("matrix: {matrix} (FINWATCH_MATRIX), JDKs:");
        for jdk in all_jdks() {
            eprintln!("  {jdk}: {:?}", jdk.collectors);
        }
    });
}

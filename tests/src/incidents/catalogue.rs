//! What has gone wrong in public, as programs under `tests/java/incident`, and what has to
//! be told of each.

use finwatch_record::{AlertKind, FinalizerState};

use crate::{Case, Collector};

/// A program in which something is wrong.
#[derive(Debug)]
pub struct Incident {
    /// Its class in the package `incident`.
    pub program: &'static str,
    /// How many times a second it does what it does.
    pub per_second: u32,
    /// What it is modelled on, in short; the program's own documentation says more.
    pub report: &'static str,
    /// All that must be told.
    pub expected: &'static [Expected],
    /// Classes in the program's file that are all right.
    pub innocent: &'static [&'static str],
    /// How full the heap may be after collections by then, as a part of its maximum.
    pub heap_share: f64,
    /// What must be told of the finalizer thread.
    pub thread: Option<FinalizerState>,
}

/// An alert that must come.
#[derive(Debug)]
pub struct Expected {
    /// One of these kinds.
    pub kinds: &'static [AlertKind],
    /// The class, in the program's file.
    pub class: Option<&'static str>,
    /// The class that is to blame, where that is another.
    pub cause: Option<&'static str>,
    /// The thread, or the static field in the program's file, that holds the objects; who does
    /// is told by itself after the alert.
    pub held_by: Option<&'static str>,
}

const fn expected(kinds: &'static [AlertKind], class: &'static str) -> Expected {
    Expected {
        kinds,
        class: Some(class),
        cause: None,
        held_by: None,
    }
}

const fn leak(class: &'static str, held_by: &'static str) -> Expected {
    Expected {
        held_by: Some(held_by),
        ..expected(LEAK, class)
    }
}

const LEAK: &[AlertKind] = &[AlertKind::RegisteredLeak];
const STUCK: &[AlertKind] = &[AlertKind::FinalizerStuck];

/// Before the heap is 80% full.
const EARLY: f64 = 0.8;

/// Whether the JVM runs with ZGC in two generations.
pub fn is_generational_zgc(case: &Case) -> bool {
    match case.collector {
        Some(Collector::ZgcGenerational) => true,
        Some(Collector::Zgc) => case.jdk.feature >= 23,
        _ => false,
    }
}

/// All of them.
pub static INCIDENTS: [Incident; 13] = [
    Incident {
        program: "TimerStatements",
        per_second: 8000,
        report: "PostgreSQL JDBC 9.2: cancelled query timeouts hold statements",
        expected: &[leak("Statement", "cancel timer")],
        innocent: &[],
        heap_share: EARLY,
        thread: None,
    },
    Incident {
        program: "QueuedStatements",
        per_second: 800,
        report: "Virtuoso JDBC: statements are queued faster than they are closed",
        expected: &[Expected {
            kinds: &[AlertKind::PendingGrowth],
            class: Some("Result"),
            cause: Some("Statement"),
            held_by: None,
        }],
        innocent: &[],
        heap_share: EARLY,
        thread: None,
    },
    Incident {
        program: "LockedFinalizer",
        per_second: 3000,
        report: "JEP 421: finalize() blocks on a lock that the application holds",
        expected: &[expected(STUCK, "Connection")],
        innocent: &[],
        heap_share: EARLY,
        thread: Some(FinalizerState::Stuck),
    },
    Incident {
        program: "CloseDeadlock",
        per_second: 3000,
        report: "SQL Server JDBC: deadlock of close() and finalize()",
        expected: &[expected(STUCK, "Statement")],
        innocent: &[],
        heap_share: EARLY,
        thread: Some(FinalizerState::Stuck),
    },
    Incident {
        program: "NetworkFinalizer",
        per_second: 3000,
        report: "MySQL Connector/J: finalize() waits for a server, without a timeout",
        expected: &[expected(STUCK, "Session")],
        innocent: &[],
        heap_share: EARLY,
        thread: Some(FinalizerState::Stuck),
    },
    Incident {
        program: "ThrowingFinalizer",
        per_second: 3000,
        report: "swallowed exceptions: finalize() throws each time",
        expected: &[expected(&[AlertKind::FinalizerThrows], "Client")],
        innocent: &[],
        heap_share: EARLY,
        thread: None,
    },
    Incident {
        program: "ResurrectingFinalizer",
        per_second: 6000,
        report: "JEP 421: finalize() resurrects its object",
        expected: &[Expected {
            held_by: Some("POOL"),
            ..expected(&[AlertKind::FinalizerResurrects], "Buffer")
        }],
        innocent: &[],
        heap_share: EARLY,
        thread: None,
    },
    Incident {
        program: "RegistrationContention",
        per_second: 30_000,
        report: "DuckDB JDBC: many threads register at once",
        // Where they die in the old generation, that is told first.
        expected: &[expected(
            &[AlertKind::PendingGrowth, AlertKind::RegisteredFloating],
            "Vector",
        )],
        innocent: &[],
        heap_share: EARLY,
        thread: None,
    },
    Incident {
        program: "StarvedFinalizer",
        per_second: 6000,
        report: "a loaded machine: the finalizer thread gets no CPU",
        expected: &[expected(
            &[AlertKind::PendingGrowth, AlertKind::FinalizerSlow],
            "Handle",
        )],
        innocent: &[],
        heap_share: EARLY,
        thread: Some(FinalizerState::Starved),
    },
    Incident {
        program: "KilledFinalizer",
        per_second: 3000,
        report: "an error ends the finalizer thread",
        expected: &[Expected {
            kinds: &[AlertKind::FinalizerDead],
            class: None,
            cause: None,
            held_by: None,
        }],
        innocent: &[],
        heap_share: EARLY,
        thread: Some(FinalizerState::Dead),
    },
    Incident {
        program: "StalledHandler",
        per_second: 3000,
        report: "the thread Reference Handler waits in the JDK's own cleaner",
        expected: &[Expected {
            kinds: &[AlertKind::ReferenceHandlerStalled],
            class: None,
            cause: None,
            held_by: None,
        }],
        innocent: &[],
        heap_share: EARLY,
        thread: Some(FinalizerState::Waiting),
    },
    Incident {
        program: "StaticCollection",
        per_second: 8000,
        report: "JarFileFactory's cache: a static map holds them",
        expected: &[leak("Archive", "CACHE")],
        innocent: &[],
        heap_share: EARLY,
        thread: None,
    },
    Incident {
        program: "TwoLeaks",
        per_second: 5000,
        report: "two suspects in one heap: two leaks at once",
        expected: &[leak("Session", "SESSIONS"), leak("Cursor", "main")],
        innocent: &["Stream"],
        heap_share: EARLY,
        thread: None,
    },
];

/// A program that is all right.
#[derive(Debug)]
pub struct Healthy {
    /// The argument of `incident.Healthy`.
    pub name: &'static str,
    /// How many times a second it does what it does.
    pub per_second: u32,
    /// Objects to be registered until it has been watched for long enough.
    pub objects: u64,
}

/// All of them.
pub static HEALTHY: [Healthy; 5] = [
    Healthy {
        name: "steady",
        per_second: 6000,
        objects: 90_000,
    },
    Healthy {
        name: "bursts",
        per_second: 6000,
        objects: 90_000,
    },
    Healthy {
        name: "start-up",
        per_second: 3000,
        objects: 95_000,
    },
    Healthy {
        name: "hour",
        per_second: 6000,
        objects: 200_000,
    },
    Healthy {
        name: "soft-cache",
        per_second: 6000,
        objects: 200_000,
    },
];

/// The incident of that program.
pub fn incident(program: &str) -> &'static Incident {
    let found = INCIDENTS.iter().find(|each| each.program == program);
    found.unwrap_or_else(|| panic!("no incident '{program}'"))
}

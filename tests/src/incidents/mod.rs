//! Programs in which something is wrong, run with the agent until it has told what, and
//! programs that are all right.

mod catalogue;

pub use catalogue::{Expected, HEALTHY, Healthy, INCIDENTS, Incident, incident};

use std::time::Duration;

use finwatch_record::{
    Alert, AlertKind, AlertState, Body, FinalizerThread, Holders, PoolKind, Record, RootKind, Sites,
};

use crate::{Case, Collector, Jvm, Launch, Stream, programs::incident_classes};

/// What was told of an incident.
pub struct Outcome {
    /// The expected alerts, in the order in which they came.
    pub told: Vec<Alert>,
    /// The heap after collections when the last of them came, as a part of its maximum.
    pub heap_share: f64,
    /// When the last of them came, since the JVM started.
    pub after: Duration,
    /// What the finalizer thread was doing then, where that was told.
    pub thread: Option<FinalizerThread>,
    /// Who holds the objects, for each expected alert that says who should.
    pub holders: Vec<Holders>,
    jvm: Jvm,
}

impl Outcome {
    /// How long after the last alert the heap was full, if within the limit.
    pub fn lead(&self, limit: Duration) -> Option<Duration> {
        let began = std::time::Instant::now();
        let full = self.jvm.out().line(0, limit, |line| line == "FULL");
        full.is_ok().then(|| began.elapsed())
    }
}

/// How long a program is watched.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The value of the options `patience` and `stuck`.
    pub thresholds: &'static str,
    /// How many times larger than usual the heap is, and so how much later it is full.
    pub times_heap: u32,
}

fn launch(case: &Case, program: &str, arguments: &[String], setting: Setting) -> Launch {
    let mut words = vec![format!("incident.{program}")];
    words.extend_from_slice(arguments);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let launch = Launch::new(case)
        .class_path(incident_classes())
        .option("interval", "250ms")
        .option("patience", setting.thresholds)
        .option("stuck", setting.thresholds)
        .program(&words);
    let heap_mib = match case.collector {
        // In less it fills its young generation with what it finds dead, or held, in the next major cycle only.
        _ if catalogue::is_generational_zgc(case) => 256,
        // The first ZGC keeps two large pages back.
        Some(Collector::Zgc) if case.jdk.feature < 15 => 256,
        _ => 64,
    };
    let launch = launch.flag(format!("-Xmx{}m", heap_mib * setting.times_heap));
    match case.jdk.feature {
        ..9 => launch,
        _ => launch.flag("--add-opens=java.base/java.lang.ref=ALL-UNNAMED"),
    }
}

impl Incident {
    /// Runs it until everything expected has been told. Panics where it is not, or where
    /// something is told of a class that is all right.
    pub fn run(&self, case: &Case, setting: Setting) -> Outcome {
        let per_second = self.per_second.to_string();
        let jvm = launch(case, self.program, &[per_second], setting).spawn();
        let mut stream = jvm.stream();
        let mut told: Vec<Alert> = Vec::new();
        let mut after = Duration::ZERO;
        while told.len() < self.expected.len() {
            let record = stream.wait_for("(other) expected alert", |record| {
                raised(record).is_some_and(|alert| {
                    self.blames_nobody_else(alert);
                    let is_new = told.iter().all(|before| before.class != alert.class);
                    is_new && self.expected.iter().any(|each| self.fits(each, alert))
                })
            });
            after = Duration::from_millis(record.uptime_ms);
            told.extend(raised(&record).cloned());
        }
        let heap_share = heap_share(stream.records());
        if let Some(state) = self.thread {
            let is_told = thread(stream.records()).is_some_and(|thread| thread.state == state);
            if !is_told {
                stream.wait_for("word of the finalizer thread", |record| {
                    match &record.body {
                        Body::FinalizerThread(thread) => thread.state == state,
                        _ => false,
                    }
                });
            }
        }
        let thread = thread(stream.records());
        let held = self.expected.iter().filter(|each| each.held_by.is_some());
        let holders = held.map(|each| self.holders(each, &mut stream)).collect();
        for class in self.expected.iter().filter_map(|each| each.class) {
            self.assert_site_is_told(class, &mut stream);
        }
        Outcome {
            told,
            heap_share,
            after,
            thread,
            holders,
            jvm,
        }
    }

    /// Waits until it is told where objects of a class are made: in the program.
    fn assert_site_is_told(&self, class: &str, stream: &mut Stream) {
        let (class, program) = (self.name(class), format!("incident.{}", self.program));
        let of_class = |record: &Record| match &record.body {
            Body::Sites(sites) if sites.class == class => Some(Sites::clone(sites)),
            _ => None,
        };
        let told = stream.records().iter().find_map(of_class);
        let told = told.or_else(|| {
            let what = "record of where the objects are made";
            of_class(&stream.wait_for(what, |record| of_class(record).is_some()))
        });
        let told = told.unwrap_or_else(|| panic!("not told where {class} is made"));
        let frames = &told.stacks[0].frames;
        assert!(
            frames[0].starts_with(&format!("{class}.<init>(")),
            "{told:#?}"
        );
        assert!(frames[1].starts_with(&program), "{told:#?}");
    }

    /// Waits until it is told who holds the objects. Panics where that is somebody else.
    fn holders(&self, expected: &Expected, stream: &mut Stream) -> Holders {
        let class = expected.class.map(|class| self.name(class));
        let of_class = |record: &Record| match &record.body {
            Body::Holders(holders) if Some(&holders.class) == class.as_ref() => {
                Some(Holders::clone(holders))
            }
            _ => None,
        };
        let told = stream.records().iter().find_map(of_class);
        let told = told.or_else(|| {
            let what = "record of who holds the objects";
            of_class(&stream.wait_for(what, |record| of_class(record).is_some()))
        });
        let told = told.unwrap_or_else(|| panic!("not told who holds {class:?}"));
        let path = told.paths.first();
        let path = path.unwrap_or_else(|| panic!("nobody holds them: {told:?}"));
        let (kind, holder) = match path.root.kind {
            RootKind::Thread => (true, path.root.thread.as_deref()),
            RootKind::StaticField => (true, path.root.field.as_deref()),
            _ => (false, None),
        };
        // Beside those that were resurrected there are new ones that nobody holds.
        let (all, is_decided) = match expected.kinds {
            [AlertKind::FinalizerResurrects] => (told.held, true),
            _ => (told.instances, told.complete),
        };
        assert!(
            kind && holder == expected.held_by && path.count * 10 >= all * 9,
            "held by {:?}: {told:#?}",
            expected.held_by
        );
        assert!(is_decided, "{told:#?}");
        told
    }

    fn fits(&self, expected: &Expected, alert: &Alert) -> bool {
        let named = |class: Option<&str>| class.map(|class| self.name(class));
        let cause = named(expected.cause);
        expected.kinds.contains(&alert.kind)
            && alert.class == named(expected.class)
            && (cause.is_none() || alert.cause_class == cause)
    }

    fn name(&self, class: &str) -> String {
        format!("incident.{}${class}", self.program)
    }

    fn blames_nobody_else(&self, alert: &Alert) {
        let innocent: Vec<String> = self.innocent.iter().map(|class| self.name(class)).collect();
        for class in [&alert.class, &alert.cause_class].into_iter().flatten() {
            assert!(
                class.starts_with(&self.name("")) && !innocent.contains(class),
                "{class} is all right, but: {alert:?}"
            );
        }
    }
}

impl Healthy {
    /// Runs it for long enough and gives what was told, which should be nothing.
    pub fn run(&self, case: &Case, setting: Setting) -> Vec<Alert> {
        let arguments = [self.name.to_owned(), self.per_second.to_string()];
        let jvm = launch(case, "Healthy", &arguments, setting).spawn();
        let mut stream = jvm.stream();
        stream.wait_for_sample("sample with all objects", |sample| {
            sample.finalizer.counts.registered_total >= self.objects
        });
        alerts(&stream)
    }
}

fn alerts(stream: &Stream) -> Vec<Alert> {
    stream
        .records()
        .iter()
        .filter_map(raised)
        .cloned()
        .collect()
}

fn raised(record: &Record) -> Option<&Alert> {
    match &record.body {
        Body::Alert(alert) if alert.state == AlertState::Raised => Some(alert),
        _ => None,
    }
}

fn thread(records: &[Record]) -> Option<FinalizerThread> {
    records.iter().rev().find_map(|record| match &record.body {
        Body::FinalizerThread(thread) => Some(FinalizerThread::clone(thread)),
        _ => None,
    })
}

/// The heap after the last collection, as a part of its maximum; 0 before the first.
fn heap_share(records: &[Record]) -> f64 {
    let memory = records.iter().rev().find_map(|record| match &record.body {
        Body::Sample(sample) => sample.memory.as_ref(),
        _ => None,
    });
    let Some(memory) = memory else { return 0.0 };
    let is_heap = |name: &str| {
        let mut pools = memory.pools.iter();
        pools.any(|pool| pool.name == name && pool.kind == PoolKind::Heap)
    };
    let after = records.iter().rev().find_map(|record| match &record.body {
        Body::Gc(gc) => {
            let heap = gc.pools.iter().filter(|pool| is_heap(&pool.name));
            // A pause that is told by itself has no pools, or zeros.
            Some(heap.map(|pool| pool.after_bytes).sum::<u64>()).filter(|&bytes| bytes > 0)
        }
        _ => None,
    });
    let max = memory.heap.max_bytes.unwrap_or(u64::MAX);
    after.unwrap_or(0) as f64 / max as f64
}

//! What to do, the most urgent first.

use finwatch_hprof::LEFT_OUT;
use finwatch_record::{Alert, AlertKind, FinalizerThread, Holders, Link, OutOfMemory, Resource};

use super::beside::InDump;
use super::dump::Trouble;
use super::frames;
use crate::holding;

/// So many steps fit on the screen and into a head.
const MOST: usize = 3;

/// What tells what a dump does not.
const WATCH: &str = "watch the next JVM (java -agentpath:…/libfinwatch.so, or finwatch attach PID), \
                     then finwatch explain.";

/// What the steps are made of.
pub struct Findings<'a> {
    /// The process id to name in commands, or a word for it.
    pub pid: &'a str,
    pub holders: Option<&'a Holders>,
    pub finalizer_thread: Option<&'a FinalizerThread>,
    /// What ran out, where that is not over.
    pub exhausted: Option<&'a OutOfMemory>,
    /// The JVM has ended.
    pub has_ended: bool,
    /// There is a heap dump.
    pub dump: Option<&'a InDump>,
}

/// For the alert that matters most; its own advice comes first.
pub fn of_alert(alert: &Alert, findings: &Findings<'_>) -> Vec<String> {
    let mut steps = match advice(findings) {
        advice if advice.is_empty() => vec![alert.advice.clone()],
        advice => advice,
    };
    steps.extend(match alert.kind {
        AlertKind::RegisteredLeak
        | AlertKind::RegisteredFloating
        | AlertKind::FinalizerResurrects => {
            held(alert.class.as_deref().unwrap_or("CLASS"), findings)
        }
        AlertKind::HeapExhaustion => dump(findings),
        AlertKind::FinalizerStuck => unblock(findings),
        AlertKind::FinalizerSlow | AlertKind::PendingGrowth => watch(
            "Enter shows how long the finalize() of a class takes",
            findings,
        ),
        AlertKind::FinalizerThrows
        | AlertKind::FinalizerDead
        | AlertKind::ReferenceHandlerStalled
        | AlertKind::Unknown => Vec::new(),
    });
    steps.truncate(MOST);
    steps
}

/// For what is wrong in a dump.
pub fn of_dump(trouble: &Trouble, has_stream: bool, findings: &Findings<'_>) -> Vec<String> {
    let mut steps = advice(findings);
    if let Some(class) = trouble.class().filter(|_| trouble.is_of_held()) {
        steps.extend(held(class, findings));
    }
    if trouble.is_of_held() && !has_stream {
        steps.push(format!(
            "Where they are made and since when, no dump tells: {WATCH}"
        ));
    }
    steps.truncate(MOST);
    steps
}

/// What the dump's findings advise.
fn advice(findings: &Findings<'_>) -> Vec<String> {
    let meaning = findings.dump.into_iter().flat_map(InDump::meaning);
    meaning
        .map(|finding| finding.advice.clone())
        .take(1)
        .collect()
}

/// Where there is no alert: the JVM stood still, the thread is in trouble, or something ran out.
pub fn without_alert(findings: &Findings<'_>) -> Vec<String> {
    let resource = findings.exhausted.map(|oom| oom.resource);
    match (findings.finalizer_thread, resource) {
        (Some(_), _) => unblock(findings),
        (None, Some(Resource::Threads)) => vec![format!(
            "See which threads there are (jcmd {} Thread.print) and how many may be: ulimit -u, and pids.max of \
             the cgroup.",
            findings.pid
        )],
        (None, Some(Resource::Other)) => vec![
            "Look into the program's log for the OutOfMemoryError: its stack tells who asked for what.".to_owned(),
        ],
        (None, Some(Resource::JavaHeap) | None) => dump(findings),
    }
}

/// Where alerts are raised that no record tells of.
pub fn of_untold(findings: &Findings<'_>) -> Vec<String> {
    vec![format!(
        "They are told again every ten minutes, and with the next sample after: finwatch attach {}",
        findings.pid
    )]
}

fn held(class: &str, findings: &Findings<'_>) -> Vec<String> {
    if !advice(findings).is_empty() {
        return Vec::new();
    }
    let way = findings.holders.and_then(|holders| holders.paths.first());
    let soft_way = findings
        .holders
        .and_then(|holders| holders.soft_paths.first());
    let first = match (way, soft_way) {
        (Some(way), _) => {
            let is_of_program = |link: &&Link| !is_of_jdk(link) && link.class != LEFT_OUT;
            let left = way.chain.iter().find(is_of_program);
            let left = left.map_or("them", |link| &link.class);
            Some(format!(
                "In the code look for what leaves {left} with {}, and have it taken back once the \
                 object is closed.",
                holding::root(&way.root)
            ))
        }
        (None, Some(soft)) => Some(format!(
            "Soft references from {} keep them, and the collector lets go of them only where it has no \
             room: bound that cache, or lower -XX:SoftRefLRUPolicyMSPerMB.",
            holding::root(&soft.root)
        )),
        (None, None) if findings.has_ended || findings.dump.is_some() => None,
        (None, None)
            if findings
                .holders
                .is_some_and(|holders| holders.unheld.is_some()) =>
        {
            None
        }
        (None, None) => Some(format!(
            "Ask who holds them: finwatch holders {} {class}",
            findings.pid
        )),
    };
    first.into_iter().chain(dump(findings)).collect()
}

fn is_of_jdk(link: &Link) -> bool {
    ["java.", "javax.", "jdk.", "sun."]
        .iter()
        .any(|begin| link.class.starts_with(begin))
}

fn unblock(findings: &Findings<'_>) -> Vec<String> {
    let thread = findings.finalizer_thread;
    let owner = thread.and_then(|thread| thread.lock.as_ref()?.owner.as_ref());
    let mut steps = Vec::new();
    if let Some(owner) = owner {
        let stack = frames::words(&owner.stack, 1);
        let place = match stack.is_empty() {
            true => String::new(),
            false => format!(": it is in {stack}"),
        };
        steps.push(format!(
            "Find out why the thread '{}' keeps the lock{place}.",
            owner.thread
        ));
    }
    if findings.has_ended {
        return steps;
    }
    if owner.is_none() {
        let pid = findings.pid;
        steps.push(format!("See what all threads do: jcmd {pid} Thread.print"));
    }
    steps.push("Restart the JVM if it does not go on: nothing is finalized until then.".to_owned());
    steps
}

fn dump(findings: &Findings<'_>) -> Vec<String> {
    if findings.dump.is_some() {
        return Vec::new();
    }
    match findings.has_ended {
        true => vec![
            "For the next time: -XX:+HeapDumpOnOutOfMemoryError; finwatch heap FILE".to_owned(),
        ],
        false => vec![format!(
            "Before a restart: jcmd {} GC.heap_dump FILE; finwatch heap FILE",
            findings.pid
        )],
    }
}

fn watch(what: &str, findings: &Findings<'_>) -> Vec<String> {
    match findings.has_ended {
        true => Vec::new(),
        false => vec![format!("Watch it: finwatch top {} ({what})", findings.pid)],
    }
}

//! What a heap dump adds to the answer, or is all of it.

use std::path::Path;

use finwatch_record::{Alert, Amount, Finding, HeapDumpClass};
use serde::Serialize;

use super::alert::{self, class_of};
use super::dump::{self, Dump, Trouble};
use super::known::as_timestamp;
use super::moment::when;
use crate::numbers::{bytes, counted, grouped};
use crate::stream::STDIN;

/// So many findings are told.
const FINDINGS: usize = 2;

/// The facts of a dump, as far as they matter.
#[derive(Debug, Serialize)]
pub struct InDump {
    /// When it was made, milliseconds since 1970.
    #[serde(rename = "ts", serialize_with = "as_timestamp")]
    pub at_ms: u64,
    /// The file, as it was named.
    pub file: String,
    /// All objects in it.
    pub heap: Amount,
    /// What is wrong with the dump itself.
    pub damage: Vec<String>,
    /// What else to know of it.
    pub notes: Vec<String>,
    /// Objects that are registered, of all classes.
    pub registered: u64,
    /// Of these, those that wait in the queue.
    pub pending: u64,
    /// Objects whose `finalize()` has not ended.
    pub running: u64,
    /// The class that the answer is about.
    pub class: Option<HeapDumpClass>,
    /// What the fields of the objects mean, that about this class first.
    pub findings: Vec<Finding>,
    /// Why the dump seems not to be of the JVM of the stream.
    pub doubts: Vec<String>,
    /// The holders are those of the dump.
    pub has_holders: bool,
    /// It tells whether somebody holds the objects of the class.
    #[serde(skip)]
    knows_who_holds: bool,
    #[serde(skip)]
    pub trouble: Option<Trouble>,
    #[serde(skip)]
    matching: usize,
}

impl InDump {
    /// About what the alert is about, or else what is wrong in the dump.
    pub fn of(dump: &Dump, alert: Option<&Alert>, doubts: Vec<String>) -> InDump {
        let trouble = dump.trouble();
        let class = match (alert, &trouble) {
            (Some(alert), _) => class_of(alert),
            (None, Some(trouble)) => trouble.class().map(|class| (class, None)),
            (None, None) => None,
        };
        let is_of_thread = match (alert, &trouble) {
            (Some(alert), _) => alert::is_of_thread(alert.kind),
            (None, Some(trouble)) => !trouble.is_of_held(),
            (None, None) => false,
        };
        let matters = |finding: &Finding| match (is_of_thread, class) {
            (true, _) => dump::is_of_thread(finding),
            (false, Some((class, _))) => dump::is_of_class(finding, class),
            (false, None) => false,
        };
        let told = &dump.told;
        let (mut findings, rest): (Vec<Finding>, Vec<Finding>) =
            told.findings.iter().cloned().partition(matters);
        let matching = findings.len();
        findings.extend(rest);
        let row = class.filter(|_| !is_of_thread);
        let row = row.and_then(|(class, loader)| dump.class(class, loader).cloned());
        let holders = class.and_then(|(class, loader)| dump.holders(class, loader));
        InDump {
            at_ms: dump.at_ms,
            file: told.file.clone(),
            heap: told.heap,
            damage: told.damage.clone(),
            notes: told.notes.clone(),
            registered: told.registered,
            pending: told.pending,
            running: told.running,
            class: row,
            findings,
            doubts,
            has_holders: holders.is_some(),
            knows_who_holds: holders.is_none_or(|holders| holders.complete || holders.held > 0),
            trouble,
            matching,
        }
    }

    /// The file's name without its directory.
    pub fn name(&self) -> String {
        if self.file == STDIN {
            return "the dump from stdin".to_owned();
        }
        let name = Path::new(&self.file).file_name();
        name.map_or_else(
            || self.file.clone(),
            |name| name.to_string_lossy().into_owned(),
        )
    }

    /// What the dump says about the class or the thread that the answer is about.
    pub fn meaning(&self) -> impl Iterator<Item = &Finding> {
        self.findings[..self.matching].iter().take(FINDINGS)
    }

    /// How many findings are not told.
    pub fn untold(&self) -> usize {
        self.findings.len() - self.meaning().count()
    }

    /// What is wrong, or that nothing is known to be, one sentence without its end.
    pub fn headline(&self, name: &str) -> String {
        let waiting = grouped(self.pending);
        let class = self
            .trouble
            .as_ref()
            .and_then(Trouble::class)
            .unwrap_or_default();
        match &self.trouble {
            None => {
                let begin = match self.damage.is_empty() {
                    true => format!("Nothing is known to be wrong with finalization in {name}"),
                    false => format!("{name} is DAMAGED, and nothing is sure"),
                };
                format!(
                    "{begin}: {} registered, {waiting} pending, {} in finalize()",
                    counted(self.registered, "object"),
                    grouped(self.running)
                )
            }
            Some(Trouble::Dead) => format!(
                "{name}: the finalizer thread is DEAD: {waiting} objects wait, and none will be \
                 finalized"
            ),
            Some(Trouble::Stuck(_)) => format!(
                "{name}: the finalizer thread is STUCK in {class}.finalize(), and {waiting} \
                 objects wait"
            ),
            Some(Trouble::Busy(_)) => format!(
                "{name}: the finalizer thread is BUSY in {class}.finalize(), and {waiting} objects \
                 wait"
            ),
            Some(Trouble::Behind(_)) => format!(
                "{name}: the finalizer thread FALLS BEHIND: {waiting} objects wait, most of them \
                 {class}"
            ),
            Some(Trouble::Held(_)) => format!(
                "{name} shows a LEAK: {} {class} are registered and held",
                self.held()
            ),
            Some(Trouble::PerhapsLeaking(_)) => {
                let held = if self.knows_who_holds {
                    " and held"
                } else {
                    ""
                };
                format!(
                    "{name} shows PERHAPS A LEAK: {} {class} are registered{held}, and a dump does \
                     not tell whether they become more",
                    self.held()
                )
            }
        }
    }

    fn held(&self) -> String {
        let held = self
            .class
            .as_ref()
            .map(|row| row.registered - row.pending.min(row.registered));
        grouped(held.unwrap_or(0))
    }

    /// The numbers: beside a stream those of the class alone, and the time as its reader at that moment says it.
    pub fn numbers(&self, beside_ms: Option<u64>) -> String {
        let mut clauses = vec![format!(
            "made {}",
            when(self.at_ms, beside_ms.unwrap_or_default())
        )];
        match &self.class {
            Some(row) => {
                let (registered, pending) = (grouped(row.registered), grouped(row.pending));
                clauses.push(format!(
                    "{registered} registered, {pending} of them pending"
                ));
                clauses.extend(row.retained.map(|amount| {
                    let percent = 100.0 * amount.bytes as f64 / self.heap.bytes.max(1) as f64;
                    let kept = bytes(amount.bytes);
                    format!("with what only they keep alive {kept}, {percent:.0}% of the heap")
                }));
            }
            None => {
                let (registered, pending) = (grouped(self.registered), grouped(self.pending));
                clauses.push(format!(
                    "{registered} objects registered, {pending} of them pending"
                ));
            }
        }
        if beside_ms.is_none() {
            let (all, size) = (grouped(self.heap.objects), bytes(self.heap.bytes));
            clauses.push(format!("{all} objects, {size} in the heap"));
        }
        clauses.join("; ") + "."
    }
}

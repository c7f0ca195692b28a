//! A heap dump as its records tell of it, and what is wrong by them.

use finwatch_record::{Body, Finding, HeapDump, HeapDumpClass, Holders, Record, Severity};

use super::known::Known;
use crate::holding;
use crate::stream::{Piece, Place, Span};
use crate::time;

/// Fewer objects than these are nothing to be told of, unless they keep much alive.
const MANY: u64 = 1000;
/// So many percent of the heap are much.
const MUCH_PERCENT: u64 = 10;

/// What was read of a dump.
#[derive(Debug)]
pub struct Dump {
    /// When it was made, milliseconds since 1970.
    pub at_ms: u64,
    /// The process id in its name, or 0.
    pub pid: u64,
    pub told: HeapDump,
    holders: Vec<Holders>,
}

/// What is wrong in a dump.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// The finalizer thread has ended.
    Dead,
    /// It waits inside a `finalize()` of this class.
    Stuck(String),
    /// It works inside a `finalize()` of this class while many wait.
    Busy(String),
    /// Many wait, most of them of this class.
    Behind(String),
    /// Objects of this class are held, and a finding says by what.
    Held(String),
    /// Objects of this class are held, and they are much of the heap.
    PerhapsLeaking(String),
}

impl Dump {
    /// Of the records that are made of it; `None` where they are of none.
    pub fn of(records: Vec<Record>) -> Option<Dump> {
        let (mut dump, mut holders) = (None, Vec::new());
        for record in records {
            let at_ms = time::parse(&record.ts).unwrap_or(0);
            match record.body {
                Body::HeapDump(told) => dump = Some((at_ms, u64::from(record.pid), *told)),
                Body::Holders(of_class) => holders.push(*of_class),
                _ => {}
            }
        }
        let (at_ms, pid, told) = dump?;
        Some(Dump {
            at_ms,
            pid,
            told,
            holders,
        })
    }

    /// A JVM of which nothing is known but this dump.
    pub fn alone(&self) -> Known {
        let place = Place {
            pid: self.pid,
            seq: 0,
            time_ms: self.at_ms,
            uptime_ms: 0,
        };
        Known::new(Span::at(0, place))
    }

    /// Who holds the objects of a class; without a loader, of the first class of this name.
    pub fn holders(&self, class: &str, loader: Option<&str>) -> Option<&Holders> {
        let is_it = |holders: &&Holders| holders.class == class && holders.instances > 0;
        let mut of_name = self.holders.iter().filter(is_it);
        let same = |holders: &&Holders| loader.is_none() || holders.loader.as_deref() == loader;
        // The agent names only the loaders that every JVM has as a dump does.
        of_name.clone().find(same).or_else(|| of_name.next())
    }

    /// The counts of a class, found as [`Dump::holders`] are.
    pub fn class(&self, class: &str, loader: Option<&str>) -> Option<&HeapDumpClass> {
        let mut of_name = self.told.classes.iter().filter(|row| row.class == class);
        let same = |row: &&HeapDumpClass| loader.is_none_or(|loader| row.loader == loader);
        of_name.clone().find(same).or_else(|| of_name.next())
    }

    /// What explains most objects; `None` where nothing is known to be wrong.
    pub fn trouble(&self) -> Option<Trouble> {
        let by_findings = self.told.findings.iter().find_map(|found| self.by(found));
        by_findings.or_else(|| self.by_counts())
    }

    fn by(&self, finding: &Finding) -> Option<Trouble> {
        let waiting = self.told.pending;
        let class = finding.class.clone();
        match finding.rule.as_str() {
            "finalizer_dead" => (waiting > 0).then_some(Trouble::Dead),
            "finalizer_stuck" => class.filter(|_| waiting > 0).map(Trouble::Stuck),
            "finalizer_slow" => class.filter(|_| waiting >= MANY).map(Trouble::Busy),
            _ => {
                let class = class.filter(|_| finding.count > 0)?;
                let row = self.class(&class, None);
                let is_much = row.is_some_and(|row| self.is_much(row));
                let is_held = !self.is_free(&class, None);
                (is_held && (finding.count >= MANY || is_much)).then_some(Trouble::Held(class))
            }
        }
    }

    fn by_counts(&self) -> Option<Trouble> {
        let rows = &self.told.classes;
        if self.told.pending >= MANY {
            let most = rows.iter().max_by_key(|row| row.pending)?;
            return Some(Trouble::Behind(most.class.clone()));
        }
        let held = rows.iter().find(|row| {
            let is_free = self.is_free(&row.class, Some(&row.loader));
            row.registered >= MANY && self.is_much(row) && !is_free
        })?;
        Some(Trouble::PerhapsLeaking(held.class.clone()))
    }

    /// Whether nobody holds any object of the class, which the next collection will find. Not where a stack is missing that
    /// may.
    fn is_free(&self, class: &str, loader: Option<&str>) -> bool {
        let is_it = |holders: &Holders| holding::by_nobody(holders) >= Some(holders.instances);
        let is_of_stacks = |found: &Finding| found.rule == "virtual_thread_stacks";
        let mut findings = self.told.findings.iter();
        self.holders(class, loader).is_some_and(is_it) && !findings.any(is_of_stacks)
    }

    fn is_much(&self, row: &HeapDumpClass) -> bool {
        let bytes = row
            .retained
            .map_or(row.shallow_bytes, |amount| amount.bytes);
        bytes.saturating_mul(100) >= self.told.heap.bytes.saturating_mul(MUCH_PERCENT).max(1)
    }
}

impl Trouble {
    /// The class that it is about.
    pub fn class(&self) -> Option<&str> {
        match self {
            Trouble::Dead => None,
            Trouble::Stuck(class)
            | Trouble::Busy(class)
            | Trouble::Behind(class)
            | Trouble::Held(class)
            | Trouble::PerhapsLeaking(class) => Some(class),
        }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Trouble::Dead | Trouble::Stuck(_) | Trouble::Held(_) => Severity::Critical,
            Trouble::Busy(_) | Trouble::Behind(_) | Trouble::PerhapsLeaking(_) => Severity::Warning,
        }
    }

    /// Whether it matters who holds the objects.
    pub fn is_of_held(&self) -> bool {
        matches!(self, Trouble::Held(_) | Trouble::PerhapsLeaking(_))
    }
}

/// Whether a finding says why objects of a class are held.
pub fn is_of_class(finding: &Finding, class: &str) -> bool {
    finding.class.as_deref() == Some(class) && finding.count > 0 && !is_of_thread(finding)
}

/// Whether a finding is about the finalizer thread.
pub fn is_of_thread(finding: &Finding) -> bool {
    finding.rule.starts_with("finalizer_")
}

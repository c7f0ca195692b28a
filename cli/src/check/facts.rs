//! The numbers of a record that its neighbours are compared with, noted down while the line is read.

use crate::stream::Place;

/// Where a number is noted down. Numbers with the same slot are added up: the rows of the classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    Time,
    Seq,
    Pid,
    Uptime,
    Dropped,
    /// A count of the whole ledger.
    Whole(usize),
    /// A count of a part of it.
    Part(usize),
}

/// What stands for a definition's name where a field is the envelope's.
pub const ENVELOPE: &str = "the envelope";

/// The counts that have to add up.
pub const COUNTS: [&str; 7] = [
    "registered",
    "pending",
    "running",
    "registered_total",
    "enqueued_total",
    "finalized_total",
    "threw_total",
];

impl Slot {
    /// That of a field of a definition in the schema, or of [`ENVELOPE`].
    pub fn of(definition: &str, field: &str) -> Option<Slot> {
        let count = COUNTS.iter().position(|name| *name == field);
        match (definition, field, count) {
            (ENVELOPE, "ts", _) => Some(Slot::Time),
            (ENVELOPE, "seq", _) => Some(Slot::Seq),
            (ENVELOPE, "pid", _) => Some(Slot::Pid),
            (ENVELOPE, "uptime_ms", _) => Some(Slot::Uptime),
            ("AgentCost" | "Stop", "records_dropped_total", _) => Some(Slot::Dropped),
            ("Finalizer" | "Counts", _, Some(count)) => Some(Slot::Whole(count)),
            ("ClassRow" | "OmittedClasses", _, Some(count)) => Some(Slot::Part(count)),
            _ => None,
        }
    }
}

/// What was noted down of one record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its type.
    pub kind: String,
    /// `ts`, milliseconds since 1970.
    pub time_ms: u64,
    pub seq: u64,
    pub pid: u64,
    pub uptime_ms: u64,
    /// `records_dropped_total`, where it has that.
    pub dropped: Option<u64>,
    /// The reason of its coverage, where it has one.
    pub coverage: String,
    /// The ledger over all classes, where it has that.
    pub whole: Option<[u64; 7]>,
    /// The sums of the classes and of the rest.
    pub parts: [u64; 7],
}

impl Facts {
    /// The envelope alone.
    pub fn envelope(self) -> Facts {
        Facts {
            dropped: None,
            whole: None,
            ..self
        }
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            pid: self.pid,
            seq: self.seq,
            time_ms: self.time_ms,
            uptime_ms: self.uptime_ms,
        }
    }

    /// Whether a stream begins here; a later `start` tells of other options.
    pub fn is_beginning(&self) -> bool {
        self.kind == "start" && self.seq == 0
    }

    /// Notes down a number.
    pub fn note(&mut self, slot: Slot, number: u64) {
        match slot {
            Slot::Time => self.time_ms = number,
            Slot::Seq => self.seq = number,
            Slot::Pid => self.pid = number,
            Slot::Uptime => self.uptime_ms = number,
            Slot::Dropped => self.dropped = Some(number),
            Slot::Whole(count) => self.whole.get_or_insert_default()[count] = number,
            Slot::Part(count) => {
                self.parts[count] = self.parts[count].saturating_add(number);
            }
        }
    }
}

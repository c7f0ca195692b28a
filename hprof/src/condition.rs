//! What is to be said of a dump itself, beside the answer: where it is damaged, what it does not tell, and what else to
//! know of it.

use std::fmt;

use crate::entry::{Root, RootKind};
use crate::words::{by_number, grouped};

/// Where a dump is not as it should be; what stands elsewhere is told all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The file ends inside a record.
    Cut {
        /// How long it is, unpacked.
        length: u64,
    },
    /// The file ends between two records, and no record says that the dump is complete.
    NoEnd,
    /// The packed file ends early, or is damaged.
    Unpacking {
        /// What the decompressor says.
        reason: String,
    },
    /// An entry of no known kind.
    UnknownEntry {
        /// Where it is.
        at: u64,
        /// Its kind.
        tag: u8,
    },
    /// An entry is longer than the record that it is in.
    Overlong {
        /// Where it is.
        at: u64,
    },
    /// Objects that are there twice, or at an address where none can be; each is taken once.
    Repeated {
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Cut { length } => {
                write!(
                    f,
                    "the dump ends inside a record, after {length} bytes: what was written until then is told"
                )
            }
            Damage::NoEnd => {
                write!(
                    f,
                    "the dump has no end, the JVM was stopped while it wrote it: what was written until then is told"
                )
            }
            Damage::Unpacking { reason } => {
                write!(
                    f,
                    "the compressed file cannot be unpacked to its end ({reason}): what came before is told"
                )
            }
            Damage::UnknownEntry { at, tag } => {
                write!(
                    f,
                    "an entry of the unknown kind 0x{tag:02x} at byte {at}: the rest of its segment is not told"
                )
            }
            Damage::Overlong { at } => {
                write!(
                    f,
                    "the entry at byte {at} is longer than its segment: the rest of the segment is not told"
                )
            }
            Damage::Repeated { count } => {
                write!(
                    f,
                    "{} {} an object, or {} at an address where none can be: {} left out",
                    grouped(*count),
                    by_number(*count, "entry repeats", "entries repeat"),
                    by_number(*count, "is", "are"),
                    by_number(*count, "it is", "they are")
                )
            }
        }
    }
}

/// Why a dump does not tell of all that hold objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// A part of it is missing: until JDK 20 the roots come last.
    Part,
    /// It does not have all kinds of roots. `jhsdb jmap`, which reads the JVM's memory from outside, writes threads and
    /// local references of native code alone (`HeapHprofBinWriter.java`), from JDK 27 on all but the global references of
    /// native code.
    Roots,
}

/// A JVM always has some of each; only one that writes its own dump tells of all.
const ROOTS_OF_ALL_DUMPS: [RootKind; 4] = [
    RootKind::Thread,
    RootKind::JavaFrame,
    RootKind::JniGlobal,
    RootKind::StickyClass,
];

impl Gap {
    /// The gap of a dump with this damage and these roots; `None` where it has none.
    pub fn of(damage: &[Damage], roots: &[Root]) -> Option<Gap> {
        let is_missing = |damage: &Damage| !matches!(damage, Damage::Repeated { .. });
        if damage.iter().any(is_missing) {
            return Some(Gap::Part);
        }
        let has = |kind: &RootKind| roots.iter().any(|root| root.kind == *kind);
        (!ROOTS_OF_ALL_DUMPS.iter().all(has)).then_some(Gap::Roots)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Gap::Part => "a part of the dump is missing, and what holds them may be there",
            Gap::Roots => {
                "what local variables of threads or native code hold is not in the dump (jhsdb leaves it out)"
            }
        })
    }
}

/// What to know of a dump besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The file holds several dumps.
    Several {
        /// How many have objects.
        count: u64,
    },
    /// Objects have serial numbers and no addresses.
    Numbered,
    /// The rest of a dump without an end lies beside it: JDK 22 and later write parts and join them at last.
    Parts {
        /// The name of the first part's file.
        first: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Several { count } => {
                write!(
                    f,
                    "the file holds {count} heap dumps, one behind the other: the last is told"
                )
            }
            Note::Parts { first } => {
                write!(
                    f,
                    "'{}' and what follows it are parts of this dump, which the JVM did not join",
                    first.escape_debug()
                )
            }
            Note::Numbered => {
                write!(
                    f,
                    "objects have numbers and no addresses, as the hprof agent writes them: sizes are an estimate from \
                     their fields, for a 64-bit JVM with compressed references"
                )
            }
        }
    }
}

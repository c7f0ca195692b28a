//! The first look at a dump, from its first byte to its last: which records there are, the classes, the roots, the
//! threads' stacks, and the address of every object.
//!
//! Class descriptions may come after the instances (parallel dumps), so fields can be read only from the second look
//! on. What the first look finds about the order of things lets the later ones be done by several threads: places
//! between two entries where each can begin.

use std::fmt;
use std::io;
use std::ops::Range;

use crate::addresses::{Addresses, Index};
use crate::classes::{ClassNumber, Classes};
use crate::entry::{ClassDump, Root, Stop, Visitor, scan};
use crate::error::Error;
use crate::names::Names;
use crate::progress::{Phase, Progress};
use crate::source::Dump;
use crate::stacks::Stacks;
use crate::value::{Type, read_u32};
use crate::window::Window;

/// What a thread of a later look takes at once.
const CHUNK_BYTES: u64 = 4 << 20;
/// Objects of each class whose place tells how large they are.
const SAMPLES_PER_CLASS: u64 = 16;
const SAMPLES: usize = 1 << 19;

/// Where a dump is not as it should be; what stands elsewhere is told all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The file ends inside a record.
    Cut {
        /// How long it is, unpacked.
        length: u64,
    },
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
                    "{count} entries repeat an object, or are at an address where none can be: they are left out"
                )
            }
        }
    }
}

/// An object whose size can be seen from where the next one begins.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Its address.
    pub id: u64,
    /// Its class.
    pub class: ClassNumber,
    /// For arrays, how many elements.
    pub length: u32,
}

/// What the first look found.
#[derive(Debug)]
pub struct Survey {
    /// Its classes.
    pub classes: Classes,
    /// Its strings.
    pub names: Names,
    /// Its objects, numbered.
    pub index: Index,
    /// Its roots.
    pub roots: Vec<Root>,
    /// Its threads' stacks.
    pub stacks: Stacks,
    /// Parts of the heap segments that begin and end between entries, in the order of the file.
    pub chunks: Vec<Range<u64>>,
    /// Objects to infer sizes from.
    pub samples: Vec<Sample>,
    /// Entries that repeat an object told before, by place.
    pub repeated: Vec<u64>,
    /// What is wrong with the dump.
    pub damage: Vec<Damage>,
}

/// Takes the first look.
pub fn survey(dump: &Dump, progress: &Progress) -> Result<Survey, Error> {
    progress.begin(Phase::Surveying, dump.length());
    let mut surveyor = Surveyor::default();
    surveyor
        .records(dump, progress)
        .map_err(|error| dump.failed(error))?;
    if let Some(reason) = &dump.cut_while_unpacking {
        surveyor.damage.push(Damage::Unpacking {
            reason: reason.clone(),
        });
    }
    if !surveyor.entries.repeated.is_empty() {
        let count = surveyor.entries.repeated.len() as u64;
        surveyor.damage.push(Damage::Repeated { count });
    }
    let entries = surveyor.entries;
    if entries.addresses.len() >= u64::from(u32::MAX) {
        return Err(Error::TooManyObjects {
            path: dump.path().into(),
        });
    }
    let mut classes = entries.classes;
    classes
        .read_names(&surveyor.names, dump)
        .map_err(|error| dump.failed(error))?;
    Ok(Survey {
        classes,
        names: surveyor.names,
        index: entries.addresses.finish(),
        roots: entries.roots,
        stacks: surveyor.stacks,
        chunks: entries.chunks,
        samples: entries.samples,
        repeated: entries.repeated,
        damage: surveyor.damage,
    })
}

#[derive(Default)]
struct Surveyor {
    entries: Entries,
    names: Names,
    stacks: Stacks,
    damage: Vec<Damage>,
}

/// A record: its kind, where its body begins and how long it says it is.
struct Record {
    tag: u8,
    body: u64,
    length: u32,
}

/// Kind, time and length.
const RECORD_BYTES: usize = 9;
/// Lengths are written modulo this: JDK 8 writes dumps of more than 4 GB with lengths that went round.
const WRAP: u64 = 1 << 32;

fn record(window: &mut Window<'_>, at: u64) -> io::Result<Option<Record>> {
    let head = window.bytes(at, RECORD_BYTES)?;
    Ok((head.len() == RECORD_BYTES).then(|| Record {
        tag: head[0],
        body: at + RECORD_BYTES as u64,
        length: read_u32(&head[5..]),
    }))
}

impl Surveyor {
    fn records(&mut self, dump: &Dump, progress: &Progress) -> io::Result<()> {
        let mut window = dump.window();
        let mut at = dump.first_record;
        while at < dump.length() {
            let Some(record) = record(&mut window, at)? else {
                self.cut(dump);
                break;
            };
            let end = match record.tag {
                0x0c | 0x1c => self.segment(dump, &mut window, &record, progress)?,
                _ => {
                    self.record(dump, &mut window, &record)?;
                    record.body + u64::from(record.length)
                }
            };
            if end > dump.length() {
                self.cut(dump);
            }
            progress.advance(end - at);
            at = end;
        }
        Ok(())
    }

    fn cut(&mut self, dump: &Dump) {
        let cut = Damage::Cut {
            length: dump.length(),
        };
        if !self.damage.contains(&cut) {
            self.damage.push(cut);
        }
    }

    fn record(&mut self, dump: &Dump, window: &mut Window<'_>, record: &Record) -> io::Result<()> {
        let ids = dump.ids;
        let id_bytes = ids.bytes() as u32;
        if record.body + u64::from(record.length) > dump.length() {
            return Ok(());
        }
        match record.tag {
            0x01 if record.length >= id_bytes => {
                let id = ids.read(window.bytes(record.body, ids.bytes())?);
                let length = record.length - id_bytes;
                self.names
                    .insert(id, record.body + u64::from(id_bytes), length);
            }
            0x02 => {
                let body = window.bytes(record.body, 8 + 2 * ids.bytes())?;
                let id = ids.read(body.get(4..).unwrap_or(&[]));
                let name = ids.read(body.get(8 + ids.bytes()..).unwrap_or(&[]));
                self.stacks.class_serial(read_u32(body), id);
                self.entries.classes.loaded(id, name);
            }
            0x04 => self
                .stacks
                .frame(ids, window.bytes(record.body, 8 + 4 * ids.bytes())?),
            0x05 => self
                .stacks
                .trace(ids, window.bytes(record.body, record.length as usize)?),
            _ => {}
        }
        Ok(())
    }

    /// Goes through a heap segment and tells where the next record begins.
    fn segment(
        &mut self,
        dump: &Dump,
        window: &mut Window<'_>,
        record: &Record,
        progress: &Progress,
    ) -> io::Result<u64> {
        let length = dump.length();
        let mut from = record.body;
        let mut end = record.body + u64::from(record.length);
        loop {
            self.entries.chunk_begin = from;
            let stop = scan(window, dump.ids, from..end.min(length), &mut self.entries)?;
            let reached = match stop {
                Stop::End => end.min(length),
                Stop::Straddles(at) | Stop::Unknown(at, _) => at,
            };
            self.entries.chunk_end(reached);
            let wraps = length - record.body >= WRAP && end < length;
            match stop {
                Stop::End if wraps && !plausible_record(window, end)? => from = end,
                Stop::Straddles(at) if wraps => from = at,
                Stop::End => return Ok(end),
                // Behind the end of the file: that it is cut is said where the record ends.
                Stop::Straddles(_) if end > length => return Ok(end),
                Stop::Straddles(at) => {
                    self.damage.push(Damage::Overlong { at });
                    return Ok(end);
                }
                Stop::Unknown(at, tag) => {
                    self.damage.push(Damage::UnknownEntry { at, tag });
                    return Ok(end);
                }
            }
            progress.advance(0);
            end = end.saturating_add(WRAP);
        }
    }
}

/// Whether a record could begin there: of a known kind, and not longer than the file.
fn plausible_record(window: &mut Window<'_>, at: u64) -> io::Result<bool> {
    let length = window.length();
    Ok(record(window, at)?.is_some_and(|record| {
        let known = matches!(record.tag, 0x01..=0x07 | 0x0a..=0x0e | 0x1c | 0x2c);
        known && record.body + u64::from(record.length) <= length
    }))
}

/// What the entries of all segments tell.
#[derive(Default)]
struct Entries {
    classes: Classes,
    addresses: Addresses,
    roots: Vec<Root>,
    chunks: Vec<Range<u64>>,
    chunk_begin: u64,
    samples: Vec<Sample>,
    repeated: Vec<u64>,
}

impl Entries {
    #[inline]
    fn object(&mut self, at: u64, id: u64) -> bool {
        if at - self.chunk_begin >= CHUNK_BYTES {
            self.chunk_end(at);
        }
        let fresh = self.addresses.insert(id);
        if !fresh {
            self.repeated.push(at);
        }
        fresh
    }

    fn chunk_end(&mut self, at: u64) {
        if at > self.chunk_begin {
            self.chunks.push(self.chunk_begin..at);
            self.chunk_begin = at;
        }
    }

    #[inline]
    fn count(&mut self, class: ClassNumber, id: u64, length: u32, array: bool) {
        let counted = self.classes.get_mut(class);
        counted.instances += 1;
        counted.array |= array;
        if counted.instances <= SAMPLES_PER_CLASS && self.samples.len() < SAMPLES {
            self.samples.push(Sample { id, class, length });
        }
    }
}

impl Visitor for Entries {
    const ELEMENTS: bool = false;

    fn root(&mut self, root: Root) {
        self.roots.push(root);
    }

    fn class(&mut self, at: u64, class: ClassDump) {
        if self.object(at, class.id) {
            self.classes.described(class);
        }
    }

    #[inline]
    fn instance(&mut self, at: u64, id: u64, class: u64, _body: &[u8]) {
        if self.object(at, id) {
            let class = self.classes.number_or_new(class);
            self.count(class, id, 0, false);
        }
    }

    #[inline]
    fn object_array(&mut self, at: u64, id: u64, class: u64, length: u32) {
        if self.object(at, id) {
            let class = self.classes.number_or_new(class);
            self.count(class, id, length, true);
        }
    }

    #[inline]
    fn primitive_array(&mut self, at: u64, id: u64, element: Type, length: u32, _body: u64) {
        if self.object(at, id) {
            self.count(Classes::of_primitive_array(element), id, length, true);
        }
    }
}

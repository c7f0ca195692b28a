//! The first look at a dump, from its first byte to its last: which records there are, the classes, the roots, the
//! threads' stacks, and the address of every object.
//!
//! Class descriptions may come after the instances (parallel dumps), so fields can be read only from the second look
//! on. What the first look finds about the order of things lets the later ones be done by several threads: places
//! between two entries where each can begin.
//!
//! A file may hold several heap dumps, one behind the other: the hprof agent of JDK 5 to 8 writes one whenever it is asked
//! to (SIGQUIT) and one when the JVM ends. Each is one record `HEAP DUMP`, or several `HEAP DUMP SEGMENT` that a `HEAP DUMP
//! END` follows. Told is the last that has objects; names, classes' serial numbers and stacks are common to all.

use std::io;
use std::ops::Range;

use crate::addresses::{Addresses, Identity, Index};
use crate::classes::{ClassNumber, Classes};
use crate::condition::{Damage, Note};
use crate::entry::{ClassDump, Root, Stop, Visitor, begins_entry, scan};
use crate::error::Error;
use crate::names::Names;
use crate::progress::{Phase, Progress};
use crate::record::{
    HEAP_DUMP, HEAP_DUMP_END, HEAP_DUMP_SEGMENT, LOAD_CLASS, Record, STACK_FRAME, STACK_TRACE,
    STRING, is_plausible, record,
};
use crate::source::Dump;
use crate::stacks::Stacks;
use crate::value::{Type, read_u32};
use crate::window::Window;

/// What a thread of a later look takes at once.
const CHUNK_BYTES: u64 = 4 << 20;
/// Objects of each class whose place tells how large they are.
const SAMPLES_PER_CLASS: u64 = 16;
const SAMPLES: usize = 1 << 19;

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
    /// What else to know of it.
    pub notes: Vec<Note>,
}

/// Takes the first look; a second time where it shows that ids are serial numbers.
pub fn survey(dump: &Dump, progress: &Progress) -> Result<Survey, Error> {
    let surveyor = Surveyor::look(dump, Identity::Address, progress)?;
    if !surveyor.entries.are_serial() {
        return surveyor.finish(dump);
    }
    drop(surveyor);
    Surveyor::look(dump, Identity::Serial, progress)?.finish(dump)
}

struct Surveyor {
    identity: Identity,
    /// Of the dump that is told.
    entries: Entries,
    /// Of the one before, while this one has no objects yet.
    before: Option<Entries>,
    /// Dumps with objects before this one.
    dumps_before: u64,
    /// The last heap dump has ended: the next heap record begins another one.
    has_ended: bool,
    /// Classes by id, and their names.
    loaded: Vec<(u64, u64)>,
    names: Names,
    stacks: Stacks,
}

/// Lengths are written modulo this: JDK 8 writes dumps of more than 4 GB with lengths that went round.
const WRAP: u64 = 1 << 32;

impl Surveyor {
    fn look(dump: &Dump, identity: Identity, progress: &Progress) -> Result<Surveyor, Error> {
        progress.begin(Phase::Surveying, dump.length());
        let mut surveyor = Surveyor {
            identity,
            entries: Entries::new(identity),
            before: None,
            dumps_before: 0,
            has_ended: false,
            loaded: Vec::new(),
            names: Names::default(),
            stacks: Stacks::default(),
        };
        surveyor
            .records(dump, progress)
            .map_err(|error| dump.failed(error))?;
        surveyor.tell_the_last();
        Ok(surveyor)
    }

    fn finish(self, dump: &Dump) -> Result<Survey, Error> {
        let Entries {
            mut classes,
            addresses,
            repeated,
            mut damage,
            ..
        } = self.entries;
        if let Some(reason) = &dump.cut_while_unpacking {
            damage.push(Damage::Unpacking {
                reason: reason.clone(),
            });
        }
        let is_cut =
            |damage: &Damage| matches!(damage, Damage::Cut { .. } | Damage::Unpacking { .. });
        if !self.has_ended && !damage.iter().any(is_cut) {
            damage.push(Damage::NoEnd);
        }
        let parts = dump.part_beside().filter(|_| !self.has_ended);
        let parts = parts.map(|first| Note::Parts { first });
        if !repeated.is_empty() {
            let count = repeated.len() as u64;
            damage.push(Damage::Repeated { count });
        }
        if addresses.len() >= u64::from(u32::MAX) {
            return Err(Error::TooManyObjects {
                path: dump.path().into(),
            });
        }
        for (class, name) in self.loaded {
            classes.loaded(class, name);
        }
        classes
            .read_names(&self.names, dump)
            .map_err(|error| dump.failed(error))?;
        let several = (self.dumps_before > 0).then_some(Note::Several {
            count: self.dumps_before + 1,
        });
        let numbered = (self.identity == Identity::Serial).then_some(Note::Numbered);
        Ok(Survey {
            classes,
            names: self.names,
            index: addresses.finish(),
            roots: self.entries.roots,
            stacks: self.stacks,
            chunks: self.entries.chunks,
            samples: self.entries.samples,
            repeated,
            damage,
            notes: several.into_iter().chain(numbered).chain(parts).collect(),
        })
    }

    /// A heap record comes: the first one of a dump puts the dump before aside.
    fn heap_record(&mut self, tag: u8) {
        if std::mem::replace(&mut self.has_ended, tag == HEAP_DUMP) {
            let before = std::mem::replace(&mut self.entries, Entries::new(self.identity));
            if before.has_objects() {
                self.dumps_before += 1;
                self.before = Some(before);
            } else {
                self.entries.damage = before.damage;
            }
        }
    }

    /// All is read: where the last dump has no objects the one before is told.
    fn tell_the_last(&mut self) {
        if let Some(before) = self.before.take_if(|_| !self.entries.has_objects()) {
            let last = std::mem::replace(&mut self.entries, before);
            self.entries.damage.extend(last.damage);
            self.dumps_before -= 1;
        }
        self.before = None;
    }

    fn records(&mut self, dump: &Dump, progress: &Progress) -> io::Result<()> {
        let mut window = dump.window();
        let mut at = dump.first_record;
        while at < dump.length() {
            let Some(record) = record(&mut window, at)? else {
                self.cut(dump);
                break;
            };
            let end = match record.tag {
                HEAP_DUMP | HEAP_DUMP_SEGMENT => {
                    self.heap_record(record.tag);
                    self.segment(dump, &mut window, &record, progress)?
                }
                _ => {
                    self.record(dump, &mut window, &record)?;
                    record.end()
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
        if !self.entries.damage.contains(&cut) {
            self.entries.damage.push(cut);
        }
    }

    fn record(&mut self, dump: &Dump, window: &mut Window<'_>, record: &Record) -> io::Result<()> {
        let ids = dump.ids;
        let id_bytes = ids.bytes() as u32;
        if record.end() > dump.length() {
            return Ok(());
        }
        match record.tag {
            STRING if record.length >= id_bytes => {
                let id = ids.read(window.bytes(record.body, ids.bytes())?);
                let length = record.length - id_bytes;
                self.names
                    .insert(id, record.body + u64::from(id_bytes), length);
            }
            LOAD_CLASS => {
                let body = window.bytes(record.body, 8 + 2 * ids.bytes())?;
                let id = ids.read(body.get(4..).unwrap_or(&[]));
                let name = ids.read(body.get(8 + ids.bytes()..).unwrap_or(&[]));
                self.stacks.class_serial(read_u32(body), id);
                self.loaded.push((id, name));
            }
            STACK_FRAME => self
                .stacks
                .frame(ids, window.bytes(record.body, 8 + 4 * ids.bytes())?),
            STACK_TRACE => self
                .stacks
                .trace(ids, window.bytes(record.body, record.length as usize)?),
            HEAP_DUMP_END => self.has_ended = true,
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
        let mut end = end_of_entries(dump, window, record)?;
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
                Stop::End if wraps && !is_plausible(window, end)? => from = end,
                Stop::Straddles(at) if wraps => from = at,
                Stop::End => return Ok(end),
                // Behind the end of the file: that it is cut is said where the record ends.
                Stop::Straddles(_) if end > length => return Ok(end),
                Stop::Straddles(at) => {
                    self.entries.damage.push(Damage::Overlong { at });
                    return Ok(end);
                }
                Stop::Unknown(at, tag) => {
                    self.entries.damage.push(Damage::UnknownEntry { at, tag });
                    return Ok(end);
                }
            }
            progress.advance(0);
            end = end.saturating_add(WRAP);
        }
    }
}

/// Where the entries of a heap record end. JDK 8 writes its length when all are written: it stays 0 where the disk was full
/// before that, and then more was to come than the file has.
fn end_of_entries(dump: &Dump, window: &mut Window<'_>, record: &Record) -> io::Result<u64> {
    let (end, length) = (record.end(), dump.length());
    let is_unfinished = record.length == 0
        && (1..WRAP).contains(&length.saturating_sub(end))
        && begins_entry(window.bytes(end, 1)?, dump.ids)
        && !is_plausible(window, end)?;
    Ok(if is_unfinished { length + 1 } else { end })
}

/// What the entries of a dump's segments tell.
struct Entries {
    classes: Classes,
    addresses: Addresses,
    /// How many entries have an id that can be no address.
    unaligned: u64,
    roots: Vec<Root>,
    chunks: Vec<Range<u64>>,
    chunk_begin: u64,
    samples: Vec<Sample>,
    repeated: Vec<u64>,
    damage: Vec<Damage>,
}

impl Entries {
    fn new(identity: Identity) -> Entries {
        Entries {
            classes: Classes::default(),
            addresses: Addresses::new(identity),
            unaligned: 0,
            roots: Vec::new(),
            chunks: Vec::new(),
            chunk_begin: 0,
            samples: Vec::new(),
            repeated: Vec::new(),
            damage: Vec::new(),
        }
    }

    /// How many entries are of objects, repeated ones and such as cannot be included.
    fn objects(&self) -> u64 {
        self.addresses.len() + self.repeated.len() as u64
    }

    fn has_objects(&self) -> bool {
        self.objects() > 0
    }

    /// Of addresses all are multiples of 8 but those that are damaged, of serial numbers one in eight is.
    fn are_serial(&self) -> bool {
        self.unaligned > self.objects() / 2
    }

    #[inline]
    fn object(&mut self, at: u64, id: u64) -> bool {
        if at - self.chunk_begin >= CHUNK_BYTES {
            self.chunk_end(at);
        }
        let fresh = self.addresses.insert(id);
        if !fresh {
            self.repeated.push(at);
            self.unaligned += u64::from(!Identity::Address.allows(id));
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

//! The entries of a heap segment: roots, classes, instances and arrays, told one after the other to a [`Visitor`].
//!
//! An entry says nowhere how long it is unless its kind is known, so an unknown kind ends the segment: what was told
//! up to there is true, and the reader goes on with the next segment.

use std::io;
use std::ops::Range;

use crate::value::{IdSize, Type, read_u16, read_u32};
use crate::window::{WINDOW_BYTES, Window};

/// Why something is a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RootKind {
    /// The JVM does not say.
    Unknown,
    /// A global reference of native code.
    JniGlobal,
    /// A local reference of native code.
    JniLocal,
    /// A local variable of a Java method.
    JavaFrame,
    /// On the stack of native code.
    NativeStack,
    /// A class of the boot loader, which is never unloaded.
    StickyClass,
    /// A thread's block.
    ThreadBlock,
    /// A monitor that somebody holds or waits for.
    Monitor,
    /// A live thread.
    Thread,
    /// One of Android's kinds, which HotSpot does not write.
    Other,
}

/// An object that the JVM holds by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// Why.
    pub kind: RootKind,
    /// What.
    pub object: u64,
    /// Serial number of the thread, where the kind has one.
    pub thread: u32,
    /// Number of the frame in the thread's stack, 0 the innermost; for [`RootKind::Thread`] the serial number of its
    /// stack trace. `u32::MAX` where there is none.
    pub frame: u32,
}

/// A class as the dump describes it: names are ids of strings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassDump {
    /// The `java.lang.Class`.
    pub id: u64,
    /// The superclass, 0 for `java.lang.Object`.
    pub superclass: u64,
    /// The loader, 0 for the boot loader.
    pub loader: u64,
    /// Signers and protection domain, which it refers to besides.
    pub others: [u64; 2],
    /// Name, type and value of static fields.
    pub statics: Vec<(u64, Type, u64)>,
    /// Name and type of the fields that it declares itself, in the order in which an instance has them.
    pub fields: Vec<(u64, Type)>,
}

/// Hears the entries of heap segments, in the order of the file. `at` is where the entry begins.
pub trait Visitor {
    /// Whether [`Visitor::elements`] is wanted; otherwise the bodies of arrays are skipped.
    const ELEMENTS: bool;

    /// A part of the dump begins, by its number: see [`crate::survey::Survey::chunks`].
    fn chunk(&mut self, number: usize) {
        let _ = number;
    }

    /// A root.
    fn root(&mut self, root: Root) {
        let _ = root;
    }

    /// A class.
    fn class(&mut self, at: u64, class: ClassDump);

    /// An instance, its field values as they stand in the dump: those of its class first, its superclasses after.
    fn instance(&mut self, at: u64, id: u64, class: u64, body: &[u8]);

    /// An array of objects; its elements follow.
    fn object_array(&mut self, at: u64, id: u64, class: u64, length: u32);

    /// The next elements of the array of objects told last: whole ids.
    fn elements(&mut self, elements: &[u8]) {
        let _ = elements;
    }

    /// An array of anything else. Its elements begin at `body`.
    fn primitive_array(&mut self, at: u64, id: u64, element: Type, length: u32, body: u64);
}

/// Where a scan ended, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// At the end of the range.
    End,
    /// This entry goes on behind the range.
    Straddles(u64),
    /// This entry is of no known kind.
    Unknown(u64, u8),
}

/// Whether these bytes are the first of an entry of a known kind.
pub fn begins_entry(bytes: &[u8], ids: IdSize) -> bool {
    let is_known = |&tag: &u8| matches!(tag, 0x20..=0x23 | 0xc3) || root_kind(tag, ids).is_some();
    bytes.first().is_some_and(is_known)
}

/// The longest entry without its variable part: an array of objects with ids of 8 bytes.
const HEAD_BYTES: usize = 1 + 8 + 4 + 4 + 8;
const PIECE_BYTES: usize = WINDOW_BYTES / 2;

/// Tells `visitor` every entry that lies in `range` as a whole.
pub fn scan(
    window: &mut Window<'_>,
    ids: IdSize,
    range: Range<u64>,
    visitor: &mut impl Visitor,
) -> io::Result<Stop> {
    let mut at = range.start;
    while at < range.end {
        let held = window.held(at, HEAD_BYTES)?;
        let inside = (range.end - at).min(held.len() as u64) as usize;
        let passed = match ids {
            IdSize::Four => pass::<4, _>(&held[..inside], at, visitor),
            IdSize::Eight => pass::<8, _>(&held[..inside], at, visitor),
        };
        if passed > 0 {
            at += passed as u64;
            continue;
        }
        match next(window, ids, at, range.end, visitor)? {
            Step::To(next) => at = next,
            Step::Stop(stop) => return Ok(stop),
        }
    }
    Ok(Stop::End)
}

/// Tells the first entries of `bytes` as long as they are there as a whole and of the kinds that a dump is full of:
/// instances and arrays. Gives how many bytes they take; what comes then is for [`next`].
#[inline]
fn pass<const ID: usize, V: Visitor>(bytes: &[u8], at: u64, visitor: &mut V) -> usize {
    let ids = const {
        match ID {
            4 => IdSize::Four,
            _ => IdSize::Eight,
        }
    };
    let mut done = 0;
    while let Some(entry) = pass_one(&bytes[done..], at + done as u64, ids, visitor) {
        done += entry;
    }
    done
}

#[inline(always)]
fn pass_one<V: Visitor>(bytes: &[u8], at: u64, ids: IdSize, visitor: &mut V) -> Option<usize> {
    let after_id = 1 + ids.bytes();
    let head = bytes.get(..after_id + 8)?;
    let (tag, id) = (head[0], ids.read(&head[1..]));
    match tag {
        0x21 => {
            let (head, rest) = bytes.split_at_checked(after_id + 8 + ids.bytes())?;
            let class = ids.read(&head[after_id + 4..]);
            let length = read_u32(&head[after_id + 4 + ids.bytes()..]) as usize;
            visitor.instance(at, id, class, rest.get(..length)?);
            Some(head.len() + length)
        }
        0x22 => {
            let (head, rest) = bytes.split_at_checked(after_id + 8 + ids.bytes())?;
            let length = read_u32(&head[after_id + 4..]);
            let elements = rest.get(..length as usize * ids.bytes())?;
            visitor.object_array(at, id, ids.read(&head[after_id + 8..]), length);
            if V::ELEMENTS && !elements.is_empty() {
                visitor.elements(elements);
            }
            Some(head.len() + elements.len())
        }
        0x23 => {
            let (head, rest) = bytes.split_at_checked(after_id + 9)?;
            let element = Type::of_code(head[after_id + 8])?;
            let length = read_u32(&head[after_id + 4..]);
            let elements = rest.get(..length as usize * element.bytes(ids))?;
            let body = at + head.len() as u64;
            visitor.primitive_array(at, id, element, length, body);
            Some(head.len() + elements.len())
        }
        _ => None,
    }
}

enum Step {
    To(u64),
    Stop(Stop),
}

#[inline]
fn next(
    window: &mut Window<'_>,
    ids: IdSize,
    at: u64,
    end: u64,
    visitor: &mut impl Visitor,
) -> io::Result<Step> {
    let head = window.bytes(at, HEAD_BYTES)?;
    let (tag, id) = (
        head.first().copied().unwrap_or(0),
        ids.read(head.get(1..).unwrap_or(&[])),
    );
    let after_id = 1 + ids.bytes();
    let field = |offset: usize| head.get(offset..).unwrap_or(&[]);
    match tag {
        0x21 => {
            let class = ids.read(field(after_id + 4));
            let body = at + (after_id + 8 + ids.bytes()) as u64;
            let length = read_u32(field(after_id + 4 + ids.bytes()));
            let next = body + u64::from(length);
            if next > end {
                return Ok(Step::Stop(Stop::Straddles(at)));
            }
            visitor.instance(at, id, class, window.bytes(body, length as usize)?);
            Ok(Step::To(next))
        }
        0x22 => {
            let length = read_u32(field(after_id + 4));
            let class = ids.read(field(after_id + 8));
            let body = at + (after_id + 8 + ids.bytes()) as u64;
            let next = body + u64::from(length) * ids.bytes() as u64;
            if next > end {
                return Ok(Step::Stop(Stop::Straddles(at)));
            }
            visitor.object_array(at, id, class, length);
            pass_elements(window, body..next, visitor)?;
            Ok(Step::To(next))
        }
        0x23 | 0xc3 => {
            let length = read_u32(field(after_id + 4));
            // Behind the end of the file.
            let Some(&code) = field(after_id + 8).first() else {
                return Ok(Step::Stop(Stop::Straddles(at)));
            };
            let Some(element) = Type::of_code(code) else {
                return Ok(Step::Stop(Stop::Unknown(at, tag)));
            };
            let body = at + (after_id + 9) as u64;
            // Android leaves the values out (0xc3).
            let bytes = if tag == 0x23 {
                u64::from(length) * element.bytes(ids) as u64
            } else {
                0
            };
            if body + bytes > end {
                return Ok(Step::Stop(Stop::Straddles(at)));
            }
            visitor.primitive_array(at, id, element, length, body);
            Ok(Step::To(body + bytes))
        }
        0x20 => match class(window, ids, at)? {
            Class::Whole(class, next) if next <= end => {
                visitor.class(at, class);
                Ok(Step::To(next))
            }
            Class::Whole(..) => Ok(Step::Stop(Stop::Straddles(at))),
            Class::BadType => Ok(Step::Stop(Stop::Unknown(at, tag))),
        },
        _ => {
            let Some((kind, bytes)) = root_kind(tag, ids) else {
                return Ok(Step::Stop(Stop::Unknown(at, tag)));
            };
            let next = at + (1 + bytes) as u64;
            if next > end {
                return Ok(Step::Stop(Stop::Straddles(at)));
            }
            let (thread, frame) = thread_and_frame(kind, field(after_id));
            if tag != 0xfe {
                visitor.root(Root {
                    kind,
                    object: id,
                    thread,
                    frame,
                });
            }
            Ok(Step::To(next))
        }
    }
}

fn pass_elements<V: Visitor>(
    window: &mut Window<'_>,
    body: Range<u64>,
    visitor: &mut V,
) -> io::Result<()> {
    let mut at = body.start;
    while V::ELEMENTS && at < body.end {
        let piece = window.bytes(at, (body.end - at).min(PIECE_BYTES as u64) as usize)?;
        if piece.is_empty() {
            break;
        }
        visitor.elements(piece);
        at += piece.len() as u64;
    }
    Ok(())
}

/// The kind of a root and how many bytes follow its tag; `0xfe` is Android's name of a heap, no root, of 4 bytes and
/// an id.
fn root_kind(tag: u8, ids: IdSize) -> Option<(RootKind, usize)> {
    let id = ids.bytes();
    Some(match tag {
        0xff => (RootKind::Unknown, id),
        0x01 => (RootKind::JniGlobal, 2 * id),
        0x02 => (RootKind::JniLocal, id + 8),
        0x03 => (RootKind::JavaFrame, id + 8),
        0x04 => (RootKind::NativeStack, id + 4),
        0x05 => (RootKind::StickyClass, id),
        0x06 => (RootKind::ThreadBlock, id + 4),
        0x07 => (RootKind::Monitor, id),
        0x08 => (RootKind::Thread, id + 8),
        0x89 | 0x8a | 0x8b | 0x8c | 0x8d | 0x90 => (RootKind::Other, id),
        0x8e => (RootKind::Other, id + 8),
        0xfe => (RootKind::Other, 4 + id),
        _ => return None,
    })
}

fn thread_and_frame(kind: RootKind, rest: &[u8]) -> (u32, u32) {
    let second = read_u32(rest.get(4..).unwrap_or(&[]));
    match kind {
        RootKind::JniLocal | RootKind::JavaFrame | RootKind::Thread => (read_u32(rest), second),
        RootKind::NativeStack | RootKind::ThreadBlock => (read_u32(rest), u32::MAX),
        _ => (0, u32::MAX),
    }
}

enum Class {
    /// And where the next entry begins, perhaps behind the end of the file.
    Whole(ClassDump, u64),
    BadType,
}

/// Reads one value after the other; what lies behind the end of the file reads as 0.
struct Cursor<'a, 'b> {
    window: &'a mut Window<'b>,
    ids: IdSize,
    at: u64,
}

impl Cursor<'_, '_> {
    fn take<T>(&mut self, bytes: usize, read: impl Fn(&[u8]) -> T) -> io::Result<T> {
        let value = read(self.window.bytes(self.at, bytes)?);
        self.at += bytes as u64;
        Ok(value)
    }

    fn id(&mut self) -> io::Result<u64> {
        let ids = self.ids;
        self.take(ids.bytes(), |bytes| ids.read(bytes))
    }

    fn number(&mut self) -> io::Result<u16> {
        self.take(2, read_u16)
    }

    fn kind(&mut self) -> io::Result<Option<Type>> {
        self.take(1, |bytes| {
            Type::of_code(bytes.first().copied().unwrap_or(0))
        })
    }

    fn value(&mut self, kind: Type) -> io::Result<u64> {
        let ids = self.ids;
        self.take(kind.bytes(ids), |bytes| kind.read(ids, bytes))
    }

    fn ended(&self) -> bool {
        self.at > self.window.length()
    }
}

fn class(window: &mut Window<'_>, ids: IdSize, at: u64) -> io::Result<Class> {
    let mut cursor = Cursor {
        window,
        ids,
        at: at + 1,
    };
    let mut class = ClassDump {
        id: cursor.id()?,
        ..ClassDump::default()
    };
    cursor.at += 4;
    class.superclass = cursor.id()?;
    class.loader = cursor.id()?;
    class.others = [cursor.id()?, cursor.id()?];
    cursor.at += 2 * ids.bytes() as u64 + 4;
    for _ in 0..cursor.number()? {
        cursor.at += 2;
        let Some(kind) = cursor.kind()? else {
            return Ok(ended_or_bad(class, &cursor));
        };
        cursor.value(kind)?;
    }
    for _ in 0..cursor.number()? {
        let name = cursor.id()?;
        let Some(kind) = cursor.kind()? else {
            return Ok(ended_or_bad(class, &cursor));
        };
        class.statics.push((name, kind, cursor.value(kind)?));
    }
    for _ in 0..cursor.number()? {
        let name = cursor.id()?;
        let Some(kind) = cursor.kind()? else {
            return Ok(ended_or_bad(class, &cursor));
        };
        class.fields.push((name, kind));
    }
    Ok(Class::Whole(class, cursor.at))
}

fn ended_or_bad(class: ClassDump, cursor: &Cursor<'_, '_>) -> Class {
    if cursor.ended() {
        Class::Whole(class, cursor.at)
    } else {
        Class::BadType
    }
}

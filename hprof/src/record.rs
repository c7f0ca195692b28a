//! The records of a dump: its kind, its time and its length stand before each one's body.

use std::io;

use crate::value::read_u32;
use crate::window::Window;

/// A record: its kind, where its body begins and how long it says it is.
pub struct Record {
    /// Its kind.
    pub tag: u8,
    /// Where its body begins.
    pub body: u64,
    /// How long it says it is.
    pub length: u32,
}

/// A text with an id.
pub const STRING: u8 = 0x01;
/// A class and its name.
pub const LOAD_CLASS: u8 = 0x02;
/// A frame of a stack.
pub const STACK_FRAME: u8 = 0x04;
/// The frames of a stack.
pub const STACK_TRACE: u8 = 0x05;
/// A whole heap dump.
pub const HEAP_DUMP: u8 = 0x0c;
/// A part of one.
pub const HEAP_DUMP_SEGMENT: u8 = 0x1c;
/// Follows the last part.
pub const HEAP_DUMP_END: u8 = 0x2c;
/// Kind, time and length.
const HEAD_BYTES: usize = 9;

/// The record at `at`; `None` where the file ends inside its head.
pub fn record(window: &mut Window<'_>, at: u64) -> io::Result<Option<Record>> {
    let head = window.bytes(at, HEAD_BYTES)?;
    Ok((head.len() == HEAD_BYTES).then(|| Record {
        tag: head[0],
        body: at + HEAD_BYTES as u64,
        length: read_u32(&head[5..]),
    }))
}

/// Whether a record could begin there: of a known kind, and not longer than the file.
pub fn is_plausible(window: &mut Window<'_>, at: u64) -> io::Result<bool> {
    let length = window.length();
    Ok(record(window, at)?.is_some_and(|record| {
        let known =
            matches!(record.tag, 0x01..=0x07 | 0x0a..=0x0e | HEAP_DUMP_SEGMENT | HEAP_DUMP_END);
        known && record.end() <= length
    }))
}

impl Record {
    /// Where it says it ends.
    pub fn end(&self) -> u64 {
        self.body + u64::from(self.length)
    }
}

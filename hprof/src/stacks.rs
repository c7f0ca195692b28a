//! The stacks of threads as the dump tells them: traces of frames, by serial numbers.
//!
//! The JVM numbers the frames of all threads one by one, and a hundred thousand threads may be in the same few methods: what
//! a frame says is kept once, and its text is read only when it is told.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::classes::Classes;
use crate::names::Names;
use crate::source::Dump;
use crate::value::{IdSize, read_u32};

/// What a frame says: names are ids of strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Frame {
    method: u64,
    source: u64,
    class_serial: u32,
    line: i32,
}

/// The number of what a frame says.
pub type FrameNumber = u32;

/// Frames told of one stack: as many as the JVM tells of one by itself (`-XX:MaxJavaStackTraceDepth`),
const MOST_FRAMES: usize = 1024;
/// and no more characters.
const MOST_CHARACTERS: usize = 1 << 20;

/// All stacks.
#[derive(Debug, Default)]
pub struct Stacks {
    frames: Vec<Frame>,
    numbers: HashMap<Frame, FrameNumber, RandomState>,
    /// By the ids that the dump gives them.
    by_id: HashMap<u64, FrameNumber, RandomState>,
    /// The ids of the frames of all traces,
    ids: Vec<u64>,
    /// and which of them are those of each.
    traces: HashMap<u32, (usize, u32), RandomState>,
    classes: HashMap<u32, u64, RandomState>,
}

impl Stacks {
    /// A class has this serial number.
    pub fn class_serial(&mut self, serial: u32, class: u64) {
        self.classes.insert(serial, class);
    }

    /// A frame: id, method, signature, source file, class, line.
    pub fn frame(&mut self, ids: IdSize, body: &[u8]) {
        let id = |place: usize| ids.read(body.get(place * ids.bytes()..).unwrap_or(&[]));
        let numbers = body.get(4 * ids.bytes()..).unwrap_or(&[]);
        let frame = Frame {
            method: id(1),
            source: id(3),
            class_serial: read_u32(numbers),
            line: read_u32(numbers.get(4..).unwrap_or(&[])).cast_signed(),
        };
        let fresh = self.frames.len() as FrameNumber;
        let number = *self.numbers.entry(frame).or_insert(fresh);
        if number == fresh {
            self.frames.push(frame);
        }
        self.by_id.insert(id(0), number);
    }

    /// A trace: its serial number, its thread's, and its frames, the innermost first.
    pub fn trace(&mut self, ids: IdSize, body: &[u8]) {
        let frames = body.get(12..).unwrap_or(&[]).chunks_exact(ids.bytes());
        let place = (self.ids.len(), frames.len() as u32);
        self.traces.insert(read_u32(body), place);
        self.ids.extend(frames.map(|id| ids.read(id)));
    }

    /// A frame of a trace, 0 the innermost.
    pub fn frame_at(&self, trace: u32, place: u32) -> Option<FrameNumber> {
        let &(start, count) = self.traces.get(&trace)?;
        let id = self.ids.get(start + place as usize);
        let id = id.filter(|_| place < count)?;
        self.by_id.get(id).copied()
    }

    /// The frames of a trace, the innermost first, as far as they are told.
    pub fn read(&self, trace: u32, dump: &Dump, names: &Names, classes: &Classes) -> Vec<String> {
        let count = self.traces.get(&trace).map_or(0, |&(_, count)| count);
        let mut characters = 0;
        (0..count)
            .filter_map(|place| self.frame_at(trace, place))
            .take(MOST_FRAMES)
            .map(|frame| self.text(frame, dump, names, classes))
            .take_while(|text| {
                characters += text.len();
                characters <= MOST_CHARACTERS
            })
            .collect()
    }

    /// A frame as Java writes it, `Class.method(File.java:12)`.
    pub fn text(
        &self,
        frame: FrameNumber,
        dump: &Dump,
        names: &Names,
        classes: &Classes,
    ) -> String {
        let Some(frame) = self.frames.get(frame as usize) else {
            return String::new();
        };
        let class = self
            .classes
            .get(&frame.class_serial)
            .and_then(|&id| classes.number(id));
        let class = class.map_or("?", |class| &classes.get(class).name);
        let source = names.read(dump, frame.source);
        // Lines: -1 unknown, -2 compiled, -3 native.
        let place = match (frame.line, source.is_empty()) {
            (-3, _) => "Native Method".to_string(),
            (_, true) => "Unknown Source".to_string(),
            (1.., false) => format!("{source}:{}", frame.line),
            _ => source,
        };
        format!("{class}.{}({place})", names.read(dump, frame.method))
    }
}

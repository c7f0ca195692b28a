//! The stacks of threads as the dump tells them: traces of frames, by serial numbers.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::classes::Classes;
use crate::names::Names;
use crate::source::Dump;
use crate::value::{IdSize, read_u32};

/// One frame: names are ids of strings.
#[derive(Debug, Clone, Copy)]
struct Frame {
    method: u64,
    source: u64,
    class_serial: u32,
    line: i32,
}

/// All stacks.
#[derive(Debug, Default)]
pub struct Stacks {
    frames: HashMap<u64, Frame, RandomState>,
    traces: HashMap<u32, Vec<u64>, RandomState>,
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
        self.frames.insert(id(0), frame);
    }

    /// A trace: its serial number, its thread's, and its frames, the innermost first.
    pub fn trace(&mut self, ids: IdSize, body: &[u8]) {
        let frames = body.get(12..).unwrap_or(&[]).chunks_exact(ids.bytes());
        self.traces
            .insert(read_u32(body), frames.map(|id| ids.read(id)).collect());
    }

    /// The frames of a trace, `Class.method(File.java:12)`, the innermost first.
    pub fn read(&self, trace: u32, dump: &Dump, names: &Names, classes: &Classes) -> Vec<String> {
        let frames = self.traces.get(&trace).into_iter().flatten();
        frames
            .filter_map(|id| self.frames.get(id))
            .map(|frame| self.text(frame, dump, names, classes))
            .collect()
    }

    fn text(&self, frame: &Frame, dump: &Dump, names: &Names, classes: &Classes) -> String {
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

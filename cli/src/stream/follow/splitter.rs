//! Bytes that come piece by piece, cut into lines.

use crate::stream::block::{LONGEST, LineEnd, RawLine};

/// What is known of the line that has not ended yet.
#[derive(Debug, Default)]
pub struct Splitter {
    /// Lines that were given.
    given: u64,
    /// The begin of the line.
    half_line: Vec<u8>,
    /// Its length, where it is so long that nothing of it is kept.
    passed_over: u64,
    /// Its begin is not known: it is not given.
    mid_line: bool,
}

impl Splitter {
    /// For bytes of which the first are in the middle of a line, up to the first line feed.
    pub fn in_the_middle() -> Splitter {
        Splitter {
            mid_line: true,
            ..Splitter::default()
        }
    }

    /// Takes in bytes, and gives the lines that end with them.
    pub fn take(&mut self, bytes: &[u8], line: &mut impl FnMut(RawLine<'_>)) {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(_) if self.mid_line => self.mid_line = false,
                Some(end) => self.give(end, LineEnd::Feed, line),
                None if self.mid_line => {}
                None => self.keep(part),
            }
        }
    }

    /// No more bytes will come: gives what is left, half a line.
    pub fn end(&mut self, line: &mut impl FnMut(RawLine<'_>)) {
        let is_known = !std::mem::take(&mut self.mid_line);
        if is_known && (self.passed_over > 0 || !self.half_line.is_empty()) {
            self.give(b"", LineEnd::File, line);
        }
    }

    fn keep(&mut self, part: &[u8]) {
        self.half_line.extend_from_slice(part);
        if self.passed_over > 0 || self.half_line.len() > LONGEST {
            self.passed_over += std::mem::take(&mut self.half_line).len() as u64;
        }
    }

    /// Gives what is kept of a line and its last bytes.
    fn give(&mut self, last: &[u8], end: LineEnd, line: &mut impl FnMut(RawLine<'_>)) {
        self.given += 1;
        let number = self.given;
        if self.half_line.is_empty() && self.passed_over == 0 {
            let bytes = last;
            return line(RawLine { number, bytes, end });
        }
        self.keep(last);
        let bytes = std::mem::take(&mut self.half_line);
        let end = match std::mem::take(&mut self.passed_over) {
            0 => end,
            length => LineEnd::Cut(length),
        };
        line(RawLine {
            number,
            bytes: &bytes,
            end,
        });
    }
}

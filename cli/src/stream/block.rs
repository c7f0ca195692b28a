//! A file cut into blocks of whole lines, so that they can be read in parallel, in a memory that does not grow with
//! the file nor with a line.

use std::io::{self, Read};
use std::str::Utf8Error;

/// Size of a block, unless a line is longer: large enough that handing it around costs nothing.
const BLOCK: usize = 1 << 18;

/// The longest line that is read. The longest record, a `stop` of 4,096 classes, is far below.
pub(super) const LONGEST: usize = 32 << 20;

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnd {
    /// With a line feed, as every line should.
    Feed,
    /// With the end of the file.
    File,
    /// Somewhere: it has so many bytes, and what is given are the first.
    Cut(u64),
}

/// A line as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// Its number in its source, from 1.
    pub number: u64,
    /// What is in it, without the line feed.
    pub bytes: &'a [u8],
    /// How it ends.
    pub end: LineEnd,
}

impl<'a> RawLine<'a> {
    /// The line as text.
    ///
    /// # Errors
    ///
    /// It is not UTF-8.
    pub fn text(&self) -> Result<&'a str, Utf8Error> {
        std::str::from_utf8(self.bytes)
    }
}

/// Lines that follow each other in one source.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The place of the source among those that are read, from 0.
    pub source: usize,
    /// The number of the first line.
    first_line: u64,
    bytes: Vec<u8>,
    /// Length of the line of which `bytes` are the first, where that was too long.
    cut: Option<u64>,
}

impl Block {
    /// The lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = RawLine<'_>> {
        let mut rest = self.bytes.as_slice();
        let mut number = self.first_line;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (bytes, end) = match (memchr::memchr(b'\n', rest), self.cut) {
                (_, Some(length)) => (std::mem::take(&mut rest), LineEnd::Cut(length)),
                (Some(at), None) => {
                    let line = &rest[..at];
                    rest = &rest[at + 1..];
                    (line, LineEnd::Feed)
                }
                (None, None) => (std::mem::take(&mut rest), LineEnd::File),
            };
            let line = RawLine { number, bytes, end };
            number += 1;
            Some(line)
        })
    }
}

/// Cuts what is read into blocks.
pub struct Blocks<R> {
    from: R,
    source: usize,
    line: u64,
    /// What was read beyond the last line feed.
    rest: Vec<u8>,
    error: Option<io::Error>,
    size: usize,
    longest: usize,
}

impl<R: Read> Blocks<R> {
    /// Blocks of the source with that place.
    pub fn new(from: R, source: usize) -> Blocks<R> {
        Blocks::with_sizes(from, source, BLOCK, LONGEST)
    }

    pub(super) fn with_sizes(from: R, source: usize, size: usize, longest: usize) -> Blocks<R> {
        Blocks {
            from,
            source,
            line: 1,
            rest: Vec::new(),
            error: None,
            size,
            longest,
        }
    }

    /// The next block, `None` at the end of the source or of what can be read of it.
    pub fn next(&mut self) -> Option<Block> {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.reserve(self.size.saturating_sub(bytes.len()));
        // What is left from the block before may hold whole lines, after one that was too long.
        let mut searched = 0;
        loop {
            let room = self.size.saturating_sub(bytes.len()).max(self.size / 4 + 1);
            let read = self.fill(&mut bytes, room);
            if let Some(at) = memchr::memrchr(b'\n', &bytes[searched..]) {
                self.rest = bytes.split_off(searched + at + 1);
                return Some(self.block(bytes, None));
            }
            if read == 0 {
                return (!bytes.is_empty()).then(|| self.block(bytes, None));
            }
            if bytes.len() > self.longest {
                return Some(self.skip(bytes));
            }
            searched = bytes.len();
        }
    }

    /// Why the source could not be read to its end, once there are no more blocks.
    pub fn into_error(self) -> Option<io::Error> {
        self.error
    }

    /// Reads so many bytes more, fewer only at the end; gives how many.
    fn fill(&mut self, bytes: &mut Vec<u8>, wanted: usize) -> usize {
        if self.error.is_some() {
            return 0;
        }
        let before = bytes.len();
        let result = (&mut self.from).take(wanted as u64).read_to_end(bytes);
        self.error = result.err();
        bytes.len() - before
    }

    /// Reads on to the end of a line that is too long to be kept.
    fn skip(&mut self, mut bytes: Vec<u8>) -> Block {
        let mut length = bytes.len() as u64;
        bytes.truncate(self.size);
        loop {
            let mut chunk = Vec::new();
            let read = self.fill(&mut chunk, self.size);
            let feed = memchr::memchr(b'\n', &chunk);
            length += feed.unwrap_or(read) as u64;
            if let Some(at) = feed {
                self.rest = chunk.split_off(at + 1);
            }
            if feed.is_some() || read == 0 {
                return self.block(bytes, Some(length));
            }
        }
    }

    fn block(&mut self, bytes: Vec<u8>, cut: Option<u64>) -> Block {
        let lines = match cut {
            Some(_) => 1,
            None => memchr::memchr_iter(b'\n', &bytes).count() as u64,
        };
        let first_line = self.line;
        self.line += lines;
        Block {
            source: self.source,
            first_line,
            bytes,
            cut,
        }
    }
}

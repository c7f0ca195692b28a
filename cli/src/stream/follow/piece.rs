//! One file of a stream that grows, read line by line up to where it ends for now.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::OFlags;

use super::splitter::Splitter;
use crate::stream::block::RawLine;

/// Bytes asked of the system at a time.
const CHUNK: usize = 256 * 1024;

/// So many of the bytes read last are compared before reading on: a file that was cut off
/// and has grown past our place since then betrays itself by them.
const REMEMBERED: usize = 64;

/// Which file it is, whatever its name is by now: device and inode.
pub(super) type Identity = (u64, u64);

/// A regular file that is being read. It stays open, so its identity is nobody else's.
pub(super) struct Piece {
    file: File,
    identity: Identity,
    position: u64,
    /// The bytes just before `position`, at most [`REMEMBERED`].
    read_last: Vec<u8>,
    lines: Splitter,
}

/// Opens what `path` names for reading, without waiting for a FIFO's writer.
pub(super) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?);
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

pub(super) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

impl Piece {
    /// The file from its first whole line at or after `position`.
    pub(super) fn new(file: File, metadata: &Metadata, position: u64) -> Piece {
        Piece {
            file,
            identity: identity(metadata),
            // From the byte before: it tells whether a line begins at `position`.
            position: position.saturating_sub(1),
            read_last: Vec::new(),
            lines: match position {
                0 => Splitter::default(),
                _ => Splitter::in_the_middle(),
            },
        }
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// When it was last written to.
    pub(super) fn modified(&self) -> io::Result<SystemTime> {
        self.file.metadata()?.modified()
    }

    /// Gives every line that is complete by now, without its line feed.
    pub(super) fn read(&mut self, line: &mut impl FnMut(RawLine<'_>)) -> io::Result<()> {
        if self.was_cut_off()? {
            // What was half a line stays half a line: its end is gone.
            self.end(line);
            self.position = 0;
            self.read_last.clear();
        }
        let mut chunk = vec![0; CHUNK];
        loop {
            let length = match self.file.read_at(&mut chunk, self.position) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.position += length as u64;
            self.remember(&chunk[..length]);
            self.lines.take(&chunk[..length], line);
        }
    }

    /// The file is read to its end for ever: gives what is left, half a line.
    pub(super) fn end(&mut self, line: &mut impl FnMut(RawLine<'_>)) {
        self.lines.end(line);
    }

    /// The first line, read aside: our place stays.
    pub(super) fn first_line(&self) -> io::Result<Option<Vec<u8>>> {
        let mut head = vec![0; CHUNK];
        let length = self.file.read_at(&mut head, 0)?;
        head.truncate(length);
        let end = head.iter().position(|&byte| byte == b'\n');
        Ok(end.map(|end| {
            head.truncate(end);
            head
        }))
    }

    fn was_cut_off(&self) -> io::Result<bool> {
        if self.file.metadata()?.len() < self.position {
            return Ok(true);
        }
        let mut now = vec![0; self.read_last.len()];
        let place = self.position - now.len() as u64;
        match self.file.read_exact_at(&mut now, place) {
            Ok(()) => Ok(now != self.read_last),
            // Cut off just now.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn remember(&mut self, read: &[u8]) {
        self.read_last
            .extend_from_slice(&read[read.len().saturating_sub(REMEMBERED)..]);
        let surplus = self.read_last.len().saturating_sub(REMEMBERED);
        self.read_last.drain(..surplus);
    }
}

//! A file followed as `tail -F` does: by its name, through rotation, and from near its end.
//!
//! The agent moves `FILE` to `FILE.1`, that to `FILE.2` and so on, and begins a new one;
//! logrotate renames too, or copies the file and cuts it off; and people delete it. All of
//! that loses no line here: a file that lost its name is read to its end, then those that
//! came after it, in their order. Files that were rotated before we came count as the
//! older part of the stream.
//!
//! [`Follower::read`] never waits; [`Follower::wait`] does, in a thread of its own.

mod changes;
mod piece;
mod splitter;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::block::{LineEnd, RawLine};
use changes::Changes;
use piece::{Identity, Piece, identity, open};
pub use splitter::Splitter;

/// So many rotated files are looked at, at most.
const MOST_PIECES: usize = 100;

/// An open file and what was known of it then.
type OpenFile = (File, Metadata);

/// Whether the name leads to a file now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It does, and all of it has been read.
    Here,
    /// It does not (yet, or any more); it will be read once it does.
    Missing,
}

/// A regular file, followed by its name.
pub struct Follower {
    path: PathBuf,
    /// The file that is read now; it may have lost its name.
    current: Option<Piece>,
    /// Those that came after it.
    later: VecDeque<Piece>,
    changes: Changes,
}

impl Follower {
    /// Follows `path`, which need not be there yet, beginning with the last `history_bytes`
    /// of it and of the files rotated away from it. `head` is given the first line of
    /// every file of which the beginning is left out, oldest first: that is where the
    /// `start` record is.
    ///
    /// # Errors
    ///
    /// The file is there and can't be opened or read, or it is no regular file.
    pub fn new(
        path: &Path,
        history_bytes: u64,
        mut head: impl FnMut(RawLine<'_>),
    ) -> io::Result<Follower> {
        // Before the first look: what happens after that look is noticed.
        let changes = Changes::of(path);
        let mut later = VecDeque::new();
        let mut left = history_bytes;
        let mut heads = Vec::new();
        for (file, metadata) in newest_first(path)? {
            let taken = left.min(metadata.len());
            left -= taken;
            let piece = Piece::new(file, &metadata, metadata.len() - taken);
            if taken < metadata.len() {
                heads.extend(piece.first_line()?);
            }
            if taken > 0 || later.is_empty() {
                later.push_front(piece);
            }
        }
        for bytes in heads.iter().rev() {
            let (number, end) = (1, LineEnd::Feed);
            head(RawLine { number, bytes, end });
        }
        Ok(Follower {
            path: path.to_owned(),
            current: later.pop_front(),
            later,
            changes,
        })
    }

    /// Gives every line that is complete by now, and the half line at the end of a file
    /// that nobody will write to any more.
    ///
    /// # Errors
    ///
    /// A file can't be opened or read; the next call tries again.
    pub fn read(&mut self, mut line: impl FnMut(RawLine<'_>)) -> io::Result<Presence> {
        loop {
            if let Some(current) = &mut self.current {
                current.read(&mut line)?;
            }
            if let Some(next) = self.later.pop_front() {
                if let Some(mut done) = self.current.replace(next) {
                    done.end(&mut line);
                }
                continue;
            }
            match std::fs::metadata(&self.path) {
                Ok(named) if self.is_current(identity(&named)) => return Ok(Presence::Here),
                // Whoever made it has not begun to write there: the old one may still grow.
                Ok(named) if named.len() == 0 && self.current.is_some() => {
                    return Ok(Presence::Here);
                }
                Ok(_) => self.line_up()?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Presence::Missing);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns when there may be more to read, after a second at the latest.
    pub fn wait(&self) {
        self.changes.wait();
    }

    fn is_current(&self, named: Identity) -> bool {
        self.current.as_ref().map(Piece::identity) == Some(named)
    }

    /// The name leads to another file: lines up those that came after the current one.
    fn line_up(&mut self) -> io::Result<()> {
        let mut files = newest_first(&self.path)?;
        if let Some(current) = &self.current {
            let is_current = |(_, found): &OpenFile| identity(found) == current.identity();
            let place = match files.iter().position(is_current) {
                Some(place) => place,
                // It is gone. What was written to after it came after it; the newest did.
                None => {
                    let modified = current.modified()?;
                    let is_older = |(_, found): &OpenFile| {
                        found.modified().is_ok_and(|found| found <= modified)
                    };
                    let older = files.iter().skip(1).position(is_older);
                    older.map_or(files.len(), |place| place + 1)
                }
            };
            files.truncate(place);
        }
        for (file, metadata) in files {
            self.later.push_front(Piece::new(file, &metadata, 0));
        }
        Ok(())
    }
}

/// What is at `path` and at the names of rotated files, each file once.
fn newest_first(path: &Path) -> io::Result<Vec<OpenFile>> {
    let mut files: Vec<OpenFile> = Vec::new();
    for n in 0..MOST_PIECES {
        match open(&numbered(path, n)) {
            Ok((_, metadata)) if !metadata.is_file() && n == 0 => {
                return Err(io::Error::other("it is not a regular file"));
            }
            Ok((file, metadata)) => {
                let is_known = |(_, known): &OpenFile| identity(known) == identity(&metadata);
                if metadata.is_file() && !files.iter().any(is_known) {
                    files.push((file, metadata));
                }
            }
            // Between two names, while it is rotated.
            Err(error) if n == 0 && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if n == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(files)
}

/// The names of the files that were rotated away from `path`, the newest first.
pub fn rotated(path: &Path) -> Vec<PathBuf> {
    let names = (1..MOST_PIECES).map(|n| numbered(path, n));
    names.take_while(|name| name.is_file()).collect()
}

/// The name that the agent gives the `n`th file before the present one.
fn numbered(path: &Path, n: usize) -> PathBuf {
    let mut name = OsString::from(path);
    if n > 0 {
        name.push(format!(".{n}"));
    }
    name.into()
}

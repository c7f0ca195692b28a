//! The stream in a regular file: appending, locking, rotating, and noticing what others
//! do to the file.
//!
//! Only the writer thread is here. One writer owns a file at a time (`flock`, which the
//! kernel gives back when the JVM dies, however it dies). Before each batch the name is
//! looked up again: what logrotate, an administrator or a full disk did to the file is
//! seen then, and the stream goes on in a new file or at the new end.

use std::{
    fs::{File, Metadata, TryLockError},
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
};

use super::{outbox::Outbox, trouble::Trouble};

/// A regular file, locked by us, its end known.
pub(super) struct StreamFile {
    file: File,
    /// Its length as of our last look or write.
    size: u64,
    /// Its last line has no line feed, and the rest of it is not ours to write.
    ends_in_half_line: bool,
}

/// Whether the file that we write is still the one that the path names.
#[derive(PartialEq)]
pub(super) enum Still {
    /// It is, with whatever length.
    There,
    /// Renamed, deleted, or another is in its place.
    Gone,
}

impl StreamFile {
    /// Takes over `file`, opened at `path`; `None` where the path names another by now.
    pub(super) fn lock(file: File, path: &Path) -> Result<Option<StreamFile>, Trouble> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Trouble::Aside),
            // A file system without locks: two writers then mix whole lines.
            Err(TryLockError::Error(_)) => {}
        }
        let mut locked = StreamFile {
            file,
            size: 0,
            ends_in_half_line: false,
        };
        // Its last owner may have rotated it away before it let go of the lock.
        let (still, _) = locked.look(path)?;
        Ok((still == Still::There).then_some(locked))
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Looks at name and end again. Half a line of ours whose rest was cut off or
    /// written behind goes out again from its start.
    pub(super) fn check(&mut self, path: &Path, outbox: &mut Outbox) -> Result<Still, Trouble> {
        let (still, changed) = self.look(path)?;
        if still == Still::Gone || changed {
            outbox.rewind_line();
        }
        Ok(still)
    }

    fn look(&mut self, path: &Path) -> Result<(Still, bool), Trouble> {
        let looking = || Trouble::doing("looking at it");
        let ours = self.file.metadata().map_err(looking())?;
        let still = match std::fs::symlink_metadata(path) {
            Ok(named) if is_same(&named, &ours) => Still::There,
            Ok(_) => Still::Gone,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Still::Gone,
            Err(error) => return Err(looking()(error)),
        };
        let changed = ours.len() != self.size;
        if changed {
            self.size = ours.len();
            self.ends_in_half_line = self.reads_half_a_line();
        }
        Ok((still, changed))
    }

    /// Where the end can't be read, an empty line does less harm than a torn one.
    fn reads_half_a_line(&self) -> bool {
        let mut last = [0];
        self.size > 0
            && !(self.file.read_exact_at(&mut last, self.size - 1).is_ok() && last == *b"\n")
    }

    /// Ends the half line that somebody left.
    pub(super) fn end_half_line(&mut self) -> Result<(), Trouble> {
        while self.ends_in_half_line {
            let taken = write_some(&mut self.file, b"\n")?;
            self.size += taken as u64;
            self.ends_in_half_line = taken == 0;
        }
        Ok(())
    }

    /// Writes the first `bytes` of the outbox. Where the system takes a part of a line
    /// and no more, that part is cut off again.
    pub(super) fn append(&mut self, outbox: &mut Outbox, bytes: usize) -> Result<(), Trouble> {
        let mut left = bytes;
        while left > 0 {
            match write_some(&mut self.file, &outbox.unsent()[..left]) {
                Ok(taken) => {
                    self.size += taken as u64;
                    outbox.advance(taken);
                    left -= taken;
                }
                Err(trouble) => {
                    self.cut_torn_line(outbox);
                    return Err(trouble);
                }
            }
        }
        Ok(())
    }

    /// Where the system refuses even that (an append-only file), the half line stays
    /// and is finished before anything else is written.
    fn cut_torn_line(&mut self, outbox: &mut Outbox) {
        let boundary = self.size - outbox.torn_bytes() as u64;
        if outbox.mid_line() && self.file.set_len(boundary).is_ok() {
            self.size = boundary;
            outbox.rewind_line();
        }
    }
}

fn is_same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

fn write_some(file: &mut File, bytes: &[u8]) -> Result<usize, Trouble> {
    match file.write(bytes) {
        Ok(0) => Err(Trouble::doing("writing it")(io::Error::from(
            io::ErrorKind::WriteZero,
        ))),
        Ok(taken) => Ok(taken),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => write_some(file, bytes),
        Err(error) => Err(Trouble::doing("writing it")(error)),
    }
}

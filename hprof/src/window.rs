//! A file read through one buffer that slides over it.
//!
//! Read, not mapped: mapped pages count as this process's memory, and a file that somebody cuts short while it is
//! mapped kills the reader with SIGBUS.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What a window holds at most.
pub const WINDOW_BYTES: usize = 1 << 20;
/// What it reads at once where no more is asked for: little enough to be in the processor's cache when it is looked at.
const READ_BYTES: usize = 1 << 18;

/// A view of a file, one per thread.
pub struct Window<'a> {
    file: &'a File,
    length: u64,
    buffer: Box<[u8]>,
    start: u64,
    filled: usize,
}

impl<'a> Window<'a> {
    /// Over the first `length` bytes of `file`.
    pub fn new(file: &'a File, length: u64) -> Window<'a> {
        Window {
            file,
            length,
            buffer: vec![0; WINDOW_BYTES].into_boxed_slice(),
            start: 0,
            filled: 0,
        }
    }

    /// How long the file is.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The `count` bytes from `at` on: fewer where the file ends, and never more than [`WINDOW_BYTES`].
    #[inline]
    pub fn bytes(&mut self, at: u64, count: usize) -> io::Result<&[u8]> {
        let held = self.held(at, count)?;
        Ok(&held[..count.min(held.len())])
    }

    /// The same, and whatever stands behind them that was read already.
    #[inline]
    pub fn held(&mut self, at: u64, count: usize) -> io::Result<&[u8]> {
        let held = at.wrapping_sub(self.start);
        let inside =
            at >= self.start && held <= self.filled as u64 && self.filled - held as usize >= count;
        if !inside {
            self.slide(at, count)?;
        }
        let from = (at - self.start) as usize;
        Ok(&self.buffer[from..self.filled])
    }

    #[cold]
    fn slide(&mut self, at: u64, count: usize) -> io::Result<()> {
        let rest = self.length.saturating_sub(at);
        let wanted = count.clamp(READ_BYTES, self.buffer.len());
        let room = rest.min(wanted as u64) as usize;
        // What was asked for is not there, but all there is may be held already.
        let held = self
            .filled
            .checked_sub(at.wrapping_sub(self.start) as usize);
        if at >= self.start && held == Some(room) && count >= room {
            return Ok(());
        }
        self.start = at;
        self.filled = 0;
        while self.filled < room {
            let read = self
                .file
                .read_at(&mut self.buffer[self.filled..room], at + self.filled as u64);
            match read {
                Ok(0) => break,
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

//! Big-endian reading with every bound checked, and writing.

use super::refused::{Result, malformed};

/// Reads one structure of a class file from front to back.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// `what` names the structure in error messages.
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Reader { bytes, at: 0, what }
    }

    /// How many bytes have been read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let left = &self.bytes[self.at..];
        match left.get(..length) {
            Some(taken) => {
                self.at += length;
                Ok(taken)
            }
            None => malformed(format!(
                "{}: {length} bytes wanted at offset {}, {} left",
                self.what,
                self.at,
                left.len()
            )),
        }
    }

    pub fn u1(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub fn u2(&mut self) -> Result<u16> {
        let taken = self.take(2)?;
        Ok(u16::from_be_bytes([taken[0], taken[1]]))
    }

    pub fn u4(&mut self) -> Result<u32> {
        let taken = self.take(4)?;
        Ok(u32::from_be_bytes([taken[0], taken[1], taken[2], taken[3]]))
    }

    pub fn i4(&mut self) -> Result<i32> {
        Ok(self.u4()?.cast_signed())
    }

    /// Says that the structure ends here.
    pub fn end(&self) -> Result<()> {
        match self.bytes.len() - self.at {
            0 => Ok(()),
            left => malformed(format!("{}: {left} bytes too many", self.what)),
        }
    }
}

pub(super) fn put_u2(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(super) fn put_u4(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// A count or length as the format's two bytes.
pub(super) fn put_count(out: &mut Vec<u8>, count: usize) -> Result<()> {
    match u16::try_from(count) {
        Ok(count) => {
            put_u2(out, count);
            Ok(())
        }
        Err(_) => Err(super::Refused::NoRoom("a table would exceed 65535 entries")),
    }
}

/// A block of bytes behind its four-byte length.
pub(super) fn put_block(out: &mut Vec<u8>, block: &[u8]) -> Result<()> {
    match u32::try_from(block.len()) {
        Ok(length) => {
            put_u4(out, length);
            out.extend_from_slice(block);
            Ok(())
        }
        Err(_) => Err(super::Refused::NoRoom("an attribute would exceed 4 GiB")),
    }
}

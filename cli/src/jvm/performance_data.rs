//! `hsperfdata`: what a HotSpot JVM publishes about itself in a file of shared memory
//! (layout: `perfMemory.hpp`, version 2, the same in 8 to 28).
//!
//! The file belongs to the watched process: nothing in it is believed beyond its bounds.

/// Begins the file, in big-endian order whatever the machine.
const MAGIC: [u8; 4] = [0xca, 0xfe, 0xc0, 0xc0];
/// Bytes before the first entry.
const PROLOGUE: usize = 32;
/// Bytes before the name in an entry.
const ENTRY_HEAD: usize = 20;
/// The type of an entry that is a string, as in a JNI signature.
const BYTES: u8 = b'B';

/// A copy of a JVM's performance data.
#[derive(Debug)]
pub struct PerformanceData {
    bytes: Vec<u8>,
    is_little_endian: bool,
}

impl PerformanceData {
    /// `None` where it is none, or not yet.
    pub fn parse(bytes: Vec<u8>) -> Option<PerformanceData> {
        if !bytes.starts_with(&MAGIC) || bytes.get(5) != Some(&2) || bytes.len() < PROLOGUE {
            return None;
        }
        let is_little_endian = bytes[4] == 1;
        Some(PerformanceData {
            bytes,
            is_little_endian,
        })
    }

    /// The string constant of that name.
    pub fn string(&self, name: &str) -> Option<String> {
        let mut entries = Entries {
            data: self,
            position: self.number(24)?,
            left: self.number(28)?,
        };
        let entry = entries.find(|entry| self.name(*entry) == Some(name.as_bytes()))?;
        let value = self.value(entry)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Whether it takes connections of the attach mechanism: the first of the capabilities
    /// (`runtimeService.cpp`) is false with `-XX:+DisableAttachMechanism`.
    pub fn is_attachable(&self) -> Option<bool> {
        let capabilities = self.string("sun.rt.jvmCapabilities")?;
        Some(!capabilities.starts_with('0'))
    }

    /// The unsigned number of four bytes there; negative ones are out of bounds anyway.
    fn number(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let number = match self.is_little_endian {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        };
        usize::try_from(number).ok()
    }

    fn name(&self, entry: Entry) -> Option<&[u8]> {
        self.terminated(entry.at.checked_add(self.number(entry.at + 4)?)?, entry.end)
    }

    fn value(&self, entry: Entry) -> Option<&[u8]> {
        let is_string = self.bytes.get(entry.at + 12) == Some(&BYTES);
        let at = entry.at.checked_add(self.number(entry.at + 16)?)?;
        is_string.then(|| self.terminated(at, entry.end)).flatten()
    }

    /// The bytes from there to the NUL before the end.
    fn terminated(&self, at: usize, end: usize) -> Option<&[u8]> {
        let bytes = self.bytes.get(at..end)?;
        let length = bytes.iter().position(|byte| *byte == 0)?;
        Some(&bytes[..length])
    }
}

/// Where an entry begins and ends.
#[derive(Debug, Clone, Copy)]
struct Entry {
    at: usize,
    end: usize,
}

struct Entries<'a> {
    data: &'a PerformanceData,
    position: usize,
    left: usize,
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.left = self.left.checked_sub(1)?;
        let at = self.position;
        let length = self.data.number(at)?;
        let end = at.checked_add(length)?;
        if length < ENTRY_HEAD || end > self.data.bytes.len() {
            return None;
        }
        self.position = end;
        Some(Entry { at, end })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file with these strings, as `perfMemory.cpp` lays it out.
    fn file(strings: &[(&str, &str)]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 2, 0, 1]);
        bytes.extend([0; 16]);
        bytes.extend(32u32.to_le_bytes());
        bytes.extend(u32::try_from(strings.len()).unwrap().to_le_bytes());
        for (name, value) in strings {
            let data = 20 + name.len() + 1;
            let length = data + value.len() + 1;
            for number in [length, 20, value.len() + 1] {
                bytes.extend(u32::try_from(number).unwrap().to_le_bytes());
            }
            bytes.extend([BYTES, 0, 5, 1]);
            bytes.extend(u32::try_from(data).unwrap().to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.push(0);
            bytes.extend(value.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    #[test]
    fn strings_are_found_by_name() {
        let capabilities = ("sun.rt.jvmCapabilities", "0100");
        let command = ("sun.rt.javaCommand", "com.acme.Main a b");
        let data = PerformanceData::parse(file(&[capabilities, command])).unwrap();
        assert_eq!(data.string(command.0).as_deref(), Some(command.1));
        assert_eq!(data.string("sun.rt.java"), None);
        assert_eq!(data.is_attachable(), Some(false));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            strings in prop::collection::vec(("[a-z.]{1,20}", "[^\0]{0,40}"), 0..8),
        ) {
            let pairs: Vec<(&str, &str)> =
                strings.iter().map(|(name, value)| (&**name, &**value)).collect();
            let data = PerformanceData::parse(file(&pairs)).unwrap();
            for (name, _) in &pairs {
                let first = pairs.iter().find(|(other, _)| other == name).map(|pair| pair.1);
                prop_assert_eq!(data.string(name), first.map(str::to_owned));
            }
        }

        #[test]
        fn damaged_files_are_read_within_their_bounds(
            at in 0usize..120, byte: u8, length in 0usize..130,
        ) {
            let mut bytes = file(&[("a.name", "value"), ("sun.rt.jvmCapabilities", "11")]);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.truncate(length);
            if let Some(data) = PerformanceData::parse(bytes) {
                data.string("sun.rt.jvmCapabilities");
            }
        }
    }
}

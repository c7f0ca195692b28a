//! The text of `java.lang.String` objects.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::error::Error;
use crate::fetch::{Fetched, Fetcher};
use crate::layout::Finder;
use crate::value::{Type, read_u16};

/// Longer ones are cut: they are names here.
const LONGEST: usize = 4096;

/// Where the characters are, and which of them.
struct Characters {
    string: u64,
    array: u64,
    utf16: bool,
    /// Up to JDK 6 strings share arrays.
    from: usize,
    count: Option<usize>,
}

/// The texts of those of these objects that are strings, or arrays of characters (a thread's name up to JDK 8).
pub fn read(fetcher: Fetcher<'_>, ids: &[u64]) -> Result<HashMap<u64, String, RandomState>, Error> {
    let survey = fetcher.survey;
    let finder = Finder {
        dump: fetcher.dump,
        classes: &survey.classes,
        names: &survey.names,
    };
    let found = fetcher.fetch(ids.iter().copied())?;
    let characters: Vec<Characters> = found
        .iter()
        .filter_map(|(&id, object)| characters(finder, id, object))
        .collect();
    let arrays = fetcher.fetch(characters.iter().map(|characters| characters.array))?;
    let text = |characters: Characters| {
        let Fetched::Primitives(element, length, at) = *arrays.get(&characters.array)? else {
            return None;
        };
        let bytes = (length as usize * element.bytes(fetcher.dump.ids)).min(LONGEST);
        let bytes = fetcher.dump.read_small(at, bytes).ok()?;
        Some((characters.string, decode(element, &bytes, &characters)))
    };
    Ok(characters.into_iter().filter_map(text).collect())
}

fn characters(finder: Finder<'_>, id: u64, object: &Fetched) -> Option<Characters> {
    let plain = |array| Characters {
        string: id,
        array,
        utf16: false,
        from: 0,
        count: None,
    };
    let (class, body) = match object {
        Fetched::Primitives(..) => return Some(plain(id)),
        Fetched::Instance(class, body) => (*class, body),
        Fetched::Objects(_) => return None,
    };
    let value = |name| {
        let field = finder.field(class, "java.lang.String", name)?;
        Some(field.read(finder.dump.ids, body))
    };
    Some(Characters {
        utf16: value("coder") == Some(1),
        from: value("offset").unwrap_or(0) as usize,
        count: value("count").map(|count| count as usize),
        ..plain(value("value")?)
    })
}

fn decode(element: Type, bytes: &[u8], characters: &Characters) -> String {
    // An array of bytes is dumped as it lies in memory, an array of characters turned around.
    let units: Vec<u16> = match element {
        Type::Char => bytes.chunks_exact(2).map(read_u16).collect(),
        Type::Byte if characters.utf16 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|pair| u16::from_le_bytes(*pair))
            .collect(),
        _ => bytes.iter().map(|&byte| u16::from(byte)).collect(),
    };
    let from = characters.from.min(units.len());
    let count = characters
        .count
        .unwrap_or(units.len())
        .min(units.len() - from);
    String::from_utf16_lossy(&units[from..from + count])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(
        element: Type,
        bytes: &[u8],
        utf16: bool,
        from: usize,
        count: Option<usize>,
    ) -> String {
        decode(
            element,
            bytes,
            &Characters {
                string: 0,
                array: 0,
                utf16,
                from,
                count,
            },
        )
    }

    #[test]
    fn strings_of_all_releases_are_read() {
        assert_eq!(decoded(Type::Char, b"\0o\0l\0d", false, 1, Some(2)), "ld");
        assert_eq!(decoded(Type::Byte, &[b'n', 0xe9], false, 0, None), "né");
        assert_eq!(decoded(Type::Byte, &[0x3b, 0x26, 0xff], true, 0, None), "☻");
        assert_eq!(
            decoded(Type::Char, b"\0x", false, usize::MAX, Some(usize::MAX)),
            ""
        );
    }
}

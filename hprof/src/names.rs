//! The strings of a dump: where they stand, read only when asked for.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::source::Dump;

/// Longer than the JVM's own limit for a name (65,535 bytes).
const LONGEST: u32 = 1 << 16;

/// Strings by their id.
#[derive(Debug, Default)]
pub struct Names {
    places: HashMap<u64, (u64, u32), RandomState>,
}

impl Names {
    /// A string of `length` bytes stands at `at`.
    pub fn insert(&mut self, id: u64, at: u64, length: u32) {
        self.places.insert(id, (at, length.min(LONGEST)));
    }

    /// One string; empty where there is none.
    pub fn read(&self, dump: &Dump, id: u64) -> String {
        let Some(&(at, length)) = self.places.get(&id) else {
            return String::new();
        };
        dump.read_small(at, length as usize)
            .map_or_else(|_| String::new(), |bytes| text(&bytes))
    }

    /// Many strings, in the order of the ids, with one pass over the places.
    pub fn read_all(&self, dump: &Dump, ids: &[u64]) -> std::io::Result<Vec<String>> {
        let mut order: Vec<(u64, u32, usize)> = ids
            .iter()
            .enumerate()
            .filter_map(|(place, id)| self.places.get(id).map(|&(at, length)| (at, length, place)))
            .collect();
        order.sort_unstable();
        let mut texts = vec![String::new(); ids.len()];
        let mut window = dump.window();
        for (at, length, place) in order {
            texts[place] = text(window.bytes(at, length as usize)?);
        }
        Ok(texts)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

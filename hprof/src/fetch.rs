//! Single objects by their address: only those parts of the dump are read again that can have them.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::classes::ClassNumber;
use crate::entry::{ClassDump, Visitor};
use crate::error::Error;
use crate::look::look_at;
use crate::progress::{Phase, Progress};
use crate::source::Dump;
use crate::survey::Survey;
use crate::value::Type;

/// An object as it stands in the dump.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// An instance: its class and the values of its fields.
    Instance(ClassNumber, Vec<u8>),
    /// An array of objects, with the place and the bytes of its elements told aside.
    Objects(Vec<u64>),
    /// Any other array: its elements' type, how many, where they begin.
    Primitives(Type, u32, u64),
}

/// Objects by their address.
pub type Fetch = HashMap<u64, Fetched, RandomState>;

/// Longer arrays of objects are given with as many elements.
const MOST_ELEMENTS: usize = 1 << 16;

/// Reads objects again.
#[derive(Debug, Clone, Copy)]
pub struct Fetcher<'a> {
    /// The dump.
    pub dump: &'a Dump,
    /// What is known of it.
    pub survey: &'a Survey,
    /// The lowest and the highest address in each of its parts.
    pub ranges: &'a [(u64, u64)],
    /// Told how far it is.
    pub progress: &'a Progress,
}

impl Fetcher<'_> {
    /// Those of these objects that the dump has.
    pub fn fetch(&self, ids: impl IntoIterator<Item = u64>) -> Result<Fetch, Error> {
        let mut wanted: Vec<u64> = ids.into_iter().filter(|&id| id != 0).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let may_have = |&chunk: &usize| {
            let (lowest, highest) = self.ranges[chunk];
            wanted
                .get(wanted.partition_point(|&id| id < lowest))
                .is_some_and(|&id| id <= highest)
        };
        let chunks: Vec<usize> = (0..self.ranges.len()).filter(may_have).collect();
        let looked = look_at(
            self.dump,
            self.survey,
            &chunks,
            self.progress,
            Phase::Inspecting,
            || Finder {
                wanted: &wanted,
                fetcher: *self,
                found: Fetch::default(),
                array: None,
            },
        )?;
        Ok(looked.into_iter().flat_map(|finder| finder.found).collect())
    }
}

struct Finder<'a> {
    wanted: &'a [u64],
    fetcher: Fetcher<'a>,
    found: Fetch,
    array: Option<u64>,
}

impl Finder<'_> {
    #[inline]
    fn wants(&self, id: u64) -> bool {
        match self.wanted {
            [first, .., last] if id < *first || id > *last => false,
            wanted => wanted.binary_search(&id).is_ok(),
        }
    }
}

impl Visitor for Finder<'_> {
    const ELEMENTS: bool = true;

    fn class(&mut self, _at: u64, _class: ClassDump) {}

    #[inline]
    fn instance(&mut self, _at: u64, id: u64, class: u64, body: &[u8]) {
        if self.wants(id)
            && let Some(class) = self.fetcher.survey.classes.number(class)
        {
            self.found
                .insert(id, Fetched::Instance(class, body.to_vec()));
        }
    }

    #[inline]
    fn object_array(&mut self, _at: u64, id: u64, _class: u64, _length: u32) {
        self.array = self.wants(id).then_some(id);
        if self.array.is_some() {
            self.found.insert(id, Fetched::Objects(Vec::new()));
        }
    }

    fn elements(&mut self, elements: &[u8]) {
        let ids = self.fetcher.dump.ids;
        if let Some(id) = self.array
            && let Some(Fetched::Objects(all)) = self.found.get_mut(&id)
        {
            let room = MOST_ELEMENTS.saturating_sub(all.len());
            all.extend(
                elements
                    .chunks_exact(ids.bytes())
                    .take(room)
                    .map(|id| ids.read(id)),
            );
        }
    }

    #[inline]
    fn primitive_array(&mut self, _at: u64, id: u64, element: Type, length: u32, body: u64) {
        if self.wants(id) {
            self.found
                .insert(id, Fetched::Primitives(element, length, body));
        }
    }
}

//! Numbers for objects: the object with the lowest address is 0, and so on without a gap.
//!
//! The JVM aligns objects to 8 bytes, so a heap is a bit map with one bit for 8 bytes: 16 MB for a heap of 1 GB, whatever
//! is in it. An object's number is the count of bits before its own. Memory is for pages that hold objects only, so
//! that heaps with wide gaps (ZGC) cost no more than others. Where ids are serial numbers and no addresses there is a bit
//! for each: see [`Identity`].

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Bits of one page: its words are one cache line.
const PAGE_BITS: u64 = 512;
const WORDS: usize = PAGE_BITS as usize / 64;

/// What an object's id in the dump is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Its address: the JVM writes these, all aligned to 8 bytes.
    Address = 3,
    /// Its place in a table of all objects, one after the other: so the hprof agent of JDK 5 to 8 numbers them
    /// (`-agentlib:hprof`, `hprof_object.c` and `hprof_table.c`).
    Serial = 0,
}

impl Identity {
    /// How many low bits are never set.
    #[inline]
    fn unused_bits(self) -> u32 {
        self as u32
    }

    /// Whether an object can have this id; null is none.
    #[inline]
    pub fn allows(self, id: u64) -> bool {
        id != 0 && id & !(u64::MAX << self.unused_bits()) == 0
    }

    /// The page of an id that is allowed, and the bit in it.
    #[inline]
    fn page_and_bit(self, id: u64) -> (u64, u64) {
        let place = id >> self.unused_bits();
        (place / PAGE_BITS, place % PAGE_BITS)
    }
}

type Words = [u64; WORDS];

/// A page of the finished index: a count for each word spares counting the bits of those before it.
#[derive(Debug, Clone, Copy)]
struct Page {
    words: Words,
    /// Objects in the page before each word.
    before: [u16; WORDS],
    /// Objects in all pages before this one.
    base: u32,
}

impl Page {
    fn new(words: Words, base: u32) -> Page {
        let mut before = [0; WORDS];
        let mut count = 0;
        for (before, word) in before.iter_mut().zip(words) {
            *before = count;
            count += word.count_ones() as u16;
        }
        Page {
            words,
            before,
            base,
        }
    }
}

/// An object's number.
pub type Number = u32;

/// Collects addresses, in any order.
#[derive(Debug)]
pub struct Addresses {
    identity: Identity,
    numbers: HashMap<u64, u32, RandomState>,
    keys: Vec<u64>,
    pages: Vec<Words>,
    last: Option<(u64, u32)>,
    count: u64,
}

impl Addresses {
    /// None yet.
    pub fn new(identity: Identity) -> Addresses {
        Addresses {
            identity,
            numbers: HashMap::default(),
            keys: Vec::new(),
            pages: Vec::new(),
            last: None,
            count: 0,
        }
    }

    /// Adds an object; `false` where it is there already, or can be no object's address.
    #[inline]
    pub fn insert(&mut self, id: u64) -> bool {
        if !self.identity.allows(id) {
            return false;
        }
        let (key, bit) = self.identity.page_and_bit(id);
        let page = self.page(key);
        let (word, bit) = word_and_bit(bit);
        let word = &mut self.pages[page as usize][word];
        let fresh = *word & bit == 0;
        *word |= bit;
        self.count += u64::from(fresh);
        fresh
    }

    #[inline]
    fn page(&mut self, key: u64) -> u32 {
        if let Some((last, page)) = self.last
            && last == key
        {
            return page;
        }
        let fresh = self.pages.len() as u32;
        let page = *self.numbers.entry(key).or_insert(fresh);
        if page == fresh {
            self.keys.push(key);
            self.pages.push([0; WORDS]);
        }
        self.last = Some((key, page));
        page
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// All are added: numbers can be given.
    pub fn finish(mut self) -> Index {
        let mut order: Vec<u32> = (0..self.keys.len() as u32).collect();
        order.sort_unstable_by_key(|&page| self.keys[page as usize]);
        drop(std::mem::take(&mut self.numbers));
        let mut index = Index {
            identity: self.identity,
            pages: Vec::with_capacity(order.len()),
            keys: Vec::with_capacity(order.len()),
            places: Places::Dense(0, Vec::new()),
            count: 0,
        };
        for page in order {
            let (key, bits) = (self.keys[page as usize], self.pages[page as usize]);
            index.keys.push(key);
            index.pages.push(Page::new(bits, index.count));
            index.count += bits.iter().map(|word| word.count_ones()).sum::<u32>();
        }
        index.places = Places::of(&index.keys);
        index
    }
}

fn word_and_bit(bit: u64) -> (usize, u64) {
    ((bit / 64) as usize, 1 << (bit % 64))
}

/// All addresses of a dump, numbered.
#[derive(Debug)]
pub struct Index {
    identity: Identity,
    places: Places,
    keys: Vec<u64>,
    pages: Vec<Page>,
    count: u32,
}

/// Which page stands where.
#[derive(Debug)]
enum Places {
    /// For each key from the lowest on, the place of its page: of a heap without wide gaps.
    Dense(u64, Vec<u32>),
    /// Of the others.
    Sparse(HashMap<u64, u32, RandomState>),
}

/// No page.
const NOWHERE: u32 = u32::MAX;
/// So many keys to a page are no wide gaps: the table is then no larger than the pages by far.
const KEYS_PER_PAGE: u64 = 4;

impl Places {
    /// Of pages with these keys, the lowest first.
    fn of(keys: &[u64]) -> Places {
        let (Some(&lowest), Some(&highest)) = (keys.first(), keys.last()) else {
            return Places::Dense(0, Vec::new());
        };
        let places = keys.iter().zip(0..);
        let span = highest - lowest;
        if span / KEYS_PER_PAGE > keys.len() as u64 {
            return Places::Sparse(places.map(|(&key, place)| (key, place)).collect());
        }
        let mut table = vec![NOWHERE; span as usize + 1];
        for (key, place) in places {
            table[(key - lowest) as usize] = place;
        }
        Places::Dense(lowest, table)
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u32> {
        match self {
            Places::Dense(lowest, table) => {
                let place = *table.get(key.wrapping_sub(*lowest) as usize)?;
                (place != NOWHERE).then_some(place)
            }
            Places::Sparse(places) => places.get(&key).copied(),
        }
    }
}

/// The page found last: references mostly stay near.
#[derive(Debug, Clone, Copy, Default)]
pub struct Near(u64, u32);

impl Index {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// The number of the object at `id`, where there is one.
    #[inline]
    pub fn number(&self, id: u64) -> Option<Number> {
        self.number_near(id, &mut Near::default())
    }

    /// The same for one lookup after the other.
    #[inline]
    pub fn number_near(&self, id: u64, near: &mut Near) -> Option<Number> {
        if !self.identity.allows(id) {
            return None;
        }
        let (key, bit) = self.identity.page_and_bit(id);
        if near.0 != key || key == 0 {
            *near = Near(key, self.places.get(key)?);
        }
        let page = &self.pages[near.1 as usize];
        let (word, bit) = word_and_bit(bit);
        let bits = page.words[word];
        if bits & bit == 0 {
            return None;
        }
        Some(page.base + u32::from(page.before[word]) + (bits & (bit - 1)).count_ones())
    }

    /// How far behind the object at `id` the next one begins; `None` for the last, and where ids are no addresses.
    pub fn distance(&self, id: u64) -> Option<u64> {
        let next = self.number(id)? + 1;
        let is_known = self.identity == Identity::Address && next < self.count;
        is_known.then(|| self.address(next) - id)
    }

    /// The address of an object, its id in the dump.
    pub fn address(&self, number: Number) -> u64 {
        let place = self.pages.partition_point(|page| page.base <= number);
        let place = place.saturating_sub(1);
        let Some(page) = self.pages.get(place) else {
            return 0;
        };
        let mut left = number - page.base;
        for (word, &bits) in page.words.iter().enumerate() {
            let ones = bits.count_ones();
            if left < ones {
                let bit = word as u64 * 64 + u64::from(nth_bit(bits, left));
                let place = self.keys[place] * PAGE_BITS + bit;
                return place << self.identity.unused_bits();
            }
            left -= ones;
        }
        0
    }
}

fn nth_bit(mut bits: u64, nth: u32) -> u32 {
    for _ in 0..nth {
        bits &= bits - 1;
    }
    bits.trailing_zeros()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_ranks_and_lead_back(
            ids in prop::collection::vec(0u64..1 << 20, 0..300),
            far in any::<u32>(),
            is_serial in any::<bool>(),
        ) {
            let (identity, aligned) = if is_serial { (Identity::Serial, 1) } else { (Identity::Address, 8) };
            let ids: Vec<u64> = ids.iter().map(|id| id << (id % 30)).collect();
            let mut addresses = Addresses::new(identity);
            let mut truth = BTreeSet::new();
            for &id in &ids {
                let valid = id != 0 && id % aligned == 0;
                prop_assert_eq!(addresses.insert(id), valid && truth.insert(id));
            }
            prop_assert_eq!(addresses.len(), truth.len() as u64);
            let index = addresses.finish();
            prop_assert_eq!(index.len(), truth.len());
            let mut near = Near::default();
            for (rank, &id) in truth.iter().enumerate() {
                prop_assert_eq!(index.number_near(id, &mut near), Some(rank as u32));
                prop_assert_eq!(index.address(rank as u32), id);
                let next = truth.range(id + 1..).next().filter(|_| !is_serial);
                prop_assert_eq!(index.distance(id), next.map(|next| next - id));
            }
            for id in [u64::from(far), u64::from(far) << 3] {
                prop_assert_eq!(index.number(id).is_some(), truth.contains(&id));
            }
        }
    }
}

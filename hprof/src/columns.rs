//! What is kept for each object, in as few bytes as it takes, written by several threads at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;

/// Numbers of classes: two bytes each, four where there are more classes than that.
#[derive(Debug)]
pub enum ClassColumn {
    /// Up to 65,534 classes.
    Short(Vec<AtomicU16>),
    /// More.
    Long(Vec<AtomicU32>),
}

impl ClassColumn {
    /// For so many objects of so many classes.
    pub fn new(objects: usize, classes: usize) -> ClassColumn {
        if classes < usize::from(u16::MAX) {
            ClassColumn::Short((0..objects).map(|_| AtomicU16::new(0)).collect())
        } else {
            ClassColumn::Long((0..objects).map(|_| AtomicU32::new(0)).collect())
        }
    }

    /// How many objects.
    pub fn len(&self) -> usize {
        match self {
            ClassColumn::Short(column) => column.len(),
            ClassColumn::Long(column) => column.len(),
        }
    }

    /// An object's class.
    #[inline]
    pub fn get(&self, object: u32) -> u32 {
        match self {
            ClassColumn::Short(column) => u32::from(column[object as usize].load(Relaxed)),
            ClassColumn::Long(column) => column[object as usize].load(Relaxed),
        }
    }

    /// Sets an object's class.
    #[inline]
    pub fn set(&self, object: u32, class: u32) {
        match self {
            ClassColumn::Short(column) => column[object as usize].store(class as u16, Relaxed),
            ClassColumn::Long(column) => column[object as usize].store(class, Relaxed),
        }
    }
}

/// Numbers that are mostly below 255: one byte each, the others aside.
#[derive(Debug)]
pub struct SmallColumn {
    small: Vec<AtomicU8>,
    large: Mutex<HashMap<u32, u64, RandomState>>,
}

impl SmallColumn {
    /// For so many objects, all 0; for none it takes nothing down.
    pub fn new(objects: usize) -> SmallColumn {
        SmallColumn {
            small: (0..objects).map(|_| AtomicU8::new(0)).collect(),
            large: Mutex::default(),
        }
    }

    /// An object's number.
    #[inline]
    pub fn get(&self, object: u32) -> u64 {
        match self.small[object as usize].load(Relaxed) {
            u8::MAX => self.large(object),
            small => u64::from(small),
        }
    }

    /// Sets an object's number.
    #[inline]
    pub fn set(&self, object: u32, number: u64) {
        let small = number.min(u64::from(u8::MAX)) as u8;
        let Some(cell) = self.small.get(object as usize) else {
            return;
        };
        cell.store(small, Relaxed);
        if small == u8::MAX {
            self.large
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(object, number);
        }
    }

    #[cold]
    fn large(&self, object: u32) -> u64 {
        let large = self.large.lock().unwrap_or_else(PoisonError::into_inner);
        large.get(&object).copied().unwrap_or(0)
    }
}

/// A bit for each object.
#[derive(Debug, Clone, Default)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// For so many objects, none set.
    pub fn new(objects: usize) -> Bits {
        Bits {
            words: vec![0; objects.div_ceil(64)],
        }
    }

    /// Whether an object's is set.
    #[inline]
    pub fn get(&self, object: u32) -> bool {
        self.words[object as usize / 64] & 1 << (object % 64) != 0
    }

    /// Sets it, and tells whether it was not.
    #[inline]
    pub fn set(&mut self, object: u32) -> bool {
        let word = &mut self.words[object as usize / 64];
        let fresh = *word & 1 << (object % 64) == 0;
        *word |= 1 << (object % 64);
        fresh
    }

    /// How many are set.
    pub fn count(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// Those that are set, from the first on.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(place, &word)| {
            let next = |word: &u64| (word & (word - 1) != 0).then_some(word & (word - 1));
            std::iter::successors((word != 0).then_some(word), next)
                .map(move |word| place as u32 * 64 + word.trailing_zeros())
        })
    }
}

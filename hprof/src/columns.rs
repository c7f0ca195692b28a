//! What is kept for each object, in as few bytes as it takes, written by several threads at once.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;

/// Numbers of classes: one byte each where nearly all objects are of few classes, or else two, and four where there are
/// more classes than that.
#[derive(Debug)]
pub enum ClassColumn {
    /// 255 classes have a code, objects of the others stand aside.
    Byte(Coded),
    /// Up to 65,534 classes.
    Short(Vec<AtomicU16>),
    /// More.
    Long(Vec<AtomicU32>),
}

/// Classes by their codes.
#[derive(Debug)]
pub struct Coded {
    codes: Vec<AtomicU8>,
    /// By class.
    code_of: Vec<u8>,
    /// By code.
    class_of: Vec<u32>,
    rare: Mutex<HashMap<u32, u32, RandomState>>,
}

/// The code of what stands aside.
const RARE: u8 = u8::MAX;
/// No more than one object in so many may stand aside.
const RARE_IN: u64 = 128;

impl ClassColumn {
    /// For so many objects; `instances` are how many of them are of each class.
    pub fn new(objects: usize, instances: &[u64]) -> ClassColumn {
        let mut classes: Vec<u32> = (0..instances.len() as u32).collect();
        classes.sort_by_key(|&class| Reverse(instances[class as usize]));
        let common = &classes[..classes.len().min(usize::from(RARE))];
        let counted: u64 = common.iter().map(|&class| instances[class as usize]).sum();
        if (objects as u64).saturating_sub(counted) <= objects as u64 / RARE_IN {
            return ClassColumn::Byte(Coded::new(objects, instances.len(), common));
        }
        if instances.len() < usize::from(u16::MAX) {
            ClassColumn::Short((0..objects).map(|_| AtomicU16::new(0)).collect())
        } else {
            ClassColumn::Long((0..objects).map(|_| AtomicU32::new(0)).collect())
        }
    }

    /// How many objects.
    pub fn len(&self) -> usize {
        match self {
            ClassColumn::Byte(column) => column.codes.len(),
            ClassColumn::Short(column) => column.len(),
            ClassColumn::Long(column) => column.len(),
        }
    }

    /// An object's class.
    #[inline]
    pub fn get(&self, object: u32) -> u32 {
        match self {
            ClassColumn::Byte(column) => column.get(object),
            ClassColumn::Short(column) => u32::from(column[object as usize].load(Relaxed)),
            ClassColumn::Long(column) => column[object as usize].load(Relaxed),
        }
    }

    /// Sets an object's class.
    #[inline]
    pub fn set(&self, object: u32, class: u32) {
        match self {
            ClassColumn::Byte(column) => column.set(object, class),
            ClassColumn::Short(column) => column[object as usize].store(class as u16, Relaxed),
            ClassColumn::Long(column) => column[object as usize].store(class, Relaxed),
        }
    }
}

impl Coded {
    fn new(objects: usize, classes: usize, common: &[u32]) -> Coded {
        let mut code_of = vec![RARE; classes];
        for (code, &class) in common.iter().enumerate() {
            code_of[class as usize] = code as u8;
        }
        Coded {
            // What nobody sets is of class 0.
            codes: (0..objects)
                .map(|_| AtomicU8::new(code_of.first().copied().unwrap_or(RARE)))
                .collect(),
            code_of,
            class_of: common.to_vec(),
            rare: Mutex::default(),
        }
    }

    #[inline]
    fn get(&self, object: u32) -> u32 {
        let code = self.codes[object as usize].load(Relaxed);
        match self.class_of.get(usize::from(code)) {
            Some(&class) => class,
            None => self.rare(object),
        }
    }

    #[inline]
    fn set(&self, object: u32, class: u32) {
        let code = self.code_of[class as usize];
        self.codes[object as usize].store(code, Relaxed);
        if code == RARE {
            self.set_rare(object, class);
        }
    }

    #[cold]
    fn rare(&self, object: u32) -> u32 {
        let rare = self.rare.lock().unwrap_or_else(PoisonError::into_inner);
        rare.get(&object).copied().unwrap_or(0)
    }

    #[cold]
    fn set_rare(&self, object: u32, class: u32) {
        let mut rare = self.rare.lock().unwrap_or_else(PoisonError::into_inner);
        rare.insert(object, class);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However the objects are spread over the classes, and whatever the column is made of for that.
        #[test]
        fn classes_come_back(spread in 1u32..2000, few in any::<bool>(), seeds in prop::collection::vec(any::<u32>(), 1..600)) {
            let class = |seed: &u32| if few && seed % 200 != 7 { seed % 3 } else { seed % spread };
            let classes: Vec<u32> = seeds.iter().map(class).collect();
            let mut instances = vec![0; spread.max(3) as usize];
            classes.iter().for_each(|&class| instances[class as usize] += 1);
            let column = ClassColumn::new(classes.len(), &instances);
            for (object, &class) in classes.iter().enumerate() {
                prop_assert_eq!(column.get(object as u32), 0);
                column.set(object as u32, class);
            }
            for (object, &class) in classes.iter().enumerate() {
                prop_assert_eq!(column.get(object as u32), class);
            }
        }
    }
}

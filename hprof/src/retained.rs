//! How much memory hangs on finalizable objects: what would go if they went.
//!
//! An object is kept alive by a set of objects alone when every path from a root to it leads through the set. That is
//! what dominators tell of a single object; for a set, here the instances of a class, the set's members would have to
//! be made one node first. So it is told directly: for each set, mark what can be reached without entering it. A bit
//! for each set, several sets in one go.

use crate::addresses::Number;
use crate::classes::ClassNumber;
use crate::classify::{Objects, SIZE_UNIT};
use crate::columns::Bits;
use crate::graph::Graph;
use crate::registry::Registry;

/// Sets besides the two that are always there.
pub const CLASSES_AT_ONCE: usize = 6;

type Mask = u8;
/// Reached at all.
const REACHED: Mask = 1;
/// Reached without any Finalizer or finalizable object.
const WITHOUT_ALL: Mask = 2;

/// Objects, and the bytes that they take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub objects: u64,
    /// How large in all.
    pub bytes: u64,
}

/// What is kept alive by finalizable objects alone, themselves included.
#[derive(Debug, Default)]
pub struct Retained {
    /// By all of them and their Finalizers.
    pub all: Amount,
    /// By the instances of one class that a Finalizer refers to, without their Finalizers; in the order asked for.
    pub classes: Vec<Amount>,
    /// The objects of `all`.
    pub by_all: Bits,
}

/// Where the marking begins.
#[derive(Debug, Clone, Copy)]
pub struct Roots<'a> {
    /// The JVM's own.
    pub roots: &'a [Number],
    /// The Finalizers in the chain, held by it.
    pub chain: &'a Bits,
}

/// Marks and adds up, for up to [`CLASSES_AT_ONCE`] classes.
pub fn retained(
    graph: &Graph,
    objects: &Objects,
    registry: &Registry,
    roots: Roots<'_>,
    classes: &[ClassNumber],
) -> Retained {
    let mut marking = Marking {
        graph,
        objects,
        registry,
        classes,
        masks: vec![0; objects.classes.len()],
        class_masks: vec![0; graph.classes().len()],
        stack: Vec::new(),
    };
    // Roots first: what they hold needs no second visit by way of its Finalizer.
    for &root in roots.roots {
        marking.reach(root, Mask::MAX);
        marking.spread();
    }
    for finalizer in roots.chain.iter() {
        marking.reach(finalizer, Mask::MAX);
        marking.spread();
    }
    marking.sum()
}

struct Marking<'a> {
    graph: &'a Graph,
    objects: &'a Objects,
    registry: &'a Registry,
    classes: &'a [ClassNumber],
    masks: Vec<Mask>,
    /// Of the classes that can be unloaded, as far as their instances reach them.
    class_masks: Vec<Mask>,
    stack: Vec<Number>,
}

impl Marking<'_> {
    #[inline]
    fn reach(&mut self, number: Number, from: Mask) {
        let known = self.masks[number as usize];
        if from & !known == 0 {
            return;
        }
        let mask = known | from & !self.entering(number);
        if mask != known {
            self.masks[number as usize] = mask;
            if self.graph.has_other_loaders() {
                self.reach_class(number, mask);
            }
            if self.objects.references.get(number) > 0 {
                self.stack.push(number);
            }
        }
    }

    /// An object keeps its class.
    fn reach_class(&mut self, number: Number, mask: Mask) {
        let class = self.objects.classes.get(number) as usize;
        let known = self.class_masks[class];
        if let Some(object) = self.graph.classes()[class]
            && mask & !known != 0
        {
            self.class_masks[class] |= mask;
            self.reach(object, mask);
        }
    }

    /// The sets that an object belongs to.
    #[inline]
    fn entering(&self, number: Number) -> Mask {
        if self.registry.referents.get(number) {
            let class = self.objects.classes.get(number);
            let set = self.classes.iter().position(|&wanted| wanted == class);
            return WITHOUT_ALL | set.map_or(0, bit);
        }
        if self.registry.finalizers.get(number) {
            WITHOUT_ALL
        } else {
            0
        }
    }

    fn spread(&mut self) {
        while let Some(number) = self.stack.pop() {
            let mask = self.masks[number as usize];
            for (target, _) in self.graph.held_by(self.objects, number) {
                self.reach(target, mask);
            }
        }
    }

    fn sum(&self) -> Retained {
        let mut sums = [Amount::default(); 8];
        let mut counts = [[0u64; 2]; 256];
        let mut by_all = Bits::new(self.masks.len());
        for (number, &mask) in self.masks.iter().enumerate() {
            let count = &mut counts[usize::from(mask)];
            count[0] += 1;
            if mask & (REACHED | WITHOUT_ALL) == REACHED {
                by_all.set(number as Number);
            }
            count[1] += self.objects.sizes.get(number as Number) * SIZE_UNIT;
        }
        for (mask, &[objects, bytes]) in counts.iter().enumerate() {
            if mask as Mask & REACHED == 0 {
                continue;
            }
            for (place, sum) in sums.iter_mut().enumerate() {
                let counted = place == 0 || mask & 1 << place == 0;
                sum.objects += if counted { objects } else { 0 };
                sum.bytes += if counted { bytes } else { 0 };
            }
        }
        Retained {
            all: sums[1],
            by_all,
            classes: sums[2..].iter().take(self.classes.len()).copied().collect(),
        }
    }
}

fn bit(set: usize) -> Mask {
    1 << (set + 2)
}

//! How many bytes an object takes in the JVM's heap, which the dump does not say: an instance size in a dump counts
//! every reference with the size of an id and leaves the header out.
//!
//! It is inferred from the addresses. Where one object ends the next begins, so the distance between the two is its
//! size, unless something died between them: of several distances the shortest counts. Arrays tell how long the
//! header is and whether references are compressed; a class's own instances tell how the JVM laid out its fields,
//! within what its fields allow.
//!
//! Where objects have serial numbers and no addresses, sizes are an estimate: what the fields and elements take in a
//! 64-bit JVM with compressed references, the most common one.

use crate::addresses::Index;
use crate::classes::{ClassNumber, Classes};
use crate::entry::ClassDump;
use crate::layout::fields;
use crate::survey::Sample;
use crate::value::{IdSize, PRIMITIVES, Type};

/// Sizes of all objects of a dump, in bytes.
#[derive(Debug)]
pub struct Sizes {
    instances: Vec<u64>,
    arrays: ArrayShape,
    references: u64,
    alignment: u64,
    /// What a class takes beside its static fields.
    class: u64,
}

/// Where the elements of arrays begin: 12 with compact object headers and in 32-bit JVMs, 16 with compressed class
/// pointers, 20 or 24 without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ArrayShape(u64);

impl ArrayShape {
    const ALL: [ArrayShape; 4] = [
        ArrayShape(16),
        ArrayShape(12),
        ArrayShape(24),
        ArrayShape(20),
    ];

    fn bytes(self, element: u64, length: u64) -> u64 {
        let base = if element == 8 {
            self.0.next_multiple_of(8)
        } else {
            self.0
        };
        base + element * length
    }

    /// The header of an instance is that of an array without the length.
    fn header(self) -> u64 {
        match self.0 {
            12 => 8,
            16 => 12,
            _ => 16,
        }
    }
}

/// More than the fields take that a JVM adds to `java.lang.Class`: seven, none over 8 bytes (HotSpot `javaClasses.hpp`,
/// `CLASS_INJECTED_FIELDS`).
const INJECTED_BYTES: u64 = 128;

/// A distance between two objects, and what lies in it.
struct Distance {
    bytes: u64,
    sample: Sample,
}

impl Sizes {
    /// Infers them.
    pub fn infer(samples: &[Sample], index: &Index, classes: &Classes, ids: IdSize) -> Sizes {
        let distances: Vec<Distance> = samples
            .iter()
            .filter_map(|&sample| {
                let bytes = index.distance(sample.id)?;
                Some(Distance { bytes, sample })
            })
            .collect();
        let alignment = alignment(&distances);
        let arrays = array_shape(&distances, alignment);
        let references = reference_bytes(&distances, classes, arrays, alignment, ids);
        let mut sizes = Sizes {
            instances: Vec::new(),
            arrays,
            references,
            alignment,
            class: 0,
        };
        sizes.instances = sizes.of_classes(&distances, classes, ids);
        sizes.class = sizes.class_without_statics(index, classes);
        sizes
    }

    /// An instance of a class that is no array.
    #[inline]
    pub fn instance(&self, class: ClassNumber) -> u64 {
        self.instances.get(class as usize).copied().unwrap_or(0)
    }

    /// An array.
    #[inline]
    pub fn array(&self, element: Type, length: u32) -> u64 {
        self.arrays
            .bytes(self.field(element), u64::from(length))
            .next_multiple_of(self.alignment)
    }

    /// A class itself: an instance of `java.lang.Class` with the static fields behind it.
    pub fn class(&self, class: &ClassDump) -> u64 {
        (self.class + self.statics(class)).next_multiple_of(self.alignment)
    }

    fn statics(&self, class: &ClassDump) -> u64 {
        class
            .statics
            .iter()
            .map(|&(_, kind, _)| self.field(kind))
            .sum()
    }

    /// The JVM adds fields of its own to `java.lang.Class`: what no class seems to be able to do without. Classes that
    /// lie too far apart to tell, or have damaged addresses, take no more than the fields in the dump.
    fn class_without_statics(&self, index: &Index, classes: &Classes) -> u64 {
        let fields = classes
            .of_boot_loader("java.lang.Class")
            .map_or(0, |class| self.instance(class));
        let rest = classes.iter().filter_map(|(_, class)| {
            let dump = class.dump.as_ref()?;
            let bytes = index.distance(dump.id)?;
            bytes
                .checked_sub(self.statics(dump))
                .filter(|&rest| (fields..=fields + INJECTED_BYTES).contains(&rest))
        });
        rest.min().unwrap_or(fields)
    }

    fn field(&self, kind: Type) -> u64 {
        match kind {
            Type::Object => self.references,
            // A primitive's size does not depend on the size of ids.
            primitive => primitive.bytes(IdSize::Eight) as u64,
        }
    }

    fn of_classes(&self, distances: &[Distance], classes: &Classes, ids: IdSize) -> Vec<u64> {
        let mut shortest = vec![u64::MAX; classes.len()];
        for distance in distances {
            let known = &mut shortest[distance.sample.class as usize];
            *known = distance.bytes.min(*known);
        }
        let size = |(number, class): (ClassNumber, &crate::classes::Class)| {
            // The instances of java.lang.Class are told as classes.
            if class.array || (class.instances == 0 && class.name != "java.lang.Class") {
                return 0;
            }
            self.of_class(shortest[number as usize], classes, number, ids)
        };
        classes.iter().map(size).collect()
    }

    /// The shortest distance seen, where the fields can be laid out so; otherwise what they take without a gap.
    fn of_class(&self, shortest: u64, classes: &Classes, class: ClassNumber, ids: IdSize) -> u64 {
        let packed: u64 = fields(classes, class, ids)
            .map(|field| self.field(field.kind))
            .sum();
        let least = (self.arrays.header() + packed).next_multiple_of(self.alignment);
        // Before JDK 15 each class began its fields on a boundary of its own.
        let gaps = 8 * classes.lineage(class).count() as u64;
        let most = (self.arrays.header() + packed + gaps).next_multiple_of(self.alignment);
        if (least..=most).contains(&shortest) {
            shortest
        } else {
            least
        }
    }
}

/// What all addresses are multiples of: 8, unless `-XX:ObjectAlignmentInBytes` says more.
fn alignment(distances: &[Distance]) -> u64 {
    let ids = distances.iter().map(|distance| distance.sample.id);
    match ids.fold(0, |bits, id| bits | id) {
        0 => 8,
        bits => 1 << bits.trailing_zeros().clamp(3, 8),
    }
}

fn array_shape(distances: &[Distance], alignment: u64) -> ArrayShape {
    let votes = |shape: ArrayShape| {
        let primitive = distances.iter().filter_map(|distance| {
            let element = PRIMITIVES
                .get(distance.sample.class as usize)?
                .bytes(IdSize::Eight) as u64;
            Some((
                shape.bytes(element, u64::from(distance.sample.length)),
                distance.bytes,
            ))
        });
        count_fits(primitive, alignment)
    };
    best(ArrayShape::ALL, votes)
}

fn reference_bytes(
    distances: &[Distance],
    classes: &Classes,
    shape: ArrayShape,
    alignment: u64,
    ids: IdSize,
) -> u64 {
    if ids == IdSize::Four {
        return 4;
    }
    let of_objects = |distance: &&Distance| {
        distance.sample.class as usize >= PRIMITIVES.len()
            && classes.get(distance.sample.class).array
    };
    let votes = |bytes: u64| {
        let arrays = distances.iter().filter(of_objects);
        let sizes = arrays.map(|distance| {
            (
                shape.bytes(bytes, u64::from(distance.sample.length)),
                distance.bytes,
            )
        });
        count_fits(sizes, alignment)
    };
    best([4, 8], votes)
}

/// How many sizes are the distance exactly; one that is longer speaks against many that fit.
fn count_fits(sizes: impl Iterator<Item = (u64, u64)>, alignment: u64) -> i64 {
    sizes
        .map(
            |(size, distance)| match size.next_multiple_of(alignment).cmp(&distance) {
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Greater => -100,
            },
        )
        .sum()
}

/// The first of those with most votes.
fn best<T: Copy, const N: usize>(candidates: [T; N], votes: impl Fn(T) -> i64) -> T {
    let mut best = (candidates[0], votes(candidates[0]));
    for candidate in &candidates[1..] {
        let count = votes(*candidate);
        if count > best.1 {
            best = (*candidate, count);
        }
    }
    best.0
}

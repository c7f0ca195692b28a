//! What the later looks need to know of each class before they meet its instances: which of their references hold
//! something, and whether they are Finalizers.
//!
//! The referent of a soft, weak or phantom reference is not held by it, but that of a soft one is known. Of a Finalizer
//! only the referent is followed: its links to other Finalizers are the chain, which is analysed by itself.

use crate::classes::{ClassNumber, Classes};
use crate::layout::{Field, Finder, fields};
use crate::value::Type;

/// The class that finalization hangs on.
pub const FINALIZER: &str = "java.lang.ref.Finalizer";
/// The superclass of all references, which declares what they refer to.
pub const REFERENCE: &str = "java.lang.ref.Reference";
/// The field that does.
pub const REFERENT: &str = "referent";
const SOFT_REFERENCE: &str = "java.lang.ref.SoftReference";
const NOT_HOLDING: [&str; 3] = [
    SOFT_REFERENCE,
    "java.lang.ref.WeakReference",
    "java.lang.ref.PhantomReference",
];

/// The references in an instance that hold what they refer to, by class.
#[derive(Debug)]
pub struct Shapes {
    holding: Vec<Box<[Field]>>,
    /// The referents of soft references.
    softly_holding: Vec<Option<Field>>,
    /// `java.lang.ref.Finalizer`.
    pub finalizer: Option<ClassNumber>,
    /// `java.lang.Class`.
    pub class_class: ClassNumber,
}

/// Fields of all classes together: more than any real program has, less than a hostile file could ask for.
const MOST_FIELDS: usize = 1 << 24;

impl Shapes {
    /// Of all classes that have instances.
    pub fn new(finder: Finder<'_>) -> Shapes {
        let classes = finder.classes;
        let finalizer = classes.of_boot_loader(FINALIZER);
        let not_holding = descendants(classes, &NOT_HOLDING);
        let soft = descendants(classes, &[SOFT_REFERENCE]);
        let referent = |field: &Field| {
            classes.get(field.declared_in).name == REFERENCE
                && finder.names.read(finder.dump, field.name) == REFERENT
        };
        let softly_holding = classes.iter().map(|(number, class)| {
            let all = || fields(classes, number, finder.dump.ids);
            let is_soft = class.instances > 0 && soft[number as usize];
            is_soft.then(|| all().find(|field| referent(field)))?
        });
        let softly_holding = softly_holding.collect();
        let mut left = MOST_FIELDS;
        let mut of_class = |number: ClassNumber| {
            let mut holding: Vec<Field> = fields(classes, number, finder.dump.ids)
                .filter(|field| field.kind == Type::Object)
                .take(left)
                .collect();
            left -= holding.len();
            if Some(number) == finalizer {
                holding.retain(referent);
            } else if not_holding[number as usize] {
                holding.retain(|field| !referent(field));
            }
            holding.into_boxed_slice()
        };
        let holding = classes
            .iter()
            .map(|(number, class)| match class.instances {
                0 => Box::default(),
                _ => of_class(number),
            })
            .collect();
        Shapes {
            holding,
            softly_holding,
            finalizer,
            class_class: classes.of_boot_loader("java.lang.Class").unwrap_or(0),
        }
    }

    /// The references of an instance of `class` that hold something.
    #[inline]
    pub fn holding(&self, class: ClassNumber) -> &[Field] {
        &self.holding[class as usize]
    }

    /// The referent of an instance of `class`, one of soft references.
    #[inline]
    pub fn softly_holding(&self, class: ClassNumber) -> Option<&Field> {
        self.softly_holding[class as usize].as_ref()
    }
}

/// Which classes are one of these, or a subclass.
fn descendants(classes: &Classes, names: &[&str]) -> Vec<bool> {
    let mut all = vec![false; classes.len()];
    for class in names.iter().filter_map(|name| classes.of_boot_loader(name)) {
        let descendants = classes.descendants(class);
        all.iter_mut()
            .zip(descendants)
            .for_each(|(all, descends)| *all |= descends);
    }
    all
}

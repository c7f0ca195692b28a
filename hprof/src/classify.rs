//! The second look: each object's class, size and number of references, and what the Finalizers say.

use crate::addresses::Near;
use crate::classes::{ClassNumber, Classes};
use crate::columns::{ClassColumn, SmallColumn};
use crate::entry::{ClassDump, Visitor};
use crate::error::Error;
use crate::finalizers::{self, FinalizerFields, Rows};
use crate::look::look;
use crate::progress::{Phase, Progress};
use crate::shape::Shapes;
use crate::sizes::Sizes;
use crate::source::Dump;
use crate::survey::Survey;
use crate::value::{IdSize, Type};

/// Sizes are multiples of this.
pub const SIZE_UNIT: u64 = 8;

/// What is known of each object.
#[derive(Debug)]
pub struct Objects {
    /// Its class; `java.lang.Class` for classes.
    pub classes: ClassColumn,
    /// How many references it has that hold something.
    pub references: SmallColumn,
    /// Its size in units of [`SIZE_UNIT`].
    pub sizes: SmallColumn,
}

/// What the look needs.
pub struct Wanted<'a> {
    /// References that hold.
    pub shapes: &'a Shapes,
    /// Sizes in the heap.
    pub sizes: &'a Sizes,
    /// Sizes and references are wanted for each object.
    pub graph: bool,
    /// Where Finalizers have their fields; `None` where there is no such class.
    pub finalizer: Option<&'a FinalizerFields>,
}

/// What it gives.
pub struct Classified {
    /// All objects.
    pub objects: Objects,
    /// All Finalizers.
    pub finalizers: Rows,
    /// The lowest and the highest address in each part of the dump.
    pub ranges: Vec<(u64, u64)>,
    /// The size of all objects.
    pub bytes: u64,
}

/// Takes the second look.
pub fn classify(
    dump: &Dump,
    survey: &Survey,
    wanted: &Wanted<'_>,
    progress: &Progress,
) -> Result<Classified, Error> {
    let count = survey.index.len();
    let objects = Objects {
        classes: ClassColumn::new(count, &instances(survey, wanted.shapes.class_class)),
        references: SmallColumn::new(if wanted.graph { count } else { 0 }),
        sizes: SmallColumn::new(if wanted.graph { count } else { 0 }),
    };
    let looked = look(dump, survey, progress, Phase::Classifying, || Classifier {
        ids: dump.ids,
        survey,
        wanted,
        objects: &objects,
        near: Near::default(),
        links: [Near::default(); 3],
        seen: [(0, 0); SEEN],
        array: None,
        bytes: 0,
        parts: Vec::new(),
    })?;
    let bytes = looked.iter().map(|classifier| classifier.bytes).sum();
    let parts: Vec<Part> = looked
        .into_iter()
        .flat_map(|classifier| classifier.parts)
        .collect();
    let mut ranges = vec![NO_RANGE; survey.chunks.len()];
    parts
        .iter()
        .for_each(|part| ranges[part.chunk] = part.range);
    let finalizers = Rows::new(parts.into_iter().map(|part| part.finalizers).collect());
    Ok(Classified {
        objects,
        finalizers,
        ranges,
        bytes,
    })
}

/// How many objects are of each class: classes are objects too.
fn instances(survey: &Survey, class_class: ClassNumber) -> Vec<u64> {
    let classes = survey.classes.iter();
    let mut instances: Vec<u64> = classes.map(|(_, class)| class.instances).collect();
    if let Some(classes) = instances.get_mut(class_class as usize) {
        *classes += survey.classes.len() as u64;
    }
    instances
}

const SEEN: usize = 256;
const NO_RANGE: (u64, u64) = (u64::MAX, 0);

struct Classifier<'a> {
    ids: IdSize,
    survey: &'a Survey,
    wanted: &'a Wanted<'a>,
    objects: &'a Objects,
    near: Near,
    seen: [(u64, ClassNumber); SEEN],
    /// The array whose elements come, and how many of them were no null so far.
    array: Option<(u32, u64)>,
    /// The size of all objects so far.
    bytes: u64,
    /// Near the referents of Finalizers, and those that they link to.
    links: [Near; 3],
    parts: Vec<Part>,
}

/// What was found in one part of the dump.
struct Part {
    chunk: usize,
    range: (u64, u64),
    finalizers: finalizers::Part,
}

impl Classifier<'_> {
    #[inline]
    fn class(&mut self, id: u64) -> Option<ClassNumber> {
        let seen = &mut self.seen[(id >> 3) as usize % SEEN];
        if seen.0 != id || id == 0 {
            *seen = (id, self.survey.classes.number(id)?);
        }
        Some(seen.1)
    }

    #[inline]
    fn object(&mut self, id: u64, class: ClassNumber, bytes: u64) -> Option<u32> {
        let number = self.survey.index.number_near(id, &mut self.near)?;
        if let Some(part) = self.parts.last_mut() {
            part.range = (id.min(part.range.0), id.max(part.range.1));
        }
        self.bytes += bytes;
        self.objects.classes.set(number, class);
        self.objects.sizes.set(number, bytes / SIZE_UNIT);
        Some(number)
    }
}

impl Visitor for Classifier<'_> {
    const ELEMENTS: bool = true;

    fn chunk(&mut self, number: usize) {
        if let Some(before) = self.parts.last_mut() {
            before.finalizers.shrink();
        }
        let finalizers = finalizers::Part::default();
        self.parts.push(Part {
            chunk: number,
            range: NO_RANGE,
            finalizers,
        });
    }

    fn class(&mut self, _at: u64, class: ClassDump) {
        let (references, bytes) = (holding(&class), self.wanted.sizes.class(&class));
        if let Some(number) = self.object(class.id, self.wanted.shapes.class_class, bytes) {
            self.objects
                .references
                .set(number, references.count() as u64);
        }
    }

    #[inline]
    fn instance(&mut self, _at: u64, id: u64, class: u64, body: &[u8]) {
        let Some(class) = self.class(class) else {
            return;
        };
        let Some(number) = self.object(id, class, self.wanted.sizes.instance(class)) else {
            return;
        };
        let holding = if self.wanted.graph {
            self.wanted.shapes.holding(class)
        } else {
            &[]
        };
        let references = holding
            .iter()
            .filter(|field| field.read(self.ids, body) != 0)
            .count();
        self.objects.references.set(number, references as u64);
        if Some(class) == self.wanted.shapes.finalizer {
            let fields = self.wanted.finalizer;
            let row = fields.map(|fields| {
                fields.row(number, body, &self.survey.index, self.ids, &mut self.links)
            });
            if let Some((part, row)) = self.parts.last_mut().zip(row) {
                part.finalizers.push(row);
            }
        }
    }

    #[inline]
    fn object_array(&mut self, _at: u64, id: u64, class: u64, length: u32) {
        let bytes = self.wanted.sizes.array(Type::Object, length);
        let class = self.class(class);
        let number = class.and_then(|class| self.object(id, class, bytes));
        self.array = number
            .filter(|_| self.wanted.graph)
            .map(|number| (number, 0));
    }

    #[inline]
    fn elements(&mut self, elements: &[u8]) {
        let ids = self.ids;
        if let Some((number, count)) = &mut self.array {
            let present = elements
                .chunks_exact(ids.bytes())
                .filter(|id| ids.read(id) != 0);
            *count += present.count() as u64;
            self.objects.references.set(*number, *count);
        }
    }

    #[inline]
    fn primitive_array(&mut self, _at: u64, id: u64, element: Type, length: u32, _body: u64) {
        let bytes = self.wanted.sizes.array(element, length);
        self.object(id, Classes::of_primitive_array(element), bytes);
    }
}

/// What a class refers to, nulls left out, in an order that stays: statics first, each with its place among them.
pub fn holding(class: &ClassDump) -> impl Iterator<Item = (Option<usize>, u64)> + '_ {
    let statics = class.statics.iter().enumerate();
    let statics = statics.filter(|(_, (_, kind, _))| *kind == Type::Object);
    let others = [
        class.superclass,
        class.loader,
        class.others[0],
        class.others[1],
    ];
    statics
        .map(|(place, &(_, _, id))| (Some(place), id))
        .chain(others.map(|id| (None, id)))
        .filter(|&(_, id)| id != 0)
}

//! Who refers to whom: the third look fills in the numbers of the objects that each object holds.
//!
//! Beside every reference stands the place of its field in the class's [`Shapes::holding`], so that a path can be told
//! with names without going back to the dump.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use crate::addresses::{Near, Number};
use crate::classes::{Class, ClassNumber};
use crate::classify::{Objects, holding};
use crate::columns::SmallColumn;
use crate::entry::{ClassDump, Visitor};
use crate::error::Error;
use crate::finalizers::NULL;
use crate::loaders::Loaders;
use crate::look::look;
use crate::progress::{Phase, Progress};
use crate::shape::Shapes;
use crate::source::Dump;
use crate::survey::Survey;
use crate::value::{IdSize, Type};

/// A place that does not fit or has no meaning: an element of an array, a class's superclass.
pub const NO_PLACE: u8 = u8::MAX;
/// The last place that is one; those between have a meaning for paths.
pub const LAST_PLACE: u8 = NO_PLACE - 4;

/// All references of a dump that hold something.
#[derive(Debug)]
pub struct Graph {
    classes: Vec<Option<Number>>,
    other_loaders: bool,
    starts: Starts,
    targets: Vec<AtomicU32>,
    places: Vec<AtomicU8>,
    soft: Vec<(Number, Number)>,
}

impl Graph {
    /// Takes the third look.
    pub fn build(
        dump: &Dump,
        survey: &Survey,
        shapes: &Shapes,
        objects: &Objects,
        loaders: &Loaders,
        progress: &Progress,
    ) -> Result<Graph, Error> {
        let unloadable = |class: &Class| {
            let object = survey.index.number(class.id);
            object.filter(|_| class.instances > 0 && !loaders.is_built_in(class.loader()))
        };
        let classes: Vec<Option<Number>> = survey
            .classes
            .iter()
            .map(|(_, class)| unloadable(class))
            .collect();
        let starts = Starts::new(&objects.references, survey.index.len());
        let count = starts.total as usize;
        let mut graph = Graph {
            other_loaders: classes.iter().any(Option::is_some),
            classes,
            starts,
            targets: (0..count).map(|_| AtomicU32::new(NULL)).collect(),
            places: (0..count).map(|_| AtomicU8::new(NO_PLACE)).collect(),
            soft: Vec::new(),
        };
        let linkers = look(dump, survey, progress, Phase::Linking, || Linker {
            ids: dump.ids,
            survey,
            shapes,
            objects,
            graph: &graph,
            own: Near::default(),
            near: Near::default(),
            at: 0,
            end: 0,
            soft: Vec::new(),
        })?;
        let soft = linkers.into_iter().flat_map(|linker| linker.soft);
        let mut soft: Vec<(Number, Number)> = soft.collect();
        soft.sort_unstable();
        graph.soft = soft;
        Ok(graph)
    }

    /// The soft references, in ascending order, each with its referent, which it does not hold.
    pub fn soft(&self) -> &[(Number, Number)] {
        &self.soft
    }

    /// For each class that can be unloaded, and has instances that keep it from that, its object.
    pub fn classes(&self) -> &[Option<Number>] {
        &self.classes
    }

    /// Whether there are such classes.
    pub fn has_other_loaders(&self) -> bool {
        self.other_loaders
    }

    /// What an object holds, and by which place among its references.
    #[inline]
    pub fn held_by<'a>(
        &'a self,
        objects: &Objects,
        number: Number,
    ) -> impl Iterator<Item = (Number, u8)> + 'a {
        let (start, count) = self.starts.of(&objects.references, number);
        let range = start..start + count;
        let targets = self.targets[range.clone()]
            .iter()
            .map(|target| target.load(Relaxed));
        let places = self.places[range].iter().map(|place| place.load(Relaxed));
        targets.zip(places).filter(|&(target, _)| target != NULL)
    }
}

/// Where each object's references begin: one number for a block of objects, the rest added up.
#[derive(Debug)]
struct Starts {
    blocks: Vec<u64>,
    total: u64,
}

const BLOCK: u32 = 32;

impl Starts {
    fn new(references: &SmallColumn, objects: usize) -> Starts {
        let mut starts = Starts {
            blocks: Vec::with_capacity(objects.div_ceil(BLOCK as usize)),
            total: 0,
        };
        for number in 0..objects as u32 {
            if number % BLOCK == 0 {
                starts.blocks.push(starts.total);
            }
            starts.total += references.get(number);
        }
        starts
    }

    #[inline]
    fn of(&self, references: &SmallColumn, number: Number) -> (usize, usize) {
        let before: u64 = (number - number % BLOCK..number)
            .map(|before| references.get(before))
            .sum();
        (
            (self.blocks[(number / BLOCK) as usize] + before) as usize,
            references.get(number) as usize,
        )
    }
}

struct Linker<'a> {
    ids: IdSize,
    survey: &'a Survey,
    shapes: &'a Shapes,
    objects: &'a Objects,
    graph: &'a Graph,
    own: Near,
    near: Near,
    /// Where the next reference of the present object goes, and where its last one ends.
    at: usize,
    end: usize,
    /// Soft references and their referents.
    soft: Vec<(Number, Number)>,
}

impl Linker<'_> {
    #[inline]
    fn begin(&mut self, id: u64) -> Option<Number> {
        let number = self.survey.index.number_near(id, &mut self.own);
        let (start, count) = number.map_or((0, 0), |number| {
            self.graph.starts.of(&self.objects.references, number)
        });
        (self.at, self.end) = (start, start + count);
        number
    }

    #[inline]
    fn link(&mut self, id: u64, place: u8) {
        if self.at < self.end {
            let target = self
                .survey
                .index
                .number_near(id, &mut self.near)
                .unwrap_or(NULL);
            self.graph.targets[self.at].store(target, Relaxed);
            self.graph.places[self.at].store(place, Relaxed);
            self.at += 1;
        }
    }

    fn class_of(&self, number: Number) -> ClassNumber {
        self.objects.classes.get(number)
    }
}

fn place(place: usize) -> u8 {
    let place = u8::try_from(place).unwrap_or(NO_PLACE);
    if place > LAST_PLACE { NO_PLACE } else { place }
}

impl Visitor for Linker<'_> {
    const ELEMENTS: bool = true;

    fn class(&mut self, _at: u64, class: ClassDump) {
        if self.begin(class.id).is_some() {
            for (field, id) in holding(&class) {
                self.link(id, field.map_or(NO_PLACE, place));
            }
        }
    }

    #[inline]
    fn instance(&mut self, _at: u64, id: u64, _class: u64, body: &[u8]) {
        let Some(number) = self.begin(id) else { return };
        // Not a soft reference either: such a one has its queue, or none, which is an object as well.
        if self.at == self.end {
            return;
        }
        let class = self.class_of(number);
        let referent = self.shapes.softly_holding(class);
        if let Some(target) = referent.and_then(|referent| {
            let id = referent.read(self.ids, body);
            self.survey.index.number_near(id, &mut self.near)
        }) {
            self.soft.push((number, target));
        }
        for (field, reference) in self.shapes.holding(class).iter().enumerate() {
            let id = reference.read(self.ids, body);
            if id != 0 {
                self.link(id, place(field));
            }
        }
    }

    #[inline]
    fn object_array(&mut self, _at: u64, id: u64, _class: u64, _length: u32) {
        self.begin(id);
    }

    #[inline]
    fn elements(&mut self, elements: &[u8]) {
        let ids = self.ids;
        for id in elements.chunks_exact(ids.bytes()).map(|id| ids.read(id)) {
            if id != 0 {
                self.link(id, NO_PLACE);
            }
        }
    }

    fn primitive_array(&mut self, _at: u64, _id: u64, _element: Type, _length: u32, _body: u64) {}
}

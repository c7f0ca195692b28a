//! Along the references from the roots as the VM tells them, noting how objects are reached.
//!
//! In the VM's thread, with the application standing still. Of the objects that are reached in
//! the same way only so many are looked at, and of long arrays only some elements, in a stop of
//! its own: the elements of an array are all told by the VM before the first is followed.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{
    Limits, Marks, Progress,
    classes::LoadedClasses,
    paths::{Node, Paths, Start, Via},
    tag::{self, Meaning},
};
use crate::jvmti::{Answer, Kind, Reference, Visitor};

/// Objects that are tagged, at the most: the VM takes less than 100 bytes for each.
pub const MOST_TAGS: usize = 200_000;

/// References between two looks at the clock.
const REFERENCES_BETWEEN_LOOKS: u64 = 1 << 10;

/// Elements of an array that is told whole.
const LONG: u32 = 1 << 16;

/// Long arrays that are looked at, at the most.
const MOST_LONG_ARRAYS: usize = 256;

/// An array of which some elements are looked at.
#[derive(Debug, Clone, Copy)]
pub struct LongArray {
    /// Where it is.
    pub node: Node,
    /// Its elements.
    pub length: u32,
}

/// Walks have numbers from here on; those before are for walks of another kind.
const FIRST: u32 = 100;

/// A walk, of one or several stops.
pub struct Walk<'a> {
    classes: &'a LoadedClasses,
    paths: Paths,
    /// The number of the walk: tags of those before it mean nothing.
    number: u32,
    limits: Limits,
    /// How long a stop may take.
    time: Duration,
    /// When this stop began.
    began: Option<Instant>,
    /// Objects that have a tag.
    tagged: usize,
    /// The classes and threads that were visited.
    visited: HashSet<i64>,
    /// All that were met in this walk.
    long_arrays: Vec<LongArray>,
    /// How many of them were there before the last stop.
    arrays_before: usize,
    /// Where each of the objects is that the stop began at.
    from: Vec<Node>,
    /// What soft references keep.
    marks: Marks,
    progress: Progress,
}

impl<'a> Walk<'a> {
    /// Nothing was looked at yet.
    pub(super) fn new(classes: &'a LoadedClasses, marks: Marks) -> Walk<'a> {
        Walk {
            classes,
            paths: Paths::new(),
            number: FIRST,
            limits: Limits { alike: 0 },
            time: Duration::ZERO,
            began: None,
            tagged: 0,
            visited: HashSet::with_capacity(classes.len()),
            long_arrays: Vec::new(),
            arrays_before: 0,
            from: Vec::new(),
            marks,
            progress: Progress::default(),
        }
    }

    /// A new walk is about to begin, at the roots.
    pub fn begin(&mut self, limits: Limits, time: Duration) {
        self.number += 1;
        self.limits = limits;
        self.time = time;
        self.began = None;
        self.paths.clear();
        self.visited.clear();
        self.long_arrays.clear();
        self.arrays_before = 0;
        self.from.clear();
        self.progress = Progress {
            all_roots: true,
            ..Progress::default()
        };
    }

    /// The walk is about to go on at elements of long arrays, which are in an array of their
    /// own by now, each from where `from` says.
    pub fn go_on(&mut self, from: Vec<Node>, time: Duration) {
        self.time = time;
        self.began = None;
        self.from = from;
        self.arrays_before = self.long_arrays.len();
    }

    /// When the stop began: the first reference was told. The VM may have waited for a collection
    /// before it stopped the application.
    pub fn began(&self) -> Option<Instant> {
        self.began
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What soft references keep, and how much of it is held otherwise.
    pub(super) fn marks(&self) -> &Marks {
        &self.marks
    }

    /// The long arrays that were met in the last stop, each with its tag.
    pub fn long_arrays(&self) -> Vec<(i64, LongArray)> {
        let arrays = self.long_arrays.iter().enumerate();
        let arrays = arrays.skip(self.arrays_before);
        arrays
            .map(|(place, &array)| (tag::long_array(self.number, place), array))
            .collect()
    }

    /// A part of a long array is going to be looked at.
    pub fn see_part(&mut self, array: LongArray, elements: usize) {
        let part = elements as f64 / f64::from(array.length);
        self.paths.see(array.node, part);
        self.progress.cut = true;
    }

    /// The ways that were gone.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Where whatever refers to the object is, and which part of it does.
    fn origin(&mut self, reference: &Reference) -> (Node, Via) {
        let start = match reference.kind {
            Kind::JniGlobal => Start::JniGlobal,
            Kind::Monitor => Start::Monitor,
            Kind::Thread | Kind::OtherRoot | Kind::SystemClass => Start::Other,
            Kind::StackLocal(frame) => Start::Stack(frame),
            Kind::JniLocal(frame) => Start::JniLocal(frame),
            Kind::Class
            | Kind::Field(_)
            | Kind::StaticField(_)
            | Kind::Element(_)
            | Kind::OfClass => return self.part(reference),
        };
        (self.paths.start(start), Via::NoField)
    }

    fn part(&mut self, reference: &Reference) -> (Node, Via) {
        let via = match reference.kind {
            Kind::Field(index) => Via::Field(index),
            _ => Via::NoField,
        };
        let node = match (tag::read(reference.referrer_tag), reference.kind) {
            (Meaning::At { node, .. }, _) => node,
            (Meaning::Thread(thread), _) => {
                let start = self.paths.start(Start::Thread(thread));
                match class_number(reference.referrer_class_tag) {
                    Some(class) => self.paths.step(start, Via::NoField, class),
                    None => start,
                }
            }
            (Meaning::Class(number), kind) => {
                let start = match kind {
                    Kind::StaticField(index) => Start::Static(number, index),
                    _ => Start::Class(number),
                };
                return (self.paths.start(start), Via::NoField);
            }
            // The array that the stop began at.
            (Meaning::None, Kind::Element(index)) => {
                let from = usize::try_from(index).ok();
                let from = from.and_then(|index| self.from.get(index).copied());
                from.unwrap_or_else(|| self.paths.start(Start::Other))
            }
            _ => self.paths.start(Start::Other),
        };
        (node, via)
    }

    /// The first reference of an object (HotSpot, `iterate_over_object`).
    fn see(&mut self, reference: &Reference) {
        match tag::read(reference.referrer_tag) {
            Meaning::At { node, .. } => self.paths.see(node, 1.0),
            Meaning::Thread(_) => {
                let (node, _) = self.part(reference);
                self.paths.meet(node);
                self.paths.see(node, 1.0);
            }
            _ => {}
        }
    }

    /// An object that has not been met in this walk.
    fn meet(&mut self, reference: &Reference, class: u32) -> Answer {
        let (origin, via) = self.origin(reference);
        let node = self.paths.step(origin, via, class);
        let met = self.paths.meet(node);
        let was_marked = self.marks.hold(reference.tag);
        let is_within = met <= self.limits.alike && (self.tagged < MOST_TAGS || reference.tag != 0);
        if !is_within {
            self.progress.cut = true;
            // Counted once.
            return if was_marked {
                Answer::Tag(0)
            } else {
                Answer::Skip
            };
        }
        self.tagged += usize::from(reference.tag == 0);
        match reference.length {
            Some(length) if length > LONG => {
                if self.long_arrays.len() >= MOST_LONG_ARRAYS {
                    self.progress.cut = true;
                    return Answer::Skip;
                }
                let tag = tag::long_array(self.number, self.long_arrays.len());
                self.long_arrays.push(LongArray { node, length });
                self.paths.know(node);
                Answer::Tag(tag)
            }
            _ => {
                self.paths.know(node);
                Answer::Visit(tag::at(self.number, node))
            }
        }
    }

    /// An object that has been met in this walk, and `repeatedly` in the same way.
    fn meet_again(&mut self, reference: &Reference, node: Node, repeatedly: bool) -> Answer {
        let (origin, via) = self.origin(reference);
        match self.paths.meet_again(origin, via, node, repeatedly) {
            true => Answer::Tag(tag::repeated(reference.tag)),
            false => Answer::Skip,
        }
    }
}

fn class_number(tag: i64) -> Option<u32> {
    match tag::read(tag) {
        Meaning::Class(number) => Some(number),
        _ => None,
    }
}

impl Visitor for Walk<'_> {
    fn visit(&mut self, reference: Reference) -> Answer {
        self.progress.references += 1;
        let began = *self.began.get_or_insert_with(Instant::now);
        if self
            .progress
            .references
            .is_multiple_of(REFERENCES_BETWEEN_LOOKS)
            && began.elapsed() >= self.time
        {
            self.progress.out_of_time = true;
            return Answer::Abort;
        }
        if reference.kind == Kind::Class {
            self.see(&reference);
        }
        let Some(class) = class_number(reference.class_tag) else {
            // It was loaded after all were tagged. What it holds is not known.
            self.progress.cut = true;
            return Answer::Skip;
        };
        if self.classes.is_leaf(class) {
            return Answer::Skip;
        }
        if let (Kind::Field(index), Some(class)) =
            (reference.kind, class_number(reference.referrer_class_tag))
            && self.classes.is_referent(class, index)
        {
            return Answer::Skip;
        }
        match tag::read(reference.tag) {
            Meaning::Class(_) | Meaning::Thread(_) => match self.visited.insert(reference.tag) {
                true => Answer::Visit(reference.tag),
                false => Answer::Skip,
            },
            Meaning::At {
                walk,
                node,
                repeatedly,
            } if walk == self.number => self.meet_again(&reference, node, repeatedly),
            Meaning::LongArray { walk, place } if walk == self.number => {
                match self.long_arrays.get(place as usize) {
                    // Its tag says no more.
                    Some(&array) => self.meet_again(&reference, array.node, true),
                    None => Answer::Skip,
                }
            }
            Meaning::None | Meaning::At { .. } | Meaning::LongArray { .. } => {
                self.meet(&reference, class)
            }
        }
    }
}

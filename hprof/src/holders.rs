//! Who holds the finalizable objects: the fields that refer to them, and the shortest paths from roots, those that
//! lead through the same fields of the same classes told as one.
//!
//! The dump's objects are gone through level by level from the roots, so each is met first by a shortest path. Paths
//! are told apart by classes and fields, not by objects: a step that repeats the one before (the nodes of a list) adds
//! nothing, and of a path longer than [`LONGEST`] the middle is left out.
//!
//! What no path leads to may be kept by soft references: from those that were met it goes on in the end.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::addresses::Number;
use crate::classes::ClassNumber;
use crate::classify::Objects;
use crate::columns::Bits;
use crate::graph::{Graph, LAST_PLACE, NO_PLACE};
use crate::registry::Registry;

/// Steps of a path.
const LONGEST: u32 = 64;
/// Distinct paths; a heap has some ten thousand.
const MOST_STEPS: usize = 1 << 20;

/// The place of a step that is not held by the step before but by one that was left out, of a path too long to tell.
const LEFT_OUT: u8 = NO_PLACE - 1;

/// The same on a path through soft references.
const SOFTLY_LEFT_OUT: u8 = NO_PLACE - 2;

/// The place of the referent of a soft reference.
pub const SOFT: u8 = LAST_PLACE + 1;

/// A soft reference that was not met.
const NOT_MET: StepNumber = StepNumber::MAX;

/// Objects of a block of the queue.
const BLOCK: usize = 1 << 14;

/// A step's number.
pub type StepNumber = u32;

/// One step of a path: an object of this class, held by the step before through this place.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The step before; `None` for one that a root holds.
    pub parent: Option<StepNumber>,
    /// The place among the references of the step before: see [`crate::Shapes::holding`].
    pub place: u8,
    /// The class.
    pub class: ClassNumber,
    /// For the first step, the root's number among those given.
    pub root: u32,
    /// For a class as the step before, which one: its fields are static.
    pub holder: Number,
    /// More of the same follow.
    pub repeats: bool,
    /// Finalizable objects met here.
    pub found: u64,
    /// The step that a root's object leads to on this path, itself or one before; where it is the root's object, itself.
    pub beginning: StepNumber,
    depth: u32,
    last: Option<(u8, ClassNumber, StepNumber)>,
}

impl Step {
    /// Whether steps are left out before it.
    pub fn is_behind_gap(&self) -> bool {
        matches!(self.place, LEFT_OUT | SOFTLY_LEFT_OUT)
    }
}

/// All steps.
#[derive(Debug, Default)]
pub struct Paths {
    /// The objects to which a path leads, be it through soft references.
    pub met: Bits,
    /// The steps from this one on are of paths through soft references.
    pub soft_from: StepNumber,
    /// By number; a parent comes before its children.
    pub steps: Vec<Step>,
    numbers: HashMap<(StepNumber, u64), StepNumber, RandomState>,
}

/// An object that a root holds, and what tells its path apart from others.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    /// The object.
    pub object: Number,
    /// Roots with the same label share their paths.
    pub label: u32,
}

impl Paths {
    /// Goes through the dump from the first seeds to the end, then from the next ones.
    pub fn find(
        graph: &Graph,
        objects: &Objects,
        registry: &Registry,
        classes: ClassNumber,
        seeds: &[&[Seed]],
    ) -> Paths {
        let mut search = Search {
            graph,
            objects,
            registry,
            class_class: classes,
            met: Bits::new(objects.classes.len()),
            class_met: vec![false; graph.classes().len()],
            paths: Paths::default(),
            next: VecDeque::new(),
            soft: Bits::new(objects.classes.len()),
            soft_steps: vec![NOT_MET; graph.soft().len()],
            softly: false,
        };
        for &(reference, _) in graph.soft() {
            search.soft.set(reference);
        }
        for seeds in seeds {
            seeds.iter().for_each(|seed| search.seed(*seed));
            search.go_on();
        }
        search.go_on_softly();
        search.paths.met = search.met;
        search.paths
    }

    /// A step and those before it, the last first.
    pub fn back_from(&self, step: StepNumber) -> impl Iterator<Item = &Step> {
        let before = |step: &&Step| {
            step.parent
                .and_then(|parent| self.steps.get(parent as usize))
        };
        std::iter::successors(self.steps.get(step as usize), before)
    }

    /// For each step, whether an object of this class stands before it.
    pub fn behind(&self, class: ClassNumber) -> Vec<bool> {
        let mut behind = vec![false; self.steps.len()];
        for (number, step) in self.steps.iter().enumerate() {
            let before = step.parent.map(|parent| parent as usize);
            behind[number] =
                before.is_some_and(|before| behind[before] || self.steps[before].class == class);
        }
        behind
    }

    fn step(
        &mut self,
        parent: Option<StepNumber>,
        place: u8,
        class: ClassNumber,
        root: u32,
        holder: Number,
    ) -> StepNumber {
        let key_parent = parent.unwrap_or(StepNumber::MAX - root);
        let distinct = if parent.is_some() { holder } else { 0 };
        let key = (
            key_parent,
            u64::from(place) << 56 | u64::from(class) << 32 | u64::from(distinct),
        );
        if let Some(&known) = self.numbers.get(&key) {
            return known;
        }
        let depth = parent.map_or(0, |parent| self.steps[parent as usize].depth + 1);
        let number = self.steps.len() as StepNumber;
        let before = parent.map(|parent| &self.steps[parent as usize]);
        let beginning = before.and_then(|before| before.parent.map(|_| before.beginning));
        let step = Step {
            parent,
            place,
            class,
            root,
            holder,
            repeats: false,
            found: 0,
            beginning: beginning.unwrap_or(number),
            depth,
            last: None,
        };
        self.steps.push(step);
        self.numbers.insert(key, number);
        number
    }
}

struct Search<'a> {
    graph: &'a Graph,
    objects: &'a Objects,
    registry: &'a Registry,
    class_class: ClassNumber,
    met: Bits,
    class_met: Vec<bool>,
    paths: Paths,
    /// Objects to be opened, the first first, in blocks: what is done is given back.
    next: VecDeque<Vec<(Number, StepNumber)>>,
    /// The soft references,
    soft: Bits,
    /// and at which step each was met.
    soft_steps: Vec<StepNumber>,
    /// They are followed.
    softly: bool,
}

impl Search<'_> {
    fn seed(&mut self, seed: Seed) {
        if self.met.set(seed.object) {
            let class = self.objects.classes.get(seed.object);
            let holder = if class == self.class_class {
                seed.object
            } else {
                0
            };
            let step = self.paths.step(None, NO_PLACE, class, seed.label, holder);
            self.arrive(seed.object, step);
        }
    }

    fn go_on(&mut self) {
        while let Some(block) = self.next.pop_front() {
            for (object, step) in block {
                self.open(object, step);
            }
        }
    }

    fn go_on_softly(&mut self) {
        self.softly = true;
        self.paths.soft_from = self.paths.steps.len() as StepNumber;
        for place in 0..self.soft_steps.len() {
            if self.soft_steps[place] != NOT_MET {
                self.follow_softly(place, self.soft_steps[place]);
            }
        }
        self.go_on();
    }

    /// A soft reference was met.
    fn meet_softly(&mut self, reference: Number, step: StepNumber) {
        let place = self
            .graph
            .soft()
            .binary_search_by_key(&reference, |&(reference, _)| reference);
        let Ok(place) = place else { return };
        match self.softly {
            true => self.follow_softly(place, step),
            false => self.soft_steps[place] = step,
        }
    }

    fn follow_softly(&mut self, place: usize, step: StepNumber) {
        let (_, target) = self.graph.soft()[place];
        if self.met.set(target) {
            let next = self.follow(step, SOFT, self.objects.classes.get(target), 0);
            self.arrive(target, next);
        }
    }

    #[inline]
    fn arrive(&mut self, object: Number, step: StepNumber) {
        if self.registry.referents.get(object) {
            self.paths.steps[step as usize].found += 1;
        }
        if self.graph.has_other_loaders() {
            self.meet_class(object, step);
        }
        // A Finalizer holds nothing; what refers to nothing leads nowhere.
        if self.objects.references.get(object) > 0 && !self.registry.finalizers.get(object) {
            self.queue(object, step);
        }
    }

    fn queue(&mut self, object: Number, step: StepNumber) {
        match self.next.back_mut() {
            Some(block) if block.len() < BLOCK => block.push((object, step)),
            _ => self.next.push_back(vec![(object, step)]),
        }
    }

    /// An object holds its class.
    fn meet_class(&mut self, object: Number, step: StepNumber) {
        let class = self.objects.classes.get(object);
        if let Some(target) = self.graph.classes().get(class as usize).copied().flatten()
            && !std::mem::replace(&mut self.class_met[class as usize], true)
            && self.met.set(target)
        {
            let next = self.follow(step, NO_PLACE, self.class_class, 0);
            self.arrive(target, next);
        }
    }

    fn open(&mut self, object: Number, step: StepNumber) {
        if self.soft.get(object) {
            self.meet_softly(object, step);
        }
        let holder = if self.objects.classes.get(object) == self.class_class {
            object
        } else {
            0
        };
        let (graph, objects) = (self.graph, self.objects);
        for (target, place) in graph.held_by(objects, object) {
            if self.met.set(target) {
                let next = self.follow(step, place, objects.classes.get(target), holder);
                self.arrive(target, next);
            }
        }
    }

    #[inline]
    fn follow(
        &mut self,
        from: StepNumber,
        place: u8,
        class: ClassNumber,
        holder: Number,
    ) -> StepNumber {
        let step = &mut self.paths.steps[from as usize];
        if let Some((last_place, last_class, number)) = step.last
            && (last_place, last_class) == (place, class)
            && holder == 0
        {
            return number;
        }
        if step.class == class && step.place == place && step.parent.is_some() && holder == 0 {
            step.repeats = true;
            return from;
        }
        let (step, root) = (*step, step.root);
        let before = if self.paths.steps.len() >= MOST_STEPS {
            let first = self.paths.steps[step.beginning as usize].parent;
            self.behind_gap(first.unwrap_or(step.beginning), &step)
        } else if step.depth >= LONGEST {
            self.behind_gap(step.beginning, &step)
        } else {
            from
        };
        let number = self.paths.step(Some(before), place, class, root, holder);
        self.paths.steps[from as usize].last = Some((place, class, number));
        number
    }

    /// The same as this step, on a path from the beginning that leaves out what is between them.
    fn behind_gap(&mut self, beginning: StepNumber, step: &Step) -> StepNumber {
        let place = match self.softly {
            true => SOFTLY_LEFT_OUT,
            false => LEFT_OUT,
        };
        self.paths
            .step(Some(beginning), place, step.class, step.root, 0)
    }
}

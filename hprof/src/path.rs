//! Paths in words: roots with their threads and fields, steps with their classes and fields, merged per class of
//! finalizable objects.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::addresses::Number;
use crate::answer::ClassFacts;
use crate::classes::ClassNumber;
use crate::classify::Objects;
use crate::condition::Gap;
use crate::entry::RootKind;
use crate::graph::{Graph, LAST_PLACE, NO_PLACE};
use crate::holders::{Paths, SOFT, Step, StepNumber};
use crate::labels::{Label, Labels};
use crate::layout::Finder;
use crate::registry::Registry;
use crate::shape::{REFERENT, Shapes};
use crate::stacks::FrameNumber;
use crate::survey::Survey;
use crate::threads::Threads;

/// Who holds the instances of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders {
    /// The class.
    pub class: String,
    /// Its loader.
    pub loader: String,
    /// Instances that a Finalizer refers to.
    pub instances: u64,
    /// Those to which a path leads.
    pub held: u64,
    /// Why there may be others whom the dump does not tell of; `None` where all that hold any are known.
    pub gap: Option<Gap>,
    /// Those of the others to which one through soft references leads.
    pub softly_held: u64,
    /// The fields that refer to them, those with most references first.
    pub fields: Vec<HoldingField>,
    /// The paths, those with most instances first; each instance counts in one.
    pub paths: Vec<HoldingPath>,
    /// The same of those that are held softly.
    pub soft_paths: Vec<HoldingPath>,
}

/// A field, or an array, that refers to instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingField {
    /// The class of the objects that have the field.
    pub class: String,
    /// The field; `None` for elements of an array.
    pub field: Option<String>,
    /// Whether it is a static field.
    pub is_static: bool,
    /// How many references.
    pub count: u64,
}

/// Instances held in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldingPath {
    /// How many.
    pub count: u64,
    /// Where the path begins.
    pub root: HoldingRoot,
    /// The objects on the way, the last refers to the instances. Of a path too long to tell the middle is
    /// [`LEFT_OUT`].
    pub chain: Vec<Link>,
}

/// An object on the way and its reference that leads on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its class.
    pub class: String,
    /// The field; `None` for an element of an array.
    pub field: Option<String>,
}

/// The class of a link that stands for others.
pub const LEFT_OUT: &str = "…";

/// A root, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldingRoot {
    /// A static field of a class of the boot, platform or application loader.
    StaticField {
        /// The class.
        class: String,
        /// The field; `None` for what a class holds by other means.
        field: Option<String>,
    },
    /// A live thread's object.
    Thread {
        /// Its name.
        thread: String,
    },
    /// A frame of a thread's stack.
    Stack {
        /// The thread's name.
        thread: String,
        /// The frame.
        method: Option<String>,
    },
    /// A local reference of native code.
    JniLocal {
        /// The thread's name.
        thread: String,
    },
    /// A global reference of native code.
    JniGlobal,
    /// A monitor in use.
    Monitor,
    /// Something else in the JVM.
    Other,
}

/// Paths told for a class.
const MOST_TOLD: usize = 20;
/// Fields told for a class.
const MOST_FIELDS: usize = 20;
/// Classes whose holders are told.
const MOST_CLASSES: usize = 20;
/// What all virtual threads together are called.
const VIRTUAL_NAME: &str = "(virtual threads)";

/// What paths are told with.
pub struct Told<'a> {
    /// Names of fields.
    pub finder: Finder<'a>,
    /// Which place is which field.
    pub shapes: &'a Shapes,
    /// Roots.
    pub labels: &'a Labels,
    /// Threads.
    pub threads: &'a Threads,
    /// Addresses of classes.
    pub survey: &'a Survey,
    /// What the dump does not tell.
    pub gap: Option<Gap>,
}

impl Told<'_> {
    /// For the first of these classes that have any instances.
    pub fn holders(
        &self,
        paths: &Paths,
        graph: &Graph,
        objects: &Objects,
        registry: &Registry,
        facts: &[ClassFacts],
    ) -> Vec<Holders> {
        let mut by_class = HashMap::<ClassNumber, Vec<(u64, StepNumber)>, RandomState>::default();
        for (number, step) in paths
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.found > 0)
        {
            by_class
                .entry(step.class)
                .or_default()
                .push((step.found, number as StepNumber));
        }
        let told: Vec<&ClassFacts> = facts.iter().take(MOST_CLASSES).collect();
        let mut fields = self.fields(graph, objects, registry, &told);
        let of_class = |facts: &&ClassFacts| {
            let mut found = by_class.remove(&facts.number).unwrap_or_default();
            found.sort_by_key(|&(count, number)| (std::cmp::Reverse(count), number));
            let (softly, found): (Vec<_>, Vec<_>) = found
                .into_iter()
                .partition(|&(_, number)| number >= paths.soft_from);
            let sum = |found: &[(u64, StepNumber)]| found.iter().map(|(count, _)| count).sum();
            let told = |found: &[(u64, StepNumber)]| {
                let told = found.iter().take(MOST_TOLD);
                told.map(|&(_, number)| self.path(paths, number)).collect()
            };
            let instances = registry.distinct.get(&facts.number).copied().unwrap_or(0);
            let held = sum(&found);
            // Of what waits for its finalizer the collector has found that nobody holds it.
            let unreachable = facts.counts.pending + facts.counts.running;
            Holders {
                class: facts.class.clone(),
                loader: facts.loader.clone(),
                instances,
                held,
                gap: self.gap.filter(|_| held + unreachable < instances),
                softly_held: sum(&softly),
                fields: fields.remove(&facts.number).unwrap_or_default(),
                paths: told(&found),
                soft_paths: told(&softly),
            }
        };
        told.iter().map(of_class).collect()
    }

    fn path(&self, paths: &Paths, number: StepNumber) -> HoldingPath {
        let mut steps: Vec<&Step> = paths.back_from(number).collect();
        steps.reverse();
        let (first, count) = (steps[0], steps[steps.len() - 1].found);
        let mut chain: Vec<Link> = steps
            .windows(2)
            .map(|pair| self.link(pair[0], pair[1]))
            .collect();
        let mut root = self.root(first.root);
        if let HoldingRoot::StaticField { class, field } = &mut root
            && chain.first().is_some_and(|first| first.class != LEFT_OUT)
        {
            let link = chain.remove(0);
            (*class, *field) = (link.class, link.field);
        }
        HoldingPath { count, root, chain }
    }

    fn link(&self, from: &Step, to: &Step) -> Link {
        let (class, field, _) = match to.is_behind_gap() {
            true => (LEFT_OUT.into(), None, false),
            false => self.reference(from.class, to.holder, to.place),
        };
        Link { class, field }
    }

    /// Class and field of a reference, and whether the field is static: then the class is the one that has it.
    fn reference(
        &self,
        class: ClassNumber,
        holder: Number,
        place: u8,
    ) -> (String, Option<String>, bool) {
        let classes = self.finder.classes;
        if class == self.shapes.class_class && holder != 0 {
            let Some(of) = self.class_of(holder) else {
                return ("?".into(), None, true);
            };
            let field = self.static_field(holder, place);
            let field = field.map(|(_, name, _)| self.finder.names.read(self.finder.dump, name));
            return (classes.get(of).name.clone(), field, true);
        }
        if place == SOFT && self.shapes.softly_holding(class).is_some() {
            return (
                classes.get(class).name.clone(),
                Some(REFERENT.into()),
                false,
            );
        }
        let field = self
            .shapes
            .holding(class)
            .get(usize::from(place))
            .filter(|_| place != NO_PLACE);
        let name = field.map(|field| self.finder.names.read(self.finder.dump, field.name));
        (classes.get(class).name.clone(), name, false)
    }

    /// The class whose `java.lang.Class` this is.
    fn class_of(&self, holder: Number) -> Option<ClassNumber> {
        let id = self.survey.index.address(holder);
        self.finder.classes.number(id)
    }

    /// The class that has the static field at a place of its `java.lang.Class`, the field's name, a string's id, and what
    /// it refers to.
    pub fn static_field(&self, holder: Number, place: u8) -> Option<(ClassNumber, u64, u64)> {
        let class = self.class_of(holder)?;
        let dump = self.finder.classes.get(class).dump.as_ref()?;
        let place = Some(place).filter(|&place| place <= LAST_PLACE)?;
        let &(name, _, value) = dump.statics.get(usize::from(place))?;
        Some((class, name, value))
    }

    /// Whether a path that begins with this step begins with a static field.
    pub fn is_static(&self, first: &Step) -> bool {
        let is_sticky = self.labels.get(first.root).kind == RootKind::StickyClass;
        is_sticky && first.class == self.shapes.class_class
    }

    /// The name of the thread whose object this root is.
    pub fn thread(&self, root: u32) -> Option<&str> {
        let label = self.labels.get(root);
        (label.kind == RootKind::Thread).then(|| self.name(label))
    }

    fn name(&self, label: Label) -> &str {
        match self.threads.get(&label.thread) {
            _ if label.is_virtual() => VIRTUAL_NAME,
            Some(thread) => &thread.name,
            None => "",
        }
    }

    fn root(&self, root: u32) -> HoldingRoot {
        let label = self.labels.get(root);
        let name = || self.name(label).to_owned();
        match label.kind {
            RootKind::StickyClass => HoldingRoot::StaticField {
                class: "?".into(),
                field: None,
            },
            RootKind::Thread => HoldingRoot::Thread { thread: name() },
            RootKind::JavaFrame | RootKind::NativeStack => HoldingRoot::Stack {
                thread: name(),
                method: label.frame.map(|frame| self.frame(frame)),
            },
            RootKind::JniLocal => HoldingRoot::JniLocal { thread: name() },
            RootKind::JniGlobal => HoldingRoot::JniGlobal,
            RootKind::Monitor => HoldingRoot::Monitor,
            RootKind::ThreadBlock | RootKind::Unknown | RootKind::Other => HoldingRoot::Other,
        }
    }

    fn frame(&self, frame: FrameNumber) -> String {
        let Finder {
            dump,
            classes,
            names,
        } = self.finder;
        self.survey.stacks.text(frame, dump, names, classes)
    }

    /// All references to registered instances of these classes, but those of Finalizers.
    fn fields(
        &self,
        graph: &Graph,
        objects: &Objects,
        registry: &Registry,
        told: &[&ClassFacts],
    ) -> HashMap<ClassNumber, Vec<HoldingField>, RandomState> {
        type Key = (ClassNumber, ClassNumber, u8, Number);
        let mut counts = HashMap::<Key, u64, RandomState>::default();
        let wanted: Vec<bool> = {
            let mut wanted = vec![false; self.finder.classes.len()];
            told.iter()
                .for_each(|facts| wanted[facts.number as usize] = true);
            wanted
        };
        for number in 0..objects.classes.len() as Number {
            if objects.references.get(number) == 0 || registry.finalizers.get(number) {
                continue;
            }
            for (target, place) in graph.held_by(objects, number) {
                if registry.referents.get(target) && wanted[objects.classes.get(target) as usize] {
                    let class = objects.classes.get(number);
                    let holder = if class == self.shapes.class_class {
                        number
                    } else {
                        0
                    };
                    *counts
                        .entry((objects.classes.get(target), class, place, holder))
                        .or_default() += 1;
                }
            }
        }
        let mut fields = HashMap::<ClassNumber, Vec<HoldingField>, RandomState>::default();
        for ((target, class, place, holder), count) in counts {
            let (class, field, is_static) = self.reference(class, holder, place);
            fields.entry(target).or_default().push(HoldingField {
                class,
                field,
                is_static,
                count,
            });
        }
        for fields in fields.values_mut() {
            fields.sort_by(|a, b| {
                b.count
                    .cmp(&a.count)
                    .then_with(|| (&a.class, &a.field).cmp(&(&b.class, &b.field)))
            });
            fields.truncate(MOST_FIELDS);
        }
        fields
    }
}

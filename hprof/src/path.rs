//! Paths in words: roots with their threads and fields, steps with their classes and fields, merged per class of
//! finalizable objects.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::addresses::Number;
use crate::answer::ClassFacts;
use crate::classes::ClassNumber;
use crate::classify::Objects;
use crate::condition::Gap;
use crate::entry::{Root, RootKind};
use crate::graph::{Graph, NO_PLACE};
use crate::holders::{Paths, SOFT, Seed, Step, StepNumber};
use crate::layout::Finder;
use crate::loaders::Loaders;
use crate::registry::Registry;
use crate::shape::{REFERENT, Shapes};
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

/// Paths looked at for a class; behind them come few instances each.
const MOST_PATHS: usize = 1000;
/// Paths told for a class.
const MOST_TOLD: usize = 20;
/// Fields told for a class.
const MOST_FIELDS: usize = 20;
/// Classes whose holders are told.
const MOST_CLASSES: usize = 20;

/// Stands for all virtual threads: there may be a million of them, in the same frame.
const VIRTUAL: u32 = u32::MAX;
const VIRTUAL_NAME: &str = "(virtual threads)";

/// What roots are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Label {
    kind: RootKind,
    thread: u32,
    frame: u32,
}

/// The roots of a dump, and the classes that are as good as roots.
pub struct Labels {
    labels: Vec<Label>,
    seeds: Vec<Seed>,
    /// The methods that virtual threads are in.
    methods: Vec<String>,
}

/// Of several roots that hold the same object, the first of these tells most. Stacks and
/// monitors pass, so they come last.
const ORDER: [RootKind; 10] = [
    RootKind::StickyClass,
    RootKind::Thread,
    RootKind::JniGlobal,
    RootKind::JavaFrame,
    RootKind::JniLocal,
    RootKind::NativeStack,
    RootKind::Monitor,
    RootKind::ThreadBlock,
    RootKind::Unknown,
    RootKind::Other,
];

/// How many kinds of [`ORDER`] stay.
const STAYING: usize = 3;

impl Labels {
    /// Of all roots.
    pub fn new(survey: &Survey, loaders: &Loaders, threads: &Threads) -> Labels {
        let mut methods: Vec<String> = Vec::new();
        let mut number_of = HashMap::<String, u32, RandomState>::default();
        let mut of_virtual = |root: &Root| {
            let thread = threads
                .get(&root.thread)
                .filter(|thread| thread.is_virtual)?;
            let method = thread.stack.get(root.frame as usize)?;
            let fresh = methods.len() as u32;
            let frame = *number_of.entry(method.clone()).or_insert(fresh);
            if frame == fresh {
                methods.push(method.clone());
            }
            Some(Label {
                kind: root.kind,
                thread: VIRTUAL,
                frame,
            })
        };
        let mut of_root = |root: &Root| {
            // Frames of one thread are told apart only where there is a stack to name them by.
            let label = match root.kind {
                RootKind::JavaFrame => of_virtual(root).unwrap_or(Label {
                    kind: root.kind,
                    thread: root.thread,
                    frame: root.frame,
                }),
                kind => Label {
                    kind,
                    thread: root.thread,
                    frame: 0,
                },
            };
            Some((label, survey.index.number(root.object)?))
        };
        let statics = Label {
            kind: RootKind::StickyClass,
            thread: 0,
            frame: 0,
        };
        let of_class = |class: &crate::classes::Class| {
            let counts = class.dump.is_some() && loaders.is_built_in(class.loader());
            counts
                .then(|| Some((statics, survey.index.number(class.id)?)))
                .flatten()
        };
        let roots: Vec<(Label, Number)> = survey.roots.iter().filter_map(&mut of_root).collect();
        let classes = survey
            .classes
            .iter()
            .filter_map(|(_, class)| of_class(class));
        let mut all: Vec<(Label, Number)> = roots.into_iter().chain(classes).collect();
        all.sort_by_key(|(label, _)| ORDER.iter().position(|kind| *kind == label.kind));
        let mut labels = Labels {
            labels: Vec::new(),
            seeds: Vec::new(),
            methods,
        };
        let mut numbers = HashMap::<Label, u32, RandomState>::default();
        for (label, object) in all {
            let fresh = labels.labels.len() as u32;
            let number = *numbers.entry(label).or_insert(fresh);
            if number == fresh {
                labels.labels.push(label);
            }
            labels.seeds.push(Seed {
                object,
                label: number,
            });
        }
        labels
    }

    /// Where paths begin: at what stays, and for the objects that this does not hold, at what stands on stacks.
    pub fn seeds(&self) -> [&[Seed]; 2] {
        let stays = |seed: &Seed| ORDER[..STAYING].contains(&self.labels[seed.label as usize].kind);
        let (staying, passing) = self.seeds.split_at(self.seeds.partition_point(stays));
        [staying, passing]
    }

    /// All objects where paths begin.
    pub fn roots(&self) -> Vec<Number> {
        self.seeds.iter().map(|seed| seed.object).collect()
    }
}

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

impl Holders {
    /// Leaves the paths that are worth telling.
    pub fn shorten(&mut self) {
        self.paths.truncate(MOST_TOLD);
        self.soft_paths.truncate(MOST_TOLD);
    }
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
                let told = found.iter().take(MOST_PATHS);
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
            let id = self.survey.index.address(holder);
            let Some(of) = classes.number(id) else {
                return ("?".into(), None, true);
            };
            let dump = classes.get(of).dump.as_ref();
            let field = dump
                .filter(|_| place != NO_PLACE)
                .and_then(|dump| dump.statics.get(usize::from(place)));
            let field = field.map(|&(name, ..)| self.finder.names.read(self.finder.dump, name));
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

    fn root(&self, label: u32) -> HoldingRoot {
        let Some(label) = self.labels.labels.get(label as usize) else {
            return HoldingRoot::Other;
        };
        let thread = self.threads.get(&label.thread);
        let name = || thread.map(|thread| thread.name.clone()).unwrap_or_default();
        match label.kind {
            RootKind::JavaFrame if label.thread == VIRTUAL => HoldingRoot::Stack {
                thread: VIRTUAL_NAME.into(),
                method: self.labels.methods.get(label.frame as usize).cloned(),
            },
            RootKind::StickyClass => HoldingRoot::StaticField {
                class: "?".into(),
                field: None,
            },
            RootKind::Thread => HoldingRoot::Thread { thread: name() },
            RootKind::JavaFrame => HoldingRoot::Stack {
                thread: name(),
                method: thread
                    .and_then(|thread| thread.stack.get(label.frame as usize))
                    .cloned(),
            },
            RootKind::JniLocal => HoldingRoot::JniLocal { thread: name() },
            RootKind::JniGlobal => HoldingRoot::JniGlobal,
            RootKind::Monitor => HoldingRoot::Monitor,
            RootKind::NativeStack => HoldingRoot::Stack {
                thread: name(),
                method: None,
            },
            RootKind::ThreadBlock | RootKind::Unknown | RootKind::Other => HoldingRoot::Other,
        }
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

//! The roots of a dump, told apart as far as that says something: all locals of a frame together, all virtual threads
//! together.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::addresses::Number;
use crate::classes::Class;
use crate::entry::{Root, RootKind};
use crate::holders::Seed;
use crate::loaders::Loaders;
use crate::stacks::FrameNumber;
use crate::survey::Survey;
use crate::threads::Threads;

/// Stands for all virtual threads: there may be a million of them, in the same frame.
const VIRTUAL: u32 = u32::MAX;

/// What roots are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    /// Why it is a root.
    pub kind: RootKind,
    /// The thread's serial number, where the kind has one.
    pub thread: u32,
    /// The frame whose local variable it is, where there is a stack.
    pub frame: Option<FrameNumber>,
}

impl Label {
    fn of_kind(kind: RootKind) -> Label {
        Label {
            kind,
            thread: 0,
            frame: None,
        }
    }

    fn of(root: &Root, survey: &Survey, threads: &Threads) -> Label {
        let thread = threads.get(&root.thread);
        let frame =
            thread.and_then(|thread| survey.stacks.frame_at(thread.stack_serial, root.frame));
        Label {
            kind: root.kind,
            thread: match thread {
                Some(thread) if thread.is_virtual => VIRTUAL,
                _ => root.thread,
            },
            frame: frame.filter(|_| root.kind == RootKind::JavaFrame),
        }
    }

    /// Whether it stands for virtual threads.
    pub fn is_virtual(self) -> bool {
        self.thread == VIRTUAL
    }
}

/// The roots of a dump, and the classes that are as good as roots.
pub struct Labels {
    labels: Vec<Label>,
    seeds: Vec<Seed>,
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
        let of_root = |root: &Root| {
            let object = survey.index.number(root.object)?;
            Some((Label::of(root, survey, threads), object))
        };
        let of_class = |class: &Class| {
            let counts = class.dump.is_some() && loaders.is_built_in(class.loader());
            let object = survey.index.number(class.id).filter(|_| counts)?;
            Some((Label::of_kind(RootKind::StickyClass), object))
        };
        let roots = survey.roots.iter().filter_map(of_root);
        let classes = survey.classes.iter();
        let classes = classes.filter_map(|(_, class)| of_class(class));
        let mut all: Vec<(Label, Number)> = roots.chain(classes).collect();
        all.sort_by_key(|(label, _)| ORDER.iter().position(|kind| *kind == label.kind));
        let mut labels = Labels {
            labels: Vec::new(),
            seeds: Vec::new(),
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

    /// What a root's number stands for.
    pub fn get(&self, root: u32) -> Label {
        let label = self.labels.get(root as usize).copied();
        label.unwrap_or(Label::of_kind(RootKind::Other))
    }
}

//! Who keeps the objects of a class from being collected, found out in the running JVM.
//!
//! First while the application runs: the references from threads and static fields are followed
//! by JNI, breadth first, which stops nothing ([`running`]). Where that accounts for too few
//! instances, or for some by soft references alone, the application is stopped, a few times and
//! each time for a bounded time, and the VM follows the references from all its roots
//! ([`stopped`]).
//!
//! What is reached in the same way is alike: only so many objects of each way are looked at,
//! and from long arrays only some elements. Where that accounts for too few instances, there is
//! another walk, with more of each. Ways through Finalizers and the referents of other
//! references don't count, but what soft references keep is told apart from what nobody does.
//!
//! In a thread that may use JNI and wait. What the VM keeps for it is bounded too, and given
//! back at the end: see [`walk`] and [`paths`].

mod answer;
mod classes;
mod paths;
mod running;
mod sample;
mod stopped;
mod tag;
mod walk;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use finwatch_record::Holders;
use jni::{Env, objects::JClass};

use crate::{
    jvmti::{JvmtiError, TaggedHeap},
    pauses::PauseClock,
};
use answer::Teller;
use classes::LoadedClasses;
use paths::{End, Node, Paths, Via, Way};
use stopped::Stops;
use tag::Meaning;

/// The part of the instances that is as good as all: they come and go meanwhile.
const NEARLY_ALL: f64 = 0.9;

/// A walk that finds no more than so many times as many as the one before it is the last.
const NO_MORE: f64 = 1.1;

/// Local references: a frame with as much room as HotSpot gives one, since each class takes one.
const LOCAL_REFERENCES: usize = 60_000;

/// Why nothing could be found out.
#[derive(Debug, thiserror::Error)]
pub enum HoldersError {
    /// JVMTI refused.
    #[error(transparent)]
    Jvmti(#[from] JvmtiError),
    /// JNI did: the heap may be full.
    #[error("JNI: {0}")]
    Jni(#[from] jni::errors::Error),
}

/// A class, as the agent has it.
#[derive(Debug)]
pub struct Wanted<'a, 'local> {
    /// Binary name.
    pub name: &'a str,
    /// Defining loader.
    pub loader: Option<&'a str>,
    /// The class.
    pub class: JClass<'local>,
    /// Instances that are registered.
    pub registered: u64,
    /// There may be any number more, which `finalize()` has resurrected.
    pub are_more: bool,
}

/// How the application may be stopped.
#[derive(Clone, Copy)]
pub struct Stopping<'a> {
    /// For about how long at once, at the most; `None`: not at all.
    pub pause: Option<Duration>,
    /// What the VM adds to each stop, about.
    pub added: Duration,
    /// Tells when to break off.
    pub clock: &'a PauseClock,
}

/// How far a walk may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Objects that are reached in one way.
    pub alike: u64,
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// References that were told.
    pub references: u64,
    /// The time was up.
    pub out_of_time: bool,
    /// There was more than the limits allow.
    pub cut: bool,
    /// All kinds of roots were looked at, at one moment.
    pub all_roots: bool,
}

/// Finds out.
///
/// # Errors
/// The VM refused, or its heap is full.
pub fn find(env: &mut Env, wanted: &Wanted, stopping: &Stopping) -> Result<Holders, HoldersError> {
    let heap = TaggedHeap::open(env)?;
    env.with_local_frame(LOCAL_REFERENCES, |env| {
        let classes = LoadedClasses::of(env, &heap)?;
        let (mut threads, mut names) = (Vec::new(), Vec::new());
        for (number, (thread, name)) in heap.threads(env)?.into_iter().enumerate() {
            // One that has ended meanwhile has no tag, and is none any more.
            let _ = heap.set_tag(&thread, tag::thread(number));
            threads.push(thread);
            names.push(name);
        }
        let mut search = Search {
            number: LoadedClasses::number(&heap, &wanted.class)?,
            registered: wanted.registered,
            best: Found::default(),
            softly: None,
            marks: Marks::default(),
            settled: false,
        };
        running::walk(env, &heap, &classes, &threads, stopping.clock, &mut search)?;
        let mut stops = Stops::new(*stopping);
        if !search.is_explained(search.best.estimate) && stops.are_allowed() {
            stops.walk(env, &heap, &classes, &mut search);
        }
        let teller = Teller {
            heap: &heap,
            classes: &classes,
            threads: &names,
        };
        Ok(teller.tell(env, wanted, &search, &stops))
    })
}

/// What is looked for, and the best that was found so far.
struct Search {
    /// Number of the class; `None` where it was loaded just now.
    number: Option<u32>,
    registered: u64,
    best: Found,
    /// What is held through soft references and not otherwise, if that was looked for.
    softly: Option<Found>,
    /// Which these are.
    marks: Marks,
    /// The last walk found no more than those before it.
    settled: bool,
}

impl Search {
    /// A walk has ended.
    fn walked(&mut self, limits: Limits, paths: &Paths, progress: Progress) {
        let ways = self.ways(paths, |_, _| false);
        let found = Found::of(limits, ways, progress);
        self.note(limits, &found, self.best.estimate);
        if found.is_better_than(&self.best) {
            self.best = found;
        }
    }

    /// A walk through soft references too has ended.
    fn walked_softly(
        &mut self,
        classes: &LoadedClasses,
        limits: Limits,
        paths: &Paths,
        progress: Progress,
        walk: u32,
    ) {
        let is_soft = |class, via| match via {
            Via::Field(index) => classes.is_soft_referent(class, index),
            Via::NoField => false,
        };
        let mut ways = self.ways(paths, is_soft);
        ways.retain(|(_, (_, links))| links.iter().any(|&(class, via)| is_soft(class, via)));
        let marks = Marks::of(walk, paths, &ways);
        let found = Found::of(limits, ways, progress);
        let before = self.softly.as_ref();
        let is_better = before.is_none_or(|before| found.is_better_than(before));
        self.note(limits, &found, before.map_or(0.0, |before| before.estimate));
        if is_better {
            self.marks = marks;
            self.softly = Some(found);
        }
    }

    /// Where instances were met, and the ways there.
    fn ways(&self, paths: &Paths, softly: impl Fn(u32, Via) -> bool) -> Vec<(End, Way)> {
        let shortest = paths.shortest(softly);
        let ends = self
            .number
            .map(|class| paths.ends(class))
            .unwrap_or_default();
        ends.into_iter()
            .map(|end| (end, shortest.way(end.node)))
            .collect()
    }

    fn note(&mut self, limits: Limits, found: &Found, before: f64) {
        crate::log::debug(format_args!(
            "{limits:?}: {:?}, {:.0} of {} instances",
            found.progress, found.estimate, self.registered
        ));
        self.settled = before > 0.0 && found.estimate <= NO_MORE * before;
    }

    /// Nearly all instances are accounted for.
    fn has_enough(&self) -> bool {
        self.is_explained(self.estimate())
    }

    fn is_explained(&self, estimate: f64) -> bool {
        self.best.is_exact() || is_nearly_all(estimate, self.registered)
    }

    /// Instances that are held, be it softly.
    fn estimate(&self) -> f64 {
        self.best.estimate + self.softly()
    }

    /// Those that are held softly and not otherwise: no more than are left.
    fn softly(&self) -> f64 {
        let softly = self.softly.as_ref().map_or(0.0, |found| found.estimate);
        let left = (self.registered as f64 - self.best.estimate).max(0.0);
        (softly * self.marks.left()).min(left)
    }

    /// A further walk of the kind would find no more.
    fn is_over(&self) -> bool {
        self.settled || self.has_enough()
    }
}

/// The instances that a walk has met through soft references, by their tags, and how many of them a stop
/// has found held.
#[derive(Clone, Default)]
struct Marks {
    walk: u32,
    nodes: HashSet<Node>,
    known: u64,
    held: u64,
}

impl Marks {
    fn of(walk: u32, paths: &Paths, softly: &[(End, Way)]) -> Marks {
        let nodes: HashSet<Node> = softly.iter().map(|(end, _)| end.node).collect();
        Marks {
            walk,
            known: nodes.iter().map(|node| paths.known(*node)).sum(),
            nodes,
            held: 0,
        }
    }

    /// An object with this tag was found held. Whether it is one of them.
    fn hold(&mut self, tag: i64) -> bool {
        let is_one = matches!(tag::read(tag), Meaning::At { walk, node, .. }
            if walk == self.walk && self.nodes.contains(&node));
        self.held += u64::from(is_one);
        is_one
    }

    /// The part of them that is not held.
    fn left(&self) -> f64 {
        1.0 - self.held.min(self.known) as f64 / self.known.max(1) as f64
    }
}

/// What a walk has found.
#[derive(Default)]
struct Found {
    ends: Vec<(End, Way)>,
    /// Instances, as far as can be told.
    estimate: f64,
    /// Objects of each way that were looked at.
    alike: u64,
    progress: Progress,
}

impl Found {
    fn of(limits: Limits, ways: Vec<(End, Way)>, progress: Progress) -> Found {
        let mut by_way: HashMap<Way, End> = HashMap::new();
        for (end, way) in ways {
            let known = by_way.entry(way);
            known.and_modify(|known| known.add(&end)).or_insert(end);
        }
        let mut ends: Vec<(End, Way)> = by_way.into_iter().map(|(way, end)| (end, way)).collect();
        ends.sort_by(|(a, _), (b, _)| b.estimate.total_cmp(&a.estimate).then(a.node.cmp(&b.node)));
        Found {
            estimate: sum(&ends),
            ends,
            alike: limits.alike,
            progress,
        }
    }

    /// It tells of more, or more exactly. A stop may have had no time for long arrays: what it
    /// tells less of is not better.
    fn is_better_than(&self, other: &Found) -> bool {
        let has_ended = !self.progress.out_of_time && !self.progress.all_roots;
        let is_closer = has_ended && self.alike > other.alike;
        self.is_exact() || is_closer || self.estimate >= other.estimate
    }

    /// Instances that were met.
    fn met(&self) -> u64 {
        self.ends.iter().map(|(end, _)| end.met).sum()
    }

    /// Everything that the roots lead to was looked at.
    fn is_counted(&self) -> bool {
        self.progress.references > 0 && !self.progress.cut && !self.progress.out_of_time
    }

    /// The same, and these were all roots, so that nobody holds what was not found.
    fn is_exact(&self) -> bool {
        self.is_counted() && self.progress.all_roots
    }
}

fn sum(ends: &[(End, Way)]) -> f64 {
    ends.iter().fold(0.0, |sum, (end, _)| sum + end.estimate)
}

fn is_nearly_all(estimate: f64, registered: u64) -> bool {
    estimate >= NEARLY_ALL * registered as f64 && registered > 0
}

//! Who keeps the objects of a class from being collected, found out in the running JVM.
//!
//! The application is stopped, a few times and each time for a bounded time, while the
//! references from the roots are followed. What is reached in the same way is alike: only so
//! many objects of each way are looked at, and from long arrays only some elements, which are
//! chosen while the application runs. Where that accounts for too few instances, there is
//! another walk, with more of each. Ways through Finalizers and the
//! referents of other references don't count.
//!
//! In a thread that may use JNI and wait. What the VM keeps for it is bounded too, and given
//! back at the end: see [`walk`] and [`paths`].

mod classes;
mod paths;
mod tag;
mod walk;

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use finwatch_record::{Holders, HoldingPath, Link, Root, RootKind};
use jni::{
    Env,
    objects::{JClass, JObject},
};

use crate::{
    jvmti::{Frame, JvmtiError, TaggedHeap},
    pauses::PauseClock,
};
use classes::LoadedClasses;
use paths::{End, Node, Start, Via, Way};
use walk::{Limits, LongArray, Progress, Walk};

/// The walks, one after the other until one accounts for enough.
const WALKS: [Limits; 3] = [
    Limits { alike: 1 << 8 },
    Limits { alike: 1 << 12 },
    Limits { alike: 1 << 16 },
];

/// Stops for elements of long arrays, of arrays in these, and so on, in one walk.
const MOST_ROUNDS: u32 = 4;

/// Elements of long arrays that are looked at in one stop.
const MOST_ELEMENTS: usize = 1 << 15;

/// All stops together, as a multiple of one.
const MOST_STOPS: u32 = 4;

/// The application runs between two stops for so many times as long as it stood still.
const RUNNING: u32 = 4;

/// The part of the instances that is as good as all: they come and go meanwhile.
const NEARLY_ALL: f64 = 0.9;

/// Paths that are told.
const MOST_PATHS: usize = 20;

/// Links of a path that are told: as many from its beginning as from its end.
const MOST_LINKS: usize = 40;

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
}

/// How the application may be stopped.
#[derive(Clone, Copy)]
pub struct Stopping<'a> {
    /// For about how long at once, at the most.
    pub pause: Duration,
    /// Tells when to break off.
    pub clock: &'a PauseClock,
}

/// Finds out.
///
/// # Errors
/// The VM refused, or its heap is full.
pub fn find(env: &mut Env, wanted: &Wanted, stopping: &Stopping) -> Result<Holders, HoldersError> {
    let heap = TaggedHeap::open(env)?;
    env.with_local_frame(LOCAL_REFERENCES, |env| {
        let classes = LoadedClasses::of(env, &heap)?;
        for (number, class) in classes.iter().enumerate() {
            heap.set_tag(class, tag::class(number))?;
        }
        let mut threads = Vec::new();
        for (number, (thread, name)) in heap.threads(env)?.into_iter().enumerate() {
            // One that has ended meanwhile has no tag, and is none any more.
            let _ = heap.set_tag(&thread, tag::thread(number));
            threads.push(name);
            env.delete_local_ref(thread);
        }
        let number = classes.number(env, &wanted.class)?;
        let mut stops = Stops::new(*stopping);
        let mut walk = Walk::new(&classes);
        let mut best = Found::default();
        for limits in WALKS {
            if !stops.may_go_on() {
                break;
            }
            walk.begin(limits, stops.deadline());
            stops.stop(&heap, None, &mut walk)?;
            go_on_at_long_arrays(env, &heap, &classes, &mut walk, &mut stops, limits)?;
            let found = Found::of(&walk, number);
            crate::log::debug(format_args!(
                "{limits:?}: {:?}, {:.0} of {} instances",
                found.progress, found.estimate, wanted.registered
            ));
            if found.estimate >= best.estimate {
                best = found;
            }
            if best.is_enough(wanted.registered) {
                break;
            }
        }
        let teller = Teller {
            heap: &heap,
            classes: &classes,
            threads: &threads,
        };
        Ok(teller.tell(env, wanted, &best, &stops))
    })
}

/// Further stops, for some elements of the long arrays that were met in the one before.
fn go_on_at_long_arrays(
    env: &mut Env,
    heap: &TaggedHeap,
    classes: &LoadedClasses,
    walk: &mut Walk,
    stops: &mut Stops,
    limits: Limits,
) -> Result<(), HoldersError> {
    for _ in 0..MOST_ROUNDS {
        let arrays = walk.long_arrays();
        let Some(root) = classes.root().filter(|_| !arrays.is_empty()) else {
            return Ok(());
        };
        if !stops.may_go_on() {
            return Ok(());
        }
        // Nothing of it is left in this frame: what that refers to is held by it.
        env.with_local_frame(arrays.len() + 64, |env| {
            let each = (MOST_ELEMENTS / arrays.len()).min(limits.alike as usize);
            let (elements, from) = choose(env, heap, root, walk, &arrays, each)?;
            walk.go_on(from, stops.deadline());
            stops.stop(heap, Some(&elements), walk)
        })?;
    }
    Ok(())
}

/// Some elements of each array in an array of their own, and where each of them is.
fn choose<'local>(
    env: &mut Env<'local>,
    heap: &TaggedHeap,
    root: &JClass,
    walk: &mut Walk,
    arrays: &[(i64, LongArray)],
    each: usize,
) -> Result<(JObject<'local>, Vec<Node>), HoldersError> {
    let tags: Vec<i64> = arrays.iter().map(|(tag, _)| *tag).collect();
    let objects = heap.objects(env, &tags)?;
    let chosen = env.new_object_array((each * objects.len()) as i32, root, JObject::null())?;
    let mut from = Vec::new();
    let mut random = Random::new();
    for (object, tag) in objects {
        let Some(&(_, array)) = arrays.iter().find(|(its, _)| *its == tag) else {
            continue;
        };
        let elements = each.min(array.length as usize);
        walk.see_part(array, elements);
        for stratum in 0..elements {
            let index = random.within(stratum, elements, array.length);
            let element = crate::jvmti::array_element(env, &object, index)?;
            if !element.is_null() {
                chosen.set_element(env, from.len(), &element)?;
                from.push(array.node);
            }
            env.delete_local_ref(element);
        }
        env.delete_local_ref(object);
    }
    Ok((chosen.into(), from))
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn new() -> Random {
        Random(0x9E37_79B9_7F4A_7C15 ^ u64::from(std::process::id()))
    }

    /// An index in one of so many equal parts of an array.
    fn within(&mut self, part: usize, parts: usize, length: u32) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let length = length as usize;
        let (first, next) = (part * length / parts, (part + 1) * length / parts);
        first + (self.0 % (next - first).max(1) as u64) as usize
    }
}

/// What a walk has found.
#[derive(Default)]
struct Found {
    ends: Vec<(End, Way)>,
    /// Instances, as far as can be told.
    estimate: f64,
    progress: Progress,
}

impl Found {
    fn of(walk: &Walk, class: Option<u32>) -> Found {
        let paths = walk.paths();
        let shortest = paths.shortest();
        let mut by_way: HashMap<Way, End> = HashMap::new();
        for end in class.map(|class| paths.ends(class)).unwrap_or_default() {
            let known = by_way.entry(shortest.way(end.node));
            known.and_modify(|known| known.add(&end)).or_insert(end);
        }
        let mut ends: Vec<(End, Way)> = by_way.into_iter().map(|(way, end)| (end, way)).collect();
        ends.sort_by(|(a, _), (b, _)| b.estimate.total_cmp(&a.estimate).then(a.node.cmp(&b.node)));
        Found {
            estimate: ends.iter().fold(0.0, |sum, (end, _)| sum + end.estimate),
            ends,
            progress: walk.progress(),
        }
    }

    /// Everything was looked at.
    fn is_exact(&self) -> bool {
        self.progress.references > 0 && !self.progress.cut && !self.progress.out_of_time
    }

    fn is_enough(&self, registered: u64) -> bool {
        self.is_exact() || self.estimate >= NEARLY_ALL * registered as f64 && registered > 0
    }
}

/// The stops that were made.
struct Stops<'a> {
    stopping: Stopping<'a>,
    count: u32,
    longest: Duration,
    sum: Duration,
}

impl<'a> Stops<'a> {
    fn new(stopping: Stopping<'a>) -> Stops<'a> {
        Stops {
            stopping,
            count: 0,
            longest: Duration::ZERO,
            sum: Duration::ZERO,
        }
    }

    /// When a stop that begins now is to end.
    fn deadline(&self) -> Instant {
        Instant::now() + self.stopping.pause
    }

    fn stop(
        &mut self,
        heap: &TaggedHeap,
        from: Option<&JObject>,
        walk: &mut Walk,
    ) -> Result<(), HoldersError> {
        let began = Instant::now();
        let followed = heap.follow(from, walk);
        let took = began.elapsed();
        self.count += 1;
        self.sum += took;
        self.longest = self.longest.max(took);
        followed.map_err(HoldersError::from)
    }

    /// Lets the application run. Whether there may be another stop.
    fn may_go_on(&self) -> bool {
        let rest = match self.count {
            0 => Duration::ZERO,
            count => self.sum / count * RUNNING,
        };
        self.sum < self.stopping.pause * MOST_STOPS && self.stopping.clock.sleep(rest)
    }
}

/// Puts what was found into words.
struct Teller<'a, 'local> {
    heap: &'a TaggedHeap,
    classes: &'a LoadedClasses<'local>,
    threads: &'a [String],
}

impl<'local> Teller<'_, 'local> {
    fn tell(
        &self,
        env: &mut Env<'local>,
        wanted: &Wanted,
        found: &Found,
        stops: &Stops,
    ) -> Holders {
        let exact = found.is_exact();
        let registered = wanted.registered;
        // What is estimated at more than there are, and what nearly is.
        let scale = match found.estimate {
            _ if exact => 1.0,
            all if all >= NEARLY_ALL * registered as f64 && all > 0.0 => registered as f64 / all,
            _ => 1.0,
        };
        let held = (found.estimate * scale).round() as u64;
        let instances = registered.max(held);
        let met = found.ends.iter().map(|(end, _)| end.met).sum();
        let complete = found.is_enough(registered);
        Holders {
            class: wanted.name.to_owned(),
            loader: wanted.loader.map(str::to_owned),
            instances,
            sampled: (!exact).then_some(met),
            held,
            unheld: exact.then(|| instances - held),
            paths: found
                .ends
                .iter()
                .take(MOST_PATHS)
                .map(|(end, way)| self.path(env, way, (end.estimate * scale).round() as u64))
                .collect(),
            complete,
            incomplete_reason: (!complete).then(|| reason(found, stops)),
            stw_ms: Some(stops.sum.as_secs_f64() * 1e3),
            stw_ms_max: Some(stops.longest.as_secs_f64() * 1e3),
        }
    }

    fn path(&self, env: &mut Env<'local>, (start, links): &Way, count: u64) -> HoldingPath {
        let all = links.len();
        let is_told = |at: usize| at < MOST_LINKS / 2 || at + MOST_LINKS / 2 >= all;
        let links = links.iter().enumerate().filter(|(at, _)| is_told(*at));
        HoldingPath {
            count,
            root: self.root(env, *start),
            chain: links
                .map(|(_, &(class, via))| Link {
                    class: self.classes.name(class),
                    field: match via {
                        Via::Field(index) => self.classes.field(env, self.heap, class, index),
                        Via::NoField => None,
                    },
                })
                .collect(),
        }
    }

    fn root(&self, env: &mut Env<'local>, start: Start) -> Root {
        let mut root = Root {
            kind: RootKind::Other,
            thread: None,
            method: None,
            class: None,
            field: None,
        };
        match start {
            Start::Thread(number) => {
                root.kind = RootKind::Thread;
                root.thread = self.threads.get(number as usize).cloned();
            }
            Start::Stack(frame) => {
                root.kind = RootKind::Stack;
                root.thread = self.thread(frame);
                root.method = self.heap.method(env, frame);
            }
            Start::JniLocal(frame) => {
                root.kind = RootKind::JniLocal;
                root.thread = self.thread(frame);
            }
            Start::Static(class, index) => {
                root.kind = RootKind::StaticField;
                root.class = Some(self.classes.name(class));
                root.field = self.classes.field(env, self.heap, class, index);
            }
            Start::Class(class) => {
                root.kind = RootKind::Class;
                root.class = Some(self.classes.name(class));
            }
            Start::JniGlobal => root.kind = RootKind::JniGlobal,
            Start::Monitor => root.kind = RootKind::Monitor,
            Start::Other => {}
        }
        root
    }

    fn thread(&self, frame: Frame) -> Option<String> {
        match tag::read(frame.thread_tag) {
            tag::Meaning::Thread(number) => self.threads.get(number as usize).cloned(),
            _ => None,
        }
    }
}

/// How far it got, in a sentence.
fn reason(found: &Found, stops: &Stops) -> String {
    let times = match stops.count {
        1 => "one stop".to_owned(),
        count => format!("{count} stops"),
    };
    format!(
        "in {times}, {:.0} ms together, {} references of the last walk were looked at; the option \
         pause gives a stop more time",
        stops.sum.as_secs_f64() * 1e3,
        found.progress.references
    )
}

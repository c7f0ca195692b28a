//! Walks while the application runs: from threads and static fields, by JNI, breadth first.
//!
//! Nothing is stopped. What is read of an object may be another moment's than what is read of
//! the next: a path is right when each of its references was there when it was read. What only
//! stacks and native code lead to is not found. Where that accounts for too few instances, there
//! are walks that go on through soft references.
//!
//! One reference costs half a microsecond to one, in the agent's own thread, which rests as long
//! as it works.

use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
    time::{Duration, Instant},
};

use jni::{
    Env,
    objects::{JFieldID, JObject, JStaticFieldID},
};

use super::{
    HoldersError, Limits, Progress, Search,
    classes::LoadedClasses,
    paths::{Node, Paths, Start, Via},
    sample::Random,
    tag::{self, Meaning},
    walk::MOST_TAGS,
};
use crate::{
    jvmti::{self, TaggedHeap},
    pauses::PauseClock,
};

/// The walks.
const WALKS: [Limits; 3] = [
    Limits { alike: 1 << 8 },
    Limits { alike: 1 << 11 },
    Limits { alike: 1 << 14 },
];

/// Elements that are read of an array for each that may be followed: some are null.
const ELEMENTS: u64 = 4;

/// Objects that wait to be followed, at the most; each takes a local reference.
const MOST_OPEN: usize = 50_000;

/// References between two looks at the clock.
const REFERENCES_BETWEEN_LOOKS: u64 = 1 << 8;

/// Work at a stretch, and then as much rest.
const STRETCH: Duration = Duration::from_millis(5);

/// Work for all walks together.
const MOST_WORK: Duration = Duration::from_secs(2);

/// The same of those through soft references: what leads to them is found soon, and stops may have to follow.
const MOST_SOFT_WORK: Duration = Duration::from_millis(500);

/// The walks, one after the other until one accounts for enough.
pub fn walk<'local>(
    env: &mut Env<'local>,
    heap: &TaggedHeap,
    classes: &LoadedClasses,
    threads: &[JObject<'local>],
    clock: &PauseClock,
    search: &mut Search,
) -> Result<(), HoldersError> {
    let mut statics = Vec::new();
    for class in 0..classes.len() as u32 {
        let fields = classes.holding_statics(env, heap, class).into_iter();
        statics.extend(fields.map(|(id, place)| (class, id, place)));
    }
    let mut walk = Walk {
        heap,
        classes,
        statics,
        softly: false,
        fields: HashMap::new(),
        random: Random::new(),
        pace: Pace::begin(clock, MOST_WORK),
        number: 0,
        limits: WALKS[0],
        paths: Paths::new(),
        open: VecDeque::new(),
        soft: VecDeque::new(),
        tagged: 0,
        progress: Progress::default(),
    };
    walk.all(env, threads, search)?;
    if !search.has_enough() {
        walk.go_softly();
        walk.all(env, threads, search)?;
    }
    Ok(())
}

/// A walk.
struct Walk<'a, 'local> {
    heap: &'a TaggedHeap,
    classes: &'a LoadedClasses,
    /// The static fields that may hold something, with their classes and places.
    statics: Vec<(u32, JStaticFieldID, u32)>,
    /// Through soft references too.
    softly: bool,
    /// The fields that may hold something, by class, as far as they were needed.
    fields: HashMap<u32, Rc<[(JFieldID, i32)]>>,
    random: Random,
    pace: Pace<'a>,
    /// The number of the walk: tags of those before it mean nothing.
    number: u32,
    limits: Limits,
    paths: Paths,
    /// Objects that were met and not followed yet.
    open: VecDeque<Open<'local>>,
    /// Referents of soft references, and where each of these is: they are met when nothing else is left,
    /// so that what is held otherwise is known by then.
    soft: VecDeque<(Node, Via, JObject<'local>)>,
    /// Objects that have a tag.
    tagged: usize,
    progress: Progress,
}

struct Open<'local> {
    object: JObject<'local>,
    node: Node,
    class: u32,
}

impl<'local> Walk<'_, 'local> {
    /// All walks of a kind, one after the other until one accounts for enough.
    fn all(
        &mut self,
        env: &mut Env<'local>,
        threads: &[JObject<'local>],
        search: &mut Search,
    ) -> Result<(), HoldersError> {
        for limits in WALKS {
            self.begin(limits);
            self.start_at_roots(env, threads)?;
            self.go_on(env)?;
            match self.softly {
                true => search.walked_softly(
                    self.classes,
                    limits,
                    &self.paths,
                    self.progress,
                    self.number,
                ),
                false => search.walked(limits, &self.paths, self.progress),
            }
            if search.is_over() || !self.progress.cut || self.progress.out_of_time {
                break;
            }
        }
        Ok(())
    }

    /// The walks to come go on through soft references.
    fn go_softly(&mut self) {
        self.softly = true;
        let classes = self.classes;
        self.fields.retain(|&class, _| !classes.is_soft(class));
        self.pace = Pace::begin(self.pace.clock, MOST_SOFT_WORK);
    }

    fn begin(&mut self, limits: Limits) {
        self.number += 1;
        self.limits = limits;
        self.paths.clear();
        self.progress = Progress::default();
    }

    /// Threads are followed, what static fields refer to is met.
    fn start_at_roots(
        &mut self,
        env: &mut Env<'local>,
        threads: &[JObject<'local>],
    ) -> Result<(), HoldersError> {
        for (number, thread) in threads.iter().enumerate() {
            let Some(class) = self.class(env, thread)? else {
                continue;
            };
            let start = self.paths.start(Start::Thread(number as u32));
            let node = self.paths.step(start, Via::NoField, class);
            self.paths.meet(node);
            self.follow(env, thread, node, class)?;
        }
        for index in 0..self.statics.len() {
            let (class, field, place) = self.statics[index];
            let Some(declaring) = self.classes.class(env, class) else {
                continue;
            };
            // SAFETY: `holding_statics` had it from this class, which is loaded still, and it is of a type of
            // references.
            let object = unsafe { jvmti::static_field(env, &declaring, field)? };
            env.delete_local_ref(declaring);
            if object.is_null() {
                continue;
            }
            let start = self.paths.start(Start::OwnStatic(class, place));
            self.meet(env, start, Via::NoField, object)?;
            if self.progress.out_of_time {
                break;
            }
        }
        Ok(())
    }

    /// Follows what was met, until nothing is left or the time is up.
    fn go_on(&mut self, env: &mut Env<'local>) -> Result<(), HoldersError> {
        loop {
            if let Some(open) = self.open.pop_front() {
                if !self.progress.out_of_time {
                    self.follow(env, &open.object, open.node, open.class)?;
                }
                env.delete_local_ref(open.object);
            } else if let Some((from, via, object)) = self.soft.pop_front() {
                self.meet(env, from, via, object)?;
            } else {
                return Ok(());
            }
        }
    }

    fn follow(
        &mut self,
        env: &mut Env<'local>,
        object: &JObject<'local>,
        node: Node,
        class: u32,
    ) -> Result<(), HoldersError> {
        if self.classes.is_array(class) {
            return self.follow_elements(env, object, node);
        }
        self.paths.see(node, 1.0);
        for &(field, index) in self.fields(env, class).iter() {
            // SAFETY: `holding_fields` had it from this object's class, and it is of a type of
            // references.
            let next = unsafe { jvmti::object_field(env, object, field)? };
            let via = Via::Field(index);
            if next.is_null() {
                continue;
            }
            if !self.classes.is_soft_referent(class, index) {
                self.meet(env, node, via, next)?;
            } else if self.soft.len() < MOST_OPEN {
                self.soft.push_back((node, via, next));
            } else {
                self.progress.cut = true;
                env.delete_local_ref(next);
            }
        }
        Ok(())
    }

    /// All elements of an array, or some.
    fn follow_elements(
        &mut self,
        env: &mut Env<'local>,
        array: &JObject<'local>,
        node: Node,
    ) -> Result<(), HoldersError> {
        let length = jvmti::array_length(env, array)?;
        let read = length.min((ELEMENTS * self.limits.alike) as usize);
        if read == 0 {
            self.paths.see(node, 1.0);
            return Ok(());
        }
        self.paths.see(node, read as f64 / length as f64);
        self.progress.cut |= read < length;
        for index in self.random.some_of(read, length) {
            let next = jvmti::array_element(env, array, index)?;
            if !next.is_null() {
                self.meet(env, node, Via::NoField, next)?;
            }
        }
        Ok(())
    }

    fn fields(&mut self, env: &mut Env<'local>, class: u32) -> Rc<[(JFieldID, i32)]> {
        let (classes, heap, softly) = (self.classes, self.heap, self.softly);
        let fields = self.fields.entry(class);
        fields
            .or_insert_with(|| classes.holding_fields(env, heap, class, softly).into())
            .clone()
    }

    /// A reference was read.
    fn meet(
        &mut self,
        env: &mut Env<'local>,
        from: Node,
        via: Via,
        object: JObject<'local>,
    ) -> Result<(), HoldersError> {
        self.progress.references += 1;
        if self
            .progress
            .references
            .is_multiple_of(REFERENCES_BETWEEN_LOOKS)
            && !self.pace.may_go_on()
        {
            self.progress.out_of_time = true;
        }
        match self.place(env, from, via, &object)? {
            Some((node, class)) => self.open.push_back(Open {
                object,
                node,
                class,
            }),
            None => env.delete_local_ref(object),
        }
        Ok(())
    }

    /// Where an object is that is to be followed.
    fn place(
        &mut self,
        env: &mut Env<'local>,
        from: Node,
        via: Via,
        object: &JObject<'local>,
    ) -> Result<Option<(Node, u32)>, HoldersError> {
        let known = self.heap.tag(object)?;
        match tag::read(known) {
            // Classes and threads are roots.
            Meaning::Class(_) | Meaning::Thread(_) => return Ok(None),
            Meaning::At {
                walk,
                node,
                repeatedly,
            } if walk == self.number => {
                if self.paths.meet_again(from, via, node, repeatedly) {
                    self.heap.set_tag(object, tag::repeated(known))?;
                }
                return Ok(None);
            }
            Meaning::None | Meaning::At { .. } | Meaning::LongArray { .. } => {}
        }
        let Some(class) = self.class(env, object)? else {
            // Loaded after all were tagged. What it holds is not known.
            self.progress.cut = true;
            return Ok(None);
        };
        if self.classes.is_leaf(class) {
            return Ok(None);
        }
        let node = self.paths.step(from, via, class);
        let met = self.paths.meet(node);
        if met > self.limits.alike
            || (known == 0 && self.tagged >= MOST_TAGS)
            || self.open.len() >= MOST_OPEN
        {
            self.progress.cut = true;
            return Ok(None);
        }
        self.tagged += usize::from(known == 0);
        self.heap.set_tag(object, tag::at(self.number, node))?;
        self.paths.know(node);
        Ok(Some((node, class)))
    }

    fn class(
        &self,
        env: &mut Env<'local>,
        object: &JObject<'local>,
    ) -> Result<Option<u32>, HoldersError> {
        let class = env.get_object_class(object)?;
        let number = LoadedClasses::number(self.heap, &class)?;
        env.delete_local_ref(class);
        Ok(number)
    }
}

/// Work and rest by turns.
struct Pace<'a> {
    clock: &'a PauseClock,
    most: Duration,
    stretch: Instant,
    worked: Duration,
}

impl Pace<'_> {
    fn begin(clock: &PauseClock, most: Duration) -> Pace<'_> {
        Pace {
            clock,
            most,
            stretch: Instant::now(),
            worked: Duration::ZERO,
        }
    }

    /// Rests where that is due. Whether there is time left.
    fn may_go_on(&mut self) -> bool {
        let stretch = self.stretch.elapsed();
        if stretch < STRETCH {
            return true;
        }
        self.worked += stretch;
        self.clock.alive();
        let goes_on = self.worked < self.most && self.clock.sleep(STRETCH);
        self.stretch = Instant::now();
        goes_on
    }
}

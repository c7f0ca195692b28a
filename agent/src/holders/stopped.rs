//! Walks for which the application stands still: the VM follows the references from all roots,
//! the stacks and native code among them.
//!
//! Several stops, each of them bounded, with the application running in between. Elements of
//! long arrays are chosen while it runs. Before JDK 21 the VM itself goes through the whole heap
//! at the end of each stop, to put mark words back (JDK-8283710 marks in a bitmap): where that
//! takes longer than a stop may, there is none.

use std::time::Duration;

use jni::{
    Env,
    objects::{JClass, JObject},
};

use super::{
    HoldersError, Limits, Search, Stopping,
    classes::LoadedClasses,
    paths::Node,
    sample::Random,
    walk::{LongArray, Walk},
};
use crate::jvmti::TaggedHeap;

/// The walks.
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

/// The stops that were made.
pub struct Stops<'a> {
    stopping: Stopping<'a>,
    count: u32,
    longest: Duration,
    sum: Duration,
    failed: Option<HoldersError>,
}

impl<'a> Stops<'a> {
    /// None yet.
    pub fn new(stopping: Stopping<'a>) -> Stops<'a> {
        Stops {
            stopping,
            count: 0,
            longest: Duration::ZERO,
            sum: Duration::ZERO,
            failed: None,
        }
    }

    /// How many there were.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// All together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The longest.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// Whether there may be any.
    pub fn are_allowed(&self) -> bool {
        self.refusal().is_none()
    }

    /// Why there may be none.
    pub fn refusal(&self) -> Option<String> {
        if let Some(error) = &self.failed {
            return Some(format!("the walk in a stop failed: {error}"));
        }
        match self.stopping.pause {
            None => Some(
                "others would be looked at in stops, which the option pause=off forbids".to_owned(),
            ),
            Some(pause) if self.stopping.added >= pause => Some(format!(
                "for others this JVM would stand still for about {:.1} s each time, and the option \
                 pause allows {:.3} s",
                self.stopping.added.as_secs_f64(),
                pause.as_secs_f64()
            )),
            Some(_) => None,
        }
    }

    /// The walks, one after the other until one accounts for enough. Where they fail, what was
    /// found before them remains.
    pub fn walk(
        &mut self,
        env: &mut Env,
        heap: &TaggedHeap,
        classes: &LoadedClasses,
        search: &mut Search,
    ) {
        if let Err(error) = self.try_to_walk(env, heap, classes, search) {
            env.exception_clear();
            self.failed = Some(error);
        }
    }

    fn try_to_walk(
        &mut self,
        env: &mut Env,
        heap: &TaggedHeap,
        classes: &LoadedClasses,
        search: &mut Search,
    ) -> Result<(), HoldersError> {
        let mut walk = Walk::new(classes, search.marks.clone());
        for limits in WALKS {
            if !self.may_go_on() {
                break;
            }
            walk.begin(limits, self.time());
            self.stop(heap, None, &mut walk)?;
            go_on_at_long_arrays(env, heap, classes, &mut walk, self, limits)?;
            search.marks = walk.marks().clone();
            search.walked(limits, walk.paths(), walk.progress());
            if search.is_over() {
                break;
            }
        }
        Ok(())
    }

    fn pause(&self) -> Duration {
        self.stopping.pause.unwrap_or_default()
    }

    /// How long the references may be followed in a stop.
    fn time(&self) -> Duration {
        self.pause().saturating_sub(self.stopping.added)
    }

    fn stop(
        &mut self,
        heap: &TaggedHeap,
        from: Option<&JObject>,
        walk: &mut Walk,
    ) -> Result<(), HoldersError> {
        let followed = heap.follow(from, walk);
        let took = walk.began().map_or(Duration::ZERO, |began| began.elapsed());
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
        self.sum < self.pause() * MOST_STOPS && self.stopping.clock.sleep(rest)
    }
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
        if arrays.is_empty() || !stops.may_go_on() {
            return Ok(());
        }
        let Some(root) = classes.object(env) else {
            return Ok(());
        };
        // Nothing of it is left in this frame: what that refers to is held by it.
        env.with_local_frame(arrays.len() + 64, |env| {
            let each = (MOST_ELEMENTS / arrays.len()).min(limits.alike as usize);
            let (elements, from) = choose(env, heap, &root, walk, &arrays, each)?;
            walk.go_on(from, stops.time());
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
        for index in random.some_of(elements, array.length as usize) {
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

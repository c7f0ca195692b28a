//! Where objects are made: how often which stack was seen, by class.
//!
//! Threads of the application put stacks in, the agent's own thread takes them out. Nobody
//! waits: a stack that comes while another is being noted is dropped.

use std::collections::{BTreeMap, HashMap};

use finwatch_record::{SiteEvent, SiteStack, Sites};
use jni::Env;
use parking_lot::Mutex;

use crate::{
    jvmti::{self, FrameName, Location},
    ledger::OTHER,
};

/// Different stacks of one class; of all that come then only their number is kept.
const MOST_STACKS: usize = 64;

/// Different stacks of all classes.
const MOST_STACKS_OF_ALL: usize = 2048;

/// Classes of which stacks are taken right away. For good, though: the VM gives each method of a stack an id that it
/// does not take back when the class is unloaded, in a block of each loader's own (HotSpot, method.cpp,
/// `JNIMethodBlock`), 150 bytes for a class that makes an object and goes. A program that loads such classes all the
/// time must not lose memory to that.
const MOST_CLASSES: usize = 16_384;

/// When there were so many: how often a class must have been chosen before one is taken, which takes it thousands of
/// objects or dozens of threads.
const PASSED_OVER: u64 = 32;

/// Stacks that are told.
const MOST_TOLD: usize = 10;

/// The stacks of this JVM. One for the whole process, as the ledger's counters are.
pub static STACKS: Stacks = Stacks::new();

/// How often a stack was seen.
type Counted = (u64, Box<[Location]>);

/// The stacks that were seen, by the slot of the class.
pub struct Stacks {
    known: Mutex<Known>,
}

struct Known {
    /// What stacks are taken of.
    event: SiteEvent,
    by_slot: BTreeMap<usize, OfClass>,
    /// Different stacks of all classes.
    stacks: usize,
    /// Classes of which stacks were taken, those that are gone included.
    classes: usize,
}

#[derive(Default)]
struct OfClass {
    /// How often it was asked whether one is wanted.
    chosen: u64,
    /// Stacks that were taken.
    sampled: u64,
    /// How many of them had been told last time.
    told: u64,
    counts: HashMap<Box<[Location]>, u64>,
}

impl Stacks {
    const fn new() -> Stacks {
        Stacks {
            known: Mutex::new(Known {
                event: SiteEvent::Registration,
                by_slot: BTreeMap::new(),
                stacks: 0,
                classes: 0,
            }),
        }
    }

    /// Stacks are taken of that from now on. What was taken of something else is forgotten.
    pub fn begin(&self, event: SiteEvent) {
        let mut known = self.known.lock();
        if known.event != event {
            known.event = event;
            known.by_slot.clear();
            known.stacks = 0;
        }
    }

    /// Whether a stack should be taken of an object whose class has that slot. Any thread; never waits.
    pub fn wants(&self, slot: usize) -> bool {
        match self.known.try_lock() {
            Some(mut known) => known.wants(slot),
            None => false,
        }
    }

    /// A stack was taken. Any thread; never waits.
    pub fn taken(&self, slot: usize, stack: &[Location]) {
        let Some(mut known) = self.known.try_lock() else {
            return;
        };
        let known = &mut *known;
        let of_class = known.by_slot.entry(slot).or_default();
        of_class.sampled += 1;
        let has_room = of_class.counts.len() < MOST_STACKS && known.stacks < MOST_STACKS_OF_ALL;
        match of_class.counts.get_mut(stack) {
            Some(count) => *count += 1,
            None if has_room => {
                of_class.counts.insert(stack.into(), 1);
                known.stacks += 1;
            }
            None => {}
        }
    }

    /// The slot goes to another class.
    pub fn clear(&self, slot: usize) {
        let mut known = self.known.lock();
        if let Some(of_class) = known.by_slot.remove(&slot) {
            known.stacks -= of_class.counts.len();
        }
    }

    /// The slots of the classes with most stacks that have not been told.
    pub fn most_untold(&self, classes: usize) -> Vec<usize> {
        let known = self.known.lock();
        let mut untold: Vec<(u64, usize)> = known
            .by_slot
            .iter()
            .map(|(&slot, of_class)| (of_class.sampled - of_class.told, slot))
            .filter(|&(untold, _)| untold > 0)
            .collect();
        untold.sort_by_key(|&(untold, slot)| (std::cmp::Reverse(untold), slot));
        untold.truncate(classes);
        untold.into_iter().map(|(_, slot)| slot).collect()
    }

    /// How many were taken of a class, and the most frequent of them, with their counts.
    fn most_frequent(&self, slot: usize) -> Option<(SiteEvent, u64, Vec<Counted>)> {
        let mut known = self.known.lock();
        let event = known.event;
        let of_class = known.by_slot.get_mut(&slot)?;
        if of_class.sampled == 0 {
            return None;
        }
        of_class.told = of_class.sampled;
        let stacks = of_class.counts.iter();
        let mut stacks: Vec<_> = stacks
            .map(|(stack, &count)| (count, stack.clone()))
            .collect();
        stacks.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        stacks.truncate(MOST_TOLD);
        Some((event, of_class.sampled, stacks))
    }

    /// The record of a class; `None` where no stack was taken of it.
    pub fn record(
        &self,
        env: &mut Env,
        slot: usize,
        class: &str,
        loader: Option<&str>,
    ) -> Option<Sites> {
        let (event, sampled, stacks) = self.most_frequent(slot)?;
        let stacks = stacks.into_iter().map(|(count, stack)| SiteStack {
            count,
            frames: frames(stack.iter().map(|&at| jvmti::frame_name(env, at))),
        });
        Some(Sites {
            class: class.to_owned(),
            loader: loader.map(str::to_owned),
            event,
            sampled,
            stacks: stacks.collect(),
        })
    }
}

impl Known {
    fn wants(&mut self, slot: usize) -> bool {
        let of_class = self.by_slot.entry(slot).or_default();
        of_class.chosen += 1;
        // Of the classes that share a slot each may be another.
        if slot != OTHER && (of_class.sampled > 0 || of_class.chosen > PASSED_OVER) {
            return true;
        }
        let has_room = self.classes < MOST_CLASSES;
        self.classes += usize::from(has_room);
        has_room
    }
}

/// Frames in words, without those in which the VM registers.
fn frames(stack: impl Iterator<Item = Option<FrameName>>) -> Vec<String> {
    let is_registering = |frame: &Option<FrameName>| {
        frame.as_ref().is_some_and(|frame| {
            frame.class == "java.lang.ref.Finalizer"
                || frame.class.starts_with("java.lang.ref.Finwatch")
                || (frame.class == "java.lang.Object" && frame.method == "<init>")
        })
    };
    stack
        .skip_while(is_registering)
        .map(|frame| {
            frame.map_or_else(
                || "(a method that is gone)".to_owned(),
                |frame| words(&frame),
            )
        })
        .collect()
}

/// As `StackTraceElement.toString` has it.
fn words(frame: &FrameName) -> String {
    let place = match (&frame.file, frame.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.clone(),
        (None, _) => "Unknown Source".to_owned(),
    };
    format!("{}.{}({place})", frame.class, frame.method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jvmti::location;

    #[test]
    fn stacks_are_counted_by_class_and_told_most_frequent_first() {
        let stacks = Stacks::new();
        let (a, b) = ([location(1), location(2)], [location(3)]);
        for stack in [&a[..], &b, &a, &a] {
            stacks.taken(7, stack);
        }
        stacks.taken(8, &b);
        assert_eq!(stacks.most_untold(5), [7, 8]);
        let (_, sampled, most) = stacks.most_frequent(7).unwrap();
        assert_eq!((sampled, most.len(), most[0].0), (4, 2, 3));
        assert_eq!(*most[0].1, a);
        assert_eq!(stacks.most_untold(5), [8]);
        stacks.begin(SiteEvent::Registration);
        assert!(stacks.most_frequent(8).is_some());
        stacks.clear(7);
        assert!(stacks.most_frequent(7).is_none());
        stacks.begin(SiteEvent::Allocation);
        assert!(stacks.most_frequent(8).is_none());
    }

    #[test]
    fn there_are_only_so_many() {
        let stacks = Stacks::new();
        for slot in 1..=100 {
            for number in 0..2 * MOST_STACKS {
                stacks.taken(slot, &[location(number + 1)]);
            }
        }
        let known = stacks.known.lock();
        assert_eq!(known.stacks, MOST_STACKS_OF_ALL);
        assert_eq!(known.by_slot[&1].counts.len(), MOST_STACKS);
        assert_eq!(known.by_slot[&100].sampled, 2 * MOST_STACKS as u64);
    }

    #[test]
    fn a_program_that_loads_classes_all_the_time_has_stacks_of_those_with_many_objects_alone() {
        let stacks = Stacks::new();
        for _ in 0..MOST_CLASSES {
            assert!(stacks.wants(7));
            stacks.taken(7, &[location(1)]);
            assert!(stacks.wants(7));
            stacks.clear(7);
        }
        for _ in 0..PASSED_OVER {
            assert!(!stacks.wants(7) && !stacks.wants(OTHER));
        }
        assert!(stacks.most_untold(5).is_empty() && stacks.most_frequent(7).is_none());
        assert!(stacks.wants(7) && !stacks.wants(OTHER));
    }

    #[test]
    fn one_that_comes_while_another_is_noted_is_dropped() {
        let stacks = Stacks::new();
        let held = stacks.known.lock();
        stacks.taken(1, &[location(1)]);
        drop(held);
        assert!(stacks.most_untold(1).is_empty());
    }

    #[test]
    fn frames_begin_with_the_constructor() {
        let frame = |class: &str, method: &str, file: Option<&str>, line| {
            Some(FrameName {
                class: class.to_owned(),
                method: method.to_owned(),
                file: file.map(str::to_owned),
                line,
            })
        };
        let stack = [
            frame(
                "java.lang.ref.Finalizer",
                "register",
                Some("Finalizer.java"),
                Some(66),
            ),
            frame("java.lang.Object", "<init>", Some("Object.java"), Some(44)),
            frame("app.Statement", "<init>", Some("Statement.java"), Some(12)),
            None,
            frame("app.Dao", "find", None, None),
        ];
        assert_eq!(
            frames(stack.into_iter()),
            [
                "app.Statement.<init>(Statement.java:12)",
                "(a method that is gone)",
                "app.Dao.find(Unknown Source)"
            ]
        );
    }
}

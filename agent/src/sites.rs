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

/// Different stacks of one class. One that comes then takes the place of the one with fewest objects and their number
/// with it, so that those of which there are many are found whenever they come (Metwally, Agrawal, El Abbadi,
/// "Efficient computation of frequent and top-k elements in data streams", 2005: Space-Saving).
const MOST_STACKS: usize = 64;

/// Different stacks of all classes. A class that has none yet takes the place of one of another that has many.
const MOST_STACKS_OF_ALL: usize = 2048;

/// So many classes are looked at for that: a thread of the application waits.
const MOST_LOOKED_AT: usize = 32;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    count: u64,
    /// Objects that it stands for.
    objects: u64,
}

/// What is to be told of a class.
struct Told {
    event: SiteEvent,
    sampled: u64,
    objects: u64,
    most: Vec<(Seen, Box<[Location]>)>,
}

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
    /// The slot from which on classes are looked at next for one that has many.
    looked_at: usize,
    /// Classes of which stacks were taken, those that are gone included.
    classes: usize,
}

#[derive(Default)]
struct OfClass {
    /// How often it was asked whether one is wanted.
    chosen: u64,
    /// Stacks that were taken.
    sampled: u64,
    /// Objects that they stand for.
    objects: u64,
    /// How many stacks had been told last time.
    told: u64,
    stacks: HashMap<Box<[Location]>, Seen>,
}

impl Stacks {
    const fn new() -> Stacks {
        Stacks {
            known: Mutex::new(Known {
                event: SiteEvent::Registration,
                by_slot: BTreeMap::new(),
                stacks: 0,
                looked_at: 0,
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

    /// A stack was taken that stands for so many objects. Any thread; never waits.
    pub fn taken(&self, slot: usize, objects: u64, stack: &[Location]) {
        if let Some(mut known) = self.known.try_lock() {
            known.take(slot, objects, stack);
        }
    }

    /// The slot goes to another class.
    pub fn clear(&self, slot: usize) {
        let mut known = self.known.lock();
        if let Some(of_class) = known.by_slot.remove(&slot) {
            known.stacks -= of_class.stacks.len();
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

    /// What is known of a class, with the stacks that stand for most objects.
    fn most_frequent(&self, slot: usize) -> Option<Told> {
        let mut known = self.known.lock();
        let event = known.event;
        let of_class = known.by_slot.get_mut(&slot)?;
        if of_class.sampled == 0 {
            return None;
        }
        of_class.told = of_class.sampled;
        let stacks = of_class.stacks.iter();
        let mut most: Vec<_> = stacks.map(|(stack, &seen)| (seen, stack.clone())).collect();
        most.sort_by_key(|(seen, _)| std::cmp::Reverse((seen.objects, seen.count)));
        most.truncate(MOST_TOLD);
        Some(Told {
            event,
            sampled: of_class.sampled,
            objects: of_class.objects,
            most,
        })
    }

    /// The record of a class; `None` where no stack was taken of it.
    pub fn record(
        &self,
        env: &mut Env,
        slot: usize,
        class: &str,
        loader: Option<&str>,
    ) -> Option<Sites> {
        let told = self.most_frequent(slot)?;
        // How many objects one of the VM's choice stands for is not known.
        let estimate = |objects| match told.event {
            SiteEvent::Registration => objects,
            SiteEvent::Allocation => 0,
        };
        let stacks = told.most.into_iter().map(|(seen, stack)| SiteStack {
            count: seen.count,
            objects_estimate: estimate(seen.objects),
            frames: frames(stack.iter().map(|&at| jvmti::frame_name(env, at))),
        });
        Some(Sites {
            class: class.to_owned(),
            loader: loader.map(str::to_owned),
            event: told.event,
            sampled: told.sampled,
            objects_estimate: estimate(told.objects),
            stacks: stacks.collect(),
        })
    }
}

impl OfClass {
    /// Takes away the stack that stands for fewest objects.
    fn take_least(&mut self) -> Option<Seen> {
        let least = self.stacks.iter().min_by_key(|(_, seen)| seen.objects);
        let least = least?.0.clone();
        self.stacks.remove(&least)
    }
}

impl Known {
    fn take(&mut self, slot: usize, objects: u64, stack: &[Location]) {
        let of_class = self.by_slot.entry(slot).or_default();
        of_class.sampled += 1;
        of_class.objects += objects;
        if let Some(seen) = of_class.stacks.get_mut(stack) {
            seen.count += 1;
            seen.objects += objects;
            return;
        }
        let own = of_class.stacks.len();
        let has_room = own < MOST_STACKS && self.make_room(own);
        let Some(of_class) = self.by_slot.get_mut(&slot) else {
            return;
        };
        let inherited = match has_room {
            true => 0,
            false => match of_class.take_least() {
                Some(least) => {
                    self.stacks -= 1;
                    least.objects
                }
                None => return,
            },
        };
        let seen = Seen {
            count: 1,
            objects: inherited + objects,
        };
        of_class.stacks.insert(stack.into(), seen);
        self.stacks += 1;
    }

    /// Whether there is room for one more of a class with so many, if need be in the place of another's.
    fn make_room(&mut self, own: usize) -> bool {
        if self.stacks < MOST_STACKS_OF_ALL {
            return true;
        }
        // Those that follow the last ones, or from the beginning again.
        let from = match self.by_slot.last_key_value() {
            Some((&last, _)) if self.looked_at <= last => self.looked_at,
            _ => 0,
        };
        let looked_at = self.by_slot.range_mut(from..).take(MOST_LOOKED_AT);
        let (mut last, mut most) = (None, None::<&mut OfClass>);
        for (&slot, of_class) in looked_at {
            last = Some(slot);
            if most
                .as_ref()
                .is_none_or(|most| of_class.stacks.len() > most.stacks.len())
            {
                most = Some(of_class);
            }
        }
        self.looked_at = last.map_or(0, |last| last + 1);
        let Some(most) = most else {
            return false;
        };
        if most.stacks.len() <= own + 1 {
            return false;
        }
        let taken = most.take_least().is_some();
        self.stacks -= usize::from(taken);
        taken
    }

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
            stacks.taken(7, 1, stack);
        }
        stacks.taken(8, 1, &b);
        assert_eq!(stacks.most_untold(5), [7, 8]);
        let told = stacks.most_frequent(7).unwrap();
        assert_eq!((told.sampled, told.objects, told.most.len()), (4, 4, 2));
        assert_eq!(told.most[0].0.count, 3);
        assert_eq!(*told.most[0].1, a);
        assert_eq!(stacks.most_untold(5), [8]);
        stacks.begin(SiteEvent::Registration);
        assert!(stacks.most_frequent(8).is_some());
        stacks.clear(7);
        assert!(stacks.most_frequent(7).is_none());
        stacks.begin(SiteEvent::Allocation);
        assert!(stacks.most_frequent(8).is_none());
    }

    #[test]
    fn a_stack_weighs_as_much_as_the_objects_it_stands_for() {
        let stacks = Stacks::new();
        for _ in 0..800 {
            stacks.taken(7, 1, &[location(1)]);
        }
        for _ in 0..100 {
            stacks.taken(7, 16_384, &[location(2)]);
        }
        let told = stacks.most_frequent(7).unwrap();
        assert_eq!((told.sampled, told.objects), (900, 800 + 1_638_400));
        assert_eq!(*told.most[0].1, [location(2)]);
    }

    #[test]
    fn there_are_only_so_many_and_those_that_come_late_are_found_too() {
        let stacks = Stacks::new();
        for slot in 1..=100 {
            for number in 0..2 * MOST_STACKS {
                stacks.taken(slot, 1, &[location(number + 1)]);
            }
        }
        for _ in 0..10 {
            stacks.taken(1, 1024, &[location(9999)]);
        }
        let known = stacks.known.lock();
        assert!(known.stacks <= MOST_STACKS_OF_ALL, "{}", known.stacks);
        let all: usize = known.by_slot.values().map(|of| of.stacks.len()).sum();
        assert_eq!(known.stacks, all);
        let of = |slot| &known.by_slot[&slot];
        assert!((1..=100).all(|slot| (1..=MOST_STACKS).contains(&of(slot).stacks.len())));
        assert_eq!(of(100).sampled, 2 * MOST_STACKS as u64);
        drop(known);
        let told = stacks.most_frequent(1).unwrap();
        assert_eq!(*told.most[0].1, [location(9999)]);
        // At most a 64th too many.
        let (most, whole) = (told.most[0].0.objects, told.objects);
        assert!(
            (10_240..=10_240 + whole / 64).contains(&most),
            "{most} of {whole}"
        );
    }

    #[test]
    fn a_program_that_loads_classes_all_the_time_has_stacks_of_those_with_many_objects_alone() {
        let stacks = Stacks::new();
        for _ in 0..MOST_CLASSES {
            assert!(stacks.wants(7));
            stacks.taken(7, 1, &[location(1)]);
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
        stacks.taken(1, 1, &[location(1)]);
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

//! The classes of the ledger by name, from the day they get a slot until they have been
//! unloaded and reported.
//!
//! In the agent's own thread and, at the end of the VM, in the thread that ends it; one
//! at a time.

use std::collections::BTreeMap;

use finwatch_record::{ClassRow, Counts, OmittedClasses};
use jni::Env;

use crate::{
    alerts::{ClassNow, Finalized},
    ledger::{Baseline, Ledger, OTHER},
    shim::{Discovered, Fate, Shim},
    sites::STACKS,
};

/// The name of the row of all classes without a slot of their own.
pub const OTHER_CLASSES: &str = "(other classes)";

/// Rows of unloaded classes in one sample. More at once is a program that makes and drops
/// classes all the time: the rest goes into the sum unnamed.
const MAX_UNLOADED_ROWS: usize = 100;

/// What a class is called and what it had before the hooks counted.
#[derive(Debug, Default)]
struct Class {
    name: String,
    loader: Option<String>,
    source: Option<String>,
    baseline: Baseline,
    unloaded: bool,
    finalized: Finalized,
    /// Registrations that were counted when the busiest class was last looked for.
    registered_then: u64,
}

/// The classes that have a slot, and the sum of those that had one.
#[derive(Debug, Default)]
pub struct Classes {
    by_slot: BTreeMap<usize, Class>,
    gone: OmittedClasses,
    /// The slot that the shim tries before all others.
    busiest: usize,
}

/// The counts of all classes at one moment, worst first.
pub struct Ranking<'a> {
    classes: &'a Classes,
    ledger: Ledger,
    /// Slots of the classes that ever registered anything, and their counts.
    ranked: Vec<(usize, Counts)>,
    /// The sum of those that were unloaded and reported before.
    gone: OmittedClasses,
    /// The whole.
    whole: Counts,
}

impl Classes {
    /// No class yet.
    pub fn new() -> Classes {
        let other = Class {
            name: OTHER_CLASSES.to_owned(),
            ..Class::default()
        };
        Classes {
            by_slot: BTreeMap::from([(OTHER, other)]),
            gone: OmittedClasses::default(),
            busiest: OTHER,
        }
    }

    /// Asks the shim which classes came and which went. Returns the slots of those that came.
    pub fn refresh(&mut self, env: &mut Env, shim: &Shim) -> jni::errors::Result<Vec<usize>> {
        let mut found = Vec::new();
        for class in shim.discovered(env)? {
            found.push(class.slot);
            self.discovered(class);
        }
        for slot in shim.unloaded(env)? {
            self.by_slot.entry(slot).or_default().unloaded = true;
        }
        Ok(found)
    }

    /// Has the shim try the class first that most registrations were of since the last time.
    pub fn prefer_busiest(
        &mut self,
        env: &mut Env,
        shim: &Shim,
        ledger: Ledger,
    ) -> jni::errors::Result<()> {
        let mut most = (0, OTHER);
        for (&slot, class) in &mut self.by_slot {
            let registered = ledger.registered(slot);
            let before = std::mem::replace(&mut class.registered_then, registered);
            let new = registered.saturating_sub(before);
            if slot != OTHER && !class.unloaded {
                most = most.max((new, slot));
            }
        }
        let (new, slot) = most;
        if new > 0 && slot != std::mem::replace(&mut self.busiest, slot) {
            shim.set_busiest(env, slot)?;
        }
        Ok(())
    }

    /// What became of objects after their `finalize()`.
    pub fn fates(&mut self, fates: impl IntoIterator<Item = Fate>) {
        for fate in fates {
            if let Some(class) = self.by_slot.get_mut(&fate.slot) {
                class.finalized.was_seen(fate.survived);
            }
        }
    }

    fn discovered(&mut self, found: Discovered) {
        if found.slot == OTHER {
            return;
        }
        let class = self.by_slot.entry(found.slot).or_default();
        class.loader = Some(loader(&found.loader_class, found.loader_hash));
        class.source = (!found.source.is_empty()).then_some(found.source);
        class.name = found.class;
    }

    /// Takes over what a walk along the chain found, in place of what an earlier one did:
    /// each compares the chain with everything that the hooks counted.
    pub fn set_baselines(&mut self, found: impl IntoIterator<Item = (usize, Baseline)>) {
        for class in self.by_slot.values_mut() {
            class.baseline = Baseline::default();
        }
        for (slot, baseline) in found {
            self.by_slot.entry(slot).or_default().baseline = baseline;
        }
    }

    /// Reads the ledger.
    pub fn rank(&self, ledger: Ledger) -> Ranking<'_> {
        let counts =
            |(&slot, class): (&usize, &Class)| (slot, ledger.counted(slot).with(class.baseline));
        let mut ranked: Vec<(usize, Counts)> = self.by_slot.iter().map(counts).collect();
        ranked.retain(|(_, counts)| *counts != Counts::default());
        ranked.sort_by_key(|(_, counts)| {
            std::cmp::Reverse((counts.registered + counts.running, counts.registered_total))
        });
        let mut whole = self.gone.counts;
        for (_, counts) in &ranked {
            whole += *counts;
        }
        Ranking {
            classes: self,
            ledger,
            ranked,
            gone: self.gone,
            whole,
        }
    }

    /// The slots of the classes with a name, and their loaders: one loader's, or all.
    pub fn slots(&self, name: &str, loader: Option<&str>) -> Vec<(usize, Option<String>)> {
        let named = self.by_slot.iter().filter(|(slot, class)| {
            let is_loader = loader.is_none() || class.loader.as_deref() == loader;
            **slot != OTHER && class.name == name && is_loader
        });
        named
            .map(|(slot, class)| (*slot, class.loader.clone()))
            .collect()
    }

    /// All slots that a class has to itself.
    pub fn slots_of_all(&self) -> impl Iterator<Item = usize> {
        self.by_slot.keys().copied().filter(|&slot| slot != OTHER)
    }

    /// The name of the class of a slot, and its loader.
    pub fn name(&self, slot: usize) -> Option<(&str, Option<&str>)> {
        let class = self.by_slot.get(&slot)?;
        Some((&class.name, class.loader.as_deref()))
    }

    /// Whether `finalize()` of the class of a slot is known to resurrect objects.
    pub fn resurrects(&self, slot: usize) -> bool {
        let class = self.by_slot.get(&slot);
        class.is_some_and(|class| class.finalized.has_survivors())
    }

    /// Instances of the class of a slot that are registered.
    pub fn registered(&self, ledger: Ledger, slot: usize) -> u64 {
        let baseline = self.by_slot.get(&slot).map(|class| class.baseline);
        ledger
            .counted(slot)
            .with(baseline.unwrap_or_default())
            .registered
    }

    /// Lets go of unloaded classes, now that their last row has been reported, and gives
    /// their slots back. One whose thread is still inside a hook waits for the next time.
    pub fn release_unloaded(
        &mut self,
        env: &mut Env,
        shim: &Shim,
        ledger: Ledger,
    ) -> jni::errors::Result<()> {
        let unloaded = self.by_slot.iter().filter(|(_, class)| class.unloaded);
        let ended: Vec<usize> = unloaded
            .filter(|(slot, class)| class.has_ended(ledger, **slot))
            .map(|(slot, _)| *slot)
            .collect();
        for slot in ended {
            if let Some(class) = self.by_slot.remove(&slot) {
                self.gone.count += 1;
                self.gone.counts += ledger.counted(slot).with(class.baseline);
                ledger.clear(slot);
                STACKS.clear(slot);
                shim.release(env, slot)?;
                if self.busiest == slot {
                    self.busiest = OTHER;
                }
            }
        }
        Ok(())
    }
}

impl Class {
    /// Nothing of it is registered or running: nothing will be counted for it any more.
    fn has_ended(&self, ledger: Ledger, slot: usize) -> bool {
        let counts = ledger.counted(slot).with(self.baseline);
        counts.registered == 0 && counts.running == 0
    }
}

impl Ranking<'_> {
    /// The counts of all classes together.
    pub fn whole(&self) -> Counts {
        self.whole
    }

    /// Nothing is hooked, or no longer: the VM's own pending count is all that is known.
    pub fn know_only(&mut self, pending: u64) {
        let counts = Counts {
            pending,
            ..Counts::default()
        };
        self.ranked.clear();
        self.gone = OmittedClasses { count: 0, counts };
        self.whole = counts;
    }

    /// Every class, worst first.
    pub fn each(&self) -> impl Iterator<Item = ClassNow<'_>> {
        self.ranked.iter().filter_map(|(slot, counts)| {
            let class = self.classes.by_slot.get(slot)?;
            Some(ClassNow {
                class: &class.name,
                loader: class.loader.as_deref(),
                counts: *counts,
                finalize_ns: self.ledger.durations(*slot),
                finalized: class.finalized,
            })
        })
    }

    /// The worst `limit` classes and those being unloaded, and the sum of all others. Those that must not be missing,
    /// by name and loader, go before others that are worse.
    pub fn list(
        &self,
        limit: usize,
        is_wanted: impl Fn(&str, Option<&str>) -> bool,
    ) -> (Vec<ClassRow>, OmittedClasses) {
        let (mut listed, mut unloaded, mut omitted) = (Vec::new(), 0, self.gone);
        let ranked = self.ranked.iter().filter_map(|(slot, counts)| {
            let class = self.classes.by_slot.get(slot)?;
            let is_wanted = is_wanted(&class.name, class.loader.as_deref());
            Some((*slot, class, *counts, is_wanted))
        });
        let ranked: Vec<_> = ranked.collect();
        let mut wanted = ranked.iter().filter(|(.., is_wanted)| *is_wanted).count();
        wanted = wanted.min(limit);
        let mut others = limit - wanted;
        for (slot, class, counts, is_wanted) in ranked {
            unloaded += usize::from(class.unloaded);
            let left = match is_wanted {
                true => &mut wanted,
                false => &mut others,
            };
            let is_listed = *left > 0;
            *left -= usize::from(is_listed);
            if is_listed || (class.unloaded && unloaded <= MAX_UNLOADED_ROWS) {
                listed.push(self.row(slot, class, counts));
            } else {
                omitted.count += 1;
                omitted.counts += counts;
            }
        }
        (listed, omitted)
    }

    fn row(&self, slot: usize, class: &Class, counts: Counts) -> ClassRow {
        ClassRow {
            class: class.name.clone(),
            loader: class.loader.clone(),
            source: class.source.clone(),
            unloaded: class.unloaded,
            counts,
            finalize_ns: self.ledger.durations(slot),
        }
    }
}

/// How a defining loader is called: the JDK's own by their role, any other by its class
/// and identity hash.
fn loader(class: &str, hash: u32) -> String {
    match class {
        "" => "bootstrap".to_owned(),
        "jdk.internal.loader.ClassLoaders$AppClassLoader" | "sun.misc.Launcher$AppClassLoader" => {
            "app".to_owned()
        }
        "jdk.internal.loader.ClassLoaders$PlatformClassLoader"
        | "sun.misc.Launcher$ExtClassLoader" => "platform".to_owned(),
        class => format!("{class}@{hash:x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered((slot, registered): (usize, i64)) -> (usize, Baseline) {
        let enqueued = 0;
        let baseline = Baseline {
            registered,
            enqueued,
        };
        (slot, baseline)
    }

    #[test]
    fn a_second_walk_is_not_added_to_the_first() {
        let mut classes = Classes::new();
        classes.set_baselines([(1, 3), (2, 5)].map(registered));
        classes.set_baselines([(1, 4)].map(registered));
        assert_eq!(classes.rank(Ledger::allocate()).whole().registered, 4);
    }

    #[test]
    fn what_is_listed_and_what_is_omitted_adds_up() {
        let mut classes = Classes::new();
        classes.set_baselines([(1, 3), (2, 5), (3, 4), (4, 1)].map(registered));
        classes.by_slot.get_mut(&4).unwrap().unloaded = true;
        classes.gone = OmittedClasses {
            count: 1,
            counts: Counts {
                registered_total: 7,
                ..Counts::default()
            },
        };
        let ranking = classes.rank(Ledger::allocate());
        let (listed, omitted) = ranking.list(2, |_, _| false);
        let registered: Vec<u64> = listed.iter().map(|row| row.counts.registered).collect();
        assert_eq!(registered, [5, 4, 1]);
        assert_eq!((omitted.count, omitted.counts.registered), (2, 3));
        assert_eq!(omitted.counts.registered_total, 10);
        assert_eq!(ranking.whole().registered_total, 20);
    }

    #[test]
    fn without_the_hooks_nothing_that_they_counted_is_told() {
        let mut classes = Classes::new();
        classes.set_baselines([(1, 3)].map(registered));
        classes.gone.counts.registered_total = 7;
        let mut ranking = classes.rank(Ledger::allocate());
        ranking.know_only(2);
        let only = Counts {
            pending: 2,
            ..Counts::default()
        };
        assert_eq!(ranking.whole(), only);
        assert_eq!(ranking.each().count(), 0);
        let (listed, omitted) = ranking.list(5, |_, _| false);
        assert!(listed.is_empty());
        assert_eq!((omitted.count, omitted.counts), (0, only));
    }

    #[test]
    fn the_jdks_own_loaders_are_called_by_their_role() {
        assert_eq!(loader("", 0), "bootstrap");
        assert_eq!(loader("sun.misc.Launcher$AppClassLoader", 7), "app");
        assert_eq!(
            loader("java.net.URLClassLoader", 0x1f),
            "java.net.URLClassLoader@1f"
        );
    }
}

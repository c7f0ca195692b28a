//! The classes of the ledger by name, from the day they get a slot until they have been
//! unloaded and reported.
//!
//! In the agent's own thread and, at the end of the VM, in the thread that ends it; one
//! at a time.

use std::collections::BTreeMap;

use finwatch_record::{ClassRow, Counts, OmittedClasses};
use jni::Env;

use crate::{
    ledger::{Baseline, Ledger, OTHER},
    shim::{Discovered, Shim},
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
}

/// The classes that have a slot, and the sum of those that had one.
#[derive(Debug, Default)]
pub struct Classes {
    by_slot: BTreeMap<usize, Class>,
    gone: OmittedClasses,
}

/// All rows at one moment, worst first, and what of them adds up to the whole.
pub struct Rows {
    /// Every class that ever registered anything and is not [`Rows::gone`].
    pub classes: Vec<ClassRow>,
    /// The sum of those that were unloaded and reported before.
    pub gone: OmittedClasses,
    /// The whole.
    pub whole: Counts,
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
        }
    }

    /// Asks the shim which classes came and which went.
    pub fn refresh(&mut self, env: &mut Env, shim: &Shim) -> jni::errors::Result<()> {
        for class in shim.discovered(env)? {
            self.discovered(class);
        }
        for slot in shim.unloaded(env)? {
            self.by_slot.entry(slot).or_default().unloaded = true;
        }
        Ok(())
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

    /// Adds what a walk along the chain found.
    pub fn add_baseline(&mut self, slot: usize, baseline: Baseline) {
        let class = self.by_slot.entry(slot).or_default();
        class.baseline.registered += baseline.registered;
        class.baseline.enqueued += baseline.enqueued;
    }

    /// Reads the ledger.
    pub fn rows(&self, ledger: Ledger) -> Rows {
        let rows = self
            .by_slot
            .iter()
            .map(|(&slot, class)| class.row(ledger, slot));
        let mut classes: Vec<ClassRow> =
            rows.filter(|row| row.counts != Counts::default()).collect();
        classes.sort_by_key(|row| {
            std::cmp::Reverse((
                row.counts.registered + row.counts.running,
                row.counts.registered_total,
            ))
        });
        let mut whole = self.gone.counts;
        for row in &classes {
            add(&mut whole, &row.counts);
        }
        Rows {
            classes,
            gone: self.gone,
            whole,
        }
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
                add(
                    &mut self.gone.counts,
                    &ledger.counted(slot).with(class.baseline),
                );
                ledger.clear(slot);
                shim.release(env, slot)?;
            }
        }
        Ok(())
    }
}

impl Class {
    fn row(&self, ledger: Ledger, slot: usize) -> ClassRow {
        ClassRow {
            class: self.name.clone(),
            loader: self.loader.clone(),
            source: self.source.clone(),
            unloaded: self.unloaded,
            counts: ledger.counted(slot).with(self.baseline),
            finalize_ns: ledger.durations(slot),
        }
    }

    /// Nothing of it is registered or running: nothing will be counted for it any more.
    fn has_ended(&self, ledger: Ledger, slot: usize) -> bool {
        let counts = ledger.counted(slot).with(self.baseline);
        counts.registered == 0 && counts.running == 0
    }
}

impl Rows {
    /// The worst `limit` classes and those being unloaded, and the sum of all others.
    pub fn worst(self, limit: usize) -> (Vec<ClassRow>, OmittedClasses) {
        let mut omitted = self.gone;
        let (mut listed, mut unloaded) = (Vec::new(), 0);
        for (rank, row) in self.classes.into_iter().enumerate() {
            unloaded += usize::from(row.unloaded);
            if rank < limit || (row.unloaded && unloaded <= MAX_UNLOADED_ROWS) {
                listed.push(row);
            } else {
                omitted.count += 1;
                add(&mut omitted.counts, &row.counts);
            }
        }
        (listed, omitted)
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

fn add(sum: &mut Counts, part: &Counts) {
    sum.registered += part.registered;
    sum.pending += part.pending;
    sum.running += part.running;
    sum.registered_total += part.registered_total;
    sum.enqueued_total += part.enqueued_total;
    sum.finalized_total += part.finalized_total;
    sum.threw_total += part.threw_total;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(class: &str, registered: u64, unloaded: bool) -> ClassRow {
        ClassRow {
            class: class.to_owned(),
            loader: None,
            source: None,
            unloaded,
            counts: Counts {
                registered,
                registered_total: registered,
                ..Counts::default()
            },
            finalize_ns: Default::default(),
        }
    }

    #[test]
    fn what_is_listed_and_what_is_omitted_adds_up() {
        let classes = vec![
            row("a", 5, false),
            row("b", 4, false),
            row("c", 3, false),
            row("d", 0, true),
        ];
        let gone = OmittedClasses {
            count: 1,
            counts: Counts {
                registered_total: 7,
                ..Counts::default()
            },
        };
        let rows = Rows {
            classes,
            gone,
            whole: Counts::default(),
        };
        let (listed, omitted) = rows.worst(2);
        let names: Vec<&str> = listed.iter().map(|row| row.class.as_str()).collect();
        assert_eq!(names, ["a", "b", "d"]);
        assert_eq!(
            (
                omitted.count,
                omitted.counts.registered,
                omitted.counts.registered_total
            ),
            (2, 3, 10)
        );
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

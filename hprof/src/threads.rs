//! The threads of the JVM: their names and stacks.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::entry::{Root, RootKind};
use crate::error::Error;
use crate::fetch::{Fetch, Fetched, Fetcher};
use crate::layout::Finder;
use crate::strings;

/// A thread that was alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its serial number in the dump.
    pub serial: u32,
    /// The `java.lang.Thread`.
    pub object: u64,
    /// Its name; empty where the dump does not have it.
    pub name: String,
    /// Whether it is a virtual thread. These have mostly no name of their own and are told together.
    pub is_virtual: bool,
    /// The serial number of its stack in the dump.
    pub stack_serial: u32,
    /// Its stack, the innermost frame first; empty where the dump has none. Read of the threads of [`FINALIZING`] alone, as
    /// the next one is.
    pub stack: Vec<String>,
    /// The lock that it waits for, and who has it, where its fields tell.
    pub waits_for: Option<String>,
}

impl Thread {
    /// Whether it is one of [`FINALIZING`].
    pub fn is_finalizing(&self) -> bool {
        FINALIZING.contains(&self.name.as_str())
    }
}

/// The names of the JVM's own threads that have to do with finalization, and of those of `System.runFinalization()`.
pub const FINALIZING: [&str; 3] = ["Finalizer", "Reference Handler", "Secondary finalizer"];

/// Of so many of them at most the stack is read: a JVM has two, and one more for each call of `System.runFinalization()`.
const MOST_STACKS: usize = 64;

/// All threads, by serial number.
pub type Threads = HashMap<u32, Thread, RandomState>;

/// Reads them.
pub fn read(fetcher: Fetcher<'_>) -> Result<Threads, Error> {
    let survey = fetcher.survey;
    let finder = Finder {
        dump: fetcher.dump,
        classes: &survey.classes,
        names: &survey.names,
    };
    let roots: Vec<_> = survey
        .roots
        .iter()
        .filter(|root| root.kind == RootKind::Thread)
        .collect();
    let found = fetcher.fetch(roots.iter().map(|root| root.object))?;
    let field = |object: u64, declared_in: &str, name: &str| {
        value(finder, &found, object, declared_in, name)
    };
    let name_of = |object: u64| field(object, THREAD, "name");
    let names: Vec<u64> = roots
        .iter()
        .filter_map(|root| name_of(root.object))
        .collect();
    let texts = strings::read(fetcher, &names)?;
    let name = |object: u64| {
        name_of(object)
            .and_then(|id| texts.get(&id).cloned())
            .unwrap_or_default()
    };
    let virtual_class = survey.classes.of_boot_loader(VIRTUAL_THREAD);
    let is_virtual = |object: u64| match found.get(&object) {
        Some(&Fetched::Instance(class, _)) => Some(class) == virtual_class,
        _ => false,
    };
    let thread = |root: &&Root| Thread {
        serial: root.thread,
        object: root.object,
        name: name(root.object),
        is_virtual: is_virtual(root.object),
        stack_serial: root.frame,
        stack: Vec::new(),
        waits_for: None,
    };
    let mut threads: Threads = roots
        .iter()
        .map(|root| (root.thread, thread(root)))
        .collect();
    let blocker = |thread: &Thread| field(thread.object, THREAD, "parkBlocker");
    let finalizing = || threads.values().filter(|thread| thread.is_finalizing());
    let locks = fetcher.fetch(finalizing().filter_map(blocker))?;
    let waits_for = |thread: &Thread| {
        let lock = blocker(thread)?;
        let Fetched::Instance(class, _) = locks.get(&lock)? else {
            return None;
        };
        let owner = value(finder, &locks, lock, OWNED, "exclusiveOwnerThread")
            .filter(|&owner| owner != 0)?;
        Some(format!(
            "a {}, which thread '{}' has",
            survey.classes.get(*class).name,
            name(owner)
        ))
    };
    let finalizing = threads.values_mut().filter(|thread| thread.is_finalizing());
    let mut finalizing: Vec<&mut Thread> = finalizing.collect();
    finalizing.sort_by_key(|thread| FINALIZING.iter().position(|name| *name == thread.name));
    for thread in finalizing.into_iter().take(MOST_STACKS) {
        let Finder {
            dump,
            classes,
            names,
        } = finder;
        thread.stack = survey
            .stacks
            .read(thread.stack_serial, dump, names, classes);
        thread.waits_for = waits_for(thread);
    }
    Ok(threads)
}

/// The class of virtual threads, of all of them.
pub const VIRTUAL_THREAD: &str = "java.lang.VirtualThread";
const THREAD: &str = "java.lang.Thread";
/// Declares who has a lock of `java.util.concurrent`.
const OWNED: &str = "java.util.concurrent.locks.AbstractOwnableSynchronizer";

/// The value of a field of an object that was fetched.
fn value(
    finder: Finder<'_>,
    found: &Fetch,
    object: u64,
    declared_in: &str,
    name: &str,
) -> Option<u64> {
    let Fetched::Instance(class, body) = found.get(&object)? else {
        return None;
    };
    Some(
        finder
            .field(*class, declared_in, name)?
            .read(finder.dump.ids, body),
    )
}

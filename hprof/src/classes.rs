//! The classes of a dump, numbered; arrays of primitives have a class here too, though the dump gives them none.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;

use foldhash::fast::RandomState;

use crate::entry::ClassDump;
use crate::names::Names;
use crate::source::Dump;
use crate::value::{PRIMITIVES, Type};

/// A class's number.
pub type ClassNumber = u32;

/// One class.
#[derive(Debug, Default)]
pub struct Class {
    /// Its `java.lang.Class`; 0 for arrays of primitives.
    pub id: u64,
    /// As Java writes it: `java.util.Timer`, `java.util.TimerTask[]`; empty where the dump does not say.
    pub name: String,
    /// What the dump tells of it; `None` where that part is missing.
    pub dump: Option<Box<ClassDump>>,
    /// How many instances, or arrays, there are.
    pub instances: u64,
    /// An array class: its instances were told as arrays.
    pub array: bool,
    name_id: u64,
}

/// All classes that were loaded or that objects name.
#[derive(Debug)]
pub struct Classes {
    numbers: HashMap<u64, ClassNumber, RandomState>,
    list: Vec<Class>,
    seen: [(u64, ClassNumber); SEEN],
}

/// Classes found lately, by the low bits of their id: most objects are of few classes.
const SEEN: usize = 256;

impl Default for Classes {
    fn default() -> Self {
        let list = PRIMITIVES.iter().map(|element| Class {
            name: format!("{}[]", element.name()),
            array: true,
            ..Class::default()
        });
        Classes {
            numbers: HashMap::default(),
            list: list.collect(),
            seen: [(0, 0); SEEN],
        }
    }
}

impl Classes {
    /// The number of the class with this id, given now if it had none.
    #[inline]
    pub fn number_or_new(&mut self, id: u64) -> ClassNumber {
        let seen = (id >> 3) as usize % SEEN;
        if self.seen[seen].0 == id && id != 0 {
            return self.seen[seen].1;
        }
        let fresh = self.list.len() as ClassNumber;
        let number = *self.numbers.entry(id).or_insert(fresh);
        if number == fresh {
            self.list.push(Class {
                id,
                ..Class::default()
            });
        }
        self.seen[seen] = (id, number);
        number
    }

    /// The number of the class with this id.
    #[inline]
    pub fn number(&self, id: u64) -> Option<ClassNumber> {
        self.numbers.get(&id).copied()
    }

    /// The class of arrays with such elements.
    pub fn of_primitive_array(element: Type) -> ClassNumber {
        element.primitive_index().unwrap_or(0) as ClassNumber
    }

    /// The class with a number, to add to.
    pub fn get_mut(&mut self, number: ClassNumber) -> &mut Class {
        &mut self.list[number as usize]
    }

    /// A class was loaded under a name.
    pub fn loaded(&mut self, id: u64, name_id: u64) {
        let number = self.number_or_new(id);
        self.get_mut(number).name_id = name_id;
    }

    /// The dump describes a class; a second description of the same is ignored.
    pub fn described(&mut self, class: ClassDump) {
        let number = self.number_or_new(class.id);
        self.get_mut(number)
            .dump
            .get_or_insert_with(|| Box::new(class));
    }

    /// Reads the names of all classes.
    pub fn read_names(&mut self, names: &Names, dump: &Dump) -> io::Result<()> {
        let ids: Vec<u64> = self.list.iter().map(|class| class.name_id).collect();
        for (class, name) in self.list.iter_mut().zip(names.read_all(dump, &ids)?) {
            if class.id != 0 {
                class.name = java_name(&name);
            }
        }
        Ok(())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// All, by number.
    pub fn iter(&self) -> impl Iterator<Item = (ClassNumber, &Class)> {
        self.list
            .iter()
            .enumerate()
            .map(|(number, class)| (number as ClassNumber, class))
    }

    /// One.
    pub fn get(&self, number: ClassNumber) -> &Class {
        &self.list[number as usize]
    }

    /// The class of this name that the boot loader defined. Where an agent has retransformed it there are others of the
    /// same name: versions from before and in between, which the dump does not describe and nothing is an instance of.
    pub fn of_boot_loader(&self, name: &str) -> Option<ClassNumber> {
        let is_it = |class: &Class| class.name == name && class.loader() == 0;
        let found = self.iter().filter(|(_, class)| is_it(class));
        let (number, _) = found.max_by_key(|(number, class)| {
            (class.dump.is_some(), class.instances, Reverse(*number))
        })?;
        Some(number)
    }

    /// The superclass.
    pub fn superclass(&self, number: ClassNumber) -> Option<ClassNumber> {
        let id = self.get(number).dump.as_ref()?.superclass;
        if id == 0 { None } else { self.number(id) }
    }

    /// The class and its superclasses, from the bottom up, each once, even where the dump has a ring of them.
    pub fn lineage(&self, number: ClassNumber) -> impl Iterator<Item = ClassNumber> {
        let mut seen = vec![number];
        let above = move |&class: &ClassNumber| {
            let superclass = self
                .superclass(class)
                .filter(|class| !seen.contains(class))?;
            seen.push(superclass);
            Some(superclass)
        };
        // Deeper than any real one: the JVM's own stack ends first.
        std::iter::successors(Some(number), above).take(1000)
    }

    /// For each class, whether it is `ancestor` or inherits from it.
    pub fn descendants(&self, ancestor: ClassNumber) -> Vec<bool> {
        let mut known: Vec<Option<bool>> = vec![None; self.len()];
        known[ancestor as usize] = Some(true);
        for start in 0..self.len() as ClassNumber {
            let mut path = Vec::new();
            let mut class = Some(start);
            // What is on the path counts as no descendant until its end is found: that ends a ring.
            while let Some(number) = class.filter(|&number| known[number as usize].is_none()) {
                known[number as usize] = Some(false);
                path.push(number);
                class = self.superclass(number);
            }
            let found = class.and_then(|number| known[number as usize]);
            path.into_iter()
                .for_each(|number| known[number as usize] = found.or(Some(false)));
        }
        known.into_iter().map(|known| known == Some(true)).collect()
    }
}

impl Class {
    /// The loader's id, 0 for the boot loader.
    pub fn loader(&self) -> u64 {
        self.dump.as_ref().map_or(0, |dump| dump.loader)
    }
}

/// `java/util/Timer` and `[Ljava/util/Timer;` as Java writes them; JDK 5 wrote dots by itself.
fn java_name(name: &str) -> String {
    let dimensions = name.bytes().take_while(|&byte| byte == b'[').count();
    if dimensions == 0 {
        return name.replace('/', ".");
    }
    let element = &name[dimensions..];
    let element = match element.bytes().next() {
        Some(b'L') => element[1..].trim_end_matches(';').replace('/', "."),
        Some(b'Z') => "boolean".into(),
        Some(b'C') => "char".into(),
        Some(b'F') => "float".into(),
        Some(b'D') => "double".into(),
        Some(b'B') => "byte".into(),
        Some(b'S') => "short".into(),
        Some(b'I') => "int".into(),
        Some(b'J') => "long".into(),
        _ => return name.replace('/', "."),
    };
    element + &"[]".repeat(dimensions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_in_java() {
        assert_eq!(java_name("java/util/Timer"), "java.util.Timer");
        assert_eq!(java_name("[Ljava/util/TimerTask;"), "java.util.TimerTask[]");
        assert_eq!(java_name("[[J"), "long[][]");
        assert_eq!(java_name("java.util.Timer"), "java.util.Timer");
        assert_eq!(java_name("["), "[");
        assert_eq!(java_name("[Lé;"), "é[]");
    }

    #[test]
    fn of_a_retransformed_class_the_version_that_is_described_counts() {
        let mut classes = Classes::default();
        for id in [8, 16, 24] {
            let number = classes.number_or_new(id);
            classes.get_mut(number).name = "java.lang.ref.Finalizer".into();
        }
        classes.described(ClassDump {
            id: 16,
            ..ClassDump::default()
        });
        let found = classes.of_boot_loader("java.lang.ref.Finalizer");
        assert_eq!(found, classes.number(16));
        assert_eq!(classes.of_boot_loader("java.lang.Object"), None);
    }

    #[test]
    fn a_ring_of_superclasses_ends() {
        let mut classes = Classes::default();
        for (id, superclass) in [(8, 16), (16, 8)] {
            classes.described(ClassDump {
                id,
                superclass,
                ..ClassDump::default()
            });
        }
        let first = classes.number(8).unwrap();
        let second = classes.number(16).unwrap();
        assert_eq!(classes.lineage(first).collect::<Vec<_>>(), [first, second]);
        assert!(classes.descendants(classes.number(16).unwrap())[first as usize]);
    }
}

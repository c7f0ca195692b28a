//! The classes of the JVM, by number, as far as a walk needs them.

use jni::{Env, objects::JClass};

use super::HoldersError;
use crate::jvmti::{TaggedHeap, class_name};

/// Classes whose objects hold nothing that is looked for.
const LEAVES: [&str; 11] = [
    "Ljava/lang/String;",
    "Ljava/lang/Integer;",
    "Ljava/lang/Long;",
    "Ljava/lang/Double;",
    "Ljava/lang/Float;",
    "Ljava/lang/Short;",
    "Ljava/lang/Byte;",
    "Ljava/lang/Character;",
    "Ljava/lang/Boolean;",
    "Ljava/math/BigInteger;",
    // The chain itself: it refers to everything that is registered, and holds nothing.
    "Ljava/lang/ref/Finalizer;",
];

/// The class of all objects.
const OBJECT: &str = "Ljava/lang/Object;";

/// The class of which every reference object is.
const REFERENCE: &str = "Ljava/lang/ref/Reference;";

/// Superclasses, at the most.
const DEEPEST: usize = 1000;

/// All loaded classes.
pub struct LoadedClasses<'local> {
    classes: Vec<JClass<'local>>,
    signatures: Vec<String>,
    leaves: Vec<bool>,
    /// The index of the field `referent` of each class of references; -1 for others.
    referents: Vec<i32>,
}

impl<'local> LoadedClasses<'local> {
    /// Numbers them.
    pub fn of(env: &mut Env<'local>, heap: &TaggedHeap) -> Result<Self, HoldersError> {
        let classes = heap.loaded_classes(env)?;
        let signature = |class| heap.signature(class).unwrap_or_default();
        let signatures: Vec<String> = classes.iter().map(signature).collect();
        let leaves = signatures.iter().map(|s| is_leaf(s)).collect();
        let referents = vec![-1; classes.len()];
        let mut loaded = LoadedClasses {
            classes,
            signatures,
            leaves,
            referents,
        };
        loaded.find_referents(env, heap)?;
        Ok(loaded)
    }

    fn find_referents(
        &mut self,
        env: &mut Env<'local>,
        heap: &TaggedHeap,
    ) -> Result<(), HoldersError> {
        let Some(base) = self.with_signature(REFERENCE) else {
            return Ok(());
        };
        for number in 0..self.classes.len() {
            let class = &self.classes[number];
            if !env.is_assignable_from(class, &self.classes[base])? {
                continue;
            }
            match fields(env, heap, class) {
                Ok(fields) => {
                    let referent = fields.iter().position(|field| field == "referent");
                    self.referents[number] = referent.map_or(-1, |index| index as i32);
                }
                // Not linked: it has no objects. If it has some soon, they are left out.
                Err(_) => self.leaves[number] = true,
            }
        }
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// The number of a class; `None` for one that was loaded later.
    pub fn number(&self, env: &Env<'local>, class: &JClass) -> Result<Option<u32>, HoldersError> {
        for (number, each) in self.classes.iter().enumerate() {
            if env.is_same_object(each, class)? {
                return Ok(Some(number as u32));
            }
        }
        Ok(None)
    }

    /// `java.lang.Object`.
    pub fn root(&self) -> Option<&JClass<'local>> {
        self.classes.get(self.with_signature(OBJECT)?)
    }

    /// The first class with a signature: of the boot loader's classes there is no other.
    fn with_signature(&self, signature: &str) -> Option<usize> {
        self.signatures.iter().position(|each| each == signature)
    }

    /// The class with a number.
    pub fn class(&self, number: u32) -> Option<&JClass<'local>> {
        self.classes.get(number as usize)
    }

    /// Each class in the order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = &JClass<'local>> {
        self.classes.iter()
    }

    /// Whether objects of the class hold nothing that is looked for.
    pub fn is_leaf(&self, number: u32) -> bool {
        self.leaves.get(number as usize) == Some(&true)
    }

    /// Whether a field is `Reference.referent`, which does not hold.
    pub fn is_referent(&self, number: u32, index: i32) -> bool {
        index >= 0 && self.referents.get(number as usize) == Some(&index)
    }

    /// Binary name.
    pub fn name(&self, number: u32) -> String {
        let signature = self.signatures.get(number as usize);
        signature.map_or_else(|| "?".to_owned(), |signature| class_name(signature))
    }

    /// Name of the field with JVMTI's index; `None` where that can't be had.
    pub fn field(
        &self,
        env: &mut Env<'local>,
        heap: &TaggedHeap,
        number: u32,
        index: i32,
    ) -> Option<String> {
        let fields = fields(env, heap, self.class(number)?).ok()?;
        fields
            .into_iter()
            .nth(usize::try_from(index).ok()?)
            .filter(|name| !name.is_empty())
    }
}

fn is_leaf(signature: &str) -> bool {
    let is_primitive_array = signature.len() == 2 && signature.starts_with('[');
    is_primitive_array || LEAVES.contains(&signature)
}

/// The names of all fields that a class has, in the order of JVMTI's indexes: those of all its
/// interfaces (without names, as they are never the object's), then those of its superclasses
/// from `Object` down, then its own.
fn fields<'local>(
    env: &mut Env<'local>,
    heap: &TaggedHeap,
    class: &JClass<'local>,
) -> Result<Vec<String>, HoldersError> {
    let signature = heap.signature(class)?;
    env.with_local_frame(512, |env| {
        let mut lineage = vec![env.new_local_ref(class)?];
        while let Some(above) = env.get_superclass(&lineage[lineage.len() - 1])? {
            lineage.push(above);
            if lineage.len() > DEEPEST {
                break;
            }
        }
        let mut seen = vec![signature];
        let mut inherited = 0;
        let mut open = Vec::new();
        for class in &lineage {
            open.extend(heap.interfaces(env, class)?);
        }
        while let Some(interface) = open.pop() {
            let signature = heap.signature(&interface)?;
            if seen.contains(&signature) {
                continue;
            }
            seen.push(signature);
            inherited += heap.fields(&interface)?.len();
            open.extend(heap.interfaces(env, &interface)?);
        }
        let mut fields = vec![String::new(); inherited];
        for class in lineage.iter().rev() {
            fields.extend(heap.fields(class)?);
        }
        Ok(fields)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_nothing() {
        for (signature, leaf) in [
            ("[B", true),
            ("Ljava/lang/String;", true),
            ("[[B", false),
            ("[Ljava/lang/String;", false),
            ("LA;", false),
        ] {
            assert_eq!(is_leaf(signature), leaf, "{signature}");
        }
    }
}

//! The classes of the JVM, by number, as far as a walk needs them.

use jni::{
    Env,
    objects::{JClass, JFieldID, JObject, JStaticFieldID},
    refs::Weak,
};

use super::{
    HoldersError,
    tag::{self, Meaning},
};
use crate::jvmti::{Access, Field, JvmtiError, TaggedHeap, class_name};

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

/// That of those whose referents the collector keeps while there is room.
const SOFT_REFERENCE: &str = "Ljava/lang/ref/SoftReference;";

/// Superclasses, at the most.
const DEEPEST: usize = 1000;

/// All loaded classes, each tagged with its number. They are unloaded as they would be without us: a program that loads
/// and drops classes all the time soon has no room for more while nothing that is loaded may go.
pub struct LoadedClasses {
    classes: Vec<Weak<JClass<'static>>>,
    signatures: Vec<String>,
    leaves: Vec<bool>,
    /// Of each class of references the field that does not hold.
    referents: Vec<Option<Referent>>,
}

/// `Reference.referent`.
#[derive(Debug, Clone, Copy)]
struct Referent {
    /// JVMTI's index of the field.
    index: i32,
    /// The class is one of soft references.
    is_soft: bool,
}

impl LoadedClasses {
    /// Numbers and tags them.
    pub fn of(env: &mut Env, heap: &TaggedHeap) -> Result<Self, HoldersError> {
        let mut loaded = LoadedClasses {
            classes: Vec::new(),
            signatures: Vec::new(),
            leaves: Vec::new(),
            referents: Vec::new(),
        };
        for class in heap.loaded_classes(env)? {
            let signature = heap.signature(&class).unwrap_or_default();
            heap.set_tag(&class, tag::class(loaded.len()))?;
            loaded.classes.push(env.new_weak_ref(&class)?);
            loaded.leaves.push(is_leaf(&signature));
            loaded.signatures.push(signature);
            loaded.referents.push(None);
            env.delete_local_ref(class);
        }
        loaded.find_referents(env, heap)?;
        Ok(loaded)
    }

    fn find_referents(&mut self, env: &mut Env, heap: &TaggedHeap) -> Result<(), HoldersError> {
        let (Some(base), Some(soft)) = (self.root(env, REFERENCE), self.root(env, SOFT_REFERENCE))
        else {
            return Ok(());
        };
        for number in 0..self.len() {
            let Some(class) = self.class(env, number as u32) else {
                continue;
            };
            if env.is_assignable_from(&class, &base)? {
                match fields(env, heap, &class) {
                    Ok(fields) => {
                        let is_referent = |field: &Option<Field>| {
                            field.as_ref().is_some_and(|field| field.name == "referent")
                        };
                        let is_soft = env.is_assignable_from(&class, &soft)?;
                        let referent = fields.iter().position(is_referent);
                        self.referents[number] = referent.map(|index| Referent {
                            index: index as i32,
                            is_soft,
                        });
                    }
                    // Not linked: it has no objects. If it has some soon, they are left out.
                    Err(_) => self.leaves[number] = true,
                }
            }
            env.delete_local_ref(class);
        }
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// The number of a class; `None` for one that was loaded later.
    pub fn number(heap: &TaggedHeap, class: &JObject) -> Result<Option<u32>, JvmtiError> {
        Ok(match tag::read(heap.tag(class)?) {
            Meaning::Class(number) => Some(number),
            _ => None,
        })
    }

    /// `java.lang.Object`, a local reference.
    pub fn object<'local>(&self, env: &mut Env<'local>) -> Option<JClass<'local>> {
        self.root(env, OBJECT)
    }

    /// The first class with a signature: of the boot loader's classes there is no other.
    fn root<'local>(&self, env: &mut Env<'local>, signature: &str) -> Option<JClass<'local>> {
        let number = self.signatures.iter().position(|each| each == signature)?;
        self.class(env, number as u32)
    }

    /// The class with a number, a local reference; `None` where it has been unloaded.
    pub fn class<'local>(&self, env: &mut Env<'local>, number: u32) -> Option<JClass<'local>> {
        let class = self.classes.get(number as usize)?;
        class.upgrade_local(env).ok()?
    }

    /// Does something with the class that has a number, unless it has been unloaded.
    fn with<T>(
        &self,
        env: &mut Env,
        number: u32,
        action: impl FnOnce(&mut Env, &JClass) -> T,
    ) -> Option<T> {
        let class = self.class(env, number)?;
        let done = action(env, &class);
        env.delete_local_ref(class);
        Some(done)
    }

    /// Whether objects of the class hold nothing that is looked for.
    pub fn is_leaf(&self, number: u32) -> bool {
        self.leaves.get(number as usize) == Some(&true)
    }

    /// Whether a field is `Reference.referent`, which does not hold.
    pub fn is_referent(&self, number: u32, index: i32) -> bool {
        self.referent(number)
            .is_some_and(|referent| referent.index == index)
    }

    /// Whether objects of the class are soft references.
    pub fn is_soft(&self, number: u32) -> bool {
        self.referent(number)
            .is_some_and(|referent| referent.is_soft)
    }

    /// Whether a field is that of a soft reference.
    pub fn is_soft_referent(&self, number: u32, index: i32) -> bool {
        self.is_referent(number, index) && self.is_soft(number)
    }

    fn referent(&self, number: u32) -> Option<Referent> {
        self.referents.get(number as usize).copied().flatten()
    }

    /// Binary name.
    pub fn name(&self, number: u32) -> String {
        let signature = self.signatures.get(number as usize);
        signature.map_or_else(|| "?".to_owned(), |signature| class_name(signature))
    }

    /// Name of the field with JVMTI's index; `None` where that can't be had.
    pub fn field(
        &self,
        env: &mut Env,
        heap: &TaggedHeap,
        number: u32,
        index: i32,
    ) -> Option<String> {
        let fields = self.fields(env, heap, number)?;
        let field = fields.into_iter().nth(usize::try_from(index).ok()?)?;
        field.map(|field| field.name)
    }

    /// Name of a field by its place among those that the class itself declares.
    pub fn own_field(
        &self,
        env: &mut Env,
        heap: &TaggedHeap,
        number: u32,
        place: u32,
    ) -> Option<String> {
        let fields = self.with(env, number, |_, class| heap.fields(class));
        let fields = fields?.ok()?;
        let field = fields.into_iter().nth(place as usize)?;
        Some(field.name)
    }

    /// Whether objects of the class are arrays of objects.
    pub fn is_array(&self, number: u32) -> bool {
        let signature = self.signatures.get(number as usize);
        signature.is_some_and(|signature| signature.starts_with('[') && !is_leaf(signature))
    }

    /// The fields of objects of the class that may hold something, be it `softly` only, and JVMTI's index of
    /// each.
    pub fn holding_fields(
        &self,
        env: &mut Env,
        heap: &TaggedHeap,
        number: u32,
        softly: bool,
    ) -> Vec<(JFieldID, i32)> {
        let all_hold = softly && self.is_soft(number);
        let holds = |index| all_hold || !self.is_referent(number, index);
        let fields = self.fields(env, heap, number);
        let fields = (0..).zip(fields.unwrap_or_default());
        fields
            .filter_map(|(index, field)| match field? {
                Field {
                    signature,
                    access: Access::Instance(id),
                    ..
                } if may_hold(&signature) && holds(index) => Some((id, index)),
                _ => None,
            })
            .collect()
    }

    /// The static fields that the class declares and that may hold something, and the place of
    /// each.
    pub fn holding_statics(
        &self,
        env: &mut Env,
        heap: &TaggedHeap,
        number: u32,
    ) -> Vec<(JStaticFieldID, u32)> {
        let fields = self.with(env, number, |_, class| heap.fields(class));
        // Not linked: nothing is in its fields.
        let fields = fields.and_then(Result::ok).unwrap_or_default();
        let fields = (0..).zip(fields);
        fields
            .filter_map(|(place, field)| match field.access {
                Access::Static(id) if may_hold(&field.signature) => Some((id, place)),
                _ => None,
            })
            .collect()
    }

    /// All that an object of the class has; `None` where that can't be had.
    fn fields(&self, env: &mut Env, heap: &TaggedHeap, number: u32) -> Option<Vec<Option<Field>>> {
        let fields = self.with(env, number, |env, class| fields(env, heap, class));
        fields?.ok()
    }
}

/// Whether what a field of this type refers to may hold something.
fn may_hold(signature: &str) -> bool {
    signature.starts_with(['L', '[']) && !is_leaf(signature)
}

fn is_leaf(signature: &str) -> bool {
    let is_primitive_array = signature.len() == 2 && signature.starts_with('[');
    is_primitive_array || LEAVES.contains(&signature)
}

/// All fields that a class has, in the order of JVMTI's indexes: those of all its interfaces
/// (`None`: they are never the object's), then those of its superclasses from `Object` down,
/// then its own.
fn fields(
    env: &mut Env,
    heap: &TaggedHeap,
    class: &JClass,
) -> Result<Vec<Option<Field>>, HoldersError> {
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
        let mut fields = vec![None; inherited];
        for class in lineage.iter().rev() {
            fields.extend(heap.fields(class)?.into_iter().map(Some));
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

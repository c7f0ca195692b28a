//! The classes of the JVM, by number, as far as a walk needs them.

use jni::{
    Env,
    objects::{JClass, JFieldID, JStaticFieldID},
};

use super::HoldersError;
use crate::jvmti::{Access, Field, TaggedHeap, class_name};

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
                    let is_referent = |field: &Option<Field>| {
                        field.as_ref().is_some_and(|field| field.name == "referent")
                    };
                    let referent = fields.iter().position(is_referent);
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
        let field = fields.into_iter().nth(usize::try_from(index).ok()?)?;
        field.map(|field| field.name)
    }

    /// Name of a field by its place among those that the class itself declares.
    pub fn own_field(&self, heap: &TaggedHeap, number: u32, place: u32) -> Option<String> {
        let fields = heap.fields(self.class(number)?).ok()?;
        let field = fields.into_iter().nth(place as usize)?;
        Some(field.name)
    }

    /// Whether objects of the class are arrays of objects.
    pub fn is_array(&self, number: u32) -> bool {
        let signature = self.signatures.get(number as usize);
        signature.is_some_and(|signature| signature.starts_with('[') && !is_leaf(signature))
    }

    /// The fields of objects of the class that may hold something, and JVMTI's index of each.
    pub fn holding_fields(
        &self,
        env: &mut Env<'local>,
        heap: &TaggedHeap,
        number: u32,
    ) -> Vec<(JFieldID, i32)> {
        let class = self.class(number);
        let fields = class.and_then(|class| fields(env, heap, class).ok());
        let fields = (0..).zip(fields.unwrap_or_default());
        fields
            .filter_map(|(index, field)| match field? {
                Field {
                    signature,
                    access: Access::Instance(id),
                    ..
                } if may_hold(&signature) && !self.is_referent(number, index) => Some((id, index)),
                _ => None,
            })
            .collect()
    }

    /// The static fields that the class declares and that may hold something, and the place of
    /// each.
    pub fn holding_statics(&self, heap: &TaggedHeap, number: u32) -> Vec<(JStaticFieldID, u32)> {
        let class = self.class(number);
        // Not linked: nothing is in its fields.
        let fields = class.and_then(|class| heap.fields(class).ok());
        let fields = (0..).zip(fields.unwrap_or_default());
        fields
            .filter_map(|(place, field)| match field.access {
                Access::Static(id) if may_hold(&field.signature) => Some((id, place)),
                _ => None,
            })
            .collect()
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
fn fields<'local>(
    env: &mut Env<'local>,
    heap: &TaggedHeap,
    class: &JClass<'local>,
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

//! The heap by JVMTI: objects are tagged, and references are followed, by JNI while the
//! application runs or by the VM from the roots while it stands still.
//!
//! In an environment of its own, because tags belong to one: they are all gone when it is
//! disposed of, without a walk. `can_tag_objects` costs compiled code nothing and every
//! environment may have it (HotSpot, `JvmtiManageCapabilities::init_always_capabilities`).

use std::{
    ffi::c_void,
    ptr::{null, null_mut},
};

use jni::{
    Env,
    objects::{JClass, JFieldID, JObject, JObjectArray, JStaticFieldID},
    signature::JavaType,
    sys::{jclass, jfieldID, jint, jlong, jmethodID, jobject},
};

use super::{
    callbacks::Entry,
    environment::{Capability, Environment},
    error::JvmtiError,
    memory::Allocated,
    raw,
};

/// `JVMTI_VISIT_OBJECTS` and `JVMTI_VISIT_ABORT`.
const VISIT: jint = 0x100;
const ABORT: jint = 0x8000;

/// `JVMTI_ERROR_INTERNAL`.
const INTERNAL: jint = 113;

/// What refers to an object (`jvmtiHeapReferenceKind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An instance field, by its index over all fields of the class (JVMTI,
    /// `jvmtiHeapReferenceInfoField`).
    Field(i32),
    /// A static field; the referrer is the Class.
    StaticField(i32),
    /// An element of an array, by its index.
    Element(i32),
    /// The class of an object: the first that HotSpot tells of each.
    Class,
    /// What belongs to a class: loader, interfaces, constants.
    OfClass,
    /// A JNI global reference.
    JniGlobal,
    /// A class of the boot loader.
    SystemClass,
    /// A monitor that is held or waited for.
    Monitor,
    /// A local variable.
    StackLocal(Frame),
    /// A JNI local reference.
    JniLocal(Frame),
    /// A thread that is alive.
    Thread,
    /// A root of another kind.
    OtherRoot,
}

/// The frame of a local variable or JNI local reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The tag of the thread.
    pub thread_tag: i64,
    /// Its `Thread.getId()`.
    pub thread_id: i64,
    /// Its method; null where the VM knows none.
    method: jmethodID,
}

/// A reference to an object. Tags are 0 where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// What refers to it.
    pub kind: Kind,
    /// The tag of the object.
    pub tag: i64,
    /// The tag of its Class.
    pub class_tag: i64,
    /// The tag of the object that refers to it; 0 for a root.
    pub referrer_tag: i64,
    /// The tag of that one's Class.
    pub referrer_class_tag: i64,
    /// The length of the object, if it is an array.
    pub length: Option<u32>,
}

/// What to do with the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Leave it.
    Skip,
    /// Give it this tag, no more.
    Tag(i64),
    /// Give it this tag and follow its references, unless that was done before.
    Visit(i64),
    /// End the walk.
    Abort,
}

/// A field of objects or classes.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// JNI signature of its type.
    pub signature: String,
    /// How its value is read.
    pub access: Access,
}

/// How the value of a field is read.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// From an object.
    Instance(JFieldID),
    /// From the class that declares it.
    Static(JStaticFieldID),
}

/// `ACC_STATIC` (JVMS 4.5).
const STATIC: jint = 0x0008;

/// Told of each reference. The application stands still: no JNI, nothing that waits.
pub trait Visitor {
    /// A reference was met. In the VM's thread.
    fn visit(&mut self, reference: Reference) -> Answer;
}

/// An environment with tags.
pub struct TaggedHeap(Environment);

impl TaggedHeap {
    /// A new one, without a tag.
    pub fn open(env: &Env) -> Result<TaggedHeap, JvmtiError> {
        let heap = TaggedHeap(Environment::another(env)?);
        heap.0.add_capability(Capability::TagObjects)?;
        Ok(heap)
    }

    /// Tags an object.
    pub fn set_tag(&self, object: &JObject, tag: i64) -> Result<(), JvmtiError> {
        // SAFETY: a live reference.
        unsafe { raw::set_tag(self.0.as_ptr(), object.as_raw(), tag) }
    }

    /// All classes that are loaded; a local reference each.
    pub fn loaded_classes<'local>(
        &self,
        env: &mut Env<'local>,
    ) -> Result<Vec<JClass<'local>>, JvmtiError> {
        let (mut count, mut classes) = (0, null_mut());
        // SAFETY: the answer is deallocated by `Allocated`.
        let classes: Allocated<jclass> = unsafe {
            raw::get_loaded_classes(self.0.as_ptr(), &mut count, &mut classes)?;
            Allocated::new(self.0, classes, count)
        };
        Ok(local_classes(env, &classes))
    }

    /// All threads that are alive, and their names; a local reference each.
    pub fn threads<'local>(
        &self,
        env: &mut Env<'local>,
    ) -> Result<Vec<(JObject<'local>, String)>, JvmtiError> {
        let (mut count, mut threads) = (0, null_mut());
        // SAFETY: the answer is deallocated by `Allocated`.
        let threads: Allocated<jobject> = unsafe {
            raw::get_all_threads(self.0.as_ptr(), &mut count, &mut threads)?;
            Allocated::new(self.0, threads, count)
        };
        let threads = threads.as_slice().iter();
        Ok(threads
            .map(|&thread| {
                // SAFETY: a local reference, made for this thread's current frame.
                (unsafe { JObject::from_raw(env, thread) }, self.name(thread))
            })
            .collect())
    }

    /// Empty where it has ended meanwhile.
    fn name(&self, thread: jobject) -> String {
        let mut info = raw::ThreadInfo::default();
        // SAFETY: a live reference; the name is deallocated by `Environment::text`, and the two references
        // in it end with the frame of local references.
        unsafe {
            match raw::get_thread_info(self.0.as_ptr(), thread, &mut info) {
                Ok(()) => self.0.text(info.name),
                Err(_) => String::new(),
            }
        }
    }

    /// The JNI signature of a class, such as `Ljava/lang/String;`.
    pub fn signature(&self, class: &JClass) -> Result<String, JvmtiError> {
        let mut signature = null_mut();
        // SAFETY: a live class; the answer is deallocated by `Environment::text`; no generic one is wanted.
        unsafe {
            raw::get_class_signature(self.0.as_ptr(), class.as_raw(), &mut signature, null_mut())?;
            Ok(self.0.text(signature))
        }
    }

    /// The tag of an object; 0 where it has none.
    pub fn tag(&self, object: &JObject) -> Result<i64, JvmtiError> {
        let mut tag = 0;
        // SAFETY: a live reference.
        unsafe { raw::get_tag(self.0.as_ptr(), object.as_raw(), &mut tag)? };
        Ok(tag)
    }

    /// The fields that a class itself declares, in the order of JVMTI's indexes.
    ///
    /// # Errors
    /// The class is not linked yet: it has no instances.
    pub fn fields(&self, class: &JClass) -> Result<Vec<Field>, JvmtiError> {
        let (mut count, mut fields) = (0, null_mut());
        // SAFETY: a live class; the answer is deallocated by `Allocated`.
        let fields: Allocated<jfieldID> = unsafe {
            raw::get_class_fields(self.0.as_ptr(), class.as_raw(), &mut count, &mut fields)?;
            Allocated::new(self.0, fields, count)
        };
        let fields = fields.as_slice().iter();
        fields.map(|&field| self.field(class, field)).collect()
    }

    fn field(&self, class: &JClass, field: jfieldID) -> Result<Field, JvmtiError> {
        let (mut name, mut signature, mut modifiers) = (null_mut(), null_mut(), 0);
        // SAFETY: a field of this class; the texts are deallocated by `Environment::text`, the id
        // is of the kind that its modifiers say.
        unsafe {
            raw::get_field_modifiers(self.0.as_ptr(), class.as_raw(), field, &mut modifiers)?;
            raw::get_field_name(
                self.0.as_ptr(),
                class.as_raw(),
                field,
                &mut name,
                &mut signature,
                null_mut(),
            )?;
            Ok(Field {
                name: self.0.text(name),
                signature: self.0.text(signature),
                access: match modifiers & STATIC {
                    0 => Access::Instance(JFieldID::from_raw(field)),
                    _ => Access::Static(JStaticFieldID::from_raw(field)),
                },
            })
        }
    }

    /// The interfaces that a class itself names; a local reference each.
    pub fn interfaces<'local>(
        &self,
        env: &mut Env<'local>,
        class: &JClass,
    ) -> Result<Vec<JClass<'local>>, JvmtiError> {
        let (mut count, mut interfaces) = (0, null_mut());
        // SAFETY: a live class; the answer is deallocated by `Allocated`.
        let interfaces: Allocated<jclass> = unsafe {
            raw::get_implemented_interfaces(
                self.0.as_ptr(),
                class.as_raw(),
                &mut count,
                &mut interfaces,
            )?;
            Allocated::new(self.0, interfaces, count)
        };
        Ok(local_classes(env, &interfaces))
    }

    /// The method of a frame, `Class.method`; `None` where it is not known or gone.
    pub fn method(&self, env: &mut Env, frame: Frame) -> Option<String> {
        if frame.method.is_null() {
            return None;
        }
        let (mut name, mut class) = (null_mut(), null_mut());
        // SAFETY: an id that the VM gave; it refuses the id of a method that is gone
        // (`JVMTI_ERROR_INVALID_METHODID`), and never uses the memory of one again.
        let (name, class) = unsafe {
            raw::get_method_declaring_class(self.0.as_ptr(), frame.method, &mut class).ok()?;
            let class = JClass::from_raw(env, class);
            raw::get_method_name(
                self.0.as_ptr(),
                frame.method,
                &mut name,
                null_mut(),
                null_mut(),
            )
            .ok()?;
            (self.0.text(name), class)
        };
        let class = class_name(&self.signature(&class).ok()?);
        Some(format!("{class}.{name}"))
    }

    /// The objects that have one of these tags, and which; a local reference each.
    pub fn objects<'local>(
        &self,
        env: &mut Env<'local>,
        tags: &[i64],
    ) -> Result<Vec<(JObject<'local>, i64)>, JvmtiError> {
        let (mut count, mut objects, mut found) = (0, null_mut(), null_mut());
        let wanted = jint::try_from(tags.len()).unwrap_or(jint::MAX);
        // SAFETY: as many tags as said; the answers are deallocated by `Allocated`.
        let (objects, found): (Allocated<jobject>, Allocated<jlong>) = unsafe {
            raw::get_objects_with_tags(
                self.0.as_ptr(),
                wanted,
                tags.as_ptr(),
                &mut count,
                &mut objects,
                &mut found,
            )?;
            let objects = Allocated::new(self.0, objects, count);
            (objects, Allocated::new(self.0, found, count))
        };
        let pairs = objects.as_slice().iter().zip(found.as_slice());
        // SAFETY: local references, made for this thread's current frame.
        Ok(pairs
            .map(|(&object, &tag)| (unsafe { JObject::from_raw(env, object) }, tag))
            .collect())
    }

    /// Stops the application and goes along the references from an object, or from the roots,
    /// until the visitor aborts that or there are no more.
    ///
    /// # Errors
    /// The VM refused, or the visitor has panicked, now or before.
    pub fn follow(
        &self,
        from: Option<&JObject>,
        visitor: &mut dyn Visitor,
    ) -> Result<(), JvmtiError> {
        let callbacks = raw::HeapCallbacks {
            iteration: null(),
            reference,
            others: [null(); 14],
        };
        let from = from.map_or(null_mut(), |object| object.as_raw());
        let mut visitor: &mut dyn Visitor = visitor;
        let data: *const c_void = (&raw mut visitor).cast_const().cast();
        // SAFETY: the callbacks and what they are given outlive the call, in which alone they
        // are used, by one thread.
        unsafe { raw::follow_references(self.0.as_ptr(), 0, null_mut(), from, &callbacks, data)? };
        match Entry::Reference.has_failed() {
            true => Err(JvmtiError {
                function: "FollowReferences",
                code: INTERNAL,
            }),
            false => Ok(()),
        }
    }
}

/// What a field of an object refers to, a local reference.
///
/// # Safety
/// It is an instance field of the object's class or one above, and of a type of references.
pub unsafe fn object_field<'local>(
    env: &mut Env<'local>,
    object: &JObject,
    field: JFieldID,
) -> jni::errors::Result<JObject<'local>> {
    // SAFETY: the caller's promise.
    unsafe { env.get_field_unchecked(object, field, JavaType::Object)? }.l()
}

/// What a static field of a class refers to, a local reference. Unlike `GetStaticFieldID` this
/// initializes no class (HotSpot, `jni_GetStaticObjectField`).
///
/// # Safety
/// The class itself declares it, and it is of a type of references.
pub unsafe fn static_field<'local>(
    env: &mut Env<'local>,
    class: &JClass,
    field: JStaticFieldID,
) -> jni::errors::Result<JObject<'local>> {
    // SAFETY: the caller's promise.
    unsafe { env.get_static_field_unchecked(class, field, JavaType::Object)? }.l()
}

/// The length of an array.
pub fn array_length(env: &Env, array: &JObject) -> jni::errors::Result<usize> {
    // SAFETY: the caller knows from its class that it is an array.
    let array = unsafe { JObjectArray::<JObject<'static>>::from_raw(env, array.as_raw()) };
    array.len(env)
}

impl Drop for TaggedHeap {
    fn drop(&mut self) {
        // Refused only where it is gone.
        let _ = self.0.dispose();
    }
}

/// The classes of an answer of the VM's.
fn local_classes<'local>(
    env: &mut Env<'local>,
    classes: &Allocated<jclass>,
) -> Vec<JClass<'local>> {
    let classes = classes.as_slice().iter();
    // SAFETY: local references to classes, made for this thread's current frame.
    classes
        .map(|&class| unsafe { JClass::from_raw(env, class) })
        .collect()
}

/// The binary name of a class, from its signature.
pub fn class_name(signature: &str) -> String {
    let element = signature.trim_start_matches('[');
    let dimensions = signature.len() - element.len();
    let name = match element {
        "Z" => "boolean".to_owned(),
        "B" => "byte".to_owned(),
        "C" => "char".to_owned(),
        "S" => "short".to_owned(),
        "I" => "int".to_owned(),
        "J" => "long".to_owned(),
        "F" => "float".to_owned(),
        "D" => "double".to_owned(),
        name => {
            let inner = name
                .strip_prefix('L')
                .and_then(|name| name.strip_suffix(';'));
            inner.unwrap_or(name).replace('/', ".")
        }
    };
    name + &"[]".repeat(dimensions)
}

unsafe extern "C" fn reference(
    kind: jint,
    info: *const raw::ReferenceInfo,
    class_tag: jlong,
    referrer_class_tag: jlong,
    _size: jlong,
    tag: *mut jlong,
    referrer_tag: *mut jlong,
    length: jint,
    data: *mut c_void,
) -> jint {
    // SAFETY: what `follow` passed on, used by nobody else meanwhile.
    let visitor = unsafe { &mut *data.cast::<&mut dyn Visitor>() };
    // SAFETY: the VM gives the member of the union that the kind wants, and null for a root
    // without one (JVMTI, "Heap Reference Callback").
    let kind = unsafe { kind_of(kind, info) };
    let reference = Reference {
        kind,
        // SAFETY: never null.
        tag: unsafe { *tag },
        class_tag,
        referrer_tag: match referrer_tag.is_null() {
            true => 0,
            // SAFETY: not null.
            false => unsafe { *referrer_tag },
        },
        referrer_class_tag,
        length: u32::try_from(length).ok(),
    };
    match Entry::Reference.run(|| visitor.visit(reference)) {
        Some(Answer::Visit(new)) => {
            // SAFETY: "the agent may set the tag" through it.
            unsafe { *tag = new };
            VISIT
        }
        Some(Answer::Tag(new)) => {
            // SAFETY: as above.
            unsafe { *tag = new };
            0
        }
        Some(Answer::Skip) => 0,
        Some(Answer::Abort) | None => ABORT,
    }
}

/// # Safety
/// `info` is null or points to the member of the union that the kind has.
unsafe fn kind_of(kind: jint, info: *const raw::ReferenceInfo) -> Kind {
    // SAFETY: the caller's promise, for kinds with an index.
    let index = || match info.is_null() {
        true => -1,
        false => unsafe { (*info).index },
    };
    // SAFETY: the caller's promise, for kinds with a frame.
    let frame = || match info.is_null() {
        true => Frame {
            thread_tag: 0,
            thread_id: 0,
            method: null_mut(),
        },
        false => {
            let frame = unsafe { (*info).frame };
            Frame {
                thread_tag: frame.thread_tag,
                thread_id: frame.thread_id,
                method: frame.method,
            }
        }
    };
    match kind {
        2 => Kind::Field(index()),
        3 => Kind::Element(index()),
        8 => Kind::StaticField(index()),
        1 => Kind::Class,
        4..=7 | 9 | 10 => Kind::OfClass,
        21 => Kind::JniGlobal,
        22 => Kind::SystemClass,
        23 => Kind::Monitor,
        24 => Kind::StackLocal(frame()),
        25 => Kind::JniLocal(frame()),
        26 => Kind::Thread,
        _ => Kind::OtherRoot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_called_as_java_calls_them() {
        for (signature, name) in [
            ("Ljava/util/Map$Entry;", "java.util.Map$Entry"),
            ("[Ljava/util/TimerTask;", "java.util.TimerTask[]"),
            ("[[I", "int[][]"),
            ("LLazy;", "Lazy"),
        ] {
            assert_eq!(class_name(signature), name);
        }
    }
}

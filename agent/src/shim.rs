//! The Java shim: its bytes, and its way into the JVM.
//!
//! The class files are compiled by `build.rs` and embedded, so that the agent is one file.
//! Before the hook classes are defined, the names that differ between JDKs are renamed and
//! the address of the counters is written over the constant that stands for it. They go
//! into `java.base` itself (JNI `DefineClass` with the null loader accepts the package
//! `java.lang.ref`), where JDK internals need no export. What runs only in the agent's
//! own thread goes into the boot loader's unnamed module, which reads every module.

use std::time::Duration;

use jni::{
    Env, jni_sig, jni_str,
    objects::{JClass, JClassLoader, JObject, JValue},
    refs::Global,
    signature::MethodSignature,
    strings::{JNIStr, JNIString},
};

use crate::{
    alerts::WholeHeap,
    jvmti::{self, Environment, Taker},
    log,
    sites::STACKS,
    splice,
    watch::boot_class,
};

macro_rules! class_file {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/shim/", $name, ".class"))
    };
}

const SLOT: (&str, &[u8]) = (
    "java/lang/ref/FinwatchSlot",
    class_file!("java/lang/ref/FinwatchSlot"),
);
const KLASS: (&str, &[u8]) = (
    "java/lang/ref/FinwatchKlass",
    class_file!("java/lang/ref/FinwatchKlass"),
);
const CHAIN: (&str, &[u8]) = (
    "java/lang/ref/FinwatchChain",
    class_file!("java/lang/ref/FinwatchChain"),
);
const SURVIVOR: (&str, &[u8]) = (
    "java/lang/ref/FinwatchSurvivor",
    class_file!("java/lang/ref/FinwatchSurvivor"),
);
const SITES: (&str, &[u8]) = ("finwatch/Sites", class_file!("finwatch/Sites"));
const HOOK: (&str, &[u8]) = (splice::HOOK, class_file!("java/lang/ref/FinwatchHook"));
const MANAGEMENT: (&str, &[u8]) = ("finwatch/Management", class_file!("finwatch/Management"));
const COLLECTIONS: (&str, &[u8]) = (
    "finwatch/GarbageCollections",
    class_file!("finwatch/GarbageCollections"),
);

/// `FinwatchHook.COUNTERS` before it is replaced: a `CONSTANT_Long` of these bytes.
const ADDRESS_MARK: &[u8; 9] = b"\x05finwatch";

/// Why the shim can't be used in this JVM.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    /// The class file was not as it was built, which only a broken build explains.
    #[error("the shim's class file has {0} marks for the counters' address, 1 is wanted")]
    Mark(usize),
    /// The names could not be exchanged.
    #[error("the shim's class file: {0}")]
    Splice(#[from] splice::Refused),
    /// The classes are there, and count for somebody else.
    #[error(
        "another copy of the agent's library was loaded into this JVM before: attach with that one, \
         /proc/PID/maps names it; or start the JVM again"
    )]
    AnotherCopy,
    /// The runtime was made without a module that the class needs (jlink, `--limit-modules`).
    #[error("this runtime has no module {0} (add it with jlink --add-modules)")]
    NoModule(&'static str),
    /// The VM refused the class or a method of it.
    #[error("the VM refused the shim: {0}")]
    Jni(#[from] jni::errors::Error),
}

/// The JDK's internal names that the hooks use, by its feature version (8, 11, …).
pub fn names(feature_version: u32) -> splice::VmNames {
    let (java_lang_access, vm) = match feature_version {
        ..=8 => ("sun/misc/JavaLangAccess", "sun/misc/VM"),
        9..=11 => ("jdk/internal/misc/JavaLangAccess", "jdk/internal/misc/VM"),
        12.. => ("jdk/internal/access/JavaLangAccess", "jdk/internal/misc/VM"),
    };
    splice::VmNames {
        java_lang_access: java_lang_access.to_owned(),
        vm: vm.to_owned(),
    }
}

/// The classes that the hooks live in, by the one that hands out slots.
pub struct Shim {
    slot: Global<JClass<'static>>,
    chain: Global<JClass<'static>>,
    hook: Global<JClass<'static>>,
    survivor: Global<JClass<'static>>,
}

/// What became of an object after its `finalize()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// The slot of its class.
    pub slot: usize,
    /// Collections of the whole heap have left it there.
    pub survived: bool,
}

/// A class that has just got a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Its slot.
    pub slot: usize,
    /// Its binary name.
    pub class: String,
    /// Binary name of its loader's class, empty for the bootstrap loader.
    pub loader_class: String,
    /// Identity hash of the loader.
    pub loader_hash: u32,
    /// Its code source, empty for none.
    pub source: String,
}

impl Shim {
    /// Defines and initializes the hook classes, or finds those of an earlier load.
    pub fn define(
        env: &mut Env,
        jvmti: Environment,
        names: &splice::VmNames,
        counters: i64,
    ) -> Result<Shim, ShimError> {
        let unsafe_name = match names.vm.as_str() {
            "sun/misc/VM" => "sun/misc/Unsafe",
            _ => "jdk/internal/misc/Unsafe",
        };
        let renames = [
            ("sun/misc/JavaLangAccess", names.java_lang_access.as_str()),
            ("sun/misc/VM", names.vm.as_str()),
            ("sun/misc/Unsafe", unsafe_name),
        ];
        let slot = define(env, jvmti, SLOT.0, SLOT.1)?;
        define(env, jvmti, KLASS.0, &splice::shim(KLASS.1, &renames)?)?;
        let chain = define(env, jvmti, CHAIN.0, &splice::shim(CHAIN.1, &renames)?)?;
        let survivor = define(env, jvmti, SURVIVOR.0, SURVIVOR.1)?;
        let hook = splice::shim(&with_address(HOOK.1, counters)?, &renames)?;
        let hook = define(env, jvmti, HOOK.0, &hook)?;
        // Initializes the class, which must not be left to a hook.
        let found = env.get_static_field(&hook, jni_str!("COUNTERS"), jni_sig!("J"))?;
        if found.j()? != counters {
            return Err(ShimError::AnotherCopy);
        }
        // Not before: the stacks are the other copy's.
        if let Err(error) = bind_sites(env, jvmti) {
            env.exception_clear();
            log::info(format_args!(
                "it can't be seen where objects are made: {error}"
            ));
        }
        Ok(Shim {
            slot: env.new_global_ref(slot)?,
            chain: env.new_global_ref(chain)?,
            hook: env.new_global_ref(hook)?,
            survivor: env.new_global_ref(survivor)?,
        })
    }

    /// Whether the stacks of some registrations are taken from now on.
    pub fn sample_sites(&self, env: &mut Env, on: bool) -> jni::errors::Result<()> {
        let on = [JValue::Bool(on)];
        env.call_static_method(&self.hook, jni_str!("sample"), jni_sig!("(Z)V"), &on)?;
        Ok(())
    }

    /// Has [`Shim::discovered`] tell all classes that have a slot, those told before too.
    pub fn tell_again(&self, env: &mut Env) -> jni::errors::Result<()> {
        env.call_static_method(&self.slot, jni_str!("tellAgain"), jni_sig!("()V"), &[])?;
        Ok(())
    }

    /// Runs what a hook runs once, so that the VM has resolved it. Returns the slot in which
    /// one registration was counted that never was.
    pub fn prepare(&self, env: &mut Env) -> Result<usize, ShimError> {
        let slot = env.call_static_method(&self.slot, jni_str!("prepare"), jni_sig!("()I"), &[])?;
        Ok(slot.i()? as usize)
    }

    /// The classes that got a slot since the last call.
    pub fn discovered(&self, env: &mut Env) -> jni::errors::Result<Vec<Discovered>> {
        env.with_local_frame(16, |env| {
            let name = jni_str!("discovered");
            let answer =
                env.call_static_method(&self.slot, name, jni_sig!("()[Ljava/lang/Object;"), &[])?;
            let Some(parts) = jvmti::object_array(env, answer.l()?)? else {
                return Ok(Vec::new());
            };
            let mut parts = parts.into_iter();
            let mut next = || parts.next().unwrap_or_default();
            let (numbers, names, loaders, sources) = (next(), next(), next(), next());
            let numbers = jvmti::long_array(env, numbers)?;
            let mut names = jvmti::string_array(env, names)?.into_iter();
            let mut loaders = jvmti::string_array(env, loaders)?.into_iter();
            let mut sources = jvmti::string_array(env, sources)?.into_iter();
            let classes = numbers.chunks_exact(2).map(|pair| Discovered {
                slot: pair[0] as usize,
                class: names.next().unwrap_or_default(),
                loader_class: loaders.next().unwrap_or_default(),
                loader_hash: pair[1] as u32,
                source: sources.next().unwrap_or_default(),
            });
            Ok(classes.collect())
        })
    }

    /// The slots of classes that were unloaded and not yet released.
    pub fn unloaded(&self, env: &mut Env) -> jni::errors::Result<Vec<usize>> {
        env.with_local_frame(4, |env| {
            let name = jni_str!("unloaded");
            let answer = env.call_static_method(&self.slot, name, jni_sig!("()[J"), &[])?;
            let slots = jvmti::long_array(env, answer.l()?)?;
            Ok(slots.into_iter().map(|slot| slot as usize).collect())
        })
    }

    /// Gives the slot of an unloaded class, its counters at 0, to the next class.
    pub fn release(&self, env: &mut Env, slot: usize) -> jni::errors::Result<()> {
        let slot = [JValue::Int(slot as i32)];
        env.call_static_method(&self.slot, jni_str!("release"), jni_sig!("(I)V"), &slot)?;
        Ok(())
    }

    /// The class of a slot, unless it was unloaded; a local reference.
    pub fn class<'local>(
        &self,
        env: &mut Env<'local>,
        slot: usize,
    ) -> jni::errors::Result<Option<JClass<'local>>> {
        let slot = [JValue::Int(slot as i32)];
        let signature = jni_sig!("(I)Ljava/lang/Class;");
        let class = env
            .call_static_method(&self.slot, jni_str!("type"), signature, &slot)?
            .l()?;
        Ok((!class.is_null()).then(|| jvmti::as_class(env, class)))
    }

    /// A collection of the whole heap has ended, and has told of weak references that were there so long ago: of which
    /// finalized objects it is known now what became of them.
    pub fn collected(
        &self,
        env: &mut Env,
        age: Duration,
        looked: WholeHeap,
    ) -> jni::errors::Result<Vec<Fate>> {
        let ago = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        let arguments = [
            JValue::Long(ago),
            JValue::Bool(looked.is_full),
            JValue::Bool(looked.left_room),
        ];
        let signature = jni_sig!("(JZZ)[J");
        self.fates(env, jni_str!("collected"), signature, &arguments)
    }

    /// Finalized objects that collections have freed since the last call.
    pub fn cleared(&self, env: &mut Env) -> jni::errors::Result<Vec<Fate>> {
        self.fates(env, jni_str!("cleared"), jni_sig!("()[J"), &[])
    }

    fn fates(
        &self,
        env: &mut Env,
        name: &JNIStr,
        signature: MethodSignature,
        arguments: &[JValue],
    ) -> jni::errors::Result<Vec<Fate>> {
        env.with_local_frame(4, |env| {
            let answer = env.call_static_method(&self.survivor, name, signature, arguments)?;
            let known = jvmti::long_array(env, answer.l()?)?;
            let known = known.into_iter().take_while(|&one| one != 0);
            Ok(known
                .map(|one| Fate {
                    slot: (one / 2) as usize,
                    survived: one % 2 == 1,
                })
                .collect())
        })
    }

    /// Has the class of a slot found before all others.
    pub fn set_busiest(&self, env: &mut Env, slot: usize) -> jni::errors::Result<()> {
        let slot = [JValue::Int(slot as i32)];
        env.call_static_method(&self.slot, jni_str!("setBusiest"), jni_sig!("(I)V"), &slot)?;
        Ok(())
    }

    /// Walks the chain (`registered`) or the queue (`pending`): see `FinwatchChain.java`.
    pub fn walk(
        &self,
        env: &mut Env,
        finalizer: &JClass,
        which: &JNIStr,
    ) -> jni::errors::Result<Vec<i64>> {
        env.with_local_frame(4, |env| {
            let (signature, finalizer) = (
                jni_sig!("(Ljava/lang/Class;)[J"),
                [JValue::Object(finalizer)],
            );
            let answer = env.call_static_method(&self.chain, which, signature, &finalizer)?;
            jvmti::long_array(env, answer.l()?)
        })
    }
}

/// Defines the class that takes stacks, and lets the hooks in `java.base` call it.
fn bind_sites(env: &mut Env, jvmti: Environment) -> Result<(), ShimError> {
    let sites = define(env, jvmti, SITES.0, SITES.1)?;
    let taker = Taker {
        wants: |slot| STACKS.wants(slot),
        taken: |slot, objects, stack| STACKS.taken(slot, objects, stack),
    };
    jvmti::bind_stacks(env, &sites, taker)?;
    let object = boot_class(env, jvmti, "java.lang.Object")
        .map_err(|_| jni::errors::Error::JavaException)?;
    let Ok(base) = module(env, &object) else {
        // JDK 8 has no modules.
        env.exception_clear();
        return Ok(());
    };
    let own = module(env, &sites)?;
    // What `java.lang.instrument.Instrumentation.redefineModule` calls in the end.
    let signature = jni_sig!("(Ljava/lang/Module;)V");
    let name = jni_str!("implAddReads");
    env.call_method(&base, name, signature, &[JValue::Object(&own)])?;
    Ok(())
}

fn module<'local>(env: &mut Env<'local>, class: &JClass) -> jni::errors::Result<JObject<'local>> {
    let signature = jni_sig!("()Ljava/lang/Module;");
    env.call_method(class, jni_str!("getModule"), signature, &[])?
        .l()
}

/// Whether the runtime has a module, by a class of it that the boot loader defines.
fn need_module(
    env: &mut Env,
    jvmti: Environment,
    module: &'static str,
    class: &str,
) -> Result<(), ShimError> {
    if boot_class(env, jvmti, class).is_ok() {
        return Ok(());
    }
    let thrown = env.exception_occurred();
    env.exception_clear();
    // Anything else, such as no memory, says nothing of the runtime.
    let not_found = boot_class(env, jvmti, "java.lang.ClassNotFoundException")
        .map_err(|_| jni::errors::Error::JavaException)?;
    match thrown {
        Some(thrown) if !env.is_instance_of(&thrown, not_found)? => {
            Err(jni::errors::Error::JavaException.into())
        }
        _ => Err(ShimError::NoModule(module)),
    }
}

/// Defines the class that reads `java.lang.management`. Initialized by its first use.
pub fn define_management(
    env: &mut Env,
    jvmti: Environment,
) -> Result<Global<JClass<'static>>, ShimError> {
    let needed = "java.lang.management.ManagementFactory";
    need_module(env, jvmti, "java.management", needed)?;
    let class = define(env, jvmti, MANAGEMENT.0, MANAGEMENT.1)?;
    Ok(env.new_global_ref(class)?)
}

/// Defines the class that listens to garbage collections. Initialized by its first use.
pub fn define_collections(
    env: &mut Env,
    jvmti: Environment,
) -> Result<Global<JClass<'static>>, ShimError> {
    let needed = "com.sun.management.GarbageCollectionNotificationInfo";
    need_module(env, jvmti, "jdk.management", needed)?;
    let class = define(env, jvmti, COLLECTIONS.0, COLLECTIONS.1)?;
    Ok(env.new_global_ref(class)?)
}

/// Defines a class of the bootstrap loader, or finds that of an attach before this one.
fn define<'local>(
    env: &mut Env<'local>,
    jvmti: Environment,
    name: &str,
    class_file: &[u8],
) -> jni::errors::Result<JClass<'local>> {
    let internal = JNIString::from(name);
    let refused = match env.define_class(Some(&internal), JClassLoader::null(), class_file) {
        Ok(class) => return Ok(class),
        Err(refused) => refused,
    };
    env.exception_clear();
    boot_class(env, jvmti, &name.replace('/', ".")).map_err(|_| {
        env.exception_clear();
        refused
    })
}

fn with_address(class_file: &[u8], address: i64) -> Result<Vec<u8>, ShimError> {
    let marks: Vec<usize> = class_file
        .windows(ADDRESS_MARK.len())
        .enumerate()
        .filter_map(|(at, bytes)| (bytes == ADDRESS_MARK).then_some(at))
        .collect();
    let [at] = marks[..] else {
        return Err(ShimError::Mark(marks.len()));
    };
    let mut class_file = class_file.to_vec();
    class_file[at + 1..at + 9].copy_from_slice(&address.to_be_bytes());
    Ok(class_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hooks_have_one_mark_for_the_address() {
        let patched = with_address(HOOK.1, 0x0102_0304_0506_0708).unwrap();
        assert!(
            patched
                .windows(9)
                .any(|bytes| bytes == [5, 1, 2, 3, 4, 5, 6, 7, 8])
        );
    }
}

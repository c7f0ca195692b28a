//! What `java.lang.management` says: memory, collectors, the VM's own pending count.
//!
//! Loading it costs a JVM tens of milliseconds of CPU, so that happens in the agent's own
//! thread, after the program has had time to start. In that thread only, and at the end
//! of the VM in the thread that ends it.

use finwatch_record::{Buffers, Collector, Memory, Pool, PoolKind, Usage};
use jni::{
    Env, jni_sig, jni_str,
    objects::{JClass, JValue},
    refs::Global,
    signature::MethodSignature,
    strings::JNIStr,
};

use crate::{
    jvmti, shim,
    watch::{WatchError, boot_class},
};

/// The beans of this JVM.
pub struct Management {
    class: Global<JClass<'static>>,
    pools: Vec<String>,
    buffers: Vec<String>,
    collectors: Vec<String>,
}

/// What one reading gives.
pub struct Reading {
    /// `MemoryMXBean.getObjectPendingFinalizationCount()`.
    pub pending: u64,
    /// Heap, the rest, pools and buffers.
    pub memory: Memory,
    /// The collectors.
    pub collectors: Vec<Collector>,
}

/// Heap that must be there to be had, in bytes, before the beans are loaded.
const ROOM: i64 = 2 << 20;

/// Whether the heap has room to load the beans in. Their classes, once initialized with the
/// heap full, fail for the rest of the program's life, and for the program too. Allocates
/// next to nothing.
///
/// # Errors
/// Not even that could be asked.
pub fn has_room(env: &mut Env, jvmti: jvmti::Environment) -> Result<bool, WatchError> {
    let [max, used] = max_and_used(env, jvmti)?;
    Ok(max - used >= ROOM)
}

/// Bytes of the heap that are in use, garbage included. Allocates next to nothing.
///
/// # Errors
/// Not even that could be asked.
pub fn heap_used(env: &mut Env, jvmti: jvmti::Environment) -> Result<u64, WatchError> {
    let [_, used] = max_and_used(env, jvmti)?;
    Ok(used.max(0) as u64)
}

fn max_and_used(env: &mut Env, jvmti: jvmti::Environment) -> Result<[i64; 2], WatchError> {
    env.with_local_frame(8, |env| {
        let class = boot_class(env, jvmti, "java.lang.Runtime")?;
        let signature = jni_sig!("()Ljava/lang/Runtime;");
        let runtime = env
            .call_static_method(&class, jni_str!("getRuntime"), signature, &[])?
            .l()?;
        let mut bytes = |name: &JNIStr| env.call_method(&runtime, name, jni_sig!("()J"), &[])?.j();
        let used = bytes(jni_str!("totalMemory"))? - bytes(jni_str!("freeMemory"))?;
        Ok([bytes(jni_str!("maxMemory"))?, used])
    })
}

impl Management {
    /// Finds the beans. To be called where the heap [has room](has_room).
    ///
    /// # Errors
    /// A runtime without `java.management` (jlink).
    pub fn load(env: &mut Env, jvmti: jvmti::Environment) -> Result<Management, shim::ShimError> {
        let class = shim::define_management(env, jvmti)?;
        find_beans(env, jvmti, &class)?;
        let [pools, buffers, collectors] = names(env, &class)?;
        Ok(Management {
            class,
            pools,
            buffers,
            collectors,
        })
    }

    /// Names of the collectors' beans.
    pub fn collectors(&self) -> &[String] {
        &self.collectors
    }

    /// Milliseconds since the JVM started, and the number of them that it needed to be
    /// ready: times of collections count from there.
    pub fn uptime_ms(&self, env: &mut Env) -> jni::errors::Result<(u64, u64)> {
        let uptime = self.longs(env, jni_str!("uptime"))?;
        let at = |index: usize| uptime.get(index).copied().unwrap_or(0).max(0) as u64;
        Ok((at(0), at(0).saturating_sub(at(1))))
    }

    /// Reads everything.
    pub fn read(&self, env: &mut Env) -> jni::errors::Result<Reading> {
        let memory = self.longs(env, jni_str!("memory"))?;
        let pools = self.longs(env, jni_str!("pools"))?;
        let buffers = self.longs(env, jni_str!("buffers"))?;
        let collectors = self.longs(env, jni_str!("collectors"))?;
        let at = |index: usize| memory.get(index).copied().unwrap_or(-1);
        let usage_at = |index: usize| usage(at(index), at(index + 1), at(index + 2));
        Ok(Reading {
            pending: at(0).max(0) as u64,
            memory: Memory {
                heap: usage_at(1),
                non_heap: usage_at(4),
                pools: self
                    .pools
                    .iter()
                    .zip(pools.chunks_exact(5))
                    .map(pool)
                    .collect(),
                buffers: self
                    .buffers
                    .iter()
                    .zip(buffers.chunks_exact(2))
                    .map(buffer)
                    .collect(),
            },
            collectors: self
                .collectors
                .iter()
                .zip(collectors.chunks_exact(2))
                .map(collector)
                .collect(),
        })
    }

    fn longs(&self, env: &mut Env, method: &JNIStr) -> jni::errors::Result<Vec<i64>> {
        env.with_local_frame(4, |env| {
            let answer = env.call_static_method(&self.class, method, jni_sig!("()[J"), &[])?;
            jvmti::long_array(env, answer.l()?)
        })
    }
}

/// What the JDK's own `ManagementFactory` gets its beans from, from 8 to 28. That looks for all
/// beans of all modules first, which is most of what loading them costs.
fn find_beans(env: &mut Env, jvmti: jvmti::Environment, class: &JClass) -> jni::errors::Result<()> {
    if use_beans_of_vm(env, jvmti, class).is_ok() {
        return Ok(());
    }
    env.exception_clear();
    env.call_static_method(class, jni_str!("find"), jni_sig!("()V"), &[])?;
    Ok(())
}

fn use_beans_of_vm(
    env: &mut Env,
    jvmti: jvmti::Environment,
    class: &JClass,
) -> Result<(), WatchError> {
    env.with_local_frame(16, |env| {
        let helper = boot_class(env, jvmti, "sun.management.ManagementFactoryHelper")?;
        let mut get = |name: &JNIStr, signature: MethodSignature| {
            env.call_static_method(&helper, name, signature, &[])?.l()
        };
        let list = || jni_sig!("()Ljava/util/List;");
        let beans = [
            get(
                jni_str!("getMemoryMXBean"),
                jni_sig!("()Ljava/lang/management/MemoryMXBean;"),
            )?,
            get(
                jni_str!("getRuntimeMXBean"),
                jni_sig!("()Ljava/lang/management/RuntimeMXBean;"),
            )?,
            get(jni_str!("getMemoryPoolMXBeans"), list())?,
            get(jni_str!("getGarbageCollectorMXBeans"), list())?,
            get(jni_str!("getBufferPoolMXBeans"), list())?,
        ];
        let signature = jni_sig!(
            "(Ljava/lang/management/MemoryMXBean;Ljava/lang/management/RuntimeMXBean;Ljava/util/List;Ljava/util/List;Ljava/util/List;)V"
        );
        let beans = beans.each_ref().map(JValue::Object);
        env.call_static_method(class, jni_str!("use"), signature, &beans)?;
        Ok(())
    })
}

fn names(env: &mut Env, class: &JClass) -> jni::errors::Result<[Vec<String>; 3]> {
    env.with_local_frame(8, |env| {
        let signature = jni_sig!("()[[Ljava/lang/String;");
        let answer = env
            .call_static_method(class, jni_str!("names"), signature, &[])?
            .l()?;
        let mut lists = jvmti::object_array(env, answer)?
            .unwrap_or_default()
            .into_iter();
        let mut next = |env: &mut Env| jvmti::string_array(env, lists.next().unwrap_or_default());
        Ok([next(env)?, next(env)?, next(env)?])
    })
}

fn usage(used: i64, committed: i64, max: i64) -> Usage {
    Usage {
        used_bytes: used.max(0) as u64,
        committed_bytes: committed.max(0) as u64,
        max_bytes: u64::try_from(max).ok(),
    }
}

fn pool((name, values): (&String, &[i64])) -> Pool {
    Pool {
        name: name.clone(),
        kind: if values[0] == 1 {
            PoolKind::Heap
        } else {
            PoolKind::NonHeap
        },
        usage: usage(values[1], values[2], values[3]),
        after_gc_bytes: u64::try_from(values[4]).ok(),
    }
}

fn buffer((name, values): (&String, &[i64])) -> Buffers {
    Buffers {
        name: name.clone(),
        count: values[0].max(0) as u64,
        used_bytes: values[1].max(0) as u64,
    }
}

fn collector((name, values): (&String, &[i64])) -> Collector {
    Collector {
        name: name.clone(),
        collections_total: values[0].max(0) as u64,
        time_ms_total: values[1].max(0) as u64,
    }
}

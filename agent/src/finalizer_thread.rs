//! What the thread `Finalizer` is doing, its lock and that lock's owner.
//!
//! In the agent's own thread, only while the ledger gives reason to look. Asks
//! `java.lang.management.ThreadMXBean`, which stops a thread for as long as its stack takes to
//! be walked. JVMTI could tell the same, but before JDK 16 an agent that may ask for monitors
//! takes escape analysis away from the compiler (JDK-8227745); this needs no capability at all.

use finwatch_record::{
    AwaitedLock, FinalizerState, FinalizerThread, LockOwner, ReferenceHandler,
    ReferenceHandlerState, SecondaryFinalizer,
};
use jni::{
    Env, jni_sig, jni_str,
    objects::{JObject, JValue},
    strings::JNIStr,
};

use crate::{
    alerts::Inside,
    jvmti::{self, Environment},
    watch::{WatchError, boot_class},
};

/// Threads of the system group that are looked through.
const MOST_THREADS: usize = 64;

/// Frames of a stack.
const MOST_FRAMES: i32 = 32;

/// A thread as the VM tells it.
struct Told {
    name: String,
    /// `Thread.State`.
    state: String,
    stack: Vec<String>,
    lock_class: Option<String>,
    /// -1: none.
    owner_id: i64,
}

/// Looks at the threads that finalize. `inside` is what the ledger knows of the call that
/// is running, if one is; it is stuck when it has been for `stuck_ms`, but for standstills of the JVM.
/// `untouched_since_ms`: since when objects have been pending and none taken, if for so long. `is_behind`: the
/// VM's list of what the Reference Handler is to take has not been empty for so long.
///
/// # Errors
/// A runtime without `java.management`, or a heap so full that nothing can be asked.
pub fn look(
    env: &mut Env,
    jvmti: Environment,
    inside: Option<&Inside>,
    untouched_since_ms: Option<u64>,
    is_behind: bool,
    now_ms: u64,
    stuck_ms: u64,
) -> Result<FinalizerThread, WatchError> {
    env.with_local_frame(256, |env| {
        let beans = boot_class(env, jvmti, "java.lang.management.ManagementFactory")?;
        let signature = jni_sig!("()Ljava/lang/management/ThreadMXBean;");
        let bean = env
            .call_static_method(&beans, jni_str!("getThreadMXBean"), signature, &[])?
            .l()?;
        let (mut finalizer, mut handler, mut secondary) = (None, None, Vec::new());
        for (id, name) in system_threads(env, jvmti)? {
            match name.as_str() {
                "Finalizer" => finalizer = told(env, &bean, id)?.map(|told| (id, told)),
                "Reference Handler" => handler = told(env, &bean, id)?,
                "Secondary finalizer" => secondary.extend(told(env, &bean, id)?),
                _ => {}
            }
        }
        let unseen = finalizer
            .as_ref()
            .and_then(|(_, told)| began_unseen(&told.stack, untouched_since_ms?));
        let inside = inside.or(unseen.as_ref());
        let state = state(finalizer.as_ref(), inside, now_ms, stuck_ms);
        let (lock, deadlock) = match &finalizer {
            Some((id, told)) => awaited(env, &bean, *id, told)?,
            None => (None, false),
        };
        let inside = inside.filter(|_| finalizer.is_some());
        Ok(FinalizerThread {
            state,
            since_uptime_ms: inside.map_or(now_ms, |inside| inside.since_ms),
            class: inside.map(|inside| inside.class.clone()),
            loader: inside.and_then(|inside| inside.loader.clone()),
            finalize_ms: inside.map(|inside| (now_ms - inside.since_ms) as f64),
            cpu_ms_total: match &finalizer {
                Some((id, _)) => cpu_ms(env, &bean, *id)?,
                None => None,
            },
            stack: finalizer.map(|(_, told)| told.stack).unwrap_or_default(),
            lock,
            deadlock,
            reference_handler: reference_handler(handler, is_behind),
            secondary: secondary.into_iter().map(secondary_finalizer).collect(),
        })
    })
}

/// The call that a thread is in of which the ledger knows nothing, as it began before the hooks were in: it did not
/// come through them.
fn began_unseen(stack: &[String], since_ms: u64) -> Option<Inside> {
    let is_runner = |frame: &String| frame.starts_with("java.lang.ref.Finalizer.runFinalizer(");
    let called = stack.split_at(stack.iter().position(is_runner)?).0;
    if called
        .iter()
        .any(|frame| frame.starts_with("java.lang.ref.FinwatchHook."))
    {
        return None;
    }
    let finalize = |frame: &String| Some(frame.split_once(".finalize(")?.0.to_owned());
    Some(Inside {
        class: called.iter().rev().find_map(finalize)?,
        loader: None,
        since_ms,
        stood_still_ms: 0,
    })
}

fn state(
    finalizer: Option<&(i64, Told)>,
    inside: Option<&Inside>,
    now_ms: u64,
    stuck_ms: u64,
) -> FinalizerState {
    let Some((_, told)) = finalizer else {
        return FinalizerState::Dead;
    };
    match inside {
        Some(inside) if inside.lasted_ms(now_ms) >= stuck_ms => FinalizerState::Stuck,
        Some(_) if told.state == "BLOCKED" => FinalizerState::Blocked,
        None if told.state.ends_with("WAITING") => FinalizerState::Waiting,
        _ => FinalizerState::Running,
    }
}

/// Id and name of the threads in the group that the JDK's own are in.
fn system_threads(env: &mut Env, jvmti: Environment) -> Result<Vec<(i64, String)>, WatchError> {
    let group = jvmti.system_thread_group(env)?;
    let class = boot_class(env, jvmti, "java.lang.Thread")?;
    let array = env.new_object_array(MOST_THREADS as i32, &class, JObject::null())?;
    let array = JObject::from(array);
    let arguments = [JValue::Object(&array), JValue::Bool(false)];
    let signature = jni_sig!("([Ljava/lang/Thread;Z)I");
    env.call_method(&group, jni_str!("enumerate"), signature, &arguments)?;
    let mut threads = Vec::new();
    for thread in jvmti::object_array(env, array)?.unwrap_or_default() {
        if thread.as_raw().is_null() {
            break;
        }
        let id = env.call_method(&thread, jni_str!("getId"), jni_sig!("()J"), &[])?;
        let id = id.j()?;
        let name = string(env, &thread, jni_str!("getName"))?;
        threads.push((id, name.unwrap_or_default()));
    }
    Ok(threads)
}

/// `None`: the thread has ended meanwhile.
fn told(env: &mut Env, bean: &JObject, id: i64) -> jni::errors::Result<Option<Told>> {
    env.with_local_frame(128, |env| {
        let arguments = [JValue::Long(id), JValue::Int(MOST_FRAMES)];
        let signature = jni_sig!("(JI)Ljava/lang/management/ThreadInfo;");
        let info = env
            .call_method(bean, jni_str!("getThreadInfo"), signature, &arguments)?
            .l()?;
        if info.as_raw().is_null() {
            return Ok(None);
        }
        let state = env
            .call_method(
                &info,
                jni_str!("getThreadState"),
                jni_sig!("()Ljava/lang/Thread$State;"),
                &[],
            )?
            .l()?;
        let lock = env
            .call_method(
                &info,
                jni_str!("getLockInfo"),
                jni_sig!("()Ljava/lang/management/LockInfo;"),
                &[],
            )?
            .l()?;
        let lock_class = match lock.as_raw().is_null() {
            true => None,
            false => string(env, &lock, jni_str!("getClassName"))?,
        };
        let owner_id = env.call_method(&info, jni_str!("getLockOwnerId"), jni_sig!("()J"), &[])?;
        Ok(Some(Told {
            name: string(env, &info, jni_str!("getThreadName"))?.unwrap_or_default(),
            state: string(env, &state, jni_str!("name"))?.unwrap_or_default(),
            stack: stack(env, &info)?,
            lock_class,
            owner_id: owner_id.j()?,
        }))
    })
}

fn stack(env: &mut Env, info: &JObject) -> jni::errors::Result<Vec<String>> {
    let signature = jni_sig!("()[Ljava/lang/StackTraceElement;");
    let trace = env
        .call_method(info, jni_str!("getStackTrace"), signature, &[])?
        .l()?;
    let frames = jvmti::object_array(env, trace)?.unwrap_or_default();
    let mut texts = Vec::with_capacity(frames.len());
    for frame in frames {
        let text = string(env, &frame, jni_str!("toString"))?;
        texts.extend(text.map(|text| without_module(&text).to_owned()));
    }
    Ok(texts)
}

/// A frame without what stands before its class since JDK 9: loader, module and version, each
/// with a slash. A hidden class has a slash in its name, with a number after it.
fn without_module(frame: &str) -> &str {
    let name = frame.split('(').next().unwrap_or(frame);
    let is_number = |at: usize| name[at + 1..].starts_with(|c: char| c.is_ascii_digit());
    let mut slashes = name.rmatch_indices('/').map(|(at, _)| at);
    let last = slashes.find(|&at| !is_number(at));
    last.map_or(frame, |at| &frame[at + 1..])
}

/// The lock that the thread waits for, and whether that will ever end. What it waits for in
/// its own queue is no lock.
fn awaited(
    env: &mut Env,
    bean: &JObject,
    id: i64,
    thread: &Told,
) -> jni::errors::Result<(Option<AwaitedLock>, bool)> {
    let in_queue = thread
        .stack
        .iter()
        .any(|frame| frame.contains("java.lang.ref.ReferenceQueue.remove"));
    let Some(class) = thread.lock_class.clone().filter(|_| !in_queue) else {
        return Ok((None, false));
    };
    let owner = match thread.owner_id {
        ..0 => None,
        owner_id => told(env, bean, owner_id)?,
    };
    let owner = owner.map(|owner| LockOwner {
        thread: owner.name,
        state: owner.state.to_lowercase(),
        stack: owner.stack,
    });
    let deadlock = owner.is_some() && deadlocked(env, bean)?.contains(&id);
    Ok((Some(AwaitedLock { class, owner }), deadlock))
}

/// Ids of the threads in a deadlock.
fn deadlocked(env: &mut Env, bean: &JObject) -> jni::errors::Result<Vec<i64>> {
    let name = jni_str!("findDeadlockedThreads");
    let ids = env.call_method(bean, name, jni_sig!("()[J"), &[])?.l()?;
    jvmti::long_array(env, ids)
}

/// CPU time of a thread; `None` where the VM does not measure it.
fn cpu_ms(env: &mut Env, bean: &JObject, id: i64) -> jni::errors::Result<Option<f64>> {
    let name = jni_str!("getThreadCpuTime");
    let nanos = env.call_method(bean, name, jni_sig!("(J)J"), &[JValue::Long(id)])?;
    let nanos = nanos.j()?;
    Ok((nanos >= 0).then(|| nanos as f64 / 1e6))
}

fn reference_handler(told: Option<Told>, is_behind: bool) -> ReferenceHandler {
    let state = match &told {
        None => ReferenceHandlerState::Dead,
        Some(told) if waits_for_references(told) => ReferenceHandlerState::Waiting,
        Some(_) if is_behind => ReferenceHandlerState::Stalled,
        Some(_) => ReferenceHandlerState::Running,
    };
    let is_stalled = state == ReferenceHandlerState::Stalled;
    let stack = told.filter(|_| is_stalled).map(|told| told.stack);
    ReferenceHandler {
        state,
        stack: stack.unwrap_or_default(),
    }
}

/// From JDK 9 on it waits in the VM, in a native method, which counts as running; before that in
/// `Object.wait`, called by what takes the next reference.
fn waits_for_references(told: &Told) -> bool {
    let mut frames = told
        .stack
        .iter()
        .skip_while(|frame| frame.starts_with("java.lang.Object.wait"));
    let innermost = frames.next().map(String::as_str).unwrap_or_default();
    let is_in_vm = innermost.starts_with("java.lang.ref.Reference.waitForReferencePendingList");
    let takes_next = innermost.starts_with("java.lang.ref.Reference.tryHandlePending")
        || innermost.starts_with("java.lang.ref.Reference$ReferenceHandler.run");
    is_in_vm || (told.state.ends_with("WAITING") && takes_next)
}

fn secondary_finalizer(told: Told) -> SecondaryFinalizer {
    SecondaryFinalizer {
        thread: told.name,
        // The ledger does not tell which thread is inside which class.
        class: None,
        stack: told.stack,
    }
}

fn string(env: &mut Env, object: &JObject, method: &JNIStr) -> jni::errors::Result<Option<String>> {
    let signature = jni_sig!("()Ljava/lang/String;");
    let text = env.call_method(object, method, signature, &[])?.l()?;
    jvmti::java_string(env, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_began_unseen_is_known_by_the_outermost_finalize() {
        let stack = |frames: &[&str]| {
            frames
                .iter()
                .map(|&frame| frame.to_owned())
                .collect::<Vec<_>>()
        };
        let inner = ["a.B.finalize(B.java:1)", "a.C.finalize(C.java:2)"];
        let runner = "java.lang.ref.Finalizer.runFinalizer(Finalizer.java:88)";
        let inside = began_unseen(&stack(&[inner[0], inner[1], runner]), 5).unwrap();
        assert_eq!((&*inside.class, inside.since_ms), ("a.C", 5));
        let hook = "java.lang.ref.FinwatchHook.invokeFinalize(FinwatchHook.java:9)";
        for other in [&[inner[0], hook, runner][..], &[runner], &inner, &[]] {
            assert_eq!(began_unseen(&stack(other), 5), None, "{other:?}");
        }
    }

    #[test]
    fn a_frame_begins_with_its_class() {
        for (told, plain) in [
            ("a.B.run(B.java:1)", "a.B.run(B.java:1)"),
            ("app//a.B.run(B.java:1)", "a.B.run(B.java:1)"),
            ("java.base@17.0.2/a.B.run(B.java)", "a.B.run(B.java)"),
            ("app/m@1.0/a.B.run(Native Method)", "a.B.run(Native Method)"),
            (
                "a.B$$Lambda$1/209.run(Unknown)",
                "a.B$$Lambda$1/209.run(Unknown)",
            ),
            (
                "app//a.B$$Lambda/0x7f.run(x/y)",
                "a.B$$Lambda/0x7f.run(x/y)",
            ),
            ("", ""),
        ] {
            assert_eq!(without_module(told), plain);
        }
    }
}

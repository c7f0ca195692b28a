//! The redirections of the two classes, and what is asked of each class as a whole.

use super::class_file::{ClassFile, check};
use super::enqueue::{self, redirect_enqueue};
use super::refused::{Result, shape, shown};
use super::register::{self, redirect_register};
use super::run_finalizer::redirect_run_finalizer;
use super::{HOOK, Refused};

/// Redirects `java.lang.ref.Finalizer`: `register(Object)` calls `registered(Object)` when the
/// Finalizer is made, and `runFinalizer` calls `invokeFinalize(JavaLangAccess, Object)` instead of the
/// method of that name in `JavaLangAccess`.
pub fn finalizer(class_file: &[u8]) -> Result<Vec<u8>> {
    let mut class = parse("java/lang/ref/Finalizer", class_file)?;
    refuse_hooked(&class, register::PLACE, &["registered", "invokeFinalize"])?;
    redirect_register(&mut class)?;
    redirect_run_finalizer(&mut class)?;
    checked(&class)
}

/// Redirects `java.lang.ref.ReferenceQueue`: where it counts a queued Finalizer it calls
/// `enqueued(Reference)` instead, which makes the original call as well.
pub fn reference_queue(class_file: &[u8]) -> Result<Vec<u8>> {
    let mut class = parse("java/lang/ref/ReferenceQueue", class_file)?;
    refuse_hooked(&class, enqueue::PLACE, &["enqueued"])?;
    redirect_enqueue(&mut class)?;
    checked(&class)
}

fn parse(name: &'static str, class_file: &[u8]) -> Result<ClassFile> {
    let class = ClassFile::parse(class_file)?;
    class.check()?;
    let found = class.pool.class_name(class.this_class)?;
    if found != name.as_bytes() {
        return shape("the class to redirect", name, shown(found));
    }
    Ok(class)
}

/// Refuses a class that already calls the hooks: all of them, or (worse) some.
fn refuse_hooked(class: &ClassFile, place: &'static str, hooks: &[&str]) -> Result<()> {
    let mut calls = Vec::new();
    for (_, code) in class.codes()? {
        let callees = code
            .instructions
            .iter()
            .filter_map(|each| code.callee(each, &class.pool));
        let hooked = callees.filter(|callee| callee.owner == HOOK.as_bytes());
        calls.extend(hooked.map(|callee| shown(callee.name)));
    }
    calls.sort_unstable();
    let mut all: Vec<String> = hooks.iter().map(|&hook| hook.to_owned()).collect();
    all.sort_unstable();
    if calls.is_empty() {
        Ok(())
    } else if calls == all {
        Err(Refused::AlreadyRedirected)
    } else {
        let some = calls
            .iter()
            .take(4)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        shape(
            place,
            "no call to java.lang.ref.FinwatchHook, or each of them once",
            format!("calls to {some}"),
        )
    }
}

fn checked(class: &ClassFile) -> Result<Vec<u8>> {
    let class_file = class.write()?;
    check(&class_file)?;
    Ok(class_file)
}

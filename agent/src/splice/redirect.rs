//! The three redirections, each with the one shape of code that it accepts.
//!
//! `enter` runs before the Finalizer is made, so that it can fail (no stack, no memory) while nothing
//! is counted; its int waits on the operand stack for `registered`, which runs when the constructor has
//! linked the Finalizer into the chain. The other two replace a call by one of the same length.

use super::class_file::{ClassFile, check};
use super::code::Code;
use super::constant_pool::{INTERFACE_METHODREF, METHODREF};
use super::insertion::{Insertion, Labels, insert};
use super::instruction::{
    ALOAD_0, ALOAD_1, DUP, ICONST_1, ICONST_M1, INVOKEINTERFACE, INVOKESPECIAL, INVOKESTATIC, NEW,
    NOP, POP,
};
use super::refused::{Result, shown};
use super::{HOOK, Refused};

const STATIC: u16 = 0x0008;

const REGISTER: &str = "java.lang.ref.Finalizer.register(Object)";
const REGISTER_SHAPE: &str = "exactly one `new Finalizer; dup; aload_0; invokespecial <init>; pop`, entered from the top only";
const RUN_FINALIZER: &str = "java.lang.ref.Finalizer.runFinalizer(JavaLangAccess)";
const RUN_FINALIZER_SHAPE: &str =
    "exactly one `invokeinterface JavaLangAccess.invokeFinalize(Object)`";
const ENQUEUE: &str = "java.lang.ref.ReferenceQueue.enqueue(Reference)";
const ENQUEUE_SHAPE: &str =
    "exactly one `iconst_1; invokestatic VM.addFinalRefCount(int)`, in enqueue or enqueue0";

/// JDK-internal classes by the names that this JDK uses (`/` between packages).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmNames {
    /// The interface whose `invokeFinalize` the finalizer thread calls: `sun/misc/JavaLangAccess` (8),
    /// `jdk/internal/misc/JavaLangAccess` (9-11), `jdk/internal/access/JavaLangAccess` (12 and later).
    pub java_lang_access: String,
    /// The class with `addFinalRefCount`: `sun/misc/VM` (8), `jdk/internal/misc/VM` (9 and later).
    pub vm: String,
}

/// Reads the names that differ between JDKs out of `Finalizer` and `ReferenceQueue`, redirected or not.
pub fn vm_names(finalizer: &[u8], reference_queue: &[u8]) -> Result<VmNames> {
    let finalizer = ClassFile::parse(finalizer)?;
    let (_, access) = run_finalizer_method(&finalizer)?;
    let queue = ClassFile::parse(reference_queue)?;
    let mut owners: Vec<&[u8]> = queue
        .pool
        .members()
        .filter(|member| (member.name, member.descriptor) == (b"addFinalRefCount", b"(I)V"))
        .map(|member| member.owner)
        .collect();
    owners.sort_unstable();
    owners.dedup();
    match owners[..] {
        [vm] => Ok(VmNames {
            java_lang_access: text(&access)?,
            vm: text(vm)?,
        }),
        _ => shape(
            ENQUEUE,
            "one class with addFinalRefCount(int)",
            format!("{}", owners.len()),
        ),
    }
}

/// Redirects `java.lang.ref.Finalizer`: `register(Object)` calls `enter(Object)int` and
/// `registered(int)` around the making of the Finalizer, and `runFinalizer` calls
/// `invokeFinalize(JavaLangAccess, Object)` instead of the method of that name in `JavaLangAccess`.
pub fn finalizer(class_file: &[u8]) -> Result<Vec<u8>> {
    let mut class = parse("java/lang/ref/Finalizer", class_file)?;
    refuse_hooked(&class, REGISTER, &["enter", "registered", "invokeFinalize"])?;
    redirect_register(&mut class)?;
    redirect_run_finalizer(&mut class)?;
    checked(&class)
}

/// Redirects `java.lang.ref.ReferenceQueue`: where it counts a queued Finalizer it calls
/// `enqueued(Reference)` instead, which makes the original call as well.
pub fn reference_queue(class_file: &[u8]) -> Result<Vec<u8>> {
    let mut class = parse("java/lang/ref/ReferenceQueue", class_file)?;
    refuse_hooked(&class, ENQUEUE, &["enqueued"])?;
    redirect_enqueue(&mut class)?;
    checked(&class)
}

fn redirect_register(class: &mut ClassFile) -> Result<()> {
    let Site {
        method,
        index,
        code,
    } = only(class, REGISTER, REGISTER_SHAPE, |class, code, index| {
        let new = &code.instructions[index];
        let made = new
            .constant(&code.bytes)
            .map(|constant| class.pool.class_name(constant));
        Ok(new.opcode == NEW && made.transpose()? == Some(b"java/lang/ref/Finalizer"))
    })?;
    let found = || code.excerpt(index, 6, &class.pool);
    expect_method(
        class,
        method,
        REGISTER,
        &[b"register"],
        b"(Ljava/lang/Object;)V",
        STATIC,
    )?;
    let Some([new, dup, load, init, pop, next]) = code.instructions.get(index..index + 6) else {
        return shape(REGISTER, REGISTER_SHAPE, found());
    };
    let opcodes = [dup, load, init, pop].map(|instruction| instruction.opcode);
    let constructor = code.callee(init, &class.pool).is_some_and(|callee| {
        callee.owner == b"java/lang/ref/Finalizer"
            && callee.name == b"<init>"
            && callee.descriptor == b"(Ljava/lang/Object;)V"
    });
    if opcodes != [DUP, ALOAD_0, INVOKESPECIAL, POP] || !constructor {
        return shape(REGISTER, REGISTER_SHAPE, found());
    }
    if let Some(label) = code.labels(&class.pool)?.range(new.at + 1..next.at).next() {
        return shape(
            REGISTER,
            REGISTER_SHAPE,
            format!("a branch or frame at {label} in the midst of it"),
        );
    }
    if code.assigns(0) {
        return shape(
            REGISTER,
            "the object in local variable 0 throughout",
            "a store to it".into(),
        );
    }
    let enter = class
        .pool
        .intern_method(HOOK, "enter", b"(Ljava/lang/Object;)I")?;
    let registered = class.pool.intern_method(HOOK, "registered", b"(I)V")?;
    let insertions = [
        Insertion {
            at: new.at,
            instructions: call(&[ALOAD_0], enter),
            labels: Labels::ReachIt,
        },
        Insertion {
            at: next.at,
            instructions: call(&[], registered),
            labels: Labels::SkipIt,
        },
    ];
    let mut redirected = insert(&code, &class.pool, &insertions)?;
    let Some(deeper) = code.max_stack.checked_add(1) else {
        return Err(Refused::NoRoom(
            "the operand stack would exceed 65535 slots",
        ));
    };
    redirected.max_stack = deeper;
    class.set_code(method, &redirected)
}

fn redirect_run_finalizer(class: &mut ClassFile) -> Result<()> {
    let (run_finalizer, access) = run_finalizer_method(class)?;
    let Site {
        method,
        index,
        mut code,
    } = only(
        class,
        RUN_FINALIZER,
        RUN_FINALIZER_SHAPE,
        |class, code, index| {
            let callee = code.callee(&code.instructions[index], &class.pool);
            Ok(callee.is_some_and(|callee| callee.name == b"invokeFinalize"))
        },
    )?;
    let call_site = code.instructions[index];
    let as_expected = code.callee(&call_site, &class.pool).is_some_and(|callee| {
        callee.tag == INTERFACE_METHODREF
            && callee.owner == access
            && callee.descriptor == b"(Ljava/lang/Object;)V"
    });
    if method != run_finalizer || call_site.opcode != INVOKEINTERFACE || !as_expected {
        return shape(
            RUN_FINALIZER,
            RUN_FINALIZER_SHAPE,
            code.excerpt(index, 1, &class.pool),
        );
    }
    let descriptor = [b"(L", &access[..], b";Ljava/lang/Object;)V"].concat();
    let hook = class
        .pool
        .intern_method(HOOK, "invokeFinalize", &descriptor)?;
    let mut replacement = call(&[], hook);
    replacement.extend([NOP, NOP]);
    code.bytes[call_site.at..call_site.at + 5].copy_from_slice(&replacement);
    class.set_code(method, &code)
}

fn redirect_enqueue(class: &mut ClassFile) -> Result<()> {
    let Site {
        method,
        index,
        mut code,
    } = only(class, ENQUEUE, ENQUEUE_SHAPE, |class, code, index| {
        let call_site = &code.instructions[index];
        let callee = code.callee(call_site, &class.pool);
        let counts = callee.is_some_and(|callee| callee.name == b"addFinalRefCount");
        // The call that counts a dequeued Finalizer passes -1 and is left alone.
        let before = index
            .checked_sub(1)
            .map(|before| code.instructions[before].opcode);
        Ok(counts && before != Some(ICONST_M1))
    })?;
    let call_site = code.instructions[index];
    let found = || code.excerpt(index.saturating_sub(1), 2, &class.pool);
    expect_method(
        class,
        method,
        ENQUEUE,
        &[b"enqueue", b"enqueue0"],
        b"(Ljava/lang/ref/Reference;)Z",
        0,
    )?;
    let as_expected = code
        .callee(&call_site, &class.pool)
        .is_some_and(|callee| callee.tag == METHODREF && callee.descriptor == b"(I)V");
    let argument = index
        .checked_sub(1)
        .map(|before| code.instructions[before].opcode);
    if argument != Some(ICONST_1) || call_site.opcode != INVOKESTATIC || !as_expected {
        return shape(ENQUEUE, ENQUEUE_SHAPE, found());
    }
    if code.labels(&class.pool)?.contains(&call_site.at) {
        return shape(
            ENQUEUE,
            ENQUEUE_SHAPE,
            "a branch or frame between the two".into(),
        );
    }
    if code.assigns(1) {
        return shape(
            ENQUEUE,
            "the reference in local variable 1 throughout",
            "a store to it".into(),
        );
    }
    let hook = class
        .pool
        .intern_method(HOOK, "enqueued", b"(Ljava/lang/ref/Reference;)V")?;
    let replacement = call(&[ALOAD_1], hook);
    code.bytes[call_site.at - 1..call_site.at + 3].copy_from_slice(&replacement);
    class.set_code(method, &code)
}

/// Instructions that load an argument and call a static method.
fn call(load: &[u8], method: u16) -> Vec<u8> {
    [load, &[INVOKESTATIC], &method.to_be_bytes()].concat()
}

/// One instruction of one method.
struct Site {
    method: usize,
    index: usize,
    code: Code,
}

/// The only instruction in the whole class that `is_it` says yes to.
fn only(
    class: &ClassFile,
    place: &'static str,
    expected: &'static str,
    is_it: impl Fn(&ClassFile, &Code, usize) -> Result<bool>,
) -> Result<Site> {
    let (mut site, mut count) = (None, 0);
    for (method, code) in class.codes()? {
        for index in 0..code.instructions.len() {
            if is_it(class, &code, index)? {
                count += 1;
                site = Some((method, index));
            }
        }
    }
    match (site, count) {
        (Some((method, index)), 1) => match class.code(method)? {
            Some(code) => Ok(Site {
                method,
                index,
                code,
            }),
            None => shape(place, expected, "none".into()),
        },
        _ => shape(place, expected, format!("{count} in the class")),
    }
}

fn parse(name: &'static str, class_file: &[u8]) -> Result<ClassFile> {
    let class = ClassFile::parse(class_file)?;
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

/// `runFinalizer`, and the internal name of its one parameter's type.
fn run_finalizer_method(class: &ClassFile) -> Result<(usize, Vec<u8>)> {
    let mut found = Vec::new();
    for method in 0..class.methods.len() {
        if class.method_name(method)? == b"runFinalizer" {
            let parameters = class.method_descriptor(method)?;
            let access = parameters
                .strip_prefix(b"(L")
                .and_then(|rest| rest.strip_suffix(b";)V"));
            let class_name =
                access.filter(|name| !name.iter().any(|byte| b";[()<>.".contains(byte)));
            found.push((method, class_name.map(<[u8]>::to_vec)));
        }
    }
    match found.as_slice() {
        [(method, Some(access))] => Ok((*method, access.clone())),
        _ => shape(
            RUN_FINALIZER,
            "one method of one object parameter",
            format!("{} by that name", found.len()),
        ),
    }
}

fn expect_method(
    class: &ClassFile,
    method: usize,
    place: &'static str,
    names: &[&[u8]],
    descriptor: &'static [u8],
    is_static: u16,
) -> Result<()> {
    let (name, found) = (class.method_name(method)?, class.method_descriptor(method)?);
    if names.contains(&name)
        && found == descriptor
        && class.methods[method].access & STATIC == is_static
    {
        return Ok(());
    }
    shape(
        place,
        "the code in this method, static or not as always",
        format!("it in {}{}", shown(name), shown(found)),
    )
}

fn checked(class: &ClassFile) -> Result<Vec<u8>> {
    let class_file = class.write()?;
    check(&class_file)?;
    Ok(class_file)
}

fn text(name: &[u8]) -> Result<String> {
    match str::from_utf8(name) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => shape("a class name", "plain UTF-8", shown(name)),
    }
}

fn shape<T>(place: &'static str, expected: &'static str, found: String) -> Result<T> {
    Err(Refused::Shape {
        place,
        expected,
        found,
    })
}

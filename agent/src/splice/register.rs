//! `Finalizer.register`: a hook before the Finalizer is made, and one after.
//!
//! `enter` runs first, so that it can fail (no stack, no memory) while nothing is counted. Its int waits
//! on the operand stack for `registered`, which runs when the constructor has linked the Finalizer
//! into the chain. On JDK 18 and later the method begins with a test that leads to a throw: `enter`
//! comes after it, so that the stack is empty wherever that branch goes.

use super::HOOK;
use super::class_file::ClassFile;
use super::insertion::{Insertion, Labels, insert};
use super::instruction::{ALOAD_0, DUP, INVOKESPECIAL, NEW, POP};
use super::refused::{Refused, Result, shape};
use super::site::{STATIC, Site, call, expect_method, only};

pub(super) const PLACE: &str = "java.lang.ref.Finalizer.register(Object)";
const SHAPE: &str = "exactly one `new Finalizer; dup; aload_0; invokespecial <init>; pop`, entered from the top only";

pub(super) fn redirect_register(class: &mut ClassFile) -> Result<()> {
    let Site {
        method,
        index,
        code,
    } = only(class, PLACE, SHAPE, |class, code, index| {
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
        PLACE,
        &[b"register"],
        b"(Ljava/lang/Object;)V",
        STATIC,
    )?;
    let Some([new, dup, load, init, pop, next]) = code.instructions.get(index..index + 6) else {
        return shape(PLACE, SHAPE, found());
    };
    let opcodes = [dup, load, init, pop].map(|instruction| instruction.opcode);
    let constructor = code.callee(init, &class.pool).is_some_and(|callee| {
        callee.owner == b"java/lang/ref/Finalizer"
            && callee.name == b"<init>"
            && callee.descriptor == b"(Ljava/lang/Object;)V"
    });
    if opcodes != [DUP, ALOAD_0, INVOKESPECIAL, POP] || !constructor {
        return shape(PLACE, SHAPE, found());
    }
    if let Some(label) = code.labels(&class.pool)?.range(new.at + 1..next.at).next() {
        return shape(
            PLACE,
            SHAPE,
            format!("a branch or frame at {label} in the midst of it"),
        );
    }
    if code.assigns(0) {
        return shape(
            PLACE,
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

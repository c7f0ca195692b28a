//! `ReferenceQueue.enqueue` (`enqueue0` from JDK 21 on): where the VM's own counter of pending
//! finalizations is raised, the hook is called with the reference, and raises it.
//!
//! The replacement has as many bytes and needs as much of the operand stack.

use super::HOOK;
use super::class_file::ClassFile;
use super::constant_pool::METHODREF;
use super::instruction::{ALOAD_1, ICONST_1, ICONST_M1, INVOKESTATIC};
use super::refused::{Result, shape};
use super::site::{Site, call, expect_method, only};

pub(super) const PLACE: &str = "java.lang.ref.ReferenceQueue.enqueue(Reference)";
const SHAPE: &str =
    "exactly one `iconst_1; invokestatic VM.addFinalRefCount(int)`, in enqueue or enqueue0";

pub(super) fn redirect_enqueue(class: &mut ClassFile) -> Result<()> {
    let Site {
        method,
        index,
        mut code,
    } = only(class, PLACE, SHAPE, |class, code, index| {
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
        PLACE,
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
        return shape(PLACE, SHAPE, found());
    }
    if code.labels(&class.pool)?.contains(&call_site.at) {
        return shape(PLACE, SHAPE, "a branch or frame between the two".into());
    }
    if code.assigns(1) {
        return shape(
            PLACE,
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

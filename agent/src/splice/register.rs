//! `Finalizer.register`: a hook after the Finalizer is made.
//!
//! `registered` runs when the constructor has linked the Finalizer into the chain. The Finalizer waits in a
//! local variable for the handler that keeps it where there is no stack for the call.

use super::HOOK;
use super::class_file::ClassFile;
use super::code::Code;
use super::insertion::{Insertion, insert};
use super::instruction::{
    ALOAD_0, ASTORE, DUP, GOTO, INVOKESPECIAL, Instruction, NEW, POP, RETURN,
};
use super::refused::{Result, shape};
use super::site::{STATIC, Site, call, expect_method, only};
use super::uncalled::{Locals, keep_what_throws};

pub(super) const PLACE: &str = "java.lang.ref.Finalizer.register(Object)";
const SHAPE: &str = "exactly one `new Finalizer; dup; aload_0; invokespecial <init>; pop`, entered from the top only, and \
     then the return";

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
    if opcodes != [DUP, ALOAD_0, INVOKESPECIAL, POP] || !constructor || !returns(&code, next)? {
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
    let registered = class
        .pool
        .intern_method(HOOK, "registered", b"(Ljava/lang/Object;)V")?;
    let locals = Locals::behind(&code)?;
    let insertions = [
        Insertion {
            at: pop.at,
            instructions: vec![DUP, ASTORE, locals.finalizer],
        },
        Insertion {
            at: next.at,
            instructions: call(&[ALOAD_0], registered),
        },
    ];
    let mut redirected = insert(&code, &class.pool, &insertions)?;
    // Between the insertions nothing changes its length.
    let start = next.at + insertions[0].instructions.len();
    let called = (start, start + insertions[1].instructions.len());
    keep_what_throws(&mut redirected, &mut class.pool, called, &locals)?;
    class.set_code(method, &redirected)
}

/// Whether the method does nothing more from this instruction on.
fn returns(code: &Code, next: &Instruction) -> Result<bool> {
    Ok(match next.opcode {
        RETURN => true,
        GOTO => next
            .branches(&code.bytes)?
            .iter()
            .all(|branch| code.bytes.get(branch.target) == Some(&RETURN)),
        _ => false,
    })
}

//! The exception handler in `Finalizer.register` for where the stack had no room for a call.
//!
//! The Finalizer is on the chain by then, and how much stack a call takes changes at any moment: between the
//! interpreter, the first compiler and the second. So there is no finding out beforehand whether there is
//! room; what cannot be called is left for later here, in a frame that has its room already. Field access
//! resolves in the VM, which has the shadow pages for itself (`StackShadowPages`, HotSpot `globals.hpp`).

use super::HOOK;
use super::Refused;
use super::class_file::Attribute;
use super::code::{Code, Handler};
use super::constant_pool::ConstantPool;
use super::instruction::{
    AASTORE, ALOAD, ARRAYLENGTH, ASTORE, ATHROW, DUP, GETSTATIC, IADD, IAND, ICONST_1, ISUB,
    MONITORENTER, MONITOREXIT, POP, PUTSTATIC, RETURN, walk,
};
use super::refused::{Result, malformed};
use super::stack_map::{self, Frame, Shape, Type};

const TOP: Type = Type::Plain(0);

/// The type of `FinwatchHook.UNCALLED`.
const KEPT: &[u8] = b"[Ljava/lang/ref/Reference;";

/// What the handler needs besides what is in the method.
const STACK: u16 = 4;

/// Local variables of a method that get their numbers behind those it has.
pub(super) struct Locals {
    /// The Finalizer that was made.
    pub finalizer: u8,
    lock: u8,
    thrown: u8,
}

impl Locals {
    pub fn behind(code: &Code) -> Result<Self> {
        match u8::try_from(code.max_locals) {
            Ok(finalizer) if finalizer <= u8::MAX - 2 => Ok(Locals {
                finalizer,
                lock: finalizer + 1,
                thrown: finalizer + 2,
            }),
            _ => Err(Refused::NoRoom("a local variable would exceed number 255")),
        }
    }
}

/// Appends to a static method of one object parameter, left in its variable, that returns nothing: what is
/// thrown from the instructions at `start..end` ends there, and the Finalizer is left in `FinwatchHook.UNCALLED`,
/// under its lock: at `uncalled`, which is one more then, modulo the length of the array, a power of two.
pub(super) fn keep_what_throws(
    code: &mut Code,
    pool: &mut ConstantPool,
    (start, end): (usize, usize),
    locals: &Locals,
) -> Result<()> {
    let kept = pool.intern_field(HOOK, "UNCALLED", KEPT)?.to_be_bytes();
    let count = pool.intern_field(HOOK, "uncalled", b"I")?.to_be_bytes();
    let get_kept = [&[GETSTATIC], &kept[..]].concat();
    let unlock = [ALOAD, locals.lock, MONITOREXIT];

    let bytes = &mut code.bytes;
    let handler = bytes.len();
    bytes.push(POP);
    bytes.extend(&get_kept);
    bytes.extend([DUP, ASTORE, locals.lock, MONITORENTER]);
    let locked = bytes.len();
    bytes.extend(&get_kept);
    bytes.push(GETSTATIC);
    bytes.extend(count);
    bytes.extend([DUP, ICONST_1, IADD, PUTSTATIC]);
    bytes.extend(count);
    bytes.extend(&get_kept);
    bytes.extend([ARRAYLENGTH, ICONST_1, ISUB, IAND]);
    bytes.extend([ALOAD, locals.finalizer, AASTORE]);
    bytes.extend(unlock);
    let unlocked = bytes.len();
    bytes.push(RETURN);
    // Never run, but the compilers take no method whose lock an exception could leave locked.
    let failed = bytes.len();
    bytes.extend([ASTORE, locals.thrown]);
    bytes.extend(unlock);
    let thrown = bytes.len();
    bytes.extend([ALOAD, locals.thrown, ATHROW]);

    code.instructions = walk(bytes)?;
    code.max_stack = code.max_stack.max(STACK);
    code.max_locals = u16::from(locals.thrown) + 1;
    let ranges = [
        (start, end, handler),
        (locked, unlocked, failed),
        (failed, thrown, failed),
    ];
    let handlers = ranges.map(|(start, end, handler)| Handler {
        start,
        end,
        handler,
        catch_type: 0,
    });
    // Before any other, or one that covers the call already would be asked first.
    code.handlers.splice(..0, handlers);

    let mut known = vec![TOP; usize::from(locals.finalizer)];
    match known.first_mut() {
        Some(parameter) => *parameter = Type::Object(pool.intern_class("java/lang/Object")?),
        None => return malformed("a method of one parameter without a local variable"),
    }
    known.push(Type::Object(pool.intern_class("java/lang/ref/Finalizer")?));
    let stack = vec![Type::Object(pool.intern_class("java/lang/Throwable")?)];
    let lock = Type::Object(pool.intern_class("[Ljava/lang/ref/Reference;")?);
    let frame = |at, locals| Frame {
        at,
        shape: Shape::Full {
            locals,
            stack: stack.clone(),
        },
    };
    let frames = [
        frame(handler, known.clone()),
        frame(failed, [known, vec![lock]].concat()),
    ];
    append_frames(code, pool, frames)
}

fn append_frames(
    code: &mut Code,
    pool: &mut ConstantPool,
    frames: impl IntoIterator<Item = Frame>,
) -> Result<()> {
    let mut all = code.frames(pool)?;
    all.extend(frames);
    let name = pool.intern_utf8(b"StackMapTable")?;
    code.attributes.retain(|attribute| attribute.name != name);
    code.attributes.push(Attribute {
        name,
        info: stack_map::write(&all)?,
    });
    Ok(())
}

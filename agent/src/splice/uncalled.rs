//! The exception handler in `Finalizer.register` that counts where the stack had no room for a call.
//!
//! The object is on the chain by then, and how much stack a call takes changes at any moment: between the
//! interpreter, the first compiler and the second. So there is no finding out beforehand whether there is
//! room; what cannot be called is done here, in a frame that has its room already. Field access
//! resolves in the VM, which has the shadow pages for itself (`StackShadowPages`, HotSpot `globals.hpp`).

use super::HOOK;
use super::Refused;
use super::class_file::Attribute;
use super::code::{Code, Handler};
use super::constant_pool::ConstantPool;
use super::instruction::{
    ALOAD, ASTORE, ATHROW, DUP, DUP2, GETSTATIC, IADD, IALOAD, IASTORE, ICONST_1, ILOAD,
    MONITORENTER, MONITOREXIT, POP, PUTSTATIC, RETURN, walk,
};
use super::refused::{Result, malformed};
use super::stack_map::{self, Frame, Shape, Type};

const TOP: Type = Type::Plain(0);
const INT: Type = Type::Plain(1);

/// What the handler needs besides what is in the method.
const STACK: u16 = 4;

/// Local variables of a method that get their numbers behind those it has.
pub(super) struct Locals {
    /// The slot that `enter` gave.
    pub slot: u8,
    lock: u8,
    thrown: u8,
}

impl Locals {
    pub fn behind(code: &Code) -> Result<Self> {
        match u8::try_from(code.max_locals) {
            Ok(slot) if slot <= u8::MAX - 2 => Ok(Locals {
                slot,
                lock: slot + 1,
                thrown: slot + 2,
            }),
            _ => Err(Refused::NoRoom("a local variable would exceed number 255")),
        }
    }
}

/// Appends to a static method of one object parameter, left in its variable, that returns nothing: what is
/// thrown from the instructions at `start..end` ends there, and `FinwatchHook.UNCALLED` of the slot is one more,
/// under its lock.
pub(super) fn count_what_throws(
    code: &mut Code,
    pool: &mut ConstantPool,
    (start, end): (usize, usize),
    locals: &Locals,
) -> Result<()> {
    let uncalled = pool.intern_field(HOOK, "UNCALLED", b"[I")?.to_be_bytes();
    let any_uncalled = pool.intern_field(HOOK, "uncalled", b"Z")?.to_be_bytes();
    let get_uncalled = [&[GETSTATIC], &uncalled[..]].concat();
    let unlock = [ALOAD, locals.lock, MONITOREXIT];

    let bytes = &mut code.bytes;
    let handler = bytes.len();
    bytes.push(POP);
    bytes.extend(&get_uncalled);
    bytes.extend([DUP, ASTORE, locals.lock, MONITORENTER]);
    let locked = bytes.len();
    bytes.extend(&get_uncalled);
    bytes.extend([ILOAD, locals.slot, DUP2, IALOAD, ICONST_1, IADD, IASTORE]);
    bytes.extend([ICONST_1, PUTSTATIC]);
    bytes.extend(any_uncalled);
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

    let mut known = vec![TOP; usize::from(locals.slot)];
    match known.first_mut() {
        Some(parameter) => *parameter = Type::Object(pool.intern_class("java/lang/Object")?),
        None => return malformed("a method of one parameter without a local variable"),
    }
    known.push(INT);
    let stack = vec![Type::Object(pool.intern_class("java/lang/Throwable")?)];
    let lock = Type::Object(pool.intern_class("[I")?);
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

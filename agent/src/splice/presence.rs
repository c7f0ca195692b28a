//! Tells from what the VM runs now whether a redirection is still in place.

use super::HOOK;
use super::bytes::Reader;
use super::constant_pool::ConstantPool;
use super::instruction::{INVOKESTATIC, walk};
use super::refused::Result;

/// Whether `code` calls the static method `hook_method` of the hook class.
///
/// `code` is what JVMTI `GetBytecodes` returns for the method, `constant_pool_count` and
/// `constant_pool` what `GetConstantPool` returns for its class (class file format, entry 0 counted
/// but absent). Another agent that retransforms the class later takes our calls out without a word.
///
/// # Errors
/// Says what could not be read: then nothing is known about the method.
pub fn calls_hook(
    code: &[u8],
    constant_pool_count: u16,
    constant_pool: &[u8],
    hook_method: &str,
) -> Result<bool> {
    let reader = &mut Reader::new(constant_pool, "the constant pool");
    let pool = ConstantPool::read(constant_pool_count, reader)?;
    reader.end()?;
    let calls = walk(code)?
        .into_iter()
        .filter(|each| each.opcode == INVOKESTATIC);
    let mut callees = calls
        .filter_map(|call| call.constant(code))
        .filter_map(|index| pool.member(index).ok());
    Ok(callees
        .any(|callee| callee.owner == HOOK.as_bytes() && callee.name == hook_method.as_bytes()))
}

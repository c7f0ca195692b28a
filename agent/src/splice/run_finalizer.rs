//! `Finalizer.runFinalizer`: the call that runs `finalize()` goes to the hook, which makes it.
//!
//! The replacement takes the same two operands and, with two `nop`, as many bytes.

use super::HOOK;
use super::class_file::ClassFile;
use super::constant_pool::INTERFACE_METHODREF;
use super::instruction::{INVOKEINTERFACE, NOP};
use super::refused::{Result, shape};
use super::site::{Site, call, only};

const PLACE: &str = "java.lang.ref.Finalizer.runFinalizer(JavaLangAccess)";
const SHAPE: &str = "exactly one `invokeinterface JavaLangAccess.invokeFinalize(Object)`";

pub(super) fn redirect_run_finalizer(class: &mut ClassFile) -> Result<()> {
    let (run_finalizer, access) = run_finalizer_method(class)?;
    let Site {
        method,
        index,
        mut code,
    } = only(class, PLACE, SHAPE, |class, code, index| {
        let callee = code.callee(&code.instructions[index], &class.pool);
        Ok(callee.is_some_and(|callee| callee.name == b"invokeFinalize"))
    })?;
    let call_site = code.instructions[index];
    let as_expected = code.callee(&call_site, &class.pool).is_some_and(|callee| {
        callee.tag == INTERFACE_METHODREF
            && callee.owner == access
            && callee.descriptor == b"(Ljava/lang/Object;)V"
    });
    if method != run_finalizer || call_site.opcode != INVOKEINTERFACE || !as_expected {
        return shape(PLACE, SHAPE, code.excerpt(index, 1, &class.pool));
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

/// `runFinalizer`, and the internal name of its one parameter's type.
pub(super) fn run_finalizer_method(class: &ClassFile) -> Result<(usize, Vec<u8>)> {
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
            PLACE,
            "one method of one object parameter",
            format!("{} by that name", found.len()),
        ),
    }
}

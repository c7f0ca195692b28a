//! The one place in a class where a redirection applies.

use super::class_file::ClassFile;
use super::code::Code;
use super::instruction::INVOKESTATIC;
use super::refused::{Result, shape, shown};

pub(super) const STATIC: u16 = 0x0008;

/// One instruction of one method.
pub(super) struct Site {
    pub method: usize,
    pub index: usize,
    pub code: Code,
}

/// The only instruction in the whole class that `is_it` says yes to.
pub(super) fn only(
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

/// Refuses a site that is in another method than one of these names, this descriptor and kind.
pub(super) fn expect_method(
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

/// Instructions that load an argument and call a static method.
pub(super) fn call(load: &[u8], method: u16) -> Vec<u8> {
    [load, &[INVOKESTATIC], &method.to_be_bytes()].concat()
}

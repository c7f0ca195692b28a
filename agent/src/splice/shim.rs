//! Gives the shim's class file the names that JDK-internal classes have in this JDK.
//!
//! The shim is compiled once, against the names of one JDK, and calls classes that have moved
//! between packages since. Names are replaced where they mean a class: in Class constants and in the
//! descriptors of members, method types and local variables. Strings stay as they are.

use std::collections::BTreeMap;

use super::Refused;
use super::bytes::{Reader, put_count, put_u2};
use super::class_file::{Attribute, ClassFile, check, named, read_table};
use super::constant_pool::{Constant, ConstantPool};
use super::refused::{Result, shown};

/// The shim with every class of `renames` (old and new internal name) called by its new name.
///
/// # Errors
/// A generic signature that mentions an old name is refused: nothing needs one in the shim.
pub fn shim(shim_class: &[u8], renames: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut class = ClassFile::parse(shim_class)?;
    class.check()?;
    let renames = Renames(renames);
    rename_constants(&mut class.pool, &renames)?;
    for member in class.fields.iter_mut().chain(&mut class.methods) {
        member.descriptor = renames.descriptor(&mut class.pool, member.descriptor)?;
    }
    for (method, mut code) in class.codes()? {
        for attribute in &mut code.attributes {
            if class.pool.utf8(attribute.name)? == b"LocalVariableTable" {
                attribute.info = rename_variables(&attribute.info, &mut class.pool, &renames)?;
            }
        }
        renames.expect_plain(&code.attributes, &class.pool)?;
        class.set_code(method, &code)?;
    }
    let members = class
        .fields
        .iter()
        .chain(&class.methods)
        .map(|member| &member.attributes);
    for attributes in members.chain([&class.attributes]) {
        renames.expect_plain(attributes, &class.pool)?;
    }
    let renamed = class.write()?;
    check(&renamed)?;
    Ok(renamed)
}

struct Renames<'a>(&'a [(&'a str, &'a str)]);

impl Renames<'_> {
    /// The new name of a class that has one.
    fn class(&self, name: &[u8]) -> Option<&[u8]> {
        let found = self.0.iter().find(|(old, _)| old.as_bytes() == name);
        found.map(|(_, new)| new.as_bytes())
    }

    /// A descriptor with the classes in it renamed, as a constant. Equal ones share it.
    fn descriptor(&self, pool: &mut ConstantPool, index: u16) -> Result<u16> {
        let renamed = self.in_descriptor(pool.utf8(index)?);
        pool.intern_utf8(&renamed)
    }

    /// `L`, a class name and `;` wherever a type begins.
    fn in_descriptor(&self, descriptor: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = descriptor;
        while let Some((first, after)) = rest.split_first() {
            out.push(*first);
            rest = after;
            if *first == b'L' {
                let end = rest
                    .iter()
                    .position(|byte| *byte == b';')
                    .unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                out.extend_from_slice(self.class(name).unwrap_or(name));
                rest = after;
            }
        }
        out
    }

    /// Refuses generic signatures, of members or variables, that mention an old name.
    fn expect_plain(&self, attributes: &[Attribute], pool: &ConstantPool) -> Result<()> {
        let signatures = named(attributes, pool, b"Signature").map(|attribute| (attribute, 0));
        let variables = named(attributes, pool, b"LocalVariableTypeTable");
        for (attribute, first) in signatures.chain(variables.map(|attribute| (attribute, 8))) {
            // A Signature is one index; a variable's is the fourth of five two-byte fields
            // behind the two-byte count.
            for entry in attribute.info.get(first..).unwrap_or_default().chunks(10) {
                let Some(&[high, low]) = entry.first_chunk::<2>() else {
                    continue;
                };
                let signature = pool.utf8(u16::from_be_bytes([high, low]))?;
                if self
                    .0
                    .iter()
                    .any(|(old, _)| contains(signature, old.as_bytes()))
                {
                    return Err(Refused::Shape {
                        place: "the shim",
                        expected: "no generic signature over a class that is renamed",
                        found: shown(signature),
                    });
                }
            }
        }
        Ok(())
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len().max(1)).any(|window| window == part)
}

fn rename_constants(pool: &mut ConstantPool, renames: &Renames) -> Result<()> {
    let mut changed = BTreeMap::new();
    for (slot, constant) in pool.constants().to_vec().into_iter().enumerate() {
        let renamed = match constant {
            Constant::Class { name } => {
                let class = pool.utf8(name)?.to_vec();
                match renames.class(&class) {
                    Some(new) => Constant::Class {
                        name: pool.intern_utf8(new)?,
                    },
                    // The class of an array is named by its descriptor.
                    None if class.starts_with(b"[") => Constant::Class {
                        name: renames.descriptor(pool, name)?,
                    },
                    None => continue,
                }
            }
            Constant::NameAndType { name, descriptor } => Constant::NameAndType {
                name,
                descriptor: renames.descriptor(pool, descriptor)?,
            },
            Constant::MethodType { descriptor } => Constant::MethodType {
                descriptor: renames.descriptor(pool, descriptor)?,
            },
            _ => continue,
        };
        changed.insert(slot, renamed);
    }
    for (slot, renamed) in changed {
        pool.constants_mut()[slot] = renamed;
    }
    Ok(())
}

fn rename_variables(info: &[u8], pool: &mut ConstantPool, renames: &Renames) -> Result<Vec<u8>> {
    let reader = &mut Reader::new(info, "a LocalVariableTable");
    let variables = read_table(reader, |reader| {
        let (start, length, name) = (reader.u2()?, reader.u2()?, reader.u2()?);
        Ok([
            start,
            length,
            name,
            renames.descriptor(pool, reader.u2()?)?,
            reader.u2()?,
        ])
    })?;
    reader.end()?;
    let mut out = Vec::new();
    put_count(&mut out, variables.len())?;
    variables
        .iter()
        .flatten()
        .for_each(|field| put_u2(&mut out, *field));
    Ok(out)
}

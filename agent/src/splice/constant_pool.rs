//! The constant pool (JVMS 4.4): reading, looking up, and adding at its end.
//!
//! Existing constants keep their index, so everything that refers to them stays true.

use super::Refused;
use super::bytes::{Reader, put_count, put_u2};
use super::instruction::{
    GETSTATIC, INVOKEDYNAMIC, INVOKEINTERFACE, INVOKESPECIAL, INVOKESTATIC, INVOKEVIRTUAL, LDC,
    LDC2_W, NEW, PUTFIELD,
};
use super::refused::{Result, malformed};

const FIELDREF: u8 = 9;
pub(super) const METHODREF: u8 = 10;
pub(super) const INTERFACE_METHODREF: u8 = 11;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Constant {
    /// Slot 0, and the slot behind a long or double.
    Unusable,
    /// Modified UTF-8, kept as the bytes it came in.
    Utf8(Vec<u8>),
    Class {
        name: u16,
    },
    NameAndType {
        name: u16,
        descriptor: u16,
    },
    /// Field, method or interface method, told apart by the tag.
    Member {
        tag: u8,
        class: u16,
        name_and_type: u16,
    },
    MethodType {
        descriptor: u16,
    },
    /// Everything that no redirection looks into.
    Other {
        tag: u8,
        bytes: Vec<u8>,
    },
}

/// A field or method constant with its names resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MemberName<'a> {
    pub tag: u8,
    pub owner: &'a [u8],
    pub name: &'a [u8],
    pub descriptor: &'a [u8],
}

#[derive(Debug, Clone)]
pub(super) struct ConstantPool {
    constants: Vec<Constant>,
}

impl ConstantPool {
    /// Reads `count - 1` slots, as the format counts them.
    pub fn read(count: u16, reader: &mut Reader) -> Result<Self> {
        let mut constants = vec![Constant::Unusable];
        while constants.len() < usize::from(count) {
            let constant = read_constant(reader)?;
            let two_slots = matches!(constant, Constant::Other { tag: 5 | 6, .. });
            constants.push(constant);
            if two_slots {
                constants.push(Constant::Unusable);
            }
        }
        if constants.len() > usize::from(count).max(1) {
            return malformed("the constant pool ends in half a long or double");
        }
        Ok(ConstantPool { constants })
    }

    /// Checks that constants refer to constants of the right kind.
    pub fn check(&self) -> Result<()> {
        self.constants
            .iter()
            .try_for_each(|constant| match *constant {
                Constant::Class { name } => self.utf8(name).map(drop),
                Constant::NameAndType { name, descriptor } => {
                    self.utf8(name)?;
                    self.utf8(descriptor).map(drop)
                }
                Constant::Member {
                    class,
                    name_and_type,
                    ..
                } => {
                    self.class_name(class)?;
                    self.name_and_type(name_and_type).map(drop)
                }
                Constant::MethodType { descriptor } => self.utf8(descriptor).map(drop),
                Constant::Other {
                    tag: 8 | 19 | 20,
                    ref bytes,
                } => self
                    .utf8(u16::from_be_bytes([bytes[0], bytes[1]]))
                    .map(drop),
                Constant::Other {
                    tag: 17 | 18,
                    ref bytes,
                } => self
                    .name_and_type(u16::from_be_bytes([bytes[2], bytes[3]]))
                    .map(drop),
                _ => Ok(()),
            })
    }

    pub fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        put_count(out, self.constants.len())?;
        self.constants
            .iter()
            .try_for_each(|constant| write_constant(constant, out))
    }

    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    pub fn constants_mut(&mut self) -> &mut [Constant] {
        &mut self.constants
    }

    fn get(&self, index: u16) -> &Constant {
        self.constants
            .get(usize::from(index))
            .unwrap_or(&Constant::Unusable)
    }

    pub fn utf8(&self, index: u16) -> Result<&[u8]> {
        match self.get(index) {
            Constant::Utf8(bytes) => Ok(bytes),
            _ => malformed(format!("constant {index} is no Utf8")),
        }
    }

    pub fn class_name(&self, index: u16) -> Result<&[u8]> {
        match *self.get(index) {
            Constant::Class { name } => self.utf8(name),
            _ => malformed(format!("constant {index} is no Class")),
        }
    }

    fn name_and_type(&self, index: u16) -> Result<(&[u8], &[u8])> {
        match *self.get(index) {
            Constant::NameAndType { name, descriptor } => {
                Ok((self.utf8(name)?, self.utf8(descriptor)?))
            }
            _ => malformed(format!("constant {index} is no NameAndType")),
        }
    }

    pub fn member(&self, index: u16) -> Result<MemberName<'_>> {
        match *self.get(index) {
            Constant::Member {
                tag,
                class,
                name_and_type,
            } => {
                let (name, descriptor) = self.name_and_type(name_and_type)?;
                Ok(MemberName {
                    tag,
                    owner: self.class_name(class)?,
                    name,
                    descriptor,
                })
            }
            _ => malformed(format!("constant {index} is no field or method")),
        }
    }

    /// Checks that a constant is of the kind that an instruction of this opcode works on.
    pub fn expect_operand(&self, opcode: u8, index: u16) -> Result<()> {
        let fits = match (opcode, self.get(index)) {
            (LDC..=LDC2_W, constant) => matches!(
                constant,
                Constant::Class { .. }
                    | Constant::MethodType { .. }
                    | Constant::Other {
                        tag: 3..=6 | 8 | 15 | 17,
                        ..
                    }
            ),
            (GETSTATIC..=PUTFIELD, Constant::Member { tag, .. }) => *tag == FIELDREF,
            (INVOKEVIRTUAL, Constant::Member { tag, .. }) => *tag == METHODREF,
            (INVOKEINTERFACE, Constant::Member { tag, .. }) => *tag == INTERFACE_METHODREF,
            (INVOKESPECIAL..=INVOKESTATIC, Constant::Member { tag, .. }) => *tag != FIELDREF,
            (INVOKEDYNAMIC, Constant::Other { tag, .. }) => *tag == 18,
            (NEW.., Constant::Class { .. }) => true,
            _ => false,
        };
        match fits {
            true => Ok(()),
            false => malformed(format!("constant {index} is nothing for opcode {opcode}")),
        }
    }

    /// All field and method constants.
    pub fn members(&self) -> impl Iterator<Item = MemberName<'_>> {
        (0..=u16::MAX)
            .zip(&self.constants)
            .filter(|(_, constant)| matches!(constant, Constant::Member { .. }))
            .filter_map(|(index, _)| self.member(index).ok())
    }

    /// Index of `constant`: of an equal one that is there, or of a new one at the end.
    pub fn intern(&mut self, constant: Constant) -> Result<u16> {
        let index = self.constants.iter().position(|there| *there == constant);
        let index = index.unwrap_or(self.constants.len());
        // The format's count, one more than the last index, has sixteen bits too.
        let Some(index) = u16::try_from(index).ok().filter(|index| *index < u16::MAX) else {
            return Err(Refused::NoRoom(
                "the constant pool would exceed 65535 entries",
            ));
        };
        if usize::from(index) == self.constants.len() {
            self.constants.push(constant);
        }
        Ok(index)
    }

    pub fn intern_utf8(&mut self, text: &[u8]) -> Result<u16> {
        if text.len() > usize::from(u16::MAX) {
            return Err(Refused::NoRoom("a name would exceed 65535 bytes"));
        }
        self.intern(Constant::Utf8(text.to_vec()))
    }

    /// A constant for the method of a class, not of an interface.
    pub fn intern_method(&mut self, owner: &str, name: &str, descriptor: &[u8]) -> Result<u16> {
        self.intern_member(METHODREF, owner, name, descriptor)
    }

    pub fn intern_field(&mut self, owner: &str, name: &str, descriptor: &[u8]) -> Result<u16> {
        self.intern_member(FIELDREF, owner, name, descriptor)
    }

    pub fn intern_class(&mut self, internal_name: &str) -> Result<u16> {
        let name = self.intern_utf8(internal_name.as_bytes())?;
        self.intern(Constant::Class { name })
    }

    fn intern_member(
        &mut self,
        tag: u8,
        owner: &str,
        name: &str,
        descriptor: &[u8],
    ) -> Result<u16> {
        let class = self.intern_class(owner)?;
        let name = self.intern_utf8(name.as_bytes())?;
        let descriptor = self.intern_utf8(descriptor)?;
        let name_and_type = self.intern(Constant::NameAndType { name, descriptor })?;
        self.intern(Constant::Member {
            tag,
            class,
            name_and_type,
        })
    }
}

fn read_constant(reader: &mut Reader) -> Result<Constant> {
    let tag = reader.u1()?;
    let size = match tag {
        1 => {
            let length = reader.u2()?;
            return Ok(Constant::Utf8(reader.take(usize::from(length))?.to_vec()));
        }
        7 => return Ok(Constant::Class { name: reader.u2()? }),
        9..=11 => {
            let (class, name_and_type) = (reader.u2()?, reader.u2()?);
            return Ok(Constant::Member {
                tag,
                class,
                name_and_type,
            });
        }
        12 => {
            let (name, descriptor) = (reader.u2()?, reader.u2()?);
            return Ok(Constant::NameAndType { name, descriptor });
        }
        16 => {
            return Ok(Constant::MethodType {
                descriptor: reader.u2()?,
            });
        }
        3 | 4 | 17 | 18 => 4,
        5 | 6 => 8,
        8 | 19 | 20 => 2,
        15 => 3,
        _ => {
            return malformed(format!(
                "constant of unknown tag {tag} before offset {}",
                reader.at()
            ));
        }
    };
    Ok(Constant::Other {
        tag,
        bytes: reader.take(size)?.to_vec(),
    })
}

fn write_constant(constant: &Constant, out: &mut Vec<u8>) -> Result<()> {
    match *constant {
        Constant::Unusable => {}
        Constant::Utf8(ref text) => {
            out.push(1);
            put_count(out, text.len())?;
            out.extend_from_slice(text);
        }
        Constant::Class { name } => {
            out.push(7);
            put_u2(out, name);
        }
        Constant::NameAndType { name, descriptor } => {
            out.push(12);
            put_u2(out, name);
            put_u2(out, descriptor);
        }
        Constant::Member {
            tag,
            class,
            name_and_type,
        } => {
            out.push(tag);
            put_u2(out, class);
            put_u2(out, name_and_type);
        }
        Constant::MethodType { descriptor } => {
            out.push(16);
            put_u2(out, descriptor);
        }
        Constant::Other { tag, ref bytes } => {
            out.push(tag);
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

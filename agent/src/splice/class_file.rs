//! A class file taken apart into constants, members and attributes, and put together again.
//!
//! What is not changed is written as it was read, byte for byte.

use super::bytes::{Reader, put_block, put_count, put_u2, put_u4};
use super::code::Code;
use super::constant_pool::ConstantPool;
use super::refused::{Result, malformed};

const MAGIC: u32 = 0xCAFE_BABE;

#[derive(Debug, Clone)]
pub(super) struct Attribute {
    /// Index of the name in the constant pool.
    pub name: u16,
    pub info: Vec<u8>,
}

/// A field or a method.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub access: u16,
    pub name: u16,
    pub descriptor: u16,
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone)]
pub(super) struct ClassFile {
    minor: u16,
    major: u16,
    pub pool: ConstantPool,
    access: u16,
    pub this_class: u16,
    super_class: u16,
    interfaces: Vec<u16>,
    pub fields: Vec<Member>,
    pub methods: Vec<Member>,
    pub attributes: Vec<Attribute>,
}

impl ClassFile {
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let reader = &mut Reader::new(bytes, "the class file");
        if reader.u4()? != MAGIC {
            return malformed("it does not begin with CAFEBABE");
        }
        let (minor, major) = (reader.u2()?, reader.u2()?);
        let count = reader.u2()?;
        let pool = ConstantPool::read(count, reader)?;
        pool.check()?;
        let (access, this_class, super_class) = (reader.u2()?, reader.u2()?, reader.u2()?);
        let interfaces = read_table(reader, |reader| reader.u2())?;
        let fields = read_table(reader, |reader| read_member(reader, &pool))?;
        let methods = read_table(reader, |reader| read_member(reader, &pool))?;
        let attributes = read_attributes(reader, &pool)?;
        reader.end()?;
        Ok(ClassFile {
            minor,
            major,
            pool,
            access,
            this_class,
            super_class,
            interfaces,
            fields,
            methods,
            attributes,
        })
    }

    pub fn write(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        put_u4(&mut out, MAGIC);
        put_u2(&mut out, self.minor);
        put_u2(&mut out, self.major);
        self.pool.write(&mut out)?;
        for index in [self.access, self.this_class, self.super_class] {
            put_u2(&mut out, index);
        }
        put_count(&mut out, self.interfaces.len())?;
        self.interfaces
            .iter()
            .for_each(|index| put_u2(&mut out, *index));
        write_members(&mut out, &self.fields)?;
        write_members(&mut out, &self.methods)?;
        write_attributes(&mut out, &self.attributes)?;
        Ok(out)
    }

    /// See the function of this name.
    pub fn check(&self) -> Result<()> {
        self.pool.class_name(self.this_class)?;
        let codes = self.codes()?;
        codes
            .iter()
            .try_for_each(|(_, code)| code.check_references(&self.pool))
    }

    pub fn method_name(&self, method: usize) -> Result<&[u8]> {
        self.pool.utf8(self.methods[method].name)
    }

    pub fn method_descriptor(&self, method: usize) -> Result<&[u8]> {
        self.pool.utf8(self.methods[method].descriptor)
    }

    /// The Code attribute of a method; none where the method is abstract or native.
    pub fn code(&self, method: usize) -> Result<Option<Code>> {
        let mut found = named(&self.methods[method].attributes, &self.pool, b"Code");
        let code = found
            .next()
            .map(|attribute| Code::parse(&attribute.info, &self.pool));
        if found.next().is_some() {
            return malformed("a method has two Code attributes");
        }
        code.transpose()
    }

    /// All methods that have code, with their number.
    pub fn codes(&self) -> Result<Vec<(usize, Code)>> {
        let each = (0..self.methods.len()).map(|method| Ok((method, self.code(method)?)));
        let with_code = |(method, code): (usize, Option<Code>)| code.map(|code| (method, code));
        each.filter_map(|found| found.map(with_code).transpose())
            .collect()
    }

    pub fn set_code(&mut self, method: usize, code: &Code) -> Result<()> {
        let info = code.write()?;
        for attribute in &mut self.methods[method].attributes {
            if self.pool.utf8(attribute.name)? == b"Code" {
                attribute.info = info;
                break;
            }
        }
        Ok(())
    }
}

/// Reads a class file strictly: every constant refers to one of the right kind, as does every
/// instruction, and every branch, exception handler and stack map frame falls on an instruction. Nothing is
/// verified about types: that is the VM's part.
pub fn check(class_file: &[u8]) -> Result<()> {
    ClassFile::parse(class_file)?.check()
}

/// The attributes of a given name.
pub(super) fn named<'a>(
    attributes: &'a [Attribute],
    pool: &'a ConstantPool,
    name: &'a [u8],
) -> impl Iterator<Item = &'a Attribute> {
    attributes
        .iter()
        .filter(move |attribute| pool.utf8(attribute.name).is_ok_and(|is| is == name))
}

/// Reads a two-byte count and that many entries. Memory grows with what is really there.
pub(super) fn read_table<T>(
    reader: &mut Reader,
    mut entry: impl FnMut(&mut Reader) -> Result<T>,
) -> Result<Vec<T>> {
    let mut entries = Vec::new();
    for _ in 0..reader.u2()? {
        entries.push(entry(reader)?);
    }
    Ok(entries)
}

pub(super) fn read_attributes(reader: &mut Reader, pool: &ConstantPool) -> Result<Vec<Attribute>> {
    read_table(reader, |reader| {
        let name = reader.u2()?;
        pool.utf8(name)?;
        // A length beyond the input is found out by `take` before anything is allocated.
        let length = usize::try_from(reader.u4()?).unwrap_or(usize::MAX);
        Ok(Attribute {
            name,
            info: reader.take(length)?.to_vec(),
        })
    })
}

pub(super) fn write_attributes(out: &mut Vec<u8>, attributes: &[Attribute]) -> Result<()> {
    put_count(out, attributes.len())?;
    for attribute in attributes {
        put_u2(out, attribute.name);
        put_block(out, &attribute.info)?;
    }
    Ok(())
}

fn read_member(reader: &mut Reader, pool: &ConstantPool) -> Result<Member> {
    let (access, name, descriptor) = (reader.u2()?, reader.u2()?, reader.u2()?);
    pool.utf8(name)?;
    pool.utf8(descriptor)?;
    Ok(Member {
        access,
        name,
        descriptor,
        attributes: read_attributes(reader, pool)?,
    })
}

fn write_members(out: &mut Vec<u8>, members: &[Member]) -> Result<()> {
    put_count(out, members.len())?;
    for member in members {
        for index in [member.access, member.name, member.descriptor] {
            put_u2(out, index);
        }
        write_attributes(out, &member.attributes)?;
    }
    Ok(())
}

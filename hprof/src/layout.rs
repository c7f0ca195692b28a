//! Where the fields of an instance stand in its entry: those of its class first, then those of each superclass.

use crate::classes::{ClassNumber, Classes};
use crate::names::Names;
use crate::source::Dump;
use crate::value::{IdSize, Type};

/// A field of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The class that declares it.
    pub declared_in: ClassNumber,
    /// Its name, a string's id.
    pub name: u64,
    /// Its type.
    pub kind: Type,
    /// Where its value begins in the instance's body.
    pub offset: u32,
}

/// All fields of instances of a class.
pub fn fields(classes: &Classes, class: ClassNumber, ids: IdSize) -> impl Iterator<Item = Field> {
    let mut offset = 0;
    let declared = classes.lineage(class).flat_map(move |declared_in| {
        let dump = classes.get(declared_in).dump.as_ref();
        let fields = dump.map_or(&[][..], |dump| &dump.fields);
        fields
            .iter()
            .map(move |&(name, kind)| (declared_in, name, kind))
    });
    declared.map(move |(declared_in, name, kind)| {
        let field = Field {
            declared_in,
            name,
            kind,
            offset,
        };
        offset += kind.bytes(ids) as u32;
        field
    })
}

/// Finds fields by the names of the class that declares them and their own.
#[derive(Debug, Clone, Copy)]
pub struct Finder<'a> {
    /// The dump.
    pub dump: &'a Dump,
    /// Its classes.
    pub classes: &'a Classes,
    /// Its strings.
    pub names: &'a Names,
}

impl Finder<'_> {
    /// The field `name` in instances of `class`, declared in the class called `declared_in`.
    pub fn field(&self, class: ClassNumber, declared_in: &str, name: &str) -> Option<Field> {
        fields(self.classes, class, self.dump.ids).find(|field| {
            self.classes.get(field.declared_in).name == declared_in
                && self.names.read(self.dump, field.name) == name
        })
    }

    /// The value of a static field of `class`.
    pub fn static_value(&self, class: ClassNumber, name: &str) -> Option<u64> {
        let dump = self.classes.get(class).dump.as_ref()?;
        let found = dump
            .statics
            .iter()
            .find(|(id, ..)| self.names.read(self.dump, *id) == name);
        found.map(|&(_, _, value)| value)
    }
}

impl Field {
    /// Its value in an instance's body.
    #[inline]
    pub fn read(&self, ids: IdSize, body: &[u8]) -> u64 {
        self.kind
            .read(ids, body.get(self.offset as usize..).unwrap_or(&[]))
    }

    /// The same of a number that has a sign.
    pub fn read_signed(&self, ids: IdSize, body: &[u8]) -> i64 {
        let value = self.read(ids, body).cast_signed();
        let unused = 64 - 8 * self.kind.bytes(ids) as u32;
        value << unused >> unused
    }
}

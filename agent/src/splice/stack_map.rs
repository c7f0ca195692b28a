//! The StackMapTable attribute (JVMS 4.7.4), read into absolute offsets and written back.

use super::bytes::{Reader, put_count, put_u2};
use super::class_file::read_table;
use super::refused::{Result, malformed};

/// A verification type: what the verifier knows of one local variable or stack slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Top, int, float, double, long, null, uninitializedThis: the tag says it all.
    Plain(u8),
    /// Index of a Class constant.
    Object(u16),
    /// Offset of the `new` that made the object.
    Uninitialized(u16),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Same,
    SameLocalsOneStack(Type),
    /// One to three of the last locals are gone.
    Chop(u8),
    /// One to three locals more.
    Append(Vec<Type>),
    Full {
        locals: Vec<Type>,
        stack: Vec<Type>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Offset of the instruction that it describes.
    pub at: usize,
    pub shape: Shape,
}

impl Frame {
    /// All types that the frame spells out.
    pub fn types(&mut self) -> impl Iterator<Item = &mut Type> {
        let (first, second): (&mut [Type], &mut [Type]) = match &mut self.shape {
            Shape::Same | Shape::Chop(_) => (&mut [], &mut []),
            Shape::SameLocalsOneStack(only) => (std::slice::from_mut(only), &mut []),
            Shape::Append(locals) => (locals, &mut []),
            Shape::Full { locals, stack } => (locals, stack),
        };
        first.iter_mut().chain(second)
    }

    /// Moves the offsets of `new` instructions with the code.
    pub fn relocate_uninitialized(&mut self, moved: impl Fn(u16) -> Result<u16>) -> Result<()> {
        for each in self.types() {
            if let Type::Uninitialized(offset) = each {
                *offset = moved(*offset)?;
            }
        }
        Ok(())
    }
}

pub(super) fn read(info: &[u8]) -> Result<Vec<Frame>> {
    let reader = &mut Reader::new(info, "a StackMapTable");
    // The first delta is the offset itself, each later one is one less than the distance.
    let mut next = 0;
    let frames = read_table(reader, |reader| {
        let (delta, shape) = read_frame(reader)?;
        let at = next + usize::from(delta);
        next = at + 1;
        Ok(Frame { at, shape })
    })?;
    reader.end()?;
    Ok(frames)
}

fn read_frame(reader: &mut Reader) -> Result<(u16, Shape)> {
    let tag = reader.u1()?;
    Ok(match tag {
        0..=63 => (u16::from(tag), Shape::Same),
        64..=127 => (
            u16::from(tag - 64),
            Shape::SameLocalsOneStack(read_type(reader)?),
        ),
        247 => (reader.u2()?, Shape::SameLocalsOneStack(read_type(reader)?)),
        248..=250 => (reader.u2()?, Shape::Chop(251 - tag)),
        251 => (reader.u2()?, Shape::Same),
        252..=254 => {
            let delta = reader.u2()?;
            let locals = (251..tag)
                .map(|_| read_type(reader))
                .collect::<Result<_>>()?;
            (delta, Shape::Append(locals))
        }
        255 => {
            let delta = reader.u2()?;
            let locals = read_table(reader, read_type)?;
            (
                delta,
                Shape::Full {
                    locals,
                    stack: read_table(reader, read_type)?,
                },
            )
        }
        128..=246 => return malformed(format!("a stack map frame of unknown type {tag}")),
    })
}

fn read_type(reader: &mut Reader) -> Result<Type> {
    match reader.u1()? {
        tag @ 0..=6 => Ok(Type::Plain(tag)),
        7 => Ok(Type::Object(reader.u2()?)),
        8 => Ok(Type::Uninitialized(reader.u2()?)),
        tag => malformed(format!("a verification type of unknown tag {tag}")),
    }
}

pub(super) fn write(frames: &[Frame]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    put_count(&mut out, frames.len())?;
    let mut next = 0;
    for frame in frames {
        match frame.at.checked_sub(next) {
            Some(delta) => write_frame(&mut out, delta, &frame.shape)?,
            None => return malformed(format!("two stack map frames at {}", frame.at)),
        }
        next = frame.at + 1;
    }
    Ok(out)
}

fn write_frame(out: &mut Vec<u8>, delta: usize, shape: &Shape) -> Result<()> {
    let short = u8::try_from(delta).ok().filter(|delta| *delta < 64);
    match (shape, short) {
        (Shape::Same, Some(delta)) => out.push(delta),
        (Shape::Same, None) => put_tag(out, 251, delta)?,
        (Shape::SameLocalsOneStack(only), short) => {
            match short {
                Some(delta) => out.push(64 + delta),
                None => put_tag(out, 247, delta)?,
            }
            put_type(out, only);
        }
        (Shape::Chop(count), _) => put_tag(out, 251 - count, delta)?,
        (Shape::Append(locals), _) => {
            put_tag(out, (251..).nth(locals.len()).unwrap_or(254), delta)?;
            locals.iter().for_each(|each| put_type(out, each));
        }
        (Shape::Full { locals, stack }, _) => {
            put_tag(out, 255, delta)?;
            for types in [locals, stack] {
                put_count(out, types.len())?;
                types.iter().for_each(|each| put_type(out, each));
            }
        }
    }
    Ok(())
}

fn put_tag(out: &mut Vec<u8>, tag: u8, delta: usize) -> Result<()> {
    out.push(tag);
    put_count(out, delta)
}

fn put_type(out: &mut Vec<u8>, each: &Type) {
    match *each {
        Type::Plain(tag) => out.push(tag),
        Type::Object(class) => {
            out.push(7);
            put_u2(out, class);
        }
        Type::Uninitialized(offset) => {
            out.push(8);
            put_u2(out, offset);
        }
    }
}

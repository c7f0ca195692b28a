//! Puts instructions between others and moves everything that refers to offsets behind them.
//!
//! Moved are branches of every form (a switch also changes its padding), the exception table,
//! LineNumberTable, LocalVariableTable, LocalVariableTypeTable, and the offsets of StackMapTable
//! frames and of the uninitialized objects in them. Type annotations on instructions are dropped:
//! neither the VM nor reflection reads them there, and the VM does not give them to agents itself.
//! Any other attribute may hold offsets that we know nothing of, so the method is refused.
//! A branch is never widened: where sixteen bits no longer reach, the method is refused too.

use super::Refused;
use super::bytes::{Reader, put_count, put_u2};
use super::class_file::{Attribute, read_table};
use super::code::{Code, Handler};
use super::constant_pool::ConstantPool;
use super::instruction::{Branch, Instruction, switch_padding, walk};
use super::refused::{Result, malformed, shown};
use super::stack_map;

/// Instructions without branches, to be placed before the instruction at offset `at`. Branches, ranges and line
/// numbers that pointed there point behind them: only falling through from above runs them.
pub(super) struct Insertion {
    pub at: usize,
    pub instructions: Vec<u8>,
}

/// The method with the insertions made, each before an instruction of its own.
pub(super) fn insert(code: &Code, pool: &ConstantPool, insertions: &[Insertion]) -> Result<Code> {
    let moved = Moved::plan(code, insertions);
    let bytes = moved.instructions(code, insertions)?;
    if bytes.len() > usize::from(u16::MAX) {
        return Err(Refused::NoRoom("a method would exceed 65535 bytes of code"));
    }
    let attributes = code
        .attributes
        .iter()
        .map(|attribute| moved.attribute(attribute, pool));
    Ok(Code {
        max_stack: code.max_stack,
        max_locals: code.max_locals,
        instructions: walk(&bytes)?,
        bytes,
        handlers: code
            .handlers
            .iter()
            .map(|handler| moved.handler(handler))
            .collect::<Result<_>>()?,
        attributes: attributes
            .filter_map(Result::transpose)
            .collect::<Result<_>>()?,
    })
}

/// New offsets by old offset, the end of the code included.
struct Moved(Vec<Option<usize>>);

impl Moved {
    fn plan(code: &Code, insertions: &[Insertion]) -> Self {
        let mut moved = vec![None; code.bytes.len() + 1];
        let mut next = 0;
        for instruction in &code.instructions {
            let here = insertions.iter().filter(|each| each.at == instruction.at);
            next += here.map(|each| each.instructions.len()).sum::<usize>();
            moved[instruction.at] = Some(next);
            next += moved_length(instruction, next);
        }
        moved[code.bytes.len()] = Some(next);
        Moved(moved)
    }

    fn place(&self, old: usize) -> Result<usize> {
        match self.0.get(old) {
            Some(Some(new)) => Ok(*new),
            _ => malformed(format!("offset {old} falls on no instruction")),
        }
    }

    fn instructions(&self, code: &Code, insertions: &[Insertion]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for instruction in &code.instructions {
            for insertion in insertions.iter().filter(|each| each.at == instruction.at) {
                out.extend_from_slice(&insertion.instructions);
            }
            self.copy(instruction, &code.bytes, &mut out)?;
        }
        Ok(out)
    }

    /// Appends one instruction with its branches led to where their targets are now.
    fn copy(&self, instruction: &Instruction, code: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let (old, new) = (instruction.at, out.len());
        let body = old + 1 + padding(instruction, old);
        out.push(instruction.opcode);
        out.resize(new + 1 + padding(instruction, new), 0);
        let new_body = out.len();
        out.extend_from_slice(&code[body..old + instruction.length]);
        for Branch {
            operand,
            wide,
            target,
        } in instruction.branches(code)?
        {
            // Both offsets are below 2^17, so the distance fits.
            let distance = self.place(target)? as i32 - new as i32;
            let operand = new_body + operand - body;
            match (wide, i16::try_from(distance)) {
                (true, _) => out[operand..operand + 4].copy_from_slice(&distance.to_be_bytes()),
                (false, Ok(short)) => {
                    out[operand..operand + 2].copy_from_slice(&short.to_be_bytes());
                }
                (false, Err(_)) => {
                    return Err(Refused::NoRoom("a branch would reach further than 16 bits"));
                }
            }
        }
        Ok(())
    }

    fn handler(&self, handler: &Handler) -> Result<Handler> {
        Ok(Handler {
            start: self.place(handler.start)?,
            end: self.place(handler.end)?,
            handler: self.place(handler.handler)?,
            catch_type: handler.catch_type,
        })
    }

    /// The attribute with its offsets moved; none where it is dropped.
    fn attribute(&self, attribute: &Attribute, pool: &ConstantPool) -> Result<Option<Attribute>> {
        let info = match pool.utf8(attribute.name)? {
            b"LineNumberTable" => self.line_numbers(&attribute.info)?,
            b"LocalVariableTable" | b"LocalVariableTypeTable" => {
                self.local_variables(&attribute.info)?
            }
            b"StackMapTable" => self.stack_map(&attribute.info)?,
            b"RuntimeVisibleTypeAnnotations" | b"RuntimeInvisibleTypeAnnotations" => {
                return Ok(None);
            }
            unknown => {
                return malformed(format!(
                    "a Code attribute {} which may hold offsets that would have to move",
                    shown(unknown)
                ));
            }
        };
        Ok(Some(Attribute {
            name: attribute.name,
            info,
        }))
    }

    fn line_numbers(&self, info: &[u8]) -> Result<Vec<u8>> {
        let reader = &mut Reader::new(info, "a LineNumberTable");
        let lines = read_table(reader, |reader| Ok((reader.u2()?, reader.u2()?)))?;
        reader.end()?;
        let mut out = Vec::new();
        put_count(&mut out, lines.len())?;
        for (start, line) in lines {
            put_count(&mut out, self.place(usize::from(start))?)?;
            put_u2(&mut out, line);
        }
        Ok(out)
    }

    fn local_variables(&self, info: &[u8]) -> Result<Vec<u8>> {
        let reader = &mut Reader::new(info, "a LocalVariableTable");
        let variables = read_table(reader, |reader| {
            let (start, length) = (reader.u2()?, reader.u2()?);
            Ok((start, length, [reader.u2()?, reader.u2()?, reader.u2()?]))
        })?;
        reader.end()?;
        let mut out = Vec::new();
        put_count(&mut out, variables.len())?;
        for (start, length, rest) in variables {
            let end = self.place(usize::from(start) + usize::from(length))?;
            let start = self.place(usize::from(start))?;
            put_count(&mut out, start)?;
            put_count(&mut out, end - start)?;
            rest.iter().for_each(|index| put_u2(&mut out, *index));
        }
        Ok(out)
    }

    fn stack_map(&self, info: &[u8]) -> Result<Vec<u8>> {
        let mut frames = stack_map::read(info)?;
        for frame in &mut frames {
            frame.at = self.place(frame.at)?;
            frame.relocate_uninitialized(|new| {
                let moved = self.place(usize::from(new))?;
                u16::try_from(moved)
                    .map_err(|_| Refused::NoRoom("a method would exceed 65535 bytes of code"))
            })?;
        }
        stack_map::write(&frames)
    }
}

/// Alignment bytes behind the opcode of this instruction, were it at offset `at`.
fn padding(instruction: &Instruction, at: usize) -> usize {
    if instruction.is_switch() {
        switch_padding(at)
    } else {
        0
    }
}

fn moved_length(instruction: &Instruction, at: usize) -> usize {
    instruction.length - padding(instruction, instruction.at) + padding(instruction, at)
}

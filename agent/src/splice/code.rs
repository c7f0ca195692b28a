//! The Code attribute of a method (JVMS 4.7.3): instructions, exception handlers, tables.

use std::collections::BTreeSet;

use super::Refused;
use super::bytes::{Reader, put_block, put_count, put_u2};
use super::class_file::{Attribute, named, read_attributes, read_table, write_attributes};
use super::constant_pool::{ConstantPool, MemberName};
use super::instruction::{INVOKEINTERFACE, INVOKEVIRTUAL, Instruction, NEW, walk};
use super::refused::{Result, malformed, shown};
use super::stack_map::{self, Frame, Type};

/// An exception table entry; offsets in the method's code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handler {
    pub start: usize,
    pub end: usize,
    pub handler: usize,
    pub catch_type: u16,
}

#[derive(Debug, Clone)]
pub(super) struct Code {
    pub max_stack: u16,
    pub max_locals: u16,
    pub bytes: Vec<u8>,
    pub instructions: Vec<Instruction>,
    pub handlers: Vec<Handler>,
    pub attributes: Vec<Attribute>,
}

impl Code {
    /// Reads the attribute's content; every branch and handler then falls on an instruction.
    pub fn parse(info: &[u8], pool: &ConstantPool) -> Result<Self> {
        let reader = &mut Reader::new(info, "a Code attribute");
        let (max_stack, max_locals) = (reader.u2()?, reader.u2()?);
        let length = reader.u4()?;
        let Some(length) = u16::try_from(length).ok().filter(|length| *length > 0) else {
            return malformed(format!("a method of {length} bytes of code"));
        };
        let bytes = reader.take(usize::from(length))?.to_vec();
        let instructions = walk(&bytes)?;
        let handlers = read_table(reader, |reader| {
            Ok(Handler {
                start: usize::from(reader.u2()?),
                end: usize::from(reader.u2()?),
                handler: usize::from(reader.u2()?),
                catch_type: reader.u2()?,
            })
        })?;
        let attributes = read_attributes(reader, pool)?;
        reader.end()?;
        let code = Code {
            max_stack,
            max_locals,
            bytes,
            instructions,
            handlers,
            attributes,
        };
        code.check_flow()?;
        Ok(code)
    }

    pub fn write(&self) -> Result<Vec<u8>> {
        if self.bytes.len() > usize::from(u16::MAX) {
            return Err(Refused::NoRoom("a method would exceed 65535 bytes of code"));
        }
        let mut out = Vec::new();
        put_u2(&mut out, self.max_stack);
        put_u2(&mut out, self.max_locals);
        put_block(&mut out, &self.bytes)?;
        put_count(&mut out, self.handlers.len())?;
        for handler in &self.handlers {
            put_count(&mut out, handler.start)?;
            put_count(&mut out, handler.end)?;
            put_count(&mut out, handler.handler)?;
            put_u2(&mut out, handler.catch_type);
        }
        write_attributes(&mut out, &self.attributes)?;
        Ok(out)
    }

    fn check_flow(&self) -> Result<()> {
        for instruction in &self.instructions {
            for branch in instruction.branches(&self.bytes)? {
                self.expect_instruction(branch.target, "a branch")?;
            }
        }
        for handler in &self.handlers {
            self.expect_instruction(handler.start, "an exception range")?;
            if handler.end != self.bytes.len() {
                self.expect_instruction(handler.end, "an exception range")?;
            }
            self.expect_instruction(handler.handler, "an exception handler")?;
            if handler.start >= handler.end {
                return malformed(format!("an empty exception range at {}", handler.start));
            }
        }
        Ok(())
    }

    /// Checks what instructions, handlers and frames refer to. A reference beyond the constant pool would
    /// otherwise come to mean something when constants are added.
    pub fn check_references(&self, pool: &ConstantPool) -> Result<()> {
        for instruction in &self.instructions {
            if let Some(index) = instruction.constant(&self.bytes) {
                pool.expect_operand(instruction.opcode, index)?;
            }
        }
        for handler in self
            .handlers
            .iter()
            .filter(|handler| handler.catch_type != 0)
        {
            pool.class_name(handler.catch_type)?;
        }
        for mut frame in self.frames(pool)? {
            self.expect_instruction(frame.at, "a stack map frame")?;
            for each in frame.types() {
                match *each {
                    Type::Plain(_) => {}
                    Type::Object(class) => drop(pool.class_name(class)?),
                    Type::Uninitialized(offset) => self.expect_new(offset)?,
                }
            }
        }
        Ok(())
    }

    fn expect_new(&self, at: u16) -> Result<()> {
        match self.instruction_at(usize::from(at)) {
            Some(Instruction { opcode: NEW, .. }) => Ok(()),
            _ => malformed(format!(
                "a stack map frame says that there is a `new` at {at}"
            )),
        }
    }

    fn expect_instruction(&self, at: usize, what: &str) -> Result<()> {
        match self.instruction_at(at) {
            Some(_) => Ok(()),
            None => malformed(format!("{what} at {at} falls on no instruction")),
        }
    }

    fn instruction_at(&self, at: usize) -> Option<&Instruction> {
        let found = self
            .instructions
            .binary_search_by_key(&at, |instruction| instruction.at);
        found.ok().map(|index| &self.instructions[index])
    }

    /// The frames of the StackMapTable; none where there is no such table.
    pub fn frames(&self, pool: &ConstantPool) -> Result<Vec<Frame>> {
        let mut tables = named(&self.attributes, pool, b"StackMapTable");
        let frames = tables.next().map(|table| stack_map::read(&table.info));
        if tables.next().is_some() {
            return malformed("a method has two StackMapTables");
        }
        Ok(frames.transpose()?.unwrap_or_default())
    }

    /// Offsets that can be reached other than from the instruction before: targets of branches,
    /// exception handlers and whatever a frame describes.
    pub fn labels(&self, pool: &ConstantPool) -> Result<BTreeSet<usize>> {
        let mut labels = BTreeSet::new();
        for instruction in &self.instructions {
            labels.extend(
                instruction
                    .branches(&self.bytes)?
                    .iter()
                    .map(|branch| branch.target),
            );
        }
        labels.extend(self.handlers.iter().map(|handler| handler.handler));
        labels.extend(self.frames(pool)?.iter().map(|frame| frame.at));
        Ok(labels)
    }

    /// Whether any instruction of the method assigns this local variable.
    pub fn assigns(&self, local: u16) -> bool {
        let stores = self
            .instructions
            .iter()
            .filter_map(|each| each.stores(&self.bytes));
        stores
            .into_iter()
            .any(|(first, count)| (first..first.saturating_add(count)).contains(&local))
    }

    /// The method that an instruction calls, if it is a call by name.
    pub fn callee<'a>(&self, call: &Instruction, pool: &'a ConstantPool) -> Option<MemberName<'a>> {
        let is_call = (INVOKEVIRTUAL..=INVOKEINTERFACE).contains(&call.opcode);
        let index = call.constant(&self.bytes).filter(|_| is_call)?;
        pool.member(index).ok()
    }

    /// Up to `count` instructions from number `first` on, in words for an error message.
    pub fn excerpt(&self, first: usize, count: usize, pool: &ConstantPool) -> String {
        let instructions = self.instructions.iter().skip(first).take(count);
        let words: Vec<String> = instructions.map(|each| self.in_words(each, pool)).collect();
        format!("`{}`", words.join("; "))
    }

    fn in_words(&self, instruction: &Instruction, pool: &ConstantPool) -> String {
        let mnemonic = instruction.mnemonic();
        let class = instruction
            .constant(&self.bytes)
            .and_then(|index| pool.class_name(index).ok());
        match (self.callee(instruction, pool), class) {
            (Some(callee), _) => {
                format!("{mnemonic} {}.{}", shown(callee.owner), shown(callee.name))
            }
            (None, Some(class)) => format!("{mnemonic} {}", shown(class)),
            (None, None) => mnemonic.to_owned(),
        }
    }
}

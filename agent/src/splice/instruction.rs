//! JVM instructions (JVMS chapter 6): where they begin and end, where they branch to, what they store.

use super::bytes::Reader;
use super::refused::{Result, malformed};

pub(super) const NOP: u8 = 0;
pub(super) const ICONST_M1: u8 = 2;
pub(super) const ICONST_1: u8 = 4;
pub(super) const LDC: u8 = 18;
pub(super) const LDC2_W: u8 = 20;
pub(super) const ALOAD: u8 = 25;
pub(super) const ALOAD_0: u8 = 42;
pub(super) const ALOAD_1: u8 = 43;
pub(super) const ASTORE: u8 = 58;
pub(super) const AASTORE: u8 = 83;
pub(super) const POP: u8 = 87;
pub(super) const DUP: u8 = 89;
pub(super) const IADD: u8 = 96;
pub(super) const ISUB: u8 = 100;
pub(super) const IAND: u8 = 126;
const IINC: u8 = 132;
pub(super) const GOTO: u8 = 167;
const TABLESWITCH: u8 = 170;
const LOOKUPSWITCH: u8 = 171;
pub(super) const RETURN: u8 = 177;
pub(super) const GETSTATIC: u8 = 178;
pub(super) const PUTSTATIC: u8 = 179;
pub(super) const PUTFIELD: u8 = 181;
pub(super) const INVOKEVIRTUAL: u8 = 182;
pub(super) const INVOKESPECIAL: u8 = 183;
pub(super) const INVOKESTATIC: u8 = 184;
pub(super) const INVOKEINTERFACE: u8 = 185;
pub(super) const INVOKEDYNAMIC: u8 = 186;
pub(super) const NEW: u8 = 187;
pub(super) const ARRAYLENGTH: u8 = 190;
pub(super) const ATHROW: u8 = 191;
pub(super) const MONITORENTER: u8 = 194;
pub(super) const MONITOREXIT: u8 = 195;
const WIDE: u8 = 196;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    /// Offset in the method's code.
    pub at: usize,
    pub opcode: u8,
    /// In bytes, with operands and padding.
    pub length: usize,
}

/// A jump written in an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Branch {
    /// Offset of the operand in the method's code.
    pub operand: usize,
    /// Four bytes instead of two.
    pub wide: bool,
    /// Offset of the instruction it leads to.
    pub target: usize,
}

/// How many bytes a switch at this offset pads, so that its operands are aligned to four.
pub(super) fn switch_padding(at: usize) -> usize {
    3 - at % 4
}

/// Splits code into its instructions.
pub(super) fn walk(code: &[u8]) -> Result<Vec<Instruction>> {
    let mut instructions = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let instruction = decode(code, at)?;
        at += instruction.length;
        instructions.push(instruction);
    }
    Ok(instructions)
}

fn decode(code: &[u8], at: usize) -> Result<Instruction> {
    let mut reader = Reader::new(&code[at..], "an instruction");
    let opcode = reader.u1()?;
    let operands = match opcode {
        16 | 18 | 21..=25 | 54..=58 | 169 | 188 => 1,
        17 | 19 | 20 | IINC | 153..=168 | 178..=184 | 187 | 189 | 192 | 193 | 198 | 199 => 2,
        197 => 3,
        185 | 186 | 200 | 201 => 4,
        TABLESWITCH => {
            reader.take(switch_padding(at) + 4)?;
            let (low, high) = (i64::from(reader.i4()?), i64::from(reader.i4()?));
            table_length(high - low + 1, 4)?
        }
        LOOKUPSWITCH => {
            reader.take(switch_padding(at) + 4)?;
            table_length(i64::from(reader.i4()?), 8)?
        }
        WIDE => match reader.u1()? {
            21..=25 | 54..=58 | 169 => 2,
            IINC => 4,
            widened => return malformed(format!("wide before opcode {widened} at {at}")),
        },
        0..=201 => 0,
        _ => return malformed(format!("unknown opcode {opcode} at {at}")),
    };
    reader.take(operands)?;
    Ok(Instruction {
        at,
        opcode,
        length: reader.at(),
    })
}

/// Length of a switch's table. No method has more than 65535 bytes of code.
fn table_length(entries: i64, size: usize) -> Result<usize> {
    match u16::try_from(entries) {
        Ok(entries) => Ok(usize::from(entries) * size),
        Err(_) => malformed(format!("a switch of {entries} entries")),
    }
}

impl Instruction {
    fn operand_u1(&self, code: &[u8], offset: usize) -> u8 {
        code.get(self.at + offset).copied().unwrap_or(0)
    }

    fn operand_u2(&self, code: &[u8], offset: usize) -> u16 {
        let high = self.operand_u1(code, offset);
        u16::from_be_bytes([high, self.operand_u1(code, offset + 1)])
    }

    /// The constant pool index behind the opcode, of an instruction that has one.
    pub fn constant(&self, code: &[u8]) -> Option<u16> {
        match self.opcode {
            LDC => Some(u16::from(self.operand_u1(code, 1))),
            19 | LDC2_W | GETSTATIC..=NEW | 189 | 192 | 193 | 197 => Some(self.operand_u2(code, 1)),
            _ => None,
        }
    }

    /// First local variable that this instruction assigns, and how many it overwrites.
    pub fn stores(&self, code: &[u8]) -> Option<(u16, u16)> {
        let (opcode, local) = match self.opcode {
            WIDE => (self.operand_u1(code, 1), self.operand_u2(code, 2)),
            // istore_0 to astore_3: four opcodes for each of the five types
            59..=78 => {
                let number = self.opcode - 59;
                (54 + number / 4, u16::from(number % 4))
            }
            opcode => (opcode, u16::from(self.operand_u1(code, 1))),
        };
        match opcode {
            54 | 56 | 58 | IINC => Some((local, 1)),
            55 | 57 => Some((local, 2)),
            _ => None,
        }
    }

    /// Where this instruction may jump.
    pub fn branches(&self, code: &[u8]) -> Result<Vec<Branch>> {
        let operands = match self.opcode {
            153..=168 | 198 | 199 => vec![(self.at + 1, false)],
            200 | 201 => vec![(self.at + 1, true)],
            TABLESWITCH => {
                let default = self.at + 1 + switch_padding(self.at);
                let table = (default + 12..self.at + self.length).step_by(4);
                std::iter::once(default)
                    .chain(table)
                    .map(|operand| (operand, true))
                    .collect()
            }
            LOOKUPSWITCH => {
                let default = self.at + 1 + switch_padding(self.at);
                let table = (default + 12..self.at + self.length).step_by(8);
                std::iter::once(default)
                    .chain(table)
                    .map(|operand| (operand, true))
                    .collect()
            }
            _ => Vec::new(),
        };
        operands
            .into_iter()
            .map(|(operand, wide)| self.branch(code, operand, wide))
            .collect()
    }

    fn branch(&self, code: &[u8], operand: usize, wide: bool) -> Result<Branch> {
        let mut reader = Reader::new(code, "the code");
        reader.take(operand)?;
        let distance = match wide {
            true => i64::from(reader.i4()?),
            false => i64::from(reader.u2()?.cast_signed()),
        };
        let target = usize::try_from(self.at as i64 + distance);
        match target {
            Ok(target) if target < code.len() => Ok(Branch {
                operand,
                wide,
                target,
            }),
            _ => malformed(format!("a branch at {} leaves the code", self.at)),
        }
    }

    pub fn is_switch(&self) -> bool {
        matches!(self.opcode, TABLESWITCH | LOOKUPSWITCH)
    }

    /// The opcode's name in the specification.
    pub fn mnemonic(&self) -> &'static str {
        MNEMONICS
            .get(usize::from(self.opcode))
            .copied()
            .unwrap_or("unknown")
    }
}

#[rustfmt::skip]
const MNEMONICS: [&str; 202] = [
    "nop", "aconst_null", "iconst_m1", "iconst_0", "iconst_1", "iconst_2", "iconst_3", "iconst_4", "iconst_5",
    "lconst_0", "lconst_1", "fconst_0", "fconst_1", "fconst_2", "dconst_0", "dconst_1", "bipush", "sipush",
    "ldc", "ldc_w", "ldc2_w", "iload", "lload", "fload", "dload", "aload",
    "iload_0", "iload_1", "iload_2", "iload_3", "lload_0", "lload_1", "lload_2", "lload_3",
    "fload_0", "fload_1", "fload_2", "fload_3", "dload_0", "dload_1", "dload_2", "dload_3",
    "aload_0", "aload_1", "aload_2", "aload_3",
    "iaload", "laload", "faload", "daload", "aaload", "baload", "caload", "saload",
    "istore", "lstore", "fstore", "dstore", "astore",
    "istore_0", "istore_1", "istore_2", "istore_3", "lstore_0", "lstore_1", "lstore_2", "lstore_3",
    "fstore_0", "fstore_1", "fstore_2", "fstore_3", "dstore_0", "dstore_1", "dstore_2", "dstore_3",
    "astore_0", "astore_1", "astore_2", "astore_3",
    "iastore", "lastore", "fastore", "dastore", "aastore", "bastore", "castore", "sastore",
    "pop", "pop2", "dup", "dup_x1", "dup_x2", "dup2", "dup2_x1", "dup2_x2", "swap",
    "iadd", "ladd", "fadd", "dadd", "isub", "lsub", "fsub", "dsub", "imul", "lmul", "fmul", "dmul",
    "idiv", "ldiv", "fdiv", "ddiv", "irem", "lrem", "frem", "drem", "ineg", "lneg", "fneg", "dneg",
    "ishl", "lshl", "ishr", "lshr", "iushr", "lushr", "iand", "land", "ior", "lor", "ixor", "lxor", "iinc",
    "i2l", "i2f", "i2d", "l2i", "l2f", "l2d", "f2i", "f2l", "f2d", "d2i", "d2l", "d2f", "i2b", "i2c", "i2s",
    "lcmp", "fcmpl", "fcmpg", "dcmpl", "dcmpg", "ifeq", "ifne", "iflt", "ifge", "ifgt", "ifle",
    "if_icmpeq", "if_icmpne", "if_icmplt", "if_icmpge", "if_icmpgt", "if_icmple", "if_acmpeq", "if_acmpne",
    "goto", "jsr", "ret", "tableswitch", "lookupswitch",
    "ireturn", "lreturn", "freturn", "dreturn", "areturn", "return",
    "getstatic", "putstatic", "getfield", "putfield",
    "invokevirtual", "invokespecial", "invokestatic", "invokeinterface", "invokedynamic",
    "new", "newarray", "anewarray", "arraylength", "athrow", "checkcast", "instanceof",
    "monitorenter", "monitorexit", "wide", "multianewarray", "ifnull", "ifnonnull", "goto_w", "jsr_w",
];

//! Class files in words, for the golden tests: constants by what they mean, not by their number.

use std::fmt::Write;

use super::bytes::Reader;
use super::class_file::{Attribute, ClassFile, named, read_table};
use super::code::Code;
use super::constant_pool::{Constant, ConstantPool};
use super::instruction::Instruction;
use super::stack_map::{Shape, Type};

/// Every method of the class, one line for each thing that it consists of.
pub(super) fn listing(class_file: &[u8]) -> String {
    let class = ClassFile::parse(class_file).unwrap();
    let pool = &class.pool;
    let mut out = format!("class {}\n", class_name(pool, class.this_class));
    for field in &class.fields {
        let (name, descriptor) = (utf8(pool, field.name), utf8(pool, field.descriptor));
        writeln!(out, "field {:04x} {name} {descriptor}", field.access).unwrap();
        attributes(&mut out, pool, &field.attributes);
    }
    for (number, method) in class.methods.iter().enumerate() {
        let (name, descriptor) = (utf8(pool, method.name), utf8(pool, method.descriptor));
        writeln!(out, "method {:04x} {name}{descriptor}", method.access).unwrap();
        if let Some(code) = class.code(number).unwrap() {
            method_code(&mut out, pool, &code);
        }
        let others = method
            .attributes
            .iter()
            .filter(|each| utf8(pool, each.name) != "Code");
        attributes(&mut out, pool, others);
    }
    attributes(&mut out, pool, &class.attributes);
    out
}

fn method_code(out: &mut String, pool: &ConstantPool, code: &Code) {
    writeln!(out, "  stack {} locals {}", code.max_stack, code.max_locals).unwrap();
    for each in &code.instructions {
        writeln!(out, "  {:4} {}", each.at, instruction(pool, code, each)).unwrap();
    }
    for handler in &code.handlers {
        let caught = match handler.catch_type {
            0 => "any".to_owned(),
            class => class_name(pool, class),
        };
        writeln!(
            out,
            "  catch {caught} {}..{} at {}",
            handler.start, handler.end, handler.handler
        )
        .unwrap();
    }
    for table in named(&code.attributes, pool, b"LineNumberTable") {
        for [start, line] in rows(table) {
            writeln!(out, "  line {line} at {start}").unwrap();
        }
    }
    for name in ["LocalVariableTable", "LocalVariableTypeTable"] {
        for table in named(&code.attributes, pool, name.as_bytes()) {
            for [start, length, variable, descriptor, slot] in rows(table) {
                let (variable, descriptor) = (utf8(pool, variable), utf8(pool, descriptor));
                let end = start + length;
                writeln!(out, "  local {slot} {variable} {descriptor} {start}..{end}").unwrap();
            }
        }
    }
    for frame in code.frames(pool).unwrap() {
        writeln!(out, "  frame at {} {}", frame.at, shape(pool, &frame.shape)).unwrap();
    }
    let known = [
        "LineNumberTable",
        "LocalVariableTable",
        "LocalVariableTypeTable",
        "StackMapTable",
    ];
    let others = code
        .attributes
        .iter()
        .filter(|each| !known.contains(&&*utf8(pool, each.name)));
    attributes(out, pool, others);
}

fn instruction(pool: &ConstantPool, code: &Code, each: &Instruction) -> String {
    let mnemonic = each.mnemonic();
    let targets: Vec<String> = each
        .branches(&code.bytes)
        .unwrap()
        .iter()
        .map(|branch| format!("-> {}", branch.target))
        .collect();
    let operands = &code.bytes[each.at + 1..each.at + each.length];
    match (each.constant(&code.bytes), targets.is_empty(), operands) {
        (Some(index), ..) => {
            let rest = operands.get(2..).unwrap_or_default();
            format!("{mnemonic} {} {rest:?}", constant(pool, index)).replace(" []", "")
        }
        (None, false, _) => format!("{mnemonic} {}", targets.join(" ")),
        (None, true, []) => mnemonic.to_owned(),
        (None, true, operands) => format!("{mnemonic} {operands:?}"),
    }
}

fn constant(pool: &ConstantPool, index: u16) -> String {
    if let Ok(member) = pool.member(index) {
        let [owner, name, descriptor] = [member.owner, member.name, member.descriptor].map(text);
        let interface = if member.tag == 11 { "interface " } else { "" };
        return format!("{interface}{owner}.{name} {descriptor}");
    }
    match &pool.constants()[usize::from(index)] {
        Constant::Class { name } => utf8(pool, *name),
        Constant::Other { tag: 8, bytes } => {
            format!("{:?}", utf8(pool, u16::from_be_bytes([bytes[0], bytes[1]])))
        }
        Constant::Other { tag, bytes } => format!("constant {tag} {bytes:?}"),
        other => panic!("an instruction names {other:?}"),
    }
}

fn shape(pool: &ConstantPool, shape: &Shape) -> String {
    let list = |types: &[Type]| {
        types
            .iter()
            .map(|each| verified(pool, each))
            .collect::<Vec<_>>()
    };
    match shape {
        Shape::Same => "same".to_owned(),
        Shape::SameLocalsOneStack(only) => format!("same, stack [{}]", verified(pool, only)),
        Shape::Chop(count) => format!("{count} locals less"),
        Shape::Append(more) => format!("locals more [{}]", list(more).join(", ")),
        Shape::Full { locals, stack } => {
            format!(
                "locals [{}], stack [{}]",
                list(locals).join(", "),
                list(stack).join(", ")
            )
        }
    }
}

fn verified(pool: &ConstantPool, each: &Type) -> String {
    const PLAIN: [&str; 7] = [
        "top",
        "int",
        "float",
        "double",
        "long",
        "null",
        "uninitializedThis",
    ];
    match *each {
        Type::Plain(tag) => PLAIN[usize::from(tag)].to_owned(),
        Type::Object(class) => class_name(pool, class),
        Type::Uninitialized(offset) => format!("new at {offset}"),
    }
}

/// Attributes that no redirection reads, by name and size.
fn attributes<'a>(
    out: &mut String,
    pool: &ConstantPool,
    attributes: impl IntoIterator<Item = &'a Attribute>,
) {
    for each in attributes {
        writeln!(
            out,
            "  attribute {} {:02x?}",
            utf8(pool, each.name),
            each.info
        )
        .unwrap();
    }
}

fn rows<const WIDTH: usize>(table: &Attribute) -> Vec<[u16; WIDTH]> {
    let reader = &mut Reader::new(&table.info, "a table");
    read_table(reader, |reader| {
        let mut row = [0; WIDTH];
        for field in &mut row {
            *field = reader.u2()?;
        }
        Ok(row)
    })
    .unwrap()
}

fn class_name(pool: &ConstantPool, index: u16) -> String {
    text(pool.class_name(index).unwrap())
}

fn utf8(pool: &ConstantPool, index: u16) -> String {
    text(pool.utf8(index).unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

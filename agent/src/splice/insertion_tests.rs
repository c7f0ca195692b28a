//! Insertion into methods that nobody compiled: any mix of branches, switches, handlers and tables.
//!
//! A method is written with instruction numbers in place of offsets, laid out, inserted into, and read
//! back into numbers. What was there must come back the same, around the inserted instructions.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::bytes::{Reader, put_count, put_u2};
use super::class_file::{Attribute, named, read_table};
use super::code::{Code, Handler};
use super::constant_pool::ConstantPool;
use super::insertion::{Insertion, insert};
use super::instruction::{NEW, NOP, walk};
use super::refused::{Refused, Result};
use super::stack_map::{self, Frame, Shape, Type};

/// What is inserted; the methods hold no such instruction themselves.
const INSERTED: u8 = 190;

/// One instruction by opcode, with its operands other than branches, and branches by number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Symbolic {
    opcode: u8,
    operands: Vec<u8>,
    targets: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Method {
    instructions: Vec<Symbolic>,
    /// Start, end (exclusive, may be the end of the code) and handler.
    handlers: Vec<[usize; 3]>,
    lines: BTreeSet<usize>,
    /// Start and end.
    variables: Vec<[usize; 2]>,
    frames: BTreeSet<usize>,
}

/// Raw numbers that become instruction numbers once their count is known.
fn instruction() -> impl Strategy<Value = Symbolic> {
    let targets = vec(any::<usize>(), 1..6);
    let one = any::<usize>().prop_map(|target| vec![target]);
    let symbolic = |(opcode, operands, targets)| Symbolic {
        opcode,
        operands,
        targets,
    };
    prop_oneof![
        3 => (Just(NOP), Just(vec![]), Just(vec![])),
        1 => (Just(NEW), Just(vec![0, 1]), Just(vec![])),
        1 => (Just(17), vec(any::<u8>(), 2), Just(vec![])),
        1 => (Just(196), Just(vec![132, 0, 1, 0, 1]), Just(vec![])),
        2 => (prop_oneof![Just(153_u8), Just(167), Just(198)], Just(vec![]), one.clone()),
        1 => (Just(200), Just(vec![]), one),
        1 => (Just(170), Just(vec![0xff, 0xff, 0xff, 0xfe]), targets.clone()),
        1 => (Just(171), Just(vec![]), targets),
    ]
    .prop_map(symbolic)
}

fn method() -> impl Strategy<Value = Method> {
    (
        vec(instruction(), 2..60),
        vec(any::<[usize; 3]>(), 0..4),
        btree_set(0..60_usize, 0..8),
        vec(any::<[usize; 2]>(), 0..4),
        btree_set(0..60_usize, 0..8),
    )
        .prop_map(|(mut instructions, handlers, lines, variables, frames)| {
            let count = instructions.len();
            for target in instructions.iter_mut().flat_map(|each| &mut each.targets) {
                *target %= count;
            }
            let range = |start: usize, end: usize| {
                let start = start % count;
                (start, start + 1 + end % (count - start))
            };
            let handlers = handlers.iter().map(|&[start, end, handler]| {
                let (start, end) = range(start, end);
                [start, end, handler % count]
            });
            let variables = variables.iter().map(|&[start, end]| {
                let (start, end) = range(start, end);
                [start, end]
            });
            let inside = |numbers: BTreeSet<usize>| {
                numbers
                    .into_iter()
                    .filter(|number| *number < count)
                    .collect()
            };
            Method {
                handlers: handlers.collect(),
                variables: variables.collect(),
                lines: inside(lines),
                frames: inside(frames),
                instructions,
            }
        })
}

/// Offsets of all instructions and of the end of the code.
fn offsets(instructions: &[Symbolic]) -> Vec<usize> {
    let mut offsets = vec![0];
    for each in instructions {
        let at = offsets[offsets.len() - 1];
        let length = match (each.opcode, each.targets.len()) {
            (170, count) => 1 + (3 - at % 4) + 12 + (count - 1) * 4,
            (171, count) => 1 + (3 - at % 4) + 8 + (count - 1) * 8,
            (200, _) => 5,
            (_, 1) => 3,
            _ => 1 + each.operands.len(),
        };
        offsets.push(at + length);
    }
    offsets
}

fn lay_out(method: &Method, pool: &mut ConstantPool) -> Code {
    let offsets = offsets(&method.instructions);
    let mut bytes: Vec<u8> = Vec::new();
    for (number, each) in method.instructions.iter().enumerate() {
        let at = offsets[number];
        let distance = |target: &usize| offsets[*target] as i32 - at as i32;
        bytes.push(each.opcode);
        match each.opcode {
            170 => {
                bytes.resize(at + 1 + (3 - at % 4), 0);
                bytes.extend(distance(&each.targets[0]).to_be_bytes());
                let low = -2;
                bytes.extend(&each.operands);
                bytes.extend((low + each.targets.len() as i32 - 2).to_be_bytes());
                each.targets[1..]
                    .iter()
                    .for_each(|each| bytes.extend(distance(each).to_be_bytes()));
            }
            171 => {
                bytes.resize(at + 1 + (3 - at % 4), 0);
                bytes.extend(distance(&each.targets[0]).to_be_bytes());
                bytes.extend((each.targets.len() as i32 - 1).to_be_bytes());
                for (key, target) in each.targets[1..].iter().enumerate() {
                    bytes.extend((key as i32).to_be_bytes());
                    bytes.extend(distance(target).to_be_bytes());
                }
            }
            200 => bytes.extend(distance(&each.targets[0]).to_be_bytes()),
            _ => {
                bytes.extend(&each.operands);
                let short = |target| (distance(target) as i16).to_be_bytes();
                each.targets
                    .iter()
                    .for_each(|target| bytes.extend(short(target)));
            }
        }
    }
    Code {
        max_stack: 0,
        max_locals: 0,
        instructions: walk(&bytes).unwrap(),
        handlers: method
            .handlers
            .iter()
            .map(|each| handler(each.map(|at| offsets[at])))
            .collect(),
        attributes: tables(method, &offsets, pool),
        bytes,
    }
}

fn handler([start, end, handler]: [usize; 3]) -> Handler {
    Handler {
        start,
        end,
        handler,
        catch_type: 0,
    }
}

fn tables(method: &Method, offsets: &[usize], pool: &mut ConstantPool) -> Vec<Attribute> {
    let mut lines = Vec::new();
    put_count(&mut lines, method.lines.len()).unwrap();
    for number in &method.lines {
        put_count(&mut lines, offsets[*number]).unwrap();
        put_u2(&mut lines, 7);
    }
    let mut variables = Vec::new();
    put_count(&mut variables, method.variables.len()).unwrap();
    for [start, end] in method
        .variables
        .iter()
        .map(|range| range.map(|at| offsets[at]))
    {
        put_count(&mut variables, start).unwrap();
        put_count(&mut variables, end - start).unwrap();
        variables.extend([0; 6]);
    }
    let new = method
        .instructions
        .iter()
        .position(|each| each.opcode == NEW);
    let frames: Vec<Frame> = method
        .frames
        .iter()
        .map(|at| frame(offsets, *at, new))
        .collect();
    let mut attribute = |name: &str, info| Attribute {
        name: pool.intern_utf8(name.as_bytes()).unwrap(),
        info,
    };
    vec![
        attribute("LineNumberTable", lines),
        attribute("LocalVariableTable", variables.clone()),
        attribute("LocalVariableTypeTable", variables),
        attribute("StackMapTable", stack_map::write(&frames).unwrap()),
    ]
}

/// A frame that holds the object of the method's first `new`, if it has one.
fn frame(offsets: &[usize], at: usize, new: Option<usize>) -> Frame {
    let object = new.map(|number| Type::Uninitialized(u16::try_from(offsets[number]).unwrap()));
    let shape = match (object, at % 3) {
        (Some(object), 0) => Shape::SameLocalsOneStack(object),
        (Some(object), 1) => Shape::Append(vec![Type::Plain(1), object]),
        (Some(object), _) => Shape::Full {
            locals: vec![Type::Object(1)],
            stack: vec![object],
        },
        (None, 0) => Shape::Chop(2),
        (None, _) => Shape::Same,
    };
    Frame {
        at: offsets[at],
        shape,
    }
}

/// Reads a method back; `number` tells the instruction number of an offset that points at a place.
fn read_back(code: &Code, pool: &ConstantPool, number: impl Fn(usize) -> usize) -> Method {
    let instructions = code
        .instructions
        .iter()
        .filter(|each| each.opcode != INSERTED);
    let instructions = instructions.map(|each| {
        let branches = each.branches(&code.bytes).unwrap();
        let operands = match each.opcode {
            170 => vec![0xff, 0xff, 0xff, 0xfe],
            _ if !branches.is_empty() => vec![],
            _ => code.bytes[each.at + 1..each.at + each.length].to_vec(),
        };
        let targets = branches
            .iter()
            .map(|branch| number(branch.target))
            .collect();
        Symbolic {
            opcode: each.opcode,
            operands,
            targets,
        }
    });
    let handlers = code
        .handlers
        .iter()
        .map(|each| [each.start, each.end, each.handler]);
    let rows = |name: &'static [u8], width: usize| {
        let table = named(&code.attributes, pool, name).next().unwrap();
        let reader = &mut Reader::new(&table.info, "a table");
        read_table(reader, |reader| {
            (0..width)
                .map(|_| reader.u2().map(usize::from))
                .collect::<Result<Vec<_>>>()
        })
        .unwrap()
    };
    let variables = rows(b"LocalVariableTable", 5);
    assert_eq!(variables, rows(b"LocalVariableTypeTable", 5));
    Method {
        instructions: instructions.collect(),
        handlers: handlers.map(|each| each.map(&number)).collect(),
        lines: rows(b"LineNumberTable", 2)
            .iter()
            .map(|row| number(row[0]))
            .collect(),
        variables: variables
            .iter()
            .map(|row| [number(row[0]), number(row[0] + row[1])])
            .collect(),
        frames: code
            .frames(pool)
            .unwrap()
            .iter()
            .map(|frame| number(frame.at))
            .collect(),
    }
}

/// Constant 1 is a class.
fn small_pool() -> ConstantPool {
    let constants = b"\x07\x00\x02\x01\x00\x01C";
    ConstantPool::read(3, &mut Reader::new(constants, "two constants")).unwrap()
}

proptest! {
    #[test]
    fn everything_still_means_what_it_meant(
        method in method(),
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
        lengths in [1..9_usize, 1..9],
    ) {
        let mut pool = small_pool();
        let code = lay_out(&method, &mut pool);
        let offsets = offsets(&method.instructions);
        let places = [first, second].map(|place| place.index(method.instructions.len()));
        prop_assume!(places[0] != places[1]);
        let insertion = |which: usize| Insertion {
            at: offsets[places[which]],
            instructions: vec![INSERTED; lengths[which]],
        };
        let inserted = insert(&code, &pool, &[insertion(0), insertion(1)]).unwrap();

        // Written and read strictly again, nothing falls between instructions.
        let parsed = Code::parse(&inserted.write().unwrap(), &pool).unwrap();
        parsed.check_references(&pool).unwrap();

        // By offset: the instruction, and what is inserted before it.
        let mut starts = Vec::new();
        let mut next = None;
        for each in &parsed.instructions {
            match each.opcode {
                INSERTED => { next.get_or_insert(each.at); }
                _ => starts.push((next.take(), each.at)),
            }
        }
        for (which, place) in places.into_iter().enumerate() {
            let (before, at) = starts[place];
            prop_assert_eq!(at - before.unwrap(), lengths[which]);
        }
        let number = |offset: usize| {
            let found = starts.iter().position(|&(_, at)| at == offset);
            found.unwrap_or_else(|| {
                assert_eq!(offset, parsed.bytes.len(), "points into the inserted instructions");
                starts.len()
            })
        };
        let back = read_back(&parsed, &pool, number);
        prop_assert_eq!(&back.instructions, &method.instructions);
        prop_assert_eq!(&back.handlers, &method.handlers);
        prop_assert_eq!(&back.lines, &method.lines);
        prop_assert_eq!(&back.variables, &method.variables);
        prop_assert_eq!(&back.frames, &method.frames);
    }
}

/// `goto` over `length` instructions to a `return`.
fn long_jump(length: usize) -> (Code, ConstantPool) {
    let nop = Symbolic {
        opcode: NOP,
        operands: vec![],
        targets: vec![],
    };
    let mut instructions = vec![nop; length];
    instructions.insert(
        0,
        Symbolic {
            opcode: 167,
            operands: vec![],
            targets: vec![length],
        },
    );
    let (handlers, variables) = (vec![], vec![]);
    let (lines, frames) = (BTreeSet::new(), BTreeSet::new());
    let mut pool = small_pool();
    let method = Method {
        instructions,
        handlers,
        lines,
        variables,
        frames,
    };
    (lay_out(&method, &mut pool), pool)
}

fn insert_behind_the_jump(code: &Code, pool: &ConstantPool, length: usize) -> Result<Code> {
    let instructions = vec![INSERTED; length];
    insert(
        code,
        pool,
        &[Insertion {
            at: 3,
            instructions,
        }],
    )
}

#[test]
fn a_branch_that_no_longer_reaches_is_refused() {
    // The jump is 3 bytes and the last of the others is its target.
    let (code, pool) = long_jump(32_760);
    assert!(insert_behind_the_jump(&code, &pool, 5).is_ok());
    let refused = insert_behind_the_jump(&code, &pool, 6);
    assert!(matches!(refused, Err(Refused::NoRoom(_))), "{refused:?}");
}

#[test]
fn code_that_grows_too_long_is_refused() {
    let (mut code, pool) = long_jump(30_000);
    code.bytes.resize(65_530, NOP);
    code.instructions = walk(&code.bytes).unwrap();
    let at = 65_529;
    for (length, fits) in [(5, true), (6, false)] {
        let instructions = vec![INSERTED; length];
        let insertion = Insertion { at, instructions };
        assert_eq!(insert(&code, &pool, &[insertion]).is_ok(), fits);
    }
}

#[test]
fn type_annotations_are_dropped_and_unknown_attributes_refused() {
    let (mut code, mut pool) = long_jump(10);
    let count = code.attributes.len();
    let name = pool.intern_utf8(b"RuntimeVisibleTypeAnnotations").unwrap();
    code.attributes.push(Attribute {
        name,
        info: vec![0, 0],
    });
    assert_eq!(
        insert_behind_the_jump(&code, &pool, 1)
            .unwrap()
            .attributes
            .len(),
        count
    );
    let name = pool.intern_utf8(b"Future\n").unwrap();
    code.attributes.push(Attribute { name, info: vec![] });
    let refused = insert_behind_the_jump(&code, &pool, 1)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(r"a Code attribute Future\n which"),
        "{refused}"
    );
}

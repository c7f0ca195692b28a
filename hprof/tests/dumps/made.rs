//! Heap dumps made by hand, byte by byte as the format says, with a little of `java.lang.ref` in them.

use std::collections::BTreeMap;

/// Bytes of a dump in the making.
pub struct Made {
    /// How long ids are.
    pub id_bytes: usize,
    /// As in JDK 5 to 7 a Finalizer that was taken from the chain links to itself.
    is_old: bool,
    /// Heap dump segments and their end instead of one heap dump record.
    in_segments: bool,
    /// As the hprof agent of JDK 5 to 8 writes it: objects by the order in which they come up.
    numbers: Option<BTreeMap<u64, u64>>,
    records: Vec<u8>,
    entries: Vec<u8>,
    strings: BTreeMap<String, u64>,
}

/// A value in an instance's body.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    Object(u64),
    Int(i32),
    Long(i64),
}

impl Made {
    pub fn new(id_bytes: usize) -> Made {
        Made::with_header(b"JAVA PROFILE 1.0.2\0", id_bytes, false)
    }

    /// A dump as JDK 5 to 7 write it.
    pub fn old(id_bytes: usize) -> Made {
        Made::with_header(b"JAVA PROFILE 1.0.1\0", id_bytes, true)
    }

    /// A dump as the hprof agent of JDK 5 to 8 writes it (`hprof_io.c`): objects have numbers, names have dots, and classes
    /// have constants; one heap dump record, or, where the agent expects much, segments.
    pub fn by_agent(in_segments: bool) -> Made {
        let mut made = match in_segments {
            true => Made::with_header(b"JAVA PROFILE 1.0.2\0", 4, true),
            false => Made::old(4),
        };
        made.in_segments = in_segments;
        made.numbers = Some(BTreeMap::new());
        made
    }

    fn with_header(header: &[u8], id_bytes: usize, is_old: bool) -> Made {
        let mut records = header.to_vec();
        records.extend((id_bytes as u32).to_be_bytes());
        records.extend(1_700_000_000_000_u64.to_be_bytes());
        Made {
            id_bytes,
            is_old,
            in_segments: !is_old,
            numbers: None,
            records,
            entries: Vec::new(),
            strings: BTreeMap::new(),
        }
    }

    fn id(&self, id: u64) -> Vec<u8> {
        id.to_be_bytes()[8 - self.id_bytes..].to_vec()
    }

    /// The id of an object, as this dump has it.
    fn object(&mut self, object: u64) -> Vec<u8> {
        let Some(numbers) = self.numbers.as_mut().filter(|_| object != 0) else {
            return self.id(object);
        };
        let next = 0x5000_0001 + numbers.len() as u64;
        let number = *numbers.entry(object).or_insert(next);
        self.id(number)
    }

    pub fn record(&mut self, tag: u8, body: &[u8]) {
        self.record_of_length(tag, body, body.len() as u32);
    }

    /// A record that says another length than it has.
    pub fn record_of_length(&mut self, tag: u8, body: &[u8], length: u32) {
        self.records.push(tag);
        self.records.extend([0; 4]);
        self.records.extend(length.to_be_bytes());
        self.records.extend(body);
    }

    pub fn string(&mut self, text: &str) -> u64 {
        if let Some(&id) = self.strings.get(text) {
            return id;
        }
        let id = 0x7000_0000 + 16 * self.strings.len() as u64;
        self.strings.insert(text.into(), id);
        let body = [self.id(id), text.as_bytes().to_vec()].concat();
        self.record(0x01, &body);
        id
    }

    pub fn load(&mut self, class: u64, name: &str) {
        let name = match self.numbers {
            Some(_) => self.string(&name.replace('/', ".")),
            None => self.string(name),
        };
        let class = self.object(class);
        let body = [vec![0, 0, 0, 1], class, vec![0; 4], self.id(name)].concat();
        self.record(0x02, &body);
    }

    pub fn class(
        &mut self,
        class: u64,
        superclass: u64,
        loader: u64,
        statics: &[(&str, u64)],
        fields: &[(&str, u8)],
    ) {
        let statics: Vec<(u64, u64)> = statics
            .iter()
            .map(|(name, value)| (self.string(name), *value))
            .collect();
        let fields: Vec<(u64, u8)> = fields
            .iter()
            .map(|(name, kind)| (self.string(name), *kind))
            .collect();
        let mut entry = [
            vec![0x20],
            self.object(class),
            vec![0; 4],
            self.object(superclass),
            self.object(loader),
        ]
        .concat();
        entry.extend(vec![0; 4 * self.id_bytes]);
        entry.extend(16_u32.to_be_bytes());
        match self.numbers {
            // The constant 7 has type class.
            Some(_) => entry.extend([&[0, 1, 0, 7, 2], &self.object(superclass)[..]].concat()),
            None => entry.extend([0; 2]),
        }
        entry.extend((statics.len() as u16).to_be_bytes());
        for (name, value) in statics {
            entry.extend([self.id(name), vec![2], self.object(value)].concat());
        }
        entry.extend((fields.len() as u16).to_be_bytes());
        for (name, kind) in fields {
            entry.extend([self.id(name), vec![kind]].concat());
        }
        self.entries.extend(entry);
    }

    pub fn instance(&mut self, id: u64, class: u64, values: &[Value]) {
        let mut body = Vec::new();
        for value in values {
            match value {
                Value::Object(id) => body.extend(self.object(*id)),
                Value::Int(number) => body.extend(number.to_be_bytes()),
                Value::Long(number) => body.extend(number.to_be_bytes()),
            }
        }
        let entry = [
            vec![0x21],
            self.object(id),
            vec![0; 4],
            self.object(class),
            (body.len() as u32).to_be_bytes().to_vec(),
        ];
        self.entries.extend([entry.concat(), body].concat());
    }

    pub fn objects(&mut self, id: u64, class: u64, elements: &[u64]) {
        let head = [
            vec![0x22],
            self.object(id),
            vec![0; 4],
            (elements.len() as u32).to_be_bytes().to_vec(),
            self.object(class),
        ];
        let elements: Vec<u8> = elements
            .iter()
            .flat_map(|element| self.object(*element))
            .collect();
        self.entries.extend([head.concat(), elements].concat());
    }

    pub fn bytes(&mut self, id: u64, elements: &[u8]) {
        let head = [
            vec![0x23],
            self.object(id),
            vec![0; 4],
            (elements.len() as u32).to_be_bytes().to_vec(),
            vec![8],
        ];
        self.entries
            .extend([head.concat(), elements.to_vec()].concat());
    }

    /// A root of a kind that has nothing but the object.
    pub fn root(&mut self, tag: u8, id: u64) {
        self.root_with(tag, id, []);
    }

    /// A global reference of native code, which lies somewhere.
    pub fn jni_global(&mut self, id: u64) {
        let entry = [vec![0x01], self.object(id), self.object(0)].concat();
        self.entries.extend(entry);
    }

    /// A root of a kind that has two numbers besides.
    pub fn root_with<const COUNT: usize>(&mut self, tag: u8, id: u64, numbers: [u32; COUNT]) {
        let numbers: Vec<u8> = numbers.into_iter().flat_map(u32::to_be_bytes).collect();
        let entry = [vec![tag], self.object(id), numbers].concat();
        self.entries.extend(entry);
    }

    /// Any bytes among the entries.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.entries.extend(bytes);
    }

    /// Ends a heap segment.
    pub fn segment(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        let tag = if self.in_segments { 0x1c } else { 0x0c };
        self.record(tag, &entries);
    }

    /// Ends a heap dump; another may follow.
    pub fn end(&mut self) {
        if !self.entries.is_empty() {
            self.segment();
        }
        if self.in_segments {
            self.record(0x2c, &[]);
        }
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.end();
        self.records
    }
}

/// How long the record is that ends a dump of segments.
pub const END_BYTES: usize = 9;

/// Where the first heap record of a dump in segments begins.
pub fn heap_record(bytes: &[u8]) -> usize {
    let mut at = "JAVA PROFILE 1.0.2\0".len() + 12;
    while bytes[at] != 0x1c {
        let length = bytes[at + 5..at + 9].try_into().unwrap();
        at += 9 + u32::from_be_bytes(length) as usize;
    }
    at
}

pub const OBJECT: u64 = 0x100;
pub const CLASS: u64 = 0x200;
pub const REFERENCE: u64 = 0x300;
pub const FINAL_REFERENCE: u64 = 0x400;
pub const FINALIZER: u64 = 0x500;
pub const QUEUE: u64 = 0x600;
pub const WEAK: u64 = 0x700;
/// Classes of a program's own: `p.C0`, `p.C1`, …
pub const OWN: u64 = 0x1000;
const NULL_QUEUE: u64 = 0x900;
const ENQUEUED: u64 = 0x908;
const FINALIZER_QUEUE: u64 = 0x910;

/// What a Finalizer's fields say besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Registered,
    Pending,
    Running,
}

/// The classes of the JVM that finalization needs; `own` of a program with the field `a` to `d` each.
pub fn classes(made: &mut Made, unfinalized: u64, own: usize) {
    for (class, name) in [
        (OBJECT, "java/lang/Object"),
        (CLASS, "java/lang/Class"),
        (REFERENCE, "java/lang/ref/Reference"),
        (FINAL_REFERENCE, "java/lang/ref/FinalReference"),
        (FINALIZER, "java/lang/ref/Finalizer"),
        (QUEUE, "java/lang/ref/ReferenceQueue"),
        (WEAK, "java/lang/ref/WeakReference"),
    ] {
        made.load(class, name);
    }
    made.class(OBJECT, 0, 0, &[], &[]);
    made.class(CLASS, OBJECT, 0, &[], &[]);
    made.class(
        REFERENCE,
        OBJECT,
        0,
        &[],
        &[
            ("referent", 2),
            ("queue", 2),
            ("next", 2),
            ("discovered", 2),
        ],
    );
    made.class(FINAL_REFERENCE, REFERENCE, 0, &[], &[]);
    made.class(WEAK, REFERENCE, 0, &[], &[]);
    let statics = [("unfinalized", unfinalized), ("queue", FINALIZER_QUEUE)];
    made.class(
        FINALIZER,
        FINAL_REFERENCE,
        0,
        &statics,
        &[("next", 2), ("prev", 2)],
    );
    made.class(
        QUEUE,
        OBJECT,
        0,
        &[("NULL", NULL_QUEUE), ("ENQUEUED", ENQUEUED)],
        &[],
    );
    for k in 0..own as u64 {
        made.load(OWN + 8 * k, &format!("p/C{k}"));
        made.class(
            OWN + 8 * k,
            OBJECT,
            0,
            &[],
            &[("a", 2), ("b", 2), ("n", 10), ("c", 2), ("d", 2)],
        );
    }
}

/// Finalizers of so many objects in one state, each with its object, for [`finalizers`].
pub fn rows(count: u64, state: State) -> Vec<(u64, u64, State)> {
    rows_at(0x20_0000, 0x10_0000, count, state)
}

/// The same where the first Finalizer and the first object are to be there.
pub fn rows_at(finalizer: u64, object: u64, count: u64, state: State) -> Vec<(u64, u64, State)> {
    (0..count)
        .map(|place| (finalizer + 0x40 * place, object + 0x40 * place, state))
        .collect()
}

/// Queues, and a Finalizer for each `(its id, referent, state)`, the first at the beginning of the chain; roots of each
/// kind that a JVM always has.
pub fn finalizers(made: &mut Made, all: &[(u64, u64, State)]) {
    made.jni_global(CLASS);
    made.root_with(0x03, CLASS, [0, 0]);
    for class in [OBJECT, CLASS, REFERENCE, FINALIZER, QUEUE] {
        made.root(0x05, class);
    }
    finalizers_alone(made, all);
}

/// The same without roots.
pub fn finalizers_alone(made: &mut Made, all: &[(u64, u64, State)]) {
    for queue in [NULL_QUEUE, ENQUEUED, FINALIZER_QUEUE] {
        made.instance(queue, QUEUE, &[]);
    }
    let chain: Vec<u64> = all
        .iter()
        .filter(|row| row.2 != State::Running)
        .map(|row| row.0)
        .collect();
    for &(id, referent, state) in all {
        let place = chain.iter().position(|&member| member == id);
        let nothing = match state {
            State::Running if made.is_old => id,
            _ => 0,
        };
        let neighbour = |step: fn(usize) -> Option<usize>| {
            place
                .and_then(step)
                .and_then(|place| chain.get(place))
                .copied()
                .unwrap_or(nothing)
        };
        let queue = match state {
            State::Registered => FINALIZER_QUEUE,
            State::Pending => ENQUEUED,
            State::Running => NULL_QUEUE,
        };
        let links = [
            neighbour(|place| place.checked_add(1)),
            neighbour(|place| place.checked_sub(1)),
        ];
        // The fields of the class itself come first, those of its superclasses after.
        let values = [links[0], links[1], referent, queue, 0, 0];
        made.instance(id, FINALIZER, &values.map(Value::Object));
    }
}

/// An instance of one of the program's classes.
pub fn own(made: &mut Made, id: u64, class: usize, refers: [u64; 4]) {
    let [a, b, c, d] = refers.map(Value::Object);
    made.instance(id, OWN + 8 * class as u64, &[a, b, Value::Int(7), c, d]);
}

/// A dump with one object of each state, the first held by a root; two classes.
pub fn small(id_bytes: usize) -> Vec<u8> {
    small_in(Made::new(id_bytes))
}

/// The same, in a dump that was begun.
pub fn small_in(mut made: Made) -> Vec<u8> {
    add_small(&mut made);
    made.finish()
}

/// The same, in a file that may hold others.
pub fn add_small(made: &mut Made) {
    classes(made, 0x2000, 2);
    own(made, 0x3000, 0, [0x4000, 0, 0, 0]);
    own(made, 0x3040, 0, [0, 0, 0, 0]);
    own(made, 0x3080, 1, [0, 0, 0, 0x3040]);
    made.bytes(0x4000, &[1; 100]);
    made.root(0xff, 0x3000);
    let rows = [
        (0x2000, 0x3000, State::Registered),
        (0x2040, 0x3040, State::Pending),
        (0x2080, 0x3080, State::Running),
    ];
    finalizers(made, &rows);
}

/// A dump with the same classes and one registered object, told before another.
pub fn add_other(made: &mut Made) {
    classes(made, 0x2000, 2);
    own(made, 0x3000, 1, [0x5000, 0, 0, 0]);
    made.bytes(0x5000, &[1; 10]);
    made.root(0xff, 0x5000);
    finalizers(made, &[(0x2000, 0x3000, State::Registered)]);
    made.end();
}

//! Threads for dumps made by hand, and what is told of them.

use finwatch_hprof::{Answer, HoldingRoot};

use crate::file::File;
use crate::made::{self, Made, OBJECT, State, Value};

const STRING: u64 = 0xa00;
pub const THREAD: u64 = 0xa40;
/// How long the entry of a thread's root is, with ids of 8 bytes.
pub const ROOT_BYTES: usize = 17;

/// Classes that threads need.
pub fn classes(made: &mut Made) {
    made.load(STRING, "java/lang/String");
    made.load(THREAD, "java/lang/Thread");
    made.class(STRING, OBJECT, 0, &[], &[("value", 2)]);
    made.class(THREAD, OBJECT, 0, &[], &[("name", 2), ("work", 2)]);
}

/// The object of a thread, with what its field `work` refers to; its name takes `object + 0x40` and `+ 0x60`.
pub fn object(made: &mut Made, object: u64, name: &str, work: u64) {
    let (string, characters) = (object + 0x40, object + 0x60);
    let values = [Value::Object(string), Value::Object(work)];
    made.instance(object, THREAD, &values);
    made.instance(string, STRING, &[Value::Object(characters)]);
    made.bytes(characters, name.as_bytes());
}

/// The root of a thread, with its serial number and that of its stack.
pub fn root(made: &mut Made, object: u64, serial: u32, stack: u32) {
    made.root_with(0x08, object, [serial, stack]);
}

const LOCALS: u64 = 0xb00;
const ENTRIES: u64 = 0xb40;
const ENTRY: u64 = 0xb80;
const VIRTUAL: u64 = 0xc00;

/// Threads of which each has a thread local whose value is finalizable: `java.lang.VirtualThread`s where that is wanted.
fn with_locals(count: u64, are_virtual: bool) -> Answer {
    let thread = |place: u64| 0x30_0000 + 0x100 * place;
    let rows = made::rows_at(0x1000_0000, 0x2000_0000, count, State::Registered);
    let mut made = Made::new(8);
    made::classes(&mut made, rows[0].0, 1);
    classes(&mut made);
    made.load(LOCALS, "java/lang/ThreadLocal$ThreadLocalMap");
    made.load(ENTRIES, "[Ljava/lang/ThreadLocal$ThreadLocalMap$Entry;");
    made.load(ENTRY, "java/lang/ThreadLocal$ThreadLocalMap$Entry");
    made.load(VIRTUAL, "java/lang/VirtualThread");
    made.class(LOCALS, OBJECT, 0, &[], &[("table", 2)]);
    made.class(ENTRIES, OBJECT, 0, &[], &[]);
    made.class(ENTRY, made::WEAK, 0, &[], &[("value", 2)]);
    made.class(VIRTUAL, THREAD, 0, &[], &[("state", 10)]);
    for (place, row) in (0..count).zip(&rows) {
        let locals = 0x4000_0000 + 0x100 * place;
        match are_virtual {
            true => virtual_thread(&mut made, thread(place), 1, locals),
            false => object(&mut made, thread(place), &format!("worker-{place}"), locals),
        }
        root(&mut made, thread(place), place as u32 + 1, 0);
        made.instance(locals, LOCALS, &[Value::Object(locals + 0x20)]);
        made.objects(locals + 0x20, ENTRIES, &[locals + 0x60]);
        let entry = [row.1, 0, 0, 0, 0].map(Value::Object);
        made.instance(locals + 0x60, ENTRY, &entry);
        made::own(&mut made, row.1, 0, [0; 4]);
    }
    made::finalizers(&mut made, &rows);
    File::of(&made.finish()).answer().unwrap()
}

fn virtual_thread(made: &mut Made, object: u64, state: i32, work: u64) {
    let values = [Value::Int(state), Value::Object(0), Value::Object(work)];
    made.instance(object, VIRTUAL, &values);
}

#[test]
fn thread_locals_of_many_threads_are_all_counted() {
    let answer = with_locals(1500, false);
    assert_eq!(
        (answer.holders[0].held, answer.holders[0].paths.len()),
        (1500, 20)
    );
    let [finding] = &answer.findings[..] else {
        panic!("{:?}", answer.findings);
    };
    assert_eq!((finding.rule, finding.count), ("thread_locals", 1500));
    let threads = "of the threads 'worker-0', 'worker-1', 'worker-10' and 1497 more";
    assert!(finding.text.ends_with(threads), "{}", finding.text);
}

#[test]
fn virtual_threads_are_told_together() {
    let answer = with_locals(1500, true);
    let [path] = &answer.holders[0].paths[..] else {
        panic!("{:?}", answer.holders);
    };
    let root = HoldingRoot::Thread {
        thread: "(virtual threads)".into(),
    };
    assert_eq!((path.count, &path.root), (1500, &root));
    assert_eq!(answer.findings[0].count, 1500);
}

/// Threads with a finalizable object each in a local variable of a frame that has a number of its own.
fn with_frames(are_virtual: bool) -> Answer {
    let rows = made::rows_at(0x1000_0000, 0x2000_0000, 20, State::Registered);
    let mut made = Made::new(8);
    made::classes(&mut made, rows[0].0, 1);
    classes(&mut made);
    made.load(VIRTUAL, "java/lang/VirtualThread");
    made.class(VIRTUAL, THREAD, 0, &[], &[("state", 10)]);
    for (serial, row) in (1..).zip(&rows) {
        frame(&mut made, 2 * u64::from(serial), "wait", -3);
        frame(
            &mut made,
            2 * u64::from(serial) + 1,
            "work",
            40 + (serial as i32) % 2,
        );
        stack(
            &mut made,
            serial,
            &[2 * u64::from(serial), 2 * u64::from(serial) + 1],
        );
        let thread = 0x30_0000 + 0x100 * u64::from(serial);
        match are_virtual {
            true => virtual_thread(&mut made, thread, 1, 0),
            false => object(&mut made, thread, "one", 0),
        }
        root(&mut made, thread, serial, serial);
        made.root_with(0x03, row.1, [serial, 1]);
        made::own(&mut made, row.1, 0, [0; 4]);
    }
    made::finalizers(&mut made, &rows);
    File::of(&made.finish()).answer().unwrap()
}

fn frame(made: &mut Made, id: u64, method: &str, line: i32) {
    let (method, source) = (made.string(method), made.string("W.java"));
    let ids = [id, method, 0, source].map(u64::to_be_bytes).concat();
    let numbers = [1_u32.to_be_bytes(), line.to_be_bytes()].concat();
    made.record(0x04, &[ids, numbers].concat());
}

fn stack(made: &mut Made, serial: u32, frames: &[u64]) {
    let numbers = [serial, serial, frames.len() as u32].map(u32::to_be_bytes);
    let frames: Vec<u8> = frames.iter().flat_map(|id| id.to_be_bytes()).collect();
    made.record(0x05, &[numbers.concat(), frames].concat());
}

#[test]
fn frames_are_told_by_what_they_say() {
    let told = |answer: &Answer| -> Vec<(u64, String, String)> {
        let paths = answer.holders[0].paths.iter();
        paths
            .map(|path| match &path.root {
                HoldingRoot::Stack { thread, method } => (
                    path.count,
                    thread.clone(),
                    method.clone().unwrap_or_default(),
                ),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let method = |line: u32| format!("java.lang.VirtualThread.work(W.java:{line})");
    let together = |line| (10, "(virtual threads)".to_owned(), method(line));
    assert_eq!(told(&with_frames(true)), [together(41), together(40)]);
    let alone = told(&with_frames(false));
    assert_eq!(
        (alone.len(), &alone[0]),
        (20, &(1, "one".into(), method(41)))
    );
}

/// Those that were not started or have ended have none; in a dump of JDK 21 those are missing that do not run.
#[test]
fn virtual_threads_that_are_alive_should_have_a_stack() {
    let findings = |states: &[i32]| {
        let rows = [(0x20_0000, 0x10_0000, State::Registered)];
        let mut made = Made::new(8);
        made::classes(&mut made, rows[0].0, 1);
        classes(&mut made);
        made.load(VIRTUAL, "java/lang/VirtualThread");
        made.class(VIRTUAL, THREAD, 0, &[], &[("state", 10)]);
        object(&mut made, 0x30_0000, "main", 0);
        root(&mut made, 0x30_0000, 1, 0);
        virtual_thread(&mut made, 0x40_0000, 2, 0);
        root(&mut made, 0x40_0000, 2, 0);
        for (place, &state) in (0..).zip(states) {
            virtual_thread(&mut made, 0x50_0000 + 0x40 * place, state, 0);
        }
        made::own(&mut made, rows[0].1, 0, [0; 4]);
        made::finalizers(&mut made, &rows);
        let answer = File::of(&made.finish()).answer().unwrap();
        let texts = answer.findings.into_iter().map(|finding| finding.text);
        texts.collect::<Vec<String>>().concat()
    };
    assert_eq!(findings(&[0, 99, 99]), "");
    assert_eq!(
        findings(&[0, 99, 4, 5]),
        "2 of 3 virtual threads have no stack in this dump: of 1 object that seems to be held by nobody any may be \
         held there"
    );
}

#[test]
fn a_stack_is_read_as_far_as_it_is_told() {
    let mut made = Made::new(8);
    made::classes(&mut made, 0, 1);
    classes(&mut made);
    frame(&mut made, 1, &"x".repeat(60_000), 1);
    stack(&mut made, 1, &[1; 10_000]);
    frame(&mut made, 2, "run", 1);
    stack(&mut made, 2, &[2; 10_000]);
    for serial in 1..1000 {
        let thread = 0x30_0000 + 0x100 * u64::from(serial);
        object(&mut made, thread, "Finalizer", 0);
        root(&mut made, thread, serial, 1 + serial % 2);
    }
    made::finalizers(&mut made, &[]);
    let answer = File::of(&made.finish()).answer().unwrap();
    let threads = answer.threads.iter();
    let frames: Vec<usize> = threads.map(|thread| thread.stack.len()).collect();
    assert!(frames.iter().all(|count| [0, 17, 1024].contains(count)));
    assert_eq!(frames.iter().filter(|&&count| count > 0).count(), 64);
}

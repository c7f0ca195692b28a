//! What the rules say of made-up heaps, and of how few objects they say nothing.

use finwatch_hprof::Answer;

use crate::file::File;
use crate::made::{self, Made, OBJECT, State, Value};
use crate::threads;

const REGISTRY: u64 = 0x8000;
const LIST_CLASS: u64 = 0x8100;
const ARRAY_CLASS: u64 = 0x8200;
const LIST: u64 = 0x8300;
const ARRAY: u64 = 0x8400;
const BALLAST: u64 = 0x100_0000;

/// A static list of finalizable objects, the first of which has `kept` bytes alone, beside `others` bytes of the heap.
fn listed(count: u64, kept: usize, others: usize) -> Answer {
    let mut made = Made::new(8);
    let object = |place: u64| 0x10_0000 + 0x40 * place;
    let rows = made::rows(count, State::Registered);
    made::classes(&mut made, rows[0].0, 1);
    made.load(REGISTRY, "p/Registry");
    made.load(LIST_CLASS, "java/util/ArrayList");
    made.load(ARRAY_CLASS, "[Ljava/lang/Object;");
    made.class(
        REGISTRY,
        OBJECT,
        0,
        &[("open", LIST), ("rest", BALLAST)],
        &[],
    );
    made.class(
        LIST_CLASS,
        OBJECT,
        0,
        &[],
        &[("elementData", 2), ("size", 10)],
    );
    made.class(ARRAY_CLASS, OBJECT, 0, &[], &[]);
    let values = [Value::Object(ARRAY), Value::Int(count as i32)];
    made.instance(LIST, LIST_CLASS, &values);
    let elements: Vec<u64> = (0..count).map(object).collect();
    made.objects(ARRAY, ARRAY_CLASS, &elements);
    made.bytes(BALLAST, &vec![1; others]);
    let own_ballast = BALLAST + 0x1000_0000;
    made.bytes(own_ballast, &vec![1; kept]);
    for place in 0..count {
        let first = if place == 0 { own_ballast } else { 0 };
        made::own(&mut made, object(place), 0, [first, 0, 0, 0]);
    }
    made.root(0x05, REGISTRY);
    made::finalizers(&mut made, &rows);
    File::of(&made.finish()).answer().unwrap()
}

fn texts(answer: &Answer) -> Vec<&str> {
    let all = answer.findings.iter();
    all.map(|finding| finding.text.as_str()).collect()
}

#[test]
fn few_objects_that_keep_little_are_not_worth_a_word() {
    let few = listed(99, 0, 1 << 20);
    assert_eq!(texts(&few), [""; 0]);
    assert!(few.is_calm());
    let many = listed(100, 0, 1 << 20);
    assert_eq!(
        texts(&many),
        [
            "100 finalizable objects, most of them p.C0, are held by the static field p.Registry.open, \
             a java.util.ArrayList with 100 elements (size)"
        ]
    );
    assert!(!many.is_calm());
}

/// What is said of the size of a static `ConcurrentHashMap` with 100 finalizable objects.
fn told_of_map(owner: &str, field: &str, base: i64, cells: &[Option<i64>]) -> String {
    const CELLS: u64 = 0x8500;
    const CELL: u64 = 0x8600;
    let name = |inner: &str| format!("java/util/concurrent/ConcurrentHashMap{inner}");
    let mut made = Made::new(8);
    let rows = made::rows(100, State::Registered);
    made::classes(&mut made, rows[0].0, 1);
    made.load(REGISTRY, owner);
    made.load(LIST_CLASS, &name(""));
    made.load(ARRAY_CLASS, "[Ljava/lang/Object;");
    made.load(
        CELLS,
        "[Ljava/util/concurrent/ConcurrentHashMap$CounterCell;",
    );
    made.load(CELL, &name("$CounterCell"));
    made.class(REGISTRY, OBJECT, 0, &[(field, LIST)], &[]);
    let fields = [("table", 2), ("baseCount", 11), ("counterCells", 2)];
    made.class(LIST_CLASS, OBJECT, 0, &[], &fields);
    made.class(ARRAY_CLASS, OBJECT, 0, &[], &[]);
    made.class(CELLS, OBJECT, 0, &[], &[]);
    made.class(CELL, OBJECT, 0, &[], &[("value", 11)]);
    let (array, cell) = (0x9000, |place: usize| 0x9100 + 0x20 * place as u64);
    let values = [
        Value::Object(ARRAY),
        Value::Long(base),
        Value::Object(if cells.is_empty() { 0 } else { array }),
    ];
    made.instance(LIST, LIST_CLASS, &values);
    let ids: Vec<u64> = (0..cells.len()).map(cell).chain([0]).collect();
    made.objects(array, CELLS, &ids);
    for (place, value) in cells.iter().enumerate() {
        if let Some(value) = value {
            made.instance(cell(place), CELL, &[Value::Long(*value)]);
        }
    }
    let elements: Vec<u64> = rows.iter().map(|row| row.1).collect();
    made.objects(ARRAY, ARRAY_CLASS, &elements);
    for element in elements {
        made::own(&mut made, element, 0, [0; 4]);
    }
    made.root(0x05, REGISTRY);
    made::finalizers(&mut made, &rows);
    let answer = File::of(&made.finish()).answer().unwrap();
    let text = texts(&answer).join("");
    text.split_once(".open")
        .map_or(text.clone(), |(_, rest)| rest.into())
}

#[test]
fn the_size_of_a_concurrent_map_stands_in_cells_too() {
    let told = |base, cells: &[Option<i64>]| told_of_map("p/Registry", "open", base, cells);
    let with = |size: &str| format!(", a java.util.concurrent.ConcurrentHashMap with {size}");
    assert_eq!(told(100, &[]), with("100 elements (baseCount)"));
    let both = with("100 elements (baseCount, counterCells)");
    assert_eq!(told(-3, &[Some(60), Some(43)]), both);
    assert_eq!(told(2, &[Some(-2), Some(100)]), both);
    // Not while it is unknown.
    assert_eq!(told(-3, &[]), "");
    assert_eq!(told(2, &[Some(60), None]), "");
    assert_eq!(told(i64::MAX, &[Some(1)]), "");
}

/// Whatever a virtual thread works on is held by it.
#[test]
fn the_jvm_s_own_list_of_virtual_threads_is_no_collection_of_the_program_s() {
    let owner = "jdk/internal/vm/ThreadContainers$RootContainer$TrackingRootContainer";
    assert_eq!(told_of_map(owner, "VTHREADS", 100, &[]), "");
}

#[test]
fn one_object_that_keeps_much_is() {
    let one = listed(1, 20 << 10, 1 << 20);
    assert_eq!(
        texts(&one),
        [
            "1 finalizable object, a p.C0, is held by the static field p.Registry.open, \
             a java.util.ArrayList with 1 element (size)"
        ]
    );
    assert!(!one.is_calm());
}

/// As `java.io.FileInputStream` and its `FileDescriptor` up to JDK 8.
#[test]
fn what_refers_to_itself_through_a_helper_is_held_by_nothing_else() {
    let texts_of = |next: u64| {
        let mut made = Made::new(8);
        let stream = |place: u64| 0x10_0000 + 0x40 * place;
        let rows = made::rows(200, State::Registered);
        made::classes(&mut made, rows[0].0, 2);
        threads::root(&mut made, OBJECT, 1, 0);
        for place in 0..200 {
            let helper = 0x30_0000 + 0x40 * place;
            made::own(&mut made, stream(place), 0, [helper, 0, 0, 0]);
            made::own(
                &mut made,
                helper,
                1,
                [stream((place + next) % 200), 0, 0, 0],
            );
        }
        made::finalizers(&mut made, &rows);
        let answer = File::of(&made.finish()).answer().unwrap();
        texts(&answer).join("")
    };
    assert_eq!(texts_of(0), "");
    assert_eq!(
        texts_of(1),
        "200 finalizable objects, most of them p.C0, are held by nothing but finalizable objects that wait for \
         their own finalizer"
    );
}

/// A timer with 100 tasks that hold a finalizable object each, and one that holds none; `cancelled` are those of the tasks
/// that are cancelled.
fn timer(cancelled: std::ops::Range<u64>) -> Answer {
    const QUEUE_CLASS: u64 = 0x8500;
    const TASK: u64 = 0x8600;
    const OWN_TASK: u64 = 0x8700;
    const QUEUE: u64 = 0x9000;
    let task = |place: u64| 0x40_0000 + 0x40 * place;
    let rows = made::rows(100, State::Registered);
    let mut made = Made::new(8);
    made::classes(&mut made, rows[0].0, 1);
    threads::classes(&mut made);
    made.load(QUEUE_CLASS, "java/util/TaskQueue");
    made.load(ARRAY_CLASS, "[Ljava/util/TimerTask;");
    made.load(TASK, "java/util/TimerTask");
    made.load(OWN_TASK, "p/Task");
    made.class(QUEUE_CLASS, OBJECT, 0, &[], &[("queue", 2)]);
    made.class(ARRAY_CLASS, OBJECT, 0, &[], &[]);
    let fields = [("state", 10), ("nextExecutionTime", 11)];
    made.class(TASK, OBJECT, 0, &[], &fields);
    made.class(OWN_TASK, TASK, 0, &[], &[("statement", 2), ("timer", 2)]);
    threads::object(&mut made, 0x70_0000, "Timer-0", QUEUE);
    threads::root(&mut made, 0x70_0000, 1, 0);
    made.instance(QUEUE, QUEUE_CLASS, &[Value::Object(ARRAY)]);
    let tasks: Vec<u64> = [0].into_iter().chain((0..101).map(task)).collect();
    made.objects(ARRAY, ARRAY_CLASS, &tasks);
    for place in 0..101 {
        let statement = rows.get(place as usize).map_or(0, |row| row.1);
        let state = if cancelled.contains(&place) { 3 } else { 1 };
        let values = [
            Value::Object(statement),
            Value::Object(0x70_0000),
            Value::Int(state),
            Value::Long(1_700_000_060_000),
        ];
        made.instance(task(place), OWN_TASK, &values);
    }
    for row in &rows {
        made::own(&mut made, row.1, 0, [0; 4]);
    }
    made::finalizers(&mut made, &rows);
    File::of(&made.finish()).answer().unwrap()
}

#[test]
fn of_cancelled_tasks_that_is_told_which_hangs_on_them() {
    assert_eq!(texts(&timer(0..0)), [""; 0]);
    // The one that holds none.
    assert_eq!(texts(&timer(100..101)), [""; 0]);
    let some = timer(90..101);
    assert_eq!(some.findings[0].count, 10);
    assert_eq!(
        texts(&some),
        [
            "11 of the 101 tasks in the queue of java.util.Timer 'Timer-0' are cancelled (java.util.TimerTask.state) \
             and stay there until their time (nextExecutionTime), the last for 1 min 0 s after the dump; through \
             them 10 finalizable objects are held, p.C0"
        ]
    );
}

#[test]
fn nothing_is_said_to_be_calm_where_much_is_unknown() {
    let mut made = Made::new(8);
    made.bytes(BALLAST, &[1; 100_000]);
    made.raw(&[0x55]);
    made.segment();
    let damaged = made::small_in(made);
    assert!(!File::of(&damaged).answer().unwrap().is_calm());
    let mut made = Made::new(8);
    made.bytes(BALLAST, &[1; 100_000]);
    let whole = made::small_in(made);
    assert!(File::of(&whole).answer().unwrap().is_calm());
}

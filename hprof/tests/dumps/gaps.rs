//! What a dump does not tell is not taken for what is not there.

use finwatch_hprof::{Answer, Gap};

use crate::file::File;
use crate::made::{self, END_BYTES, Made, OBJECT, State, rows};
use crate::threads;

const WORKER: u64 = 0x70_0000;
const ARRAY_CLASS: u64 = 0x8200;
const ARRAY: u64 = 0x60_0000;
const LOADER_CLASS: u64 = 0x8300;
const LOADER: u64 = 0x50_0000;
const STATEMENT: u64 = 0x8400;

fn answer(bytes: &[u8]) -> Answer {
    File::of(bytes).answer().unwrap()
}

fn rules(answer: &Answer) -> Vec<&str> {
    answer.findings.iter().map(|found| found.rule).collect()
}

/// 1,500 objects of another loader's class, held with that loader by a thread whose root comes last, as until JDK 20.
fn held_by_a_thread(sticky: bool) -> Made {
    let rows = rows(1500, State::Registered);
    let mut made = Made::new(8);
    made::classes(&mut made, rows[0].0, 1);
    threads::classes(&mut made);
    made.load(ARRAY_CLASS, "[Ljava/lang/Object;");
    made.load(LOADER_CLASS, "p/Loader");
    made.load(STATEMENT, "app/Statement");
    made.class(ARRAY_CLASS, OBJECT, 0, &[], &[]);
    made.class(LOADER_CLASS, OBJECT, 0, &[], &[("classes", 2)]);
    made.class(STATEMENT, OBJECT, LOADER, &[], &[]);
    made.instance(LOADER, LOADER_CLASS, &[made::Value::Object(STATEMENT)]);
    for row in &rows {
        made.instance(row.1, STATEMENT, &[]);
    }
    let all = rows.iter().map(|row| row.1).chain([LOADER]);
    made.objects(ARRAY, ARRAY_CLASS, &all.collect::<Vec<u64>>());
    match sticky {
        true => made::finalizers(&mut made, &rows),
        false => made::finalizers_alone(&mut made, &rows),
    }
    threads::object(&mut made, WORKER, "worker", ARRAY);
    made
}

#[test]
fn where_the_roots_are_cut_away_nobody_is_said_not_to_hold() {
    let mut made = held_by_a_thread(true);
    made.segment();
    threads::root(&mut made, WORKER, 1, 0);
    let whole = made.finish();
    let told = answer(&whole);
    assert_eq!(rules(&told), [""; 0]);
    assert_eq!((told.holders[0].held, told.holders[0].gap), (1500, None));
    let record = whole.len() - END_BYTES - threads::ROOT_BYTES - 9;
    for length in [record, record + 9 + 4] {
        let told = answer(&whole[..length]);
        assert_eq!(told.damage.len(), 1);
        assert_eq!(rules(&told), [""; 0]);
        let holders = &told.holders[0];
        assert_eq!((holders.held, holders.gap), (0, Some(Gap::Part)));
    }
}

/// As `jhsdb jmap --binaryheap` writes it.
#[test]
fn a_dump_without_the_roots_of_stacks_and_native_code_says_so() {
    let mut made = held_by_a_thread(false);
    let other = WORKER + 0x1000;
    threads::object(&mut made, other, "other", 0);
    threads::root(&mut made, other, 1, 0);
    let told = answer(&made.finish());
    assert_eq!(told.damage, []);
    assert_eq!(rules(&told), [""; 0]);
    let holders = &told.holders[0];
    assert_eq!((holders.held, holders.gap), (0, Some(Gap::Roots)));
}

/// From JDK 21 on the roots of threads come first, and their names may be cut away.
#[test]
fn a_finalizer_thread_that_is_cut_away_is_not_dead() {
    let dump = |name: &str| {
        let rows = rows(2000, State::Pending);
        let mut made = Made::new(8);
        made::classes(&mut made, rows[0].0, 1);
        threads::classes(&mut made);
        threads::root(&mut made, WORKER, 1, 0);
        for row in &rows {
            made::own(&mut made, row.1, 0, [0; 4]);
        }
        made::finalizers(&mut made, &rows);
        made.segment();
        threads::object(&mut made, WORKER, name, 0);
        made.finish()
    };
    assert_eq!(rules(&answer(&dump("main"))), ["finalizer_dead"]);
    let whole = dump("Finalizer");
    assert_eq!(rules(&answer(&whole)), [""; 0]);
    for length in whole.len() - 60..whole.len() {
        let told = answer(&whole[..length]);
        assert_eq!(rules(&told), [""; 0], "at {length}");
        // The collector has found that nobody holds what waits for its finalizer.
        assert_eq!(told.holders[0].gap, None);
    }
}

#[test]
fn what_a_broken_chain_has_lost_is_kept_alive_by_it() {
    let rows = rows(100, State::Registered);
    let retained = |head: u64| {
        let mut made = Made::new(8);
        made::classes(&mut made, head, 1);
        for row in &rows {
            made::own(&mut made, row.1, 0, [0; 4]);
        }
        made::finalizers(&mut made, &rows);
        let told = answer(&made.finish());
        assert_eq!(told.damage, []);
        assert_eq!(told.chain.unwrap().broken.is_none(), head == rows[0].0);
        (told.retained, told.classes[0].retained)
    };
    let missing = 0x99_0000;
    assert_eq!(retained(missing), retained(rows[0].0));
}

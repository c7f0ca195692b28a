//! The forms that a dump can have.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::FileExt;

use finwatch_hprof::{Answer, Counts, Damage, Depth, Dump, Note, Progress, answer};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use crate::file::File;
use crate::made::{self, Made, State};

fn assert_small(answer: &Answer) {
    let chain = answer.chain.as_ref().unwrap();
    assert_eq!((chain.length, &chain.broken), (2, &None));
    let total = Counts {
        registered: 2,
        pending: 1,
        running: 1,
    };
    assert_eq!(answer.total, total);
    let named: Vec<(&str, u64)> = answer
        .classes
        .iter()
        .map(|facts| (facts.class.as_str(), facts.counts.registered))
        .collect();
    assert_eq!(named, [("p.C0", 2), ("p.C1", 0)]);
    assert_eq!(answer.holders[0].held, 1);
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn ids_of_four_and_of_eight_bytes() {
    for id_bytes in [4, 8] {
        let answer = File::of(&made::small(id_bytes)).answer().unwrap();
        assert_small(&answer);
        assert_eq!(answer.damage, []);
    }
}

#[test]
fn as_jdk_5_to_7_write_it() {
    for id_bytes in [4, 8] {
        let answer = File::of(&made::small_in(Made::old(id_bytes)))
            .answer()
            .unwrap();
        assert_small(&answer);
        assert_eq!(answer.damage, []);
    }
}

#[test]
fn as_the_hprof_agent_writes_it() {
    for in_segments in [false, true] {
        let bytes = made::small_in(Made::by_agent(in_segments));
        let answer = File::of(&bytes).answer().unwrap();
        assert_small(&answer);
        assert_eq!(answer.damage, []);
        assert_eq!(answer.notes, [Note::Numbered]);
        let expected = File::of(&made::small(4)).answer().unwrap();
        assert_eq!(answer.heap.objects, expected.heap.objects);
        // Of 64-bit JVMs: a header of 12 bytes and 5 fields of 4.
        assert_eq!(answer.classes[0].shallow_bytes, 2 * 32);
    }
}

#[test]
fn of_several_dumps_the_last_is_told() {
    let forms = [
        (Made::new(8), None),
        (Made::old(4), None),
        (Made::by_agent(false), Some(Note::Numbered)),
        (Made::by_agent(true), Some(Note::Numbered)),
    ];
    for (mut made, note) in forms {
        made::add_other(&mut made);
        made::add_other(&mut made);
        let answer = File::of(&made::small_in(made)).answer().unwrap();
        assert_small(&answer);
        assert_eq!(answer.damage, []);
        let several = Note::Several { count: 3 };
        let notes: Vec<Note> = [several].into_iter().chain(note).collect();
        assert_eq!(answer.notes, notes);
        assert_eq!(
            answer.heap.objects,
            File::of(&made::small(8)).answer().unwrap().heap.objects
        );
    }
}

/// An empty one behind it is none; names of classes stand where they first came up.
#[test]
fn of_several_dumps_the_last_that_has_objects_is_told() {
    let mut made = Made::by_agent(true);
    made::add_other(&mut made);
    made::add_small(&mut made);
    made.end();
    made.root(0x05, made::OBJECT);
    made.end();
    made.end();
    let answer = File::of(&made.finish()).answer().unwrap();
    assert_small(&answer);
    assert_eq!(answer.damage, []);
    assert_eq!(answer.notes, [Note::Several { count: 2 }, Note::Numbered]);
}

proptest! {
    /// However far each Finalizer has come, and whoever wrote the dump.
    #[test]
    fn states_are_counted(states in prop::collection::vec(0..3usize, 1..60), writer in 0..3usize, is_short: bool) {
        let id_bytes = if is_short { 4 } else { 8 };
        let mut made = match writer {
            0 => Made::new(id_bytes),
            1 => Made::old(id_bytes),
            _ => Made::by_agent(is_short),
        };
        let rows: Vec<(u64, u64, State)> = (0..)
            .zip(&states)
            .map(|(place, &state)| {
                let state = [State::Registered, State::Pending, State::Running][state];
                (0x20_0000 + 0x40 * place, 0x10_0000 + 0x40 * place, state)
            })
            .collect();
        let first = rows.iter().find(|row| row.2 != State::Running);
        made::classes(&mut made, first.map_or(0, |row| row.0), 1);
        for row in &rows {
            made::own(&mut made, row.1, 0, [0; 4]);
        }
        made::finalizers(&mut made, &rows);
        let answer = File::of(&made.finish()).answer().unwrap();
        let count = |wanted| rows.iter().filter(|row| row.2 == wanted).count() as u64;
        let (waiting, running) = (count(State::Pending), count(State::Running));
        let chain = answer.chain.unwrap();
        prop_assert_eq!(chain.broken, None);
        prop_assert_eq!(chain.length, count(State::Registered) + waiting);
        prop_assert_eq!(answer.total.registered, chain.length);
        prop_assert_eq!((answer.total.pending, answer.total.running), (waiting, running));
        prop_assert_eq!(answer.damage, []);
    }
}

#[test]
fn compressed_as_a_whole_and_in_many_members() {
    let plain = made::small(8);
    assert_small(&File::of(&packed(&plain)).answer().unwrap());
    let members: Vec<u8> = plain.chunks(100).flat_map(packed).collect();
    assert_small(&File::of(&members).answer().unwrap());
}

#[test]
fn a_compressed_dump_that_ends_early_is_told_as_far_as_it_goes() {
    let mut bytes = packed(&made::small(8));
    bytes.truncate(bytes.len() - 12);
    let answer = File::of(&bytes).answer().unwrap();
    assert!(
        answer
            .damage
            .iter()
            .any(|damage| matches!(damage, Damage::Unpacking { .. })),
        "{:?}",
        answer.damage
    );
}

#[test]
fn from_a_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    for bytes in [made::small(8), packed(&made::small(8))] {
        let pipe = path.clone();
        let writer = std::thread::spawn(move || {
            OpenOptions::new().write(true).open(pipe)?.write_all(&bytes)
        });
        let progress = Progress::default();
        let dump = Dump::open(&path, &progress).unwrap();
        assert_small(&answer(&dump, Depth::Whole, &progress).unwrap());
        writer.join().unwrap().unwrap();
    }
}

#[test]
fn from_what_is_read_once() {
    let progress = Progress::default();
    for bytes in [made::small(8), packed(&made::small(8))] {
        assert!(Dump::is_begun_by(&bytes[..]));
        assert!(Dump::is_begun_by(&bytes[..64]));
        assert!(!Dump::is_begun_by(&bytes[..8]));
        let dump = Dump::receive("-".as_ref(), &bytes[..], &progress).unwrap();
        assert_small(&answer(&dump, Depth::Whole, &progress).unwrap());
    }
}

/// As parallel dumps have it.
#[test]
fn classes_after_instances_and_many_segments() {
    let mut made = Made::new(8);
    made::own(&mut made, 0x3000, 0, [0; 4]);
    made.segment();
    made::finalizers(&mut made, &[(0x2000, 0x3000, State::Registered)]);
    made.segment();
    made::classes(&mut made, 0x2000, 1);
    let answer = File::of(&made.finish()).answer().unwrap();
    assert_eq!(answer.damage, []);
    assert_eq!(answer.classes[0].counts.registered, 1);
    assert_eq!(answer.chain.unwrap().length, 1);
}

#[test]
fn records_that_nobody_knows_are_skipped() {
    let mut made = Made::new(8);
    made.record(0x77, b"from the future");
    made::classes(&mut made, 0x2000, 1);
    made.segment();
    made.record(0x0a, &[0; 24]);
    made::own(&mut made, 0x3000, 0, [0; 4]);
    made::finalizers(&mut made, &[(0x2000, 0x3000, State::Registered)]);
    let answer = File::of(&made.finish()).answer().unwrap();
    assert_eq!(answer.damage, []);
    assert_eq!(answer.total.registered, 1);
}

#[test]
fn an_entry_that_nobody_knows_ends_its_segment_and_no_more() {
    let mut made = Made::new(8);
    made::classes(&mut made, 0x2000, 1);
    made.raw(&[0x55; 30]);
    made.segment();
    made::own(&mut made, 0x3000, 0, [0; 4]);
    made::finalizers(&mut made, &[(0x2000, 0x3000, State::Registered)]);
    let answer = File::of(&made.finish()).answer().unwrap();
    assert!(
        matches!(answer.damage[..], [Damage::UnknownEntry { tag: 0x55, .. }]),
        "{:?}",
        answer.damage
    );
    assert_eq!(answer.total.registered, 1);
}

#[test]
fn an_object_told_twice_counts_once() {
    let mut made = Made::new(8);
    made::classes(&mut made, 0x2000, 1);
    made::own(&mut made, 0x3000, 0, [0; 4]);
    made::own(&mut made, 0x3000, 0, [0x3000; 4]);
    made.objects(0x3000, made::OBJECT, &[0x3000; 9]);
    made::own(&mut made, 0x3001, 0, [0; 4]);
    made::finalizers(&mut made, &[(0x2000, 0x3000, State::Registered)]);
    let answer = File::of(&made.finish()).answer().unwrap();
    assert_eq!(answer.damage, [Damage::Repeated { count: 3 }]);
    assert_eq!(
        (answer.total.registered, answer.classes[0].without_finalizer),
        (1, 0)
    );
}

/// JDK 8 writes one record whose length has gone round, when the heap has more than 4 GB.
#[test]
fn lengths_that_went_round_at_4_gigabytes() {
    let mut made = Made::new(8);
    made::classes(&mut made, 0x2000, 1);
    made::own(&mut made, 0x3000, 0, [0x5000, 0, 0, 0]);
    made.segment();
    let before = made.finish();
    let before = &before[..before.len() - 9];
    // An array of long of 4 GiB and a bit, a hole in the file; the Finalizer stands behind it.
    let elements = (1_u64 << 29) + 5;
    let mut array = vec![0x23];
    array.extend(0x1_0000_5000_u64.to_be_bytes());
    array.extend([0; 4]);
    array.extend((elements as u32).to_be_bytes());
    array.push(11);
    let mut rest = Made::new(8);
    made::finalizers(&mut rest, &[(0x2000, 0x3000, State::Registered)]);
    let rest = rest.finish();
    let header = "JAVA PROFILE 1.0.2\0".len() + 12;
    // Of the segment's record only the entries: they continue ours.
    let rest = &rest[header + 9..rest.len() - 9];
    let length = array.len() as u64 + 8 * elements + rest.len() as u64;
    let mut record = vec![0x0c, 0, 0, 0, 0];
    record.extend((length as u32).to_be_bytes());
    let file = File::of(&[before, &record, &array].concat());
    let handle = OpenOptions::new().write(true).open(file.path()).unwrap();
    let at = (before.len() + record.len() + array.len()) as u64 + 8 * elements;
    handle.write_all_at(rest, at).unwrap();
    handle
        .write_all_at(&[0x2c, 0, 0, 0, 0, 0, 0, 0, 0], at + rest.len() as u64)
        .unwrap();
    let answer = file.answer().unwrap();
    assert_eq!(answer.damage, []);
    assert_eq!(answer.total.registered, 1);
    assert!(answer.heap.bytes > 8 * elements);
}

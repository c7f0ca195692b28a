//! Whatever is in the file: an answer or a clear word, never a panic, and memory in proportion to the file.

use finwatch_hprof::{Damage, Error, Note};
use proptest::prelude::*;

use crate::file::File;
use crate::made::{self, END_BYTES, Made, State};

/// The most memory this process ever had, in bytes (proc(5)).
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

#[test]
fn what_is_no_dump_is_told_so() {
    let error = |bytes: &[u8]| File::of(bytes).answer().unwrap_err();
    assert!(matches!(error(b""), Error::Empty { .. }));
    assert!(matches!(
        error(b"PK\x03\x04\x1b[2J"),
        Error::NotADump { .. }
    ));
    assert!(!error(b"\x1b[2Jwhatever").to_string().contains('\x1b'));
    assert!(matches!(
        error(b"JAVA PROFILE 1.0.2"),
        Error::CutInHeader { length: 18, .. }
    ));
    assert!(matches!(
        error(b"JAVA PROFILE 1.0.2\0\0\0\0\x08\0"),
        Error::CutInHeader { .. }
    ));
    let mut odd = made::small(8);
    odd["JAVA PROFILE 1.0.2\0".len() + 3] = 6;
    assert!(matches!(error(&odd), Error::IdSize { size: 6, .. }));
}

fn cut(length: usize) -> Damage {
    Damage::Cut {
        length: length as u64,
    }
}

#[test]
fn a_dump_cut_anywhere_is_told_as_far_as_it_goes() {
    let whole = made::small(8);
    let header = "JAVA PROFILE 1.0.2\0".len() + 12;
    let mut most = 0;
    for length in 0..whole.len() {
        match File::of(&whole[..length]).answer() {
            Ok(answer) => {
                assert!(length >= header);
                assert!(
                    answer.damage == [cut(length)] || answer.damage == [Damage::NoEnd],
                    "{:?} at {length}",
                    answer.damage
                );
                assert!(
                    answer.heap.objects >= most,
                    "more of the dump tells less at {length}"
                );
                most = answer.heap.objects;
            }
            Err(error) => assert!(length < header, "{error} at {length}"),
        }
    }
    assert!(most > 10);
}

/// JDK 8 writes the length of a heap record last: it is 0 where the disk was full before.
#[test]
fn a_heap_record_without_a_length_goes_to_the_end_of_the_file() {
    let mut whole = made::small(8);
    whole.truncate(whole.len() - END_BYTES);
    let expected = File::of(&whole).answer().unwrap();
    let record = made::heap_record(&whole);
    whole[record + 5..record + 9].fill(0);
    let answer = File::of(&whole).answer().unwrap();
    assert_eq!(answer.damage, [cut(whole.len())]);
    assert_eq!(answer.heap, expected.heap);
    assert_eq!(answer.total, expected.total);
    let mut most = 0;
    for length in record + 10..whole.len() {
        let answer = File::of(&whole[..length]).answer().unwrap();
        assert_eq!(answer.damage, [cut(length)]);
        assert!(answer.heap.objects >= most, "at {length}");
        most = answer.heap.objects;
    }
    assert!(most > 10);
}

/// A JVM that is killed has written whole segments.
#[test]
fn a_dump_without_its_end_is_not_whole() {
    let mut made = Made::new(8);
    made::classes(&mut made, 0x2000, 1);
    made.segment();
    made::own(&mut made, 0x3000, 0, [0; 4]);
    made::finalizers(&mut made, &[(0x2000, 0x3000, State::Registered)]);
    let whole = made.finish();
    let record = made::heap_record(&whole);
    let length = u32::from_be_bytes(whole[record + 5..record + 9].try_into().unwrap()) as usize;
    for length in [record, record + 9 + length, whole.len() - END_BYTES] {
        let file = File::of(&whole[..length]);
        let answer = file.answer().unwrap();
        assert_eq!(answer.damage, [Damage::NoEnd], "at {length}");
        assert_eq!(answer.notes, []);
        let mut part = file.path().as_os_str().to_owned();
        part.push(".p0");
        std::fs::write(part, "").unwrap();
        let first = "made.hprof.p0".into();
        assert_eq!(file.answer().unwrap().notes, [Note::Parts { first }]);
    }
}

#[test]
fn classes_far_from_each_other_are_not_told_as_large_as_the_distance() {
    let mut made = Made::new(8);
    for class in 1..4 {
        let id = class << 62;
        made.load(id, &format!("p/Far{class}"));
        made.class(id, 0, 0, &[], &[]);
    }
    let answer = File::of(&made.finish()).answer().unwrap();
    assert_eq!(answer.heap.objects, 3);
    assert!(answer.heap.bytes < 1000, "{} bytes", answer.heap.bytes);
}

/// Two dumps in one file.
fn several(mut made: Made) -> Vec<u8> {
    made::add_other(&mut made);
    made::small_in(made)
}

#[test]
fn of_several_dumps_the_last_that_has_objects_is_told_wherever_the_file_is_cut() {
    let forms: [fn() -> Made; 2] = [|| Made::new(8), || Made::by_agent(false)];
    for form in forms {
        let mut first = form();
        made::add_other(&mut first);
        let (alone, both) = (first.finish(), several(form()));
        let told = |bytes: &[u8]| File::of(bytes).answer().unwrap();
        let objects = told(&alone).heap.objects;
        // The first dump ends alike in both files.
        for length in alone.len()..both.len() {
            let answer = told(&both[..length]);
            let several = answer.notes.contains(&Note::Several { count: 2 });
            assert!(several || answer.heap.objects == objects, "at {length}");
            let damage = answer.damage;
            assert!(
                damage.is_empty() || damage == [cut(length)] || damage == [Damage::NoEnd],
                "{damage:?} at {length}"
            );
        }
        assert!(told(&both).heap.objects > objects);
    }
}

#[test]
fn hostile_numbers_ask_for_no_memory() {
    let all = [0xff; 64];
    for tag in [0x20, 0x21, 0x22, 0x23, 0xc3] {
        for id in [0_u64, 8, u64::MAX - 7] {
            let mut made = Made::new(8);
            made::classes(&mut made, 8, 1);
            let mut entry = vec![tag];
            entry.extend(id.to_be_bytes());
            entry.extend(all);
            made.raw(&entry);
            let _ = File::of(&made.finish()).answer().unwrap();
        }
    }
    for tag in [0x01, 0x02, 0x04, 0x05, 0x0c, 0x1c] {
        let mut made = Made::new(8);
        made.record_of_length(tag, &all, u32::MAX);
        let _ = File::of(&made.finish()).answer().unwrap();
    }
    assert!(peak_bytes() < 512 << 20, "{} bytes", peak_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_dumps_are_answered(
        form in 0..4_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        keep in any::<bool>(),
    ) {
        let mut bytes = match form {
            0 => made::small(4),
            1 => made::small(8),
            2 => made::small_in(Made::by_agent(false)),
            _ => several(Made::by_agent(true)),
        };
        let header = "JAVA PROFILE 1.0.2\0".len() + 12;
        for (place, byte) in changes {
            let place = header + place.index(bytes.len() - header);
            bytes[place] = byte;
        }
        if !keep {
            bytes.truncate(header + cut.index(bytes.len() - header));
        }
        prop_assert!(File::of(&bytes).answer().is_ok());
    }

    #[test]
    fn any_bytes_behind_a_header_are_answered(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = b"JAVA PROFILE 1.0.1\0\0\0\0\x08\0\0\0\0\0\0\0\0".to_vec();
        bytes.extend(tail);
        prop_assert!(File::of(&bytes).answer().is_ok());
    }
}

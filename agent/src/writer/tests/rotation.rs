//! Rotation, seen from the files that it leaves.

use std::fs;

use proptest::prelude::*;

use super::*;

/// The pieces of the stream, oldest first.
fn pieces(path: &Path) -> Vec<PathBuf> {
    let numbered = |n| PathBuf::from(format!("{}.{n}", path.display()));
    let rotated = (1..).map(numbered).take_while(|piece| piece.exists());
    let mut pieces: Vec<_> = rotated.collect();
    pieces.reverse();
    pieces.push(path.to_owned());
    pieces
}

fn all_seqs(pieces: &[PathBuf]) -> Vec<u64> {
    pieces.iter().flat_map(|piece| seqs_in(piece)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_pieces_add_up_to_the_stream(
        names in prop::collection::vec(".{0,60}", 1..120),
        rotate_bytes in 1u64..3000,
    ) {
        let (_dir, path) = dir_and_path();
        let fixture = Fixture::start_rotating(Destination::File(path.clone()), rotate_bytes, 1000);
        names.iter().for_each(|name| fixture.stream.emit(body(name), 1));
        prop_assert!(fixture.finish());
        let pieces = pieces(&path);
        prop_assert_eq!(all_seqs(&pieces), first(names.len() as u64));
        for piece in &pieces {
            let one_line = seqs_in(piece).len() == 1;
            prop_assert!(one_line || fs::metadata(piece).unwrap().len() <= rotate_bytes);
        }
    }

    #[test]
    fn only_so_many_stay_and_what_stays_has_no_gap(
        records in 1usize..200,
        rotate_bytes in 200u64..2000,
        keep in 0u32..4,
    ) {
        let (dir, path) = dir_and_path();
        let fixture = Fixture::start_rotating(Destination::File(path.clone()), rotate_bytes, keep);
        fixture.emit(records);
        prop_assert!(fixture.finish());
        let left = all_seqs(&pieces(&path));
        prop_assert!(fs::read_dir(dir.path()).unwrap().count() <= 1 + keep as usize);
        prop_assert_eq!(&left, &(left[0]..records as u64).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_of_an_earlier_run_counts() {
    let (_dir, path) = dir_and_path();
    let run = |rotate_bytes| {
        let out = Destination::File(path.clone());
        let fixture = Fixture::start_rotating(out, rotate_bytes, 5);
        fixture.emit(2);
        assert!(fixture.finish());
    };
    run(u64::MAX);
    run(fs::metadata(&path).unwrap().len() + 10);
    assert_eq!(pieces(&path).len(), 2);
    assert_eq!(all_seqs(&pieces(&path)), [0, 1, 0, 1]);
}

#[test]
fn a_rotation_that_fails_loses_nothing() {
    let (dir, path) = dir_and_path();
    fs::create_dir(dir.path().join("stream.jsonl.1")).unwrap();
    let fixture = Fixture::start_rotating(Destination::File(path.clone()), 500, 1);
    fixture.emit_through(50);
    assert!(fixture.finish());
    assert_eq!(seqs_in(&path), first(50));
}

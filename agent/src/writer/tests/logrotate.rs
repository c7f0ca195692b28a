//! What others do to the file while it is written.

use std::fs;

use super::*;

#[test]
fn a_file_that_is_renamed_is_followed_by_a_new_one() {
    let (dir, path) = dir_and_path();
    let moved = dir.path().join("moved");
    let fixture = Fixture::file(&path);
    fixture.emit_through(3);
    fs::rename(&path, &moved).unwrap();
    fixture.emit_through(2);
    assert_eq!(seqs_in(&moved), [0, 1, 2]);
    assert_eq!(seqs_in(&path), [3, 4]);
    assert!(fixture.finish());
}

#[test]
fn a_file_that_is_deleted_is_followed_by_a_new_one() {
    let (_dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    fixture.emit_through(3);
    fs::remove_file(&path).unwrap();
    fixture.emit_through(2);
    assert_eq!(seqs_in(&path), [3, 4]);
    assert!(fixture.finish());
}

#[test]
fn a_file_that_logrotate_created_is_gone_on_with() {
    let (dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    fixture.emit_through(1);
    fs::rename(&path, dir.path().join("moved")).unwrap();
    fs::write(&path, "").unwrap();
    fixture.emit_through(1);
    assert_eq!(seqs_in(&path), [1]);
    assert!(fixture.finish());
}

#[test]
fn a_directory_that_goes_away_and_comes_back_costs_nothing() {
    let (dir, _) = dir_and_path();
    let logs = dir.path().join("logs");
    let path = logs.join("stream.jsonl");
    fs::create_dir(&logs).unwrap();
    let fixture = Fixture::file(&path);
    fixture.emit_through(1);
    fs::remove_dir_all(&logs).unwrap();
    fixture.emit(5);
    fixture.wait_for_errors();
    fs::create_dir(&logs).unwrap();
    fixture.wait_written(6);
    assert_eq!(seqs_in(&path), [1, 2, 3, 4, 5]);
    assert!(fixture.finish());
}

#[test]
fn copytruncate_goes_on_at_the_new_end() {
    let (_dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    fixture.emit_through(3);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(0)
        .unwrap();
    fixture.emit_through(2);
    assert_eq!(seqs_in(&path), [3, 4]);
    assert!(fixture.finish());
}

#[test]
fn a_file_cut_within_a_line_goes_on_with_a_whole_one() {
    let (_dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    fixture.emit_through(3);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(20)
        .unwrap();
    fixture.emit_through(1);
    let text = fs::read_to_string(&path).unwrap();
    let (half, ours) = text.split_once('\n').unwrap();
    assert_eq!(half.len(), 20);
    assert_eq!(seqs(ours), [3]);
    assert!(fixture.finish());
}

#[test]
fn truncation_counts_for_rotation() {
    let (dir, path) = dir_and_path();
    let fixture = Fixture::start_rotating(Destination::File(path.clone()), 1000, 5);
    for _ in 0..10 {
        fixture.emit_through(2);
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(0)
            .unwrap();
    }
    assert!(fixture.finish());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

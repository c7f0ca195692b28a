//! Regular files and devices.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use super::*;

#[test]
fn a_new_file_is_for_its_owner_alone_and_holds_every_record() {
    let (_dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    fixture.emit(100);
    let stream = fixture.stream.clone();
    assert!(fixture.finish());
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(seqs_in(&path), first(100));
    assert_eq!(stream.records_written_total(), 100);
    assert_eq!(stream.records_dropped_total(), 0);
}

#[test]
fn a_record_is_one_line_whatever_is_in_a_name() {
    let (_dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    let names = [
        "a\nb",
        "\r\0\u{1}\u{7f}",
        "\u{2028}\u{85}",
        "\"}\\{",
        "日本語𝄞",
        "",
    ];
    for name in names {
        fixture.stream.emit(body(name), 1);
    }
    assert!(fixture.finish());
    let text = std::fs::read_to_string(&path).unwrap();
    let read: Vec<Body> = text
        .split_terminator('\n')
        .map(|l| Record::parse(l).unwrap().body)
        .collect();
    assert_eq!(read, names.map(body));
}

#[test]
fn a_file_of_an_earlier_run_is_appended_to() {
    let (_dir, path) = dir_and_path();
    for _ in 0..2 {
        let fixture = Fixture::file(&path);
        fixture.emit(3);
        assert!(fixture.finish());
    }
    assert_eq!(seqs_in(&path), [0, 1, 2, 0, 1, 2]);
}

#[test]
fn behind_half_a_line_ours_starts_on_a_new_one() {
    let (_dir, path) = dir_and_path();
    std::fs::write(&path, "{\"v\":1,\"ty").unwrap();
    let fixture = Fixture::file(&path);
    fixture.emit(2);
    assert!(fixture.finish());
    let text = std::fs::read_to_string(&path).unwrap();
    let (half, ours) = text.split_once('\n').unwrap();
    assert_eq!(half, "{\"v\":1,\"ty");
    assert_eq!(seqs(ours), [0, 1]);
}

#[test]
fn two_writers_on_one_file_take_turns() {
    let (_dir, path) = dir_and_path();
    let one = Fixture::file(&path);
    one.emit_through(3);
    let other = Fixture::file(&path);
    other.emit(3);
    one.emit_through(3);
    assert_eq!(other.stream.records_written_total(), 0);
    assert!(one.finish());
    other.wait_written(3);
    assert_eq!(seqs_in(&path), [0, 1, 2, 3, 4, 5, 0, 1, 2]);
    assert_eq!(other.stream.write_errors_total(), 0);
    assert!(other.finish());
}

#[test]
fn a_missing_directory_is_waited_for() {
    let (dir, _) = dir_and_path();
    let path = dir.path().join("logs/stream.jsonl");
    let fixture = Fixture::file(&path);
    fixture.emit(10);
    fixture.wait_for_errors();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    fixture.wait_written(10);
    assert_eq!(seqs_in(&path), first(10));
    assert!(fixture.finish());
}

#[test]
fn a_full_device_drops_counts_and_stays_what_it_is() {
    let fixture = Fixture::file(Path::new("/dev/full"));
    fixture.emit_until_dropped();
    fixture.wait_for_errors();
    let stream = fixture.stream.clone();
    assert!(!fixture.finish());
    assert_eq!(stream.records_written_total(), 0);
    assert_eq!(stream.records_dropped_total(), stream.records_made_total());
    assert!(
        Path::new("/dev/full")
            .metadata()
            .unwrap()
            .file_type()
            .is_char_device()
    );
}

#[test]
fn a_device_is_never_rotated() {
    let fixture = Fixture::start_rotating(Destination::File("/dev/null".into()), 10, 1);
    let before = std::fs::metadata("/dev/null").unwrap().permissions();
    fixture.emit_through(10);
    assert!(fixture.finish());
    assert_eq!(
        std::fs::metadata("/dev/null").unwrap().permissions(),
        before
    );
    assert!(!Path::new("/dev/null.1").exists());
}

//! The end: everything is written, within a bound, and accounted for.

use std::os::unix::net::UnixListener;

use super::*;

#[test]
fn everything_made_is_written_whoever_made_it() {
    let (_dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| fixture.emit(200));
        }
    });
    assert!(fixture.finish());
    assert_eq!(seqs_in(&path), first(800));
}

#[test]
fn a_stalled_reader_holds_nobody_up() {
    let (_dir, path) = dir_and_path();
    let _never_accepts = UnixListener::bind(&path).unwrap();
    let fixture = Fixture::start(Destination::Unix(path));
    fixture.emit_until_dropped();
    let stream = fixture.stream.clone();
    assert!(!fixture.writer.finish(Duration::from_millis(50)));
    until("the thread to account for everything", || {
        stream.records_written_total() + stream.records_dropped_total()
            == stream.records_made_total()
    });
}

#[test]
fn records_made_after_the_end_are_counted_as_dropped() {
    let (_dir, path) = dir_and_path();
    let fixture = Fixture::file(&path);
    let stream = fixture.stream.clone();
    fixture.emit(2);
    assert!(fixture.finish());
    stream.emit(body("late"), 1);
    assert_eq!(stream.records_dropped_total(), 1);
    assert_eq!(seqs_in(&path), [0, 1]);
}

#[test]
fn a_writer_that_is_dropped_ends_by_itself() {
    let (_dir, path) = dir_and_path();
    let Fixture { stream, writer } = Fixture::file(&path);
    stream.emit(body("a"), 1);
    drop(writer);
    until("the thread to end", || {
        stream.emit(body("b"), 1);
        stream.records_dropped_total() > 0
    });
    until("the thread to account for everything", || {
        stream.records_written_total() + stream.records_dropped_total()
            == stream.records_made_total()
    });
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(seqs(&text).len() as u64, stream.records_written_total());
}

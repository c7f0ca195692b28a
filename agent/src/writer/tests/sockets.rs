//! Unix stream sockets: listeners that are not there yet, stall, leave and return.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::net::{UnixListener, UnixStream},
};

use super::*;

fn fixture(path: &Path) -> Fixture {
    Fixture::start(Destination::Unix(path.to_owned()))
}

fn accept(listener: &UnixListener) -> UnixStream {
    listener.accept().unwrap().0
}

#[test]
fn a_listener_that_comes_late_gets_everything() {
    let (_dir, path) = dir_and_path();
    let fixture = fixture(&path);
    fixture.emit(10);
    fixture.wait_for_errors();
    let listener = UnixListener::bind(&path).unwrap();
    fixture.wait_written(10);
    assert!(fixture.finish());
    let mut text = String::new();
    accept(&listener).read_to_string(&mut text).unwrap();
    assert_eq!(seqs(&text), first(10));
}

#[test]
fn a_reader_that_stalls_costs_whole_records_and_each_is_counted() {
    let (_dir, path) = dir_and_path();
    let listener = UnixListener::bind(&path).unwrap();
    let fixture = fixture(&path);
    let stream = fixture.stream.clone();
    fixture.emit_until_dropped();
    let finishing = std::thread::spawn(move || fixture.finish());
    let mut text = String::new();
    accept(&listener).read_to_string(&mut text).unwrap();
    assert!(finishing.join().unwrap());
    let missing = stream.records_made_total() - seqs(&text).len() as u64;
    assert_eq!(missing, stream.records_dropped_total());
}

#[test]
fn a_reader_that_leaves_within_a_line_is_followed_by_one_with_whole_lines() {
    let (_dir, path) = dir_and_path();
    let listener = UnixListener::bind(&path).unwrap();
    let fixture = fixture(&path);
    fixture.emit_until_dropped();
    let mut leaving = accept(&listener);
    leaving.read_exact(&mut [0; 1001]).unwrap();
    drop(leaving);
    let reader = BufReader::new(accept(&listener));
    let lines: Vec<String> = reader.lines().take(20).map(Result::unwrap).collect();
    assert_eq!(seqs(&(lines.join("\n") + "\n")).len(), 20);
    assert!(fixture.stream.write_errors_total() > 0);
}

#[test]
fn a_listener_whose_queue_is_full_is_not_waited_for() {
    let (_dir, path) = dir_and_path();
    let listener = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _queued = UnixStream::connect(&path).unwrap();
    let fixture = fixture(&path);
    fixture.emit(1);
    fixture.wait_for_errors();
    assert!(!fixture.finish());
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let (dir, path) = dir_and_path();
    let target = dir.path().join("target");
    let _listener = UnixListener::bind(&target).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let fixture = fixture(&path);
    fixture.emit(1);
    fixture.wait_for_errors();
    assert_eq!(fixture.stream.records_written_total(), 0);
    assert!(!fixture.finish());
}

#[test]
fn a_path_longer_than_an_address_will_do() {
    let (dir, _) = dir_and_path();
    let deep = dir.path().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    let short = dir.path().join("short");
    let listener = UnixListener::bind(&short).unwrap();
    std::fs::rename(&short, deep.join("socket")).unwrap();
    let fixture = fixture(&deep.join("socket"));
    fixture.emit(1);
    assert!(fixture.finish());
    let mut text = String::new();
    accept(&listener).read_to_string(&mut text).unwrap();
    assert_eq!(seqs(&text), [0]);
}

//! FIFOs: readers that are not there yet, stall, leave and return.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    os::unix::fs::OpenOptionsExt,
};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

use super::*;

fn fifo() -> (TempDir, PathBuf) {
    let (dir, path) = dir_and_path();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    (dir, path)
}

#[test]
fn a_reader_that_comes_late_gets_everything() {
    let (_dir, path) = fifo();
    let fixture = Fixture::file(&path);
    fixture.emit(10);
    fixture.wait_for_errors();
    let mut reader = File::open(&path).unwrap();
    fixture.wait_written(10);
    assert!(fixture.finish());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(seqs(&text), first(10));
}

#[test]
fn a_reader_that_stalls_costs_whole_records_and_each_is_counted() {
    let (_dir, path) = fifo();
    // There before the writer is: to find nobody would be an error.
    let waits_for_nobody = OFlags::NONBLOCK.bits().cast_signed();
    let mut reader = File::options()
        .read(true)
        .custom_flags(waits_for_nobody)
        .open(&path)
        .unwrap();
    let fixture = Fixture::file(&path);
    let stream = fixture.stream.clone();
    // Until the writer has it open too, reading would end at once.
    fixture.emit_through(1);
    fixture.emit_until_dropped();
    rustix::fs::fcntl_setfl(&reader, OFlags::empty()).unwrap();
    let finishing = std::thread::spawn(move || fixture.finish());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(finishing.join().unwrap());
    let read = seqs(&text);
    assert!(read.is_sorted_by(|a, b| a < b));
    let missing = stream.records_made_total() - read.len() as u64;
    assert_eq!(missing, stream.records_dropped_total());
    assert_eq!(stream.write_errors_total(), 0);
}

#[test]
fn a_reader_that_returns_begins_with_a_whole_line_and_misses_one_at_most() {
    let (_dir, path) = fifo();
    let fixture = Fixture::file(&path);
    fixture.emit(1000);
    let mut reader = File::open(&path).unwrap();
    let mut before = vec![0; 1000];
    reader.read_exact(&mut before).unwrap();
    drop(reader);
    fixture.emit(1);
    fixture.wait_for_errors();

    let mut reader = File::open(&path).unwrap();
    let stream = fixture.stream.clone();
    let finishing = std::thread::spawn(move || fixture.finish());
    let mut after = String::new();
    reader.read_to_string(&mut after).unwrap();
    assert!(finishing.join().unwrap());

    let whole_before = before.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let missing = stream.records_made_total() - whole_before - seqs(&after).len() as u64;
    assert_eq!(missing, 1);
    assert_eq!(stream.records_dropped_total(), 1);
    assert_eq!(seqs(&after), (whole_before + 1..1001).collect::<Vec<_>>());
}

#[test]
fn a_line_longer_than_the_pipe_comes_through() {
    let (_dir, path) = fifo();
    let fixture = Fixture::file(&path);
    let long = "x".repeat(300_000);
    fixture.stream.emit(body(&long), 1);
    let mut reader = BufReader::new(File::open(&path).unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(Record::parse(&line).unwrap().body, body(&long));
    assert!(fixture.finish());
}

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::stream::block::LONGEST;

/// A directory with a stream in it, written as the agent and logrotate do.
struct Log {
    directory: tempfile::TempDir,
}

impl Log {
    fn new() -> Log {
        Log {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("s.jsonl")
    }

    fn append(&self, text: &str) {
        let file = fs::File::options()
            .append(true)
            .create(true)
            .open(self.path());
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn rotate(&self) {
        for n in (0..20).rev() {
            let (from, to) = (numbered(&self.path(), n), numbered(&self.path(), n + 1));
            if from.exists() {
                fs::rename(from, to).unwrap();
            }
        }
    }

    fn copy_and_truncate(&self) {
        fs::copy(self.path(), numbered(&self.path(), 1)).unwrap();
        fs::write(self.path(), "").unwrap();
    }

    fn follow(&self) -> Follower {
        follow(&self.path(), u64::MAX)
    }
}

fn follow(path: &Path, history_bytes: u64) -> Follower {
    Follower::new(path, history_bytes, |_| ()).unwrap()
}

fn lines(follower: &mut Follower) -> Vec<String> {
    let mut lines = Vec::new();
    follower
        .read(|line| lines.push(String::from_utf8(line.bytes.to_vec()).unwrap()))
        .unwrap();
    lines
}

#[test]
fn a_file_that_is_not_there_yet_is_read_once_it_is() {
    let log = Log::new();
    let mut follower = log.follow();
    assert_eq!(follower.read(|_| ()).unwrap(), Presence::Missing);
    log.append("a\n");
    assert_eq!(lines(&mut follower), ["a"]);
    assert_eq!(follower.read(|_| ()).unwrap(), Presence::Here);
}

#[test]
fn half_a_line_waits_for_its_other_half() {
    let log = Log::new();
    log.append("a\nb");
    let mut follower = log.follow();
    assert_eq!(lines(&mut follower), ["a"]);
    log.append("c");
    assert_eq!(lines(&mut follower), [""; 0]);
    log.append("d\n\n");
    assert_eq!(lines(&mut follower), ["bcd", ""]);
}

#[test]
fn rotations_that_happen_between_two_looks_lose_nothing() {
    let log = Log::new();
    log.append("a\n");
    let mut follower = log.follow();
    assert_eq!(lines(&mut follower), ["a"]);
    for text in ["b\n", "c\nd\n", "e\n"] {
        log.append(text);
        log.rotate();
    }
    log.append("f\n");
    assert_eq!(lines(&mut follower), ["b", "c", "d", "e", "f"]);
}

#[test]
fn files_that_came_and_were_rotated_before_the_first_look_are_read() {
    let log = Log::new();
    let mut follower = log.follow();
    log.append("a\n");
    log.rotate();
    log.append("b\n");
    assert_eq!(lines(&mut follower), ["a", "b"]);
}

#[test]
fn of_rotated_files_those_written_later_than_one_that_is_gone_are_read() {
    let log = Log::new();
    log.append("a\n");
    log.rotate();
    log.append("b\n");
    let mut follower = log.follow();
    assert_eq!(lines(&mut follower), ["a", "b"]);
    log.rotate();
    log.append("c\n");
    log.rotate();
    log.append("d\n");
    let at = |n, seconds| {
        let file = fs::File::options()
            .append(true)
            .open(numbered(&log.path(), n))
            .unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
            .unwrap();
    };
    at(3, 10); // a
    at(2, 20); // b
    at(1, 30); // c
    fs::remove_file(numbered(&log.path(), 2)).unwrap();
    fs::rename(numbered(&log.path(), 3), numbered(&log.path(), 2)).unwrap();
    assert_eq!(lines(&mut follower), ["c", "d"]);
}

#[test]
fn a_new_file_that_is_empty_does_not_end_the_old_one() {
    let log = Log::new();
    log.append("a\n");
    let mut follower = log.follow();
    lines(&mut follower);
    log.rotate();
    log.append("");
    fs::File::options()
        .append(true)
        .open(numbered(&log.path(), 1))
        .unwrap()
        .write_all(b"b\n")
        .unwrap();
    assert_eq!(lines(&mut follower), ["b"]);
    log.append("c\n");
    assert_eq!(lines(&mut follower), ["c"]);
}

#[test]
fn a_deleted_file_is_read_to_its_end_and_then_its_successor() {
    let log = Log::new();
    log.append("a\n");
    let mut follower = log.follow();
    lines(&mut follower);
    log.append("b\nhalf");
    fs::remove_file(log.path()).unwrap();
    assert_eq!(lines(&mut follower), ["b"]);
    assert_eq!(follower.read(|_| ()).unwrap(), Presence::Missing);
    log.append("c\n");
    // Nobody writes the other half any more: it is told as it is.
    assert_eq!(lines(&mut follower), ["half", "c"]);
}

#[test]
fn a_file_that_was_cut_off_begins_anew() {
    let log = Log::new();
    log.append("a\nb\n");
    let mut follower = log.follow();
    assert_eq!(lines(&mut follower), ["a", "b"]);
    log.copy_and_truncate();
    log.append("c\n");
    assert_eq!(lines(&mut follower), ["c"]);
}

#[test]
fn a_file_that_was_cut_off_and_has_grown_past_our_place_begins_anew() {
    let log = Log::new();
    log.append("a\nb\n");
    let mut follower = log.follow();
    assert_eq!(lines(&mut follower), ["a", "b"]);
    log.copy_and_truncate();
    log.append("cccc\ndddd\n");
    assert_eq!(lines(&mut follower), ["cccc", "dddd"]);
}

#[test]
fn history_begins_with_a_whole_line_in_a_rotated_file() {
    let log = Log::new();
    log.append("start\n1111\n2222\n");
    log.rotate();
    log.append("3333\n4444\n");
    for (bytes, expected) in [
        (0, &[][..]),
        (4, &[]),
        (5, &["4444"]),
        (9, &["4444"]),
        (10, &["3333", "4444"]),
        (15, &["2222", "3333", "4444"]),
        (19, &["2222", "3333", "4444"]),
        (999, &["start", "1111", "2222", "3333", "4444"]),
    ] {
        assert_eq!(
            lines(&mut follow(&log.path(), bytes)),
            expected,
            "{bytes} bytes"
        );
    }
}

#[test]
fn the_first_lines_of_what_is_left_out_are_given_oldest_first() {
    let log = Log::new();
    log.append("start\n1111\n");
    log.rotate();
    log.append("2222\n3333\n");
    let mut heads = Vec::new();
    Follower::new(&log.path(), 5, |line| heads.push(line.bytes.to_vec())).unwrap();
    assert_eq!(heads, [b"start".to_vec(), b"2222".to_vec()]);
}

#[test]
fn how_lines_end_is_told() {
    let log = Log::new();
    log.append("a\n");
    log.append(&"x".repeat(LONGEST + 1));
    let mut follower = log.follow();
    let mut ends = Vec::new();
    follower
        .read(|line| ends.push((line.number, line.end)))
        .unwrap();
    log.append("yy\nhalf");
    follower
        .read(|line| ends.push((line.number, line.end)))
        .unwrap();
    log.rotate();
    log.append("b\n");
    follower
        .read(|line| ends.push((line.number, line.end)))
        .unwrap();
    let cut = LineEnd::Cut(LONGEST as u64 + 3);
    assert_eq!(
        ends,
        [
            (1, LineEnd::Feed),
            (2, cut),
            (3, LineEnd::File),
            (1, LineEnd::Feed)
        ]
    );
}

#[test]
fn what_is_no_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refused = Follower::new(directory.path(), 0, |_| ());
    assert!(refused.is_err_and(|error| error.to_string() == "it is not a regular file"));
}

#[test]
fn a_wait_ends_when_the_file_grows() {
    let log = Log::new();
    let mut follower = log.follow();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut seen = Vec::new();
            while seen.len() < 3 {
                follower.wait();
                seen.extend(lines(&mut follower));
            }
            seen
        });
        log.append("a\n");
        log.append("b\n");
        log.rotate();
        log.append("c\n");
        assert_eq!(reader.join().unwrap(), ["a", "b", "c"]);
    });
}

/// What can happen to the file of a stream.
#[derive(Debug, Clone)]
enum Step {
    Append(u8),
    Rotate,
    CutOff,
    Delete,
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..40u8).prop_map(Step::Append),
        2 => Just(Step::Rotate),
        1 => Just(Step::CutOff),
        1 => Just(Step::Delete),
        3 => Just(Step::Read),
    ]
}

proptest! {
    /// Every line arrives once and in order, whatever happens in between. (Before a file is
    /// cut off or deleted it is read: what was in it then is gone for everybody.)
    #[test]
    fn every_line_arrives_once(steps in prop::collection::vec(step(), 1..60)) {
        let log = Log::new();
        let mut follower = log.follow();
        let (mut written, mut seen) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Append(length) => {
                    let line = format!("{}:{}", written.len(), "x".repeat(length.into()));
                    log.append(&(line.clone() + "\n"));
                    written.push(line);
                }
                Step::Rotate | Step::CutOff | Step::Delete if !log.path().exists() => {}
                Step::Rotate => log.rotate(),
                Step::CutOff => {
                    seen.extend(lines(&mut follower));
                    fs::write(log.path(), "").unwrap();
                }
                Step::Delete => {
                    seen.extend(lines(&mut follower));
                    fs::remove_file(log.path()).unwrap();
                }
                Step::Read => seen.extend(lines(&mut follower)),
            }
        }
        log.append("last\n");
        written.push("last".to_owned());
        seen.extend(lines(&mut follower));
        prop_assert_eq!(seen, written);
    }
}

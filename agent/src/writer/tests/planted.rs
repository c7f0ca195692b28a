//! What somebody may have put in the place of our file.

use std::{fs, os::unix::fs as unix};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

/// Somebody, not us.
const SOMEBODY: Option<u32> = Some(12345);

/// The writer refuses what is at `path` and, once that is gone, writes everything.
fn is_refused(path: &Path) {
    let fixture = Fixture::file(path);
    fixture.emit(3);
    fixture.wait_for_errors();
    assert_eq!(fixture.stream.records_written_total(), 0);
    fs::remove_file(path).unwrap();
    fixture.wait_written(3);
    assert_eq!(seqs_in(path), first(3));
    assert!(fixture.finish());
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let (dir, path) = dir_and_path();
    let target = dir.path().join("target");
    fs::write(&target, "precious").unwrap();
    unix::symlink(&target, &path).unwrap();
    is_refused(&path);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn a_dangling_symbolic_link_creates_nothing() {
    let (dir, path) = dir_and_path();
    unix::symlink(dir.path().join("target"), &path).unwrap();
    is_refused(&path);
    assert!(!dir.path().join("target").exists());
}

#[test]
fn a_symbolic_link_on_the_way_is_the_users_business() {
    let (dir, path) = dir_and_path();
    unix::symlink(dir.path(), dir.path().join("link")).unwrap();
    let fixture = Fixture::file(&dir.path().join("link/stream.jsonl"));
    fixture.emit(1);
    assert!(fixture.finish());
    assert_eq!(seqs_in(&path), [0]);
}

#[test]
fn a_hard_link_is_refused() {
    let (dir, path) = dir_and_path();
    let target = dir.path().join("target");
    fs::write(&target, "precious").unwrap();
    fs::hard_link(&target, &path).unwrap();
    is_refused(&path);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
}

#[test]
fn another_users_file_is_refused() {
    if !is_root() {
        return eprintln!("not run: only root can make another user's file");
    }
    let (_dir, path) = dir_and_path();
    fs::write(&path, "").unwrap();
    unix::chown(&path, SOMEBODY, None).unwrap();
    is_refused(&path);
}

#[test]
fn another_users_fifo_is_refused_even_with_a_reader() {
    if !is_root() {
        return eprintln!("not run: only root can make another user's FIFO");
    }
    let (_dir, path) = dir_and_path();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    unix::chown(&path, SOMEBODY, None).unwrap();
    let _both_ends = fs::File::options()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    is_refused(&path);
}

#[test]
fn a_directory_is_refused() {
    let (dir, _) = dir_and_path();
    let fixture = Fixture::file(dir.path());
    fixture.emit(1);
    fixture.wait_for_errors();
    assert!(!fixture.finish());
}

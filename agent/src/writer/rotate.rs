//! Rotation: `name` becomes `name.1`, that becomes `name.2`, and so on; past the number
//! to keep the oldest goes.
//!
//! Only names move, so a rotation that fails half-way loses no line: the writer goes on
//! with the file that it has and tries again later.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::trouble::named;
use crate::log;

/// After a rotation that failed the file may grow for this long.
const RETRY: Duration = Duration::from_secs(60);

/// When and how a file is rotated.
pub(super) struct Rotation {
    limit_bytes: u64,
    keep: u32,
    not_before: Option<Instant>,
}

impl Rotation {
    pub(super) fn new(limit_bytes: u64, keep: u32) -> Rotation {
        Rotation {
            limit_bytes,
            keep,
            not_before: None,
        }
    }

    /// How much of `lines` still goes into a file of `size` bytes: whole lines, or 0
    /// where the file is to be rotated first. A line larger than a file gets its own.
    pub(super) fn room(&self, size: u64, lines: &[u8]) -> usize {
        let room = usize::try_from(self.limit_bytes.saturating_sub(size)).unwrap_or(usize::MAX);
        if lines.len() <= room || !self.is_due() {
            return lines.len();
        }
        match lines[..room].iter().rposition(|&byte| byte == b'\n') {
            Some(last) => last + 1,
            None if size == 0 => first_line_len(lines),
            None => 0,
        }
    }

    fn is_due(&self) -> bool {
        self.not_before.is_none_or(|time| Instant::now() >= time)
    }

    /// Moves the file at `path` out of the way. `false`: it stays, and so does its name.
    pub(super) fn rotate(&mut self, path: &Path) -> bool {
        match shift(path, self.keep) {
            Ok(()) => {
                self.not_before = None;
                true
            }
            Err(error) => {
                self.failed(path, &error);
                false
            }
        }
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        if self.not_before.is_none() {
            log::warn(format_args!(
                "cannot rotate {}: {error}; it grows past {} bytes until that works",
                named(path),
                self.limit_bytes
            ));
        }
        self.not_before = Some(Instant::now() + RETRY);
    }
}

fn first_line_len(lines: &[u8]) -> usize {
    let end = lines.iter().position(|&byte| byte == b'\n');
    end.map_or(lines.len(), |end| end + 1)
}

fn shift(path: &Path, keep: u32) -> io::Result<()> {
    if keep == 0 {
        return std::fs::remove_file(path);
    }
    // Up to the first gap: `keep` may be a huge number. Renaming onto the oldest
    // removes it.
    let first_free = (1..keep)
        .find(|&n| std::fs::symlink_metadata(numbered(path, n)).is_err())
        .unwrap_or(keep);
    for n in (1..first_free).rev() {
        std::fs::rename(numbered(path, n), numbered(path, n + 1))?;
    }
    std::fs::rename(path, numbered(path, 1))
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{n}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_go_in_until_the_limit() {
        let rotation = Rotation::new(10, 1);
        assert_eq!(rotation.room(0, b"123\n567\n90\n"), 8);
        assert_eq!(rotation.room(0, b"123\n567\n9\n"), 10);
        assert_eq!(rotation.room(8, b"123\n"), 0);
        assert_eq!(rotation.room(12, b"1\n"), 0);
        assert_eq!(rotation.room(0, b"a line too long\nb\n"), 16);
        assert_eq!(rotation.room(1, b"a line too long\nb\n"), 0);
    }

    #[test]
    fn names_shift_up_to_the_number_to_keep() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.jsonl");
        for content in ["a", "b", "c", "d"] {
            std::fs::write(&path, content).unwrap();
            shift(&path, 3).unwrap();
        }
        let kept = [1, 2, 3].map(|n| std::fs::read_to_string(numbered(&path, n)).unwrap());
        assert_eq!(kept, ["d", "c", "b"]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn keep_0_removes_and_a_huge_keep_is_quick() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.jsonl");
        std::fs::write(&path, "a").unwrap();
        shift(&path, 0).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "b").unwrap();
        shift(&path, u32::MAX).unwrap();
        assert!(numbered(&path, 1).exists());
    }

    #[test]
    fn a_rotation_that_fails_lets_the_file_grow_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.jsonl");
        std::fs::write(&path, "a").unwrap();
        std::fs::create_dir(numbered(&path, 1)).unwrap();
        let mut rotation = Rotation::new(1, 1);
        assert_eq!(rotation.room(1, b"b\n"), 0);
        assert!(!rotation.rotate(&path));
        assert_eq!(rotation.room(1, b"b\n"), 2);
    }
}

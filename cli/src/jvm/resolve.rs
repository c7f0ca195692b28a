//! Symbolic links below a root directory that need not be ours.
//!
//! The kernel resolves an absolute link against the root of who asks: a path with one in it would lead from a
//! container out to a file of ours. So here each name is looked up by itself, from where the names before it led to,
//! and nothing leads above the root.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Links on the way of one path, as many as the kernel allows (`path_resolution(7)`).
const MOST_LINKS: usize = 40;

/// What a name in a directory stands for.
enum Entry {
    Directory(OwnedFd),
    Link(PathBuf),
    /// A file, or nothing yet.
    Last,
}

/// The same absolute path without links and `..`, below the root. What it names need not be there.
///
/// # Errors
///
/// There are too many links, a directory may not be searched, or a `..` follows what is none.
pub fn resolve(root: impl AsFd, path: &Path) -> io::Result<PathBuf> {
    let mut way: Vec<(OsString, OwnedFd)> = Vec::new();
    let mut left = names(path);
    let mut links = 0;
    let mut rest = Vec::new();
    while let Some(name) = left.pop() {
        if name == ".." {
            way.pop();
            continue;
        }
        let here = way.last().map_or(root.as_fd(), |(_, here)| here.as_fd());
        match entry(here, &name)? {
            Entry::Directory(directory) => way.push((name, directory)),
            Entry::Link(_) if links == MOST_LINKS => return Err(Errno::LOOP.into()),
            Entry::Link(target) => {
                links += 1;
                if target.is_absolute() {
                    way.clear();
                }
                left.append(&mut names(&target));
            }
            Entry::Last if left.iter().any(|name| name == "..") => return Err(Errno::NOENT.into()),
            Entry::Last => {
                rest.push(name);
                rest.extend(left.drain(..).rev());
            }
        }
    }
    let way = way.into_iter().map(|(name, _)| name);
    let root = OsString::from("/");
    Ok(std::iter::once(root).chain(way).chain(rest).collect())
}

/// The names in a path, the first one last.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    names.rev().collect()
}

fn entry(directory: BorrowedFd<'_>, name: &OsStr) -> io::Result<Entry> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Entry::Last),
        Err(Errno::NOTDIR | Errno::LOOP) => {}
        opened => return Ok(Entry::Directory(opened?)),
    }
    match rustix::fs::readlinkat(directory, name, Vec::new()) {
        // It is no link, or it is gone meanwhile.
        Err(Errno::INVAL | Errno::NOENT) => Ok(Entry::Last),
        target => Ok(Entry::Link(OsString::from_vec(target?.into_bytes()).into())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    use super::*;

    /// A root with a directory and a file, and these links.
    fn resolved(links: &[(&str, &str)], path: &str) -> io::Result<PathBuf> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("var/log/app")).unwrap();
        fs::write(root.path().join("var/file"), "").unwrap();
        for (name, target) in links {
            symlink(target, root.path().join(name)).unwrap();
        }
        resolve(File::open(root.path()).unwrap(), Path::new(path))
    }

    #[test]
    fn links_lead_to_files_below_the_root() {
        let links = [
            ("logs", "/var/log/app"),
            ("var/here", "log/app"),
            ("var/log/up", "../../logs"),
            ("out", "../../../../var"),
            ("top", "/"),
            ("var/log/app/s.jsonl", "/logs/t.jsonl"),
            ("var/link", "missing/t.jsonl"),
        ];
        for (path, wanted) in [
            ("/", "/"),
            ("/var/log/app/t.jsonl", "/var/log/app/t.jsonl"),
            ("/logs/t.jsonl", "/var/log/app/t.jsonl"),
            ("/var/here/t.jsonl", "/var/log/app/t.jsonl"),
            ("/var/log/up//./t.jsonl", "/var/log/app/t.jsonl"),
            ("/logs/../t.jsonl", "/var/log/t.jsonl"),
            ("/../../var/file", "/var/file"),
            ("/out/file", "/var/file"),
            ("/top/top/logs", "/var/log/app"),
            ("/logs/s.jsonl", "/var/log/app/t.jsonl"),
            ("/missing/a/b", "/missing/a/b"),
            ("/var/file/a", "/var/file/a"),
            ("/var/link", "/var/missing/t.jsonl"),
        ] {
            assert_eq!(resolved(&links, path).unwrap(), Path::new(wanted), "{path}");
        }
    }

    #[test]
    fn nothing_leads_above_the_root_by_what_is_not_there() {
        for path in ["/missing/../../../etc", "/var/file/../../../etc"] {
            let error = resolved(&[], path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{path}");
        }
    }

    #[test]
    fn links_that_go_round_have_an_end() {
        let error = resolved(&[("a", "b/x"), ("b", "/a")], "/a").unwrap_err();
        assert_eq!(Errno::from_io_error(&error), Some(Errno::LOOP));
    }
}

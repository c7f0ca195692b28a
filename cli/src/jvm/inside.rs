//! Files as a process sees them: below its root directory, which in a container is another
//! one than ours.
//!
//! What lies there was put there by somebody else: the kernel follows no symbolic link there for us, for it would
//! resolve it against our root. Where one may be, [`Inside::resolve`] does so against theirs.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::process::Process;
use super::resolve::resolve;

/// The root directory of a process.
#[derive(Debug)]
pub struct Inside {
    root: OwnedFd,
    /// Path of that root in its own mount namespace: not `/` below a `chroot`.
    prefix: PathBuf,
    /// Whether it is our root too, with the same file systems mounted.
    pub is_ours: bool,
}

impl Inside {
    /// Of that process.
    pub fn of(process: &Process) -> io::Result<Inside> {
        Ok(Inside {
            root: process.directory("root")?,
            prefix: process.link("root")?,
            is_ours: is_same(process, "root", "/")?
                && is_same(process, "ns/mnt", "/proc/self/ns/mnt")?,
        })
    }

    /// A path that the kernel told of a file of that process, as the process writes it.
    pub fn path(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.prefix) {
            Ok(rest) => Path::new("/").join(rest),
            Err(_) => path.to_owned(),
        }
    }

    /// An absolute path of the process's without links and `..`. What it names need not be there.
    pub fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        resolve(&self.root, path)
    }

    /// Opens an absolute path below the root; a symbolic link on the way is an error.
    pub fn open(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // The first is the root.
        let names: Vec<&OsStr> = path.iter().skip(1).collect();
        let Some((last, way_there)) = names
            .split_last()
            .filter(|_| !names.contains(&OsStr::new("..")))
        else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut directory = rustix::fs::openat(&self.root, ".", way, Mode::empty())?;
        for name in way_there {
            directory = rustix::fs::openat(&directory, *name, way, Mode::empty())?;
        }
        let flags = flags | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&directory, *last, flags, Mode::empty())?)
    }

    /// The directory where HotSpot keeps its socket, always `/tmp` whatever
    /// `java.io.tmpdir` is (`os_linux.cpp`, `os::get_temp_directory`). It may be a link.
    pub fn temporary_directory(&self) -> io::Result<OwnedFd> {
        let directory = self.resolve(Path::new("/tmp"))?;
        self.open(&directory, OFlags::PATH | OFlags::DIRECTORY)
    }
}

/// Whether both names refer to one file.
fn is_same(process: &Process, name: &str, ours: &str) -> io::Result<bool> {
    let (theirs, ours) = (process.stat(name)?, rustix::fs::stat(ours)?);
    Ok((theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_that_is_a_link_is_found_below_the_root() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("var/tmp")).unwrap();
        std::os::unix::fs::symlink("/var/tmp", root.path().join("tmp")).unwrap();
        let inside = Inside {
            root: std::fs::File::open(root.path()).unwrap().into(),
            prefix: "/".into(),
            is_ours: false,
        };
        let found = rustix::fs::fstat(inside.temporary_directory().unwrap()).unwrap();
        let wanted = rustix::fs::stat(root.path().join("var/tmp")).unwrap();
        assert_eq!((found.st_dev, found.st_ino), (wanted.st_dev, wanted.st_ino));
    }
}

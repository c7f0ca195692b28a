//! Files as a process sees them: below its root directory, which in a container is another
//! one than ours.
//!
//! What lies there was put there by somebody else: no symbolic link is followed, for it
//! would be resolved against our root, and could lead out of the container.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::process::Process;

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
    /// `java.io.tmpdir` is (`os_linux.cpp`, `os::get_temp_directory`).
    pub fn temporary_directory(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match self.is_ours {
            // The administrator of this machine may have made it a link.
            true => Ok(rustix::fs::open("/tmp", flags, Mode::empty())?),
            false => self.open(Path::new("/tmp"), flags),
        }
    }
}

/// Whether both names refer to one file.
fn is_same(process: &Process, name: &str, ours: &str) -> io::Result<bool> {
    let (theirs, ours) = (process.stat(name)?, rustix::fs::stat(ours)?);
    Ok((theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino))
}

//! The library under a path that the JVM can open.
//!
//! In the file system that we share with it, that is where the library is. Otherwise it is
//! copied into a directory of the JVM's, under a name that nobody can guess, as a file of
//! the JVM's user that nobody else may write; what is mapped stays when the name is removed.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::bail;
use rustix::fs::{AtFlags, Mode, OFlags, StatVfsMountFlags};

use super::library::Library;
use crate::jvm::{Details, Jvm, Libc, MappedFile, Owner, as_owner};

/// Directories that a copy may lie in for a moment.
const DIRECTORIES: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// The library as the JVM sees it; a copy is removed with this, unless it has to stay.
pub struct Visible {
    /// Its path there.
    pub path: PathBuf,
    copy: Option<Placed>,
}

impl Visible {
    /// The one that the JVM has loaded already. A second one beside it would be a second agent. While its file is there,
    /// any path of it will do; after that glibc knows it by the path that it was loaded with alone, which the kernel
    /// tells of one without a link in it.
    pub fn loaded(agent: &MappedFile, jvm: &Jvm, details: &Details) -> Visible {
        let given = agent.deleted.then(|| given(jvm)).flatten();
        Visible {
            path: given.unwrap_or_else(|| details.inside.path(&agent.path)),
            copy: None,
        }
    }

    /// The JVM has loaded it, whatever the agent said. musl knows a library by its file alone, and unloads none: there
    /// a copy stays for the next time.
    pub fn was_loaded(&mut self, libc: Option<Libc>) {
        if let Some(copy) = &mut self.copy {
            copy.stays = libc == Some(Libc::Musl);
        }
    }

    /// The library where it is, or a copy.
    pub fn new(library: &Library, details: &Details, owner: &Owner) -> anyhow::Result<Visible> {
        if is_visible(library, details, owner) {
            return Ok(Visible {
                path: library.path.clone(),
                copy: None,
            });
        }
        let mut why_not = Vec::new();
        for name in DIRECTORIES {
            match place(library, Path::new(name), details, owner) {
                Ok((path, copy)) => {
                    return Ok(Visible {
                        path,
                        copy: Some(copy),
                    });
                }
                Err(error) => why_not.push(format!("{name}: {error}")),
            }
        }
        bail!(
            "the library {} is not where the JVM could open it, and cannot be copied there ({}): \
             give the JVM a writable /tmp without noexec, or mount the library at the same path",
            library.path.display(),
            why_not.join("; ")
        )
    }
}

/// The path that the JVM was given, as the agent tells it while it watches, or else as a flag has it.
fn given(jvm: &Jvm) -> Option<PathBuf> {
    let watch = jvm.watch().ok().flatten();
    let told = watch.and_then(|watch| watch.library);
    told.map(PathBuf::from).or_else(|| jvm.agent_flag())
}

/// Whether the JVM finds the same file at the same path, and may read it.
fn is_visible(library: &Library, details: &Details, owner: &Owner) -> bool {
    let found = as_owner(owner, || {
        let file = details
            .inside
            .open(&library.path, OFlags::RDONLY | OFlags::NONBLOCK)?;
        Ok(rustix::fs::fstat(file)?)
    });
    found.is_ok_and(|found| (found.st_dev, found.st_ino) == library.identity)
}

/// A copy in a directory of the JVM's, removed with this.
struct Placed {
    directory: OwnedFd,
    name: String,
    owner: Owner,
    stays: bool,
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        // Somebody may have cleaned up before.
        let _ = as_owner(&self.owner, || {
            Ok(rustix::fs::unlinkat(
                &self.directory,
                &self.name,
                AtFlags::empty(),
            )?)
        });
    }
}

fn place(
    library: &Library,
    directory: &Path,
    details: &Details,
    owner: &Owner,
) -> io::Result<(PathBuf, Placed)> {
    // The path that the kernel will tell of the copy: without a link in it.
    let directory = details.inside.resolve(directory)?;
    let opened = details
        .inside
        .open(&directory, OFlags::PATH | OFlags::DIRECTORY)?;
    check_directory(&opened)?;
    let name = name()?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = as_owner(owner, || {
        Ok(rustix::fs::openat(&opened, &name, flags, mode)?)
    })?;
    let path = directory.join(&name);
    let placed = Placed {
        directory: opened,
        name,
        owner: owner.clone(),
        stays: false,
    };
    File::from(file).write_all(&library.bytes)?;
    Ok((path, placed))
}

/// Whether a program may be mapped from there, and nobody else can put another file in the
/// place of ours.
fn check_directory(directory: &OwnedFd) -> io::Result<()> {
    let flags = rustix::fs::fstatvfs(directory)?.f_flag;
    let mode = Mode::from_raw_mode(rustix::fs::fstat(directory)?.st_mode);
    let refused = match () {
        () if flags.contains(StatVfsMountFlags::NOEXEC) => "mounted noexec",
        () if mode.contains(Mode::WOTH) && !mode.contains(Mode::SVTX) => {
            "writable for everybody without the sticky bit"
        }
        () => return Ok(()),
    };
    Err(io::Error::other(refused))
}

/// `libfinwatch-` and 128 random bits.
fn name() -> io::Result<String> {
    let mut random = [0; 16];
    rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
    let number = u128::from_ne_bytes(random);
    Ok(format!("libfinwatch-{number:032x}.so"))
}

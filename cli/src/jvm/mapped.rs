//! `/proc/PID/maps`: the files that a process has mapped tell what it is (`proc(5)`).
//!
//! Paths there are those of the process's own mount namespace.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A mapped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedFile {
    /// Its path when it was mapped, or where it was moved since.
    pub path: PathBuf,
    /// Its number in its file system.
    pub inode: u64,
    /// Whether its last name was removed since.
    pub deleted: bool,
}

/// The C library that a program runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Libc {
    /// The GNU C library.
    Glibc,
    /// musl, as in Alpine Linux.
    Musl,
}

impl fmt::Display for Libc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Libc::Glibc => "glibc",
            Libc::Musl => "musl",
        })
    }
}

/// What the mapped files of a process say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// HotSpot itself.
    pub libjvm: Option<PathBuf>,
    /// Whether the JVM is an OpenJ9.
    pub is_openj9: bool,
    /// The C library.
    pub libc: Option<Libc>,
    /// Our agent.
    pub agent: Option<MappedFile>,
    /// The JVM's performance data.
    pub performance_data: Option<MappedFile>,
}

impl Mapped {
    /// Reads the text of `/proc/PID/maps`.
    pub fn parse(text: &[u8]) -> Mapped {
        let mut mapped = Mapped::default();
        for file in text.split(|byte| *byte == b'\n').filter_map(mapped_file) {
            mapped.add(file);
        }
        mapped
    }

    fn add(&mut self, file: MappedFile) {
        let Some(name) = file.path.file_name().map(OsStr::as_bytes) else {
            return;
        };
        if name == b"libjvm.so" {
            self.libjvm.get_or_insert(file.path);
        } else if name.starts_with(b"libj9vm") {
            self.is_openj9 = true;
        } else if is_musl(name) {
            self.libc = Some(Libc::Musl);
        } else if name == b"libc.so.6" || name.starts_with(b"libc-2.") {
            self.libc = Some(Libc::Glibc);
        } else if is_agent(name) {
            self.agent.get_or_insert(file);
        } else if is_performance_data(&file.path) && !file.deleted {
            self.performance_data.get_or_insert(file);
        }
    }
}

/// Loader and library are one file, under its first name in Alpine Linux and under its last in Debian and Void.
/// (glibc's `libc.so` is a text for linkers, which no program maps.)
fn is_musl(name: &[u8]) -> bool {
    name.starts_with(b"ld-musl-") || name.starts_with(b"libc.musl-") || name == b"libc.so"
}

/// `libfinwatch.so`, or a copy of it with something before the `.so`.
pub fn is_agent(name: &[u8]) -> bool {
    name.starts_with(b"libfinwatch") && name.ends_with(b".so")
}

/// `/tmp/hsperfdata_USER/PID` (HotSpot's `perfMemory_posix.cpp`).
fn is_performance_data(path: &Path) -> bool {
    let directory = path.parent().and_then(Path::file_name);
    directory.is_some_and(|name| name.as_bytes().starts_with(b"hsperfdata_"))
}

/// A line: `address perms offset dev inode   path`. Without a path it is no file.
fn mapped_file(line: &[u8]) -> Option<MappedFile> {
    let mut rest = line;
    let mut inode = &b""[..];
    for _ in 0..5 {
        let end = rest.iter().position(|byte| *byte == b' ')?;
        inode = &rest[..end];
        rest = &rest[end + 1..];
    }
    let path = rest.trim_ascii_start();
    let (path, deleted) = match path.strip_suffix(b" (deleted)") {
        Some(path) => (path, true),
        None => (path, false),
    };
    path.starts_with(b"/").then(|| MappedFile {
        path: PathBuf::from(OsStr::from_bytes(path)),
        inode: std::str::from_utf8(inode)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0),
        deleted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jvm_with_the_agent() {
        let mapped = Mapped::parse(
            b"7f19706b4000-7f19706bc000 rw-s 00000000 fe:00 9988578                    /tmp/hsperfdata_my user/32387\n\
              7f1970800000-7f19709f7000 r--p 00000000 fe:00 5318591                    /opt/a b/server/libjvm.so\n\
              7f1970800000-7f19709f7000 r--p 00000000 fe:00 12                         /tmp/libfinwatch-0a.so (deleted)\n\
              7f1970800000-7f19709f7000 r--p 00000000 fe:00 13                         /usr/lib/libc.so.6\n\
              7f1970800000-7f19709f7000 rw-p 00000000 00:00 0 \n\
              7f1970800000-7f19709f7000 rw-p 00000000 00:00 0                          [heap]\n",
        );
        assert_eq!(mapped.libjvm, Some("/opt/a b/server/libjvm.so".into()));
        assert_eq!(mapped.libc, Some(Libc::Glibc));
        let agent = mapped.agent.unwrap();
        assert_eq!((agent.inode, agent.deleted), (12, true));
        assert_eq!(agent.path, Path::new("/tmp/libfinwatch-0a.so"));
        let data = mapped.performance_data.unwrap();
        assert_eq!(data.path, Path::new("/tmp/hsperfdata_my user/32387"));
        assert!(!mapped.is_openj9);
    }

    #[test]
    fn other_processes() {
        assert_eq!(Mapped::parse(b""), Mapped::default());
        let alpine = b"7f-7f r-xp 0 fe:00 1 /lib/ld-musl-x86_64.so.1\n";
        assert_eq!(Mapped::parse(alpine).libc, Some(Libc::Musl));
        let debian = b"7f-7f r-xp 0 fe:00 1 /usr/lib/x86_64-linux-musl/libc.so\n";
        assert_eq!(Mapped::parse(debian).libc, Some(Libc::Musl));
        let openj9 = b"7f-7f r-xp 0 fe:00 1 /opt/lib/default/libj9vm29.so\n";
        assert!(Mapped::parse(openj9).is_openj9);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text: Vec<u8>) {
            Mapped::parse(&text);
        }
    }
}

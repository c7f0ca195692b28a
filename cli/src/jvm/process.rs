//! A process, held by its directory in `/proc`.
//!
//! What is read through the held directory is of that process or fails: the number may
//! be given to another one, the directory does not follow it there.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::status::Status;

/// A process.
#[derive(Debug)]
pub struct Process {
    /// Its id in our pid namespace.
    pub pid: u32,
    directory: OwnedFd,
    /// Refers to the process for signals and for its end; `None` before Linux 5.3.
    handle: Option<OwnedFd>,
}

/// Reads a process id that was typed.
pub fn process_id(text: &str) -> Result<u32, &'static str> {
    let number = text.parse().ok();
    let number = number.filter(|number| (1..=i32::MAX.unsigned_abs()).contains(number));
    number.ok_or("wanted is the number of a process, as 'finwatch list' shows it")
}

impl Process {
    /// The process with that id; `None` where there is none, or none that we may see.
    pub fn open(pid: u32) -> io::Result<Option<Process>> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = match rustix::fs::open(format!("/proc/{pid}"), flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::SRCH) => return Ok(None),
            opened => opened?,
        };
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let handle = raw.and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok());
        let process = Process {
            pid,
            directory,
            handle,
        };
        // The number was not given to another one between the two.
        let alive = process.stat("status").is_ok();
        Ok(alive.then_some(process))
    }

    /// What the kernel tells of it now.
    pub fn status(&self) -> io::Result<Status> {
        let text = self.read("status")?;
        Status::parse(&String::from_utf8_lossy(&text), self.pid).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("/proc/{}/status is of an unknown form", self.pid),
            )
        })
    }

    /// The words of its command line, as it was started; empty for a kernel thread.
    pub fn command_line(&self) -> io::Result<Vec<String>> {
        let text = self.read("cmdline")?;
        let text = text.strip_suffix(b"\0").unwrap_or(&text);
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let words = text.split(|byte| *byte == 0);
        Ok(words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect())
    }

    /// A variable of the environment that it was started with.
    pub fn environment(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let text = self.read("environ")?;
        let mut entries = text.split(|byte| *byte == 0);
        Ok(entries.find_map(|entry| {
            let rest = entry.strip_prefix(name.as_bytes())?;
            rest.strip_prefix(b"=").map(<[u8]>::to_vec)
        }))
    }

    /// All of a file in its directory.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.file(name)?.read_to_end(&mut content)?;
        Ok(content)
    }

    /// A file in its directory, or what a link there refers to, for reading.
    pub fn file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.directory, name, flags, Mode::empty());
        Ok(File::from(opened?))
    }

    /// The directory that a link refers to: `root`, `cwd`.
    pub fn directory(&self, name: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(
            &self.directory,
            name,
            flags,
            Mode::empty(),
        )?)
    }

    /// Where a link in its directory points to.
    pub fn link(&self, name: &str) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&self.directory, name, Vec::new())?;
        Ok(PathBuf::from(
            String::from_utf8_lossy(target.as_bytes()).into_owned(),
        ))
    }

    /// The file that a name in its directory refers to.
    pub fn stat(&self, name: &str) -> io::Result<Stat> {
        Ok(rustix::fs::statat(&self.directory, name, AtFlags::empty())?)
    }

    /// The numbers of its open files.
    pub fn descriptors(&self) -> io::Result<Vec<String>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(&self.directory, "fd", flags, Mode::empty())?;
        let entries = rustix::fs::Dir::new(directory)?;
        let names = entries.filter_map(Result::ok).map(|entry| {
            let name = entry.file_name().to_string_lossy();
            name.into_owned()
        });
        Ok(names.filter(|name| !name.starts_with('.')).collect())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        if let Some(handle) = &self.handle {
            return Ok(rustix::process::pidfd_send_signal(handle, signal)?);
        }
        // Fails where the process has ended, whoever has its number now.
        self.stat("status")?;
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        Ok(rustix::process::kill_process(
            pid.ok_or(Errno::SRCH)?,
            signal,
        )?)
    }

    /// Readable once the process has ended.
    pub fn end(&self) -> Option<&OwnedFd> {
        self.handle.as_ref()
    }
}

/// The ids of all processes that we may see.
pub fn all() -> io::Result<Vec<u32>> {
    let entries = std::fs::read_dir(Path::new("/proc"))?;
    let names = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name());
    let mut pids: Vec<u32> = names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    Ok(pids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_process_id_is_refused() {
        assert_eq!(process_id("4711"), Ok(4711));
        for text in ["", "0", "-1", "com.example.Shop", "2147483648", "4711 "] {
            assert!(process_id(text).is_err(), "{text}");
        }
    }
}

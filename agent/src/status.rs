//! What the agent says about itself to whoever looks at the process from outside.
//!
//! One line of JSON in an anonymous file that the process holds open: `/proc/PID/fd` shows
//! it as `/memfd:finwatch`, to the JVM's user and to root alone, across containers, and it
//! is gone with the process. Nothing has to be asked of the JVM, nothing is left on a disk.
//! A kernel without `memfd_create` (before 3.17) has no such line; the agent works without.
//!
//! Written by the threads that load, change and detach the agent, under its lock.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path, time::SystemTime};

use finwatch_record::{Coverage, CoverageLevel, Holders, Mode};
use rustix::fs::MemfdFlags;
use serde_json::json;

use crate::jvmti::loaded_as;
use crate::options::{Destination, Options};

/// Version of the line: readers ignore what they don't know, nothing changes meaning in it.
const VERSION: u32 = 1;

/// The line, as long as the agent watches.
pub struct Status {
    file: Option<File>,
    mode: Mode,
    since: String,
    changes: u64,
    /// The coverage that it tells.
    coverage: Option<CoverageLevel>,
}

impl Status {
    /// Opens the file; [`Status::coverage`] fills it.
    pub fn open(mode: Mode) -> Status {
        let file = open().inspect_err(|error| {
            crate::log::debug(format_args!("nothing about the agent in /proc: {error}"));
        });
        Status {
            file: file.ok(),
            mode,
            since: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            changes: 0,
            coverage: None,
        }
    }

    /// The agent watches, with these options and this coverage.
    pub fn coverage(&mut self, options: &Options, coverage: &Coverage) {
        if self.coverage != Some(coverage.level) {
            self.write(options, coverage);
        }
    }

    /// The options were changed to these.
    pub fn changed(&mut self, options: &Options, coverage: &Coverage) {
        self.changes += 1;
        self.write(options, coverage);
    }

    /// A change or the end was refused, in these words; the options are still these.
    pub fn refused(&mut self, options: &Options, coverage: &Coverage, message: &str) {
        self.changes += 1;
        self.write_with(options, coverage, Some(message), &[]);
    }

    /// It was asked who holds the instances of a class.
    pub fn answered(&mut self, options: &Options, coverage: &Coverage, holders: &[Holders]) {
        self.changes += 1;
        self.write_with(options, coverage, None, holders);
    }

    fn write(&mut self, options: &Options, coverage: &Coverage) {
        self.write_with(options, coverage, None, &[]);
    }

    fn write_with(
        &mut self,
        options: &Options,
        coverage: &Coverage,
        message: Option<&str>,
        holders: &[Holders],
    ) {
        self.coverage = Some(coverage.level);
        let Some(file) = &self.file else { return };
        let line = json!({
            "v": VERSION,
            "agent": env!("CARGO_PKG_VERSION"),
            "mode": self.mode,
            "state": "watching",
            "out": out(&options.out),
            "coverage": coverage.level,
            "since": self.since,
            "changes": self.changes,
            "library": loaded_as(),
            "message": message,
            "holders": holders,
        });
        let line = format!("{line}\n");
        // A reader that meets the middle of this reads again.
        let written = file
            .write_all_at(line.as_bytes(), 0)
            .and_then(|()| file.set_len(line.len() as u64));
        if let Err(error) = written {
            crate::log::debug(format_args!("nothing about the agent in /proc: {error}"));
        }
    }
}

/// Close-on-exec, and none of the descriptors 0 to 2, which are the program's.
fn open() -> io::Result<File> {
    let descriptor = rustix::fs::memfd_create(c"finwatch", MemfdFlags::CLOEXEC)?;
    Ok(rustix::io::fcntl_dupfd_cloexec(&descriptor, 3)?.into())
}

/// Where the stream goes, for somebody with another working directory.
fn out(destination: &Destination) -> String {
    let absolute = |path: &Path| {
        let absolute = std::path::absolute(path);
        absolute.as_deref().unwrap_or(path).display().to_string()
    };
    match destination {
        Destination::File(path) => absolute(path),
        Destination::Stdout => "stdout".to_owned(),
        Destination::Stderr => "stderr".to_owned(),
        Destination::Unix(path) => format!("unix:{}", absolute(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage() -> Coverage {
        Coverage {
            level: CoverageLevel::PendingOnly,
            reason: String::new(),
        }
    }

    fn options(flag: &str) -> Options {
        let facts = crate::options::Facts {
            pid: 1,
            host: String::new(),
            start: SystemTime::UNIX_EPOCH,
        };
        let sources = crate::options::Sources {
            flag: flag.as_bytes(),
            environment: None,
        };
        match crate::options::resolve(&sources, &facts) {
            Ok(crate::options::Request::Run(options)) => options,
            other => panic!("{other:?}"),
        }
    }

    fn read(status: &Status) -> serde_json::Value {
        use std::os::fd::AsRawFd;
        let number = status.file.as_ref().unwrap().as_raw_fd();
        let path = format!("/proc/self/fd/{number}");
        assert_eq!(
            std::fs::read_link(&path).unwrap(),
            Path::new("/memfd:finwatch (deleted)")
        );
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn a_shorter_line_takes_the_whole_place_of_a_longer() {
        let mut status = Status::open(Mode::Attach);
        status.refused(&options("out=stdout"), &coverage(), &"x".repeat(10_000));
        assert_eq!(read(&status)["message"], "x".repeat(10_000));
        status.changed(&options("out=unix:/s"), &coverage());
        let line = read(&status);
        assert_eq!(line["message"], serde_json::Value::Null);
        assert_eq!(line["out"], "unix:/s");
        assert_eq!(line["coverage"], "pending-only");
        assert_eq!(line["changes"], 2);
        assert_eq!(line["mode"], "attach");
        assert!(line["library"].is_string(), "{line}");
    }

    #[test]
    fn a_standard_stream_is_told_as_one_whatever_its_name() {
        let mut status = Status::open(Mode::Start);
        status.coverage(&options("out=/dev/stderr"), &coverage());
        assert_eq!(read(&status)["out"], "stderr");
    }

    #[test]
    fn a_relative_path_is_told_as_an_absolute_one() {
        let mut status = Status::open(Mode::Start);
        status.coverage(&options("out=here.jsonl"), &coverage());
        let here = std::env::current_dir().unwrap().join("here.jsonl");
        assert_eq!(read(&status)["out"], here.to_str().unwrap());
    }
}

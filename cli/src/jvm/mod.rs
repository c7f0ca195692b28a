//! The HotSpot JVMs of this machine, found and looked at through `/proc` alone: no JDK, no
//! connection, nothing that the JVM notices. Those in containers are found like others.
//!
//! A process is a HotSpot JVM where it has `libjvm.so` mapped. Of a process that may not be
//! looked into, only its name and command line are known.

mod as_owner;
mod command_line;
mod inside;
mod mapped;
mod performance_data;
mod process;
mod resolve;
mod status;
mod watch;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::process::Uid;

use crate::quote::Plain;
use performance_data::PerformanceData;

pub use as_owner::{as_allowed, as_owner, is_root};
pub use inside::Inside;
use mapped::Mapped;
pub use mapped::{Libc, MappedFile};
pub use process::{Process, process_id};
pub use status::{Owner, Status};
pub use watch::Watch;

/// For a regular file: anything else that has its name must not hold us up.
const READ: OFlags = OFlags::NONBLOCK;
/// Most bytes of a file `release`.
const LONGEST_RELEASE: u64 = 64 << 10;
/// More performance data than any JVM has.
const LARGEST_DATA: u64 = 4 << 20;

/// A HotSpot JVM.
#[derive(Debug)]
pub struct Jvm {
    /// Its process.
    pub process: Process,
    /// What the kernel told of it when it was found.
    pub status: Status,
    /// Its command line.
    pub command_line: Vec<String>,
    /// What is known from the inside, or why that may not be looked at.
    pub details: Result<Details, io::Error>,
}

/// What is known of a JVM from the inside.
#[derive(Debug)]
pub struct Details {
    /// Its files, as it sees them.
    pub inside: Inside,
    /// What its mapped files say.
    pub mapped: Mapped,
    /// What it publishes about itself, where it does.
    performance_data: Option<PerformanceData>,
}

/// Why a process is not a HotSpot JVM.
#[derive(Debug)]
pub enum NotJvm {
    /// There is no process with that number.
    NoProcess,
    /// It is a thread of that process.
    Thread(u32),
    /// It has ended; its parent has not asked how.
    Ended,
    /// It is a JVM of another make.
    OpenJ9,
    /// It is some other program.
    Other(String),
    /// It may be one: it may not be looked into.
    Unknown(io::Error),
}

impl Jvm {
    /// The process with that id, where it is a HotSpot JVM.
    pub fn find(pid: u32) -> Result<Jvm, NotJvm> {
        let process = Process::open(pid).map_err(NotJvm::Unknown)?;
        let process = process.ok_or(NotJvm::NoProcess)?;
        let ended = |error: io::Error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::SRCH.raw_os_error() => NotJvm::NoProcess,
            _ => NotJvm::Unknown(error),
        };
        let status = process.status().map_err(ended)?;
        if status.thread_group != pid {
            return Err(NotJvm::Thread(status.thread_group));
        }
        if matches!(status.state, 'Z' | 'X') {
            return Err(NotJvm::Ended);
        }
        let command_line = process.command_line().map_err(ended)?;
        let program = command_line.first().unwrap_or(&status.name);
        let details = match as_allowed(&status.owner, || Details::of(&process)) {
            Ok(Some(details)) if details.mapped.is_openj9 => return Err(NotJvm::OpenJ9),
            Ok(Some(details)) => Ok(details),
            Ok(None) => return Err(NotJvm::Other(program.clone())),
            Err(error) if command_line::is_java(program) => Err(error),
            Err(error) => return Err(NotJvm::Unknown(error)),
        };
        Ok(Jvm {
            process,
            status,
            command_line,
            details,
        })
    }

    /// All that we may see, by their ids.
    pub fn all() -> io::Result<Vec<Jvm>> {
        let found = process::all()?.into_iter().map(Jvm::find);
        Ok(found.filter_map(Result::ok).collect())
    }

    /// Main class, `module/class`, or file name of the jar.
    pub fn program(&self) -> Option<String> {
        command_line::program(&self.command_line).or_else(|| {
            let command = self.data()?.string("sun.rt.javaCommand")?;
            command_line::program_of_command(&command)
        })
    }

    /// Its version, such as `17.0.21` or `1.8.0_504`.
    pub fn version(&self) -> Option<String> {
        let published = self
            .data()
            .and_then(|data| data.string("java.property.java.version"));
        published.or_else(|| self.details.as_ref().ok()?.released_version())
    }

    /// Whether it refuses every attach; `None` where that cannot be told.
    pub fn refuses_attach(&self) -> Option<bool> {
        let published = self.data().and_then(PerformanceData::is_attachable);
        published
            .map(|attachable| !attachable)
            .or_else(|| self.flag("DisableAttachMechanism"))
    }

    /// The value of a flag that it was given, where its words are known.
    pub fn flag(&self, name: &str) -> Option<bool> {
        command_line::flag(self.flag_words().iter().map(String::as_str), name)
    }

    /// Whether `-Xrs` is among its flags.
    pub fn reduces_signals(&self) -> bool {
        self.flag_words().iter().any(|word| word == "-Xrs")
            || self.flag("ReduceSignalUsage") == Some(true)
    }

    /// What the agent in it says about itself, if it is in it and the kernel has anonymous
    /// files.
    pub fn watch(&self) -> io::Result<Option<Watch>> {
        as_allowed(&self.status.owner, || Watch::of(&self.process))
    }

    /// A variable of the environment that it was started with.
    pub fn environment(&self, name: &str) -> Option<Vec<u8>> {
        as_allowed(&self.status.owner, || self.process.environment(name))
            .ok()
            .flatten()
    }

    /// The library of the agent in it.
    pub fn agent(&self) -> Option<&MappedFile> {
        self.details.as_ref().ok()?.mapped.agent.as_ref()
    }

    /// The path of the agent's library in a flag `-agentpath` that it was given.
    pub fn agent_flag(&self) -> Option<PathBuf> {
        command_line::agent_path(self.flag_words().iter().map(String::as_str))
    }

    fn data(&self) -> Option<&PerformanceData> {
        self.details.as_ref().ok()?.performance_data.as_ref()
    }

    /// The flags as the JVM says it was given them, else as far as they can be guessed.
    fn flag_words(&self) -> Vec<String> {
        let words = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect();
        if let Some(published) = self.data().and_then(|data| data.string("java.rt.vmArgs")) {
            return words(&published);
        }
        let variables = ["JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS"].map(|name| {
            let text = self.environment(name).unwrap_or_default();
            words(&String::from_utf8_lossy(&text))
        });
        // In the order in which they count.
        let [tool, last, launcher]: [Vec<String>; 3] = variables;
        [tool, launcher, self.command_line.clone(), last].concat()
    }
}

impl Details {
    /// `None` for a process that is no JVM.
    fn of(process: &Process) -> io::Result<Option<Details>> {
        let mapped = Mapped::parse(&process.read("maps")?);
        if mapped.libjvm.is_none() {
            return Ok(None);
        }
        let inside = Inside::of(process)?;
        let data = mapped.performance_data.as_ref();
        let performance_data = data.and_then(|file| read_data(&inside, file));
        Ok(Some(Details {
            inside,
            mapped,
            performance_data,
        }))
    }

    /// What the file `release` in the JVM's home says.
    fn released_version(&self) -> Option<String> {
        let libjvm = self.inside.path(self.mapped.libjvm.as_ref()?);
        // HOME/lib/server/libjvm.so, HOME/jre/lib/ARCH/server/libjvm.so for 8.
        libjvm.ancestors().skip(3).take(3).find_map(|home| {
            let file = self.inside.open(&home.join("release"), READ).ok()?;
            let mut text = String::new();
            File::from(file)
                .take(LONGEST_RELEASE)
                .read_to_string(&mut text)
                .ok()?;
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
            Some(line.trim_matches('"').to_owned())
        })
    }
}

/// The performance data that the JVM has mapped, not what has its name now.
fn read_data(inside: &Inside, mapped: &MappedFile) -> Option<PerformanceData> {
    let file = File::from(inside.open(&inside.path(&mapped.path), READ).ok()?);
    let found = file.metadata().ok()?;
    if !found.is_file() || found.ino() != mapped.inode {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_DATA).read_to_end(&mut bytes).ok()?;
    PerformanceData::parse(bytes)
}

/// The name of a user of this machine, or the number of one that has none here.
pub fn user_name(user: Uid) -> String {
    let known = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(user.as_raw()));
    known
        .ok()
        .flatten()
        .map_or_else(|| user.as_raw().to_string(), |user| user.name)
}

impl fmt::Display for NotJvm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotJvm::NoProcess => write!(f, "there is no such process"),
            NotJvm::Thread(process) => {
                write!(f, "it is a thread of process {process}")
            }
            NotJvm::Ended => write!(f, "it has ended already (state Z)"),
            NotJvm::OpenJ9 => write!(f, "it is an OpenJ9 JVM, and finwatch knows HotSpot only"),
            NotJvm::Other(program) => {
                write!(f, "it is no JVM, but {}", Plain(program))
            }
            NotJvm::Unknown(error) => write!(f, "it cannot be looked at: {error}"),
        }
    }
}

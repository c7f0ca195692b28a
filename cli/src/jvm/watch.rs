//! What the agent says about itself: one line of JSON in an anonymous file that a watched
//! JVM holds open, read through `/proc/PID/fd`.
//!
//! The line comes out of somebody else's process: it is bounded, and nothing of it may go
//! to a terminal raw.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use finwatch::options::keyword_of_device;
use finwatch_record::Holders;
use rustix::fs::MemfdFlags;
use serde::{Deserialize, Serialize};

use super::process::Process;

/// Where the link of the descriptor points to (`memfd_create(2)`).
const LINK: &str = "/memfd:finwatch (deleted)";
/// Most bytes that are read.
const LONGEST: u64 = 4 << 20;
/// How often a line is read that is being written just then.
const READS: u32 = 10;

/// What the agent says about itself, version 1.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Watch {
    /// The agent's version.
    pub agent: String,
    /// Whether it was there from the start or attached: `start`, `attach`.
    pub mode: String,
    /// Whether it watches still: `watching`, `detached`.
    pub state: String,
    /// Where the stream goes: an absolute path as the JVM sees it, `stdout`, `stderr`, `unix:PATH`.
    pub out: String,
    /// How much it sees: `exact`, `baseline`, `pending-only`, `disabled`.
    pub coverage: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// How often its options were changed.
    #[serde(default)]
    pub changes: u64,
    /// The path of its library, as the JVM was given it; the first agents did not tell.
    #[serde(default)]
    pub library: Option<String>,
    /// Its words about the last change of options, where it has any.
    #[serde(default)]
    pub message: Option<String>,
    /// Its answer, where it was asked last who holds the instances of a class.
    #[serde(default, skip_serializing)]
    pub holders: Vec<Holders>,
}

impl Watch {
    /// Reads it; `None` where the process holds no such file.
    pub fn of(process: &Process) -> io::Result<Option<Watch>> {
        for number in process.descriptors()? {
            let name = format!("fd/{number}");
            // A descriptor may be closed between the two.
            if process
                .link(&name)
                .is_ok_and(|link| link == Path::new(LINK))
            {
                return read(process, &name).map(Some);
            }
        }
        Ok(None)
    }

    /// Whether this kernel has anonymous files: where it does, an agent that holds none has
    /// been detached.
    pub fn can_be_told() -> bool {
        rustix::fs::memfd_create("finwatch", MemfdFlags::CLOEXEC).is_ok()
    }

    /// Whether the JVM is watched now.
    pub fn is_watching(&self) -> bool {
        self.state == "watching"
    }

    /// The file that the stream goes to, as the JVM sees it.
    pub fn file(&self) -> Option<PathBuf> {
        Some(PathBuf::from(&self.out)).filter(|path| path.is_absolute())
    }
}

fn read(process: &Process, name: &str) -> io::Result<Watch> {
    let mut parsed = Err(io::ErrorKind::UnexpectedEof.into());
    for _ in 0..READS {
        let mut text = Vec::new();
        process.file(name)?.take(LONGEST).read_to_end(&mut text)?;
        parsed = parse(&text);
        if parsed.is_ok() {
            break;
        }
    }
    parsed
}

fn parse(text: &[u8]) -> io::Result<Watch> {
    let mut watch: Watch = serde_json::from_slice(text)?;
    // The first agents told the path of a device, which here would lead to our own output.
    if let Some(keyword) = keyword_of_device(Path::new(&watch.out)) {
        watch.out = keyword.to_owned();
    }
    Ok(watch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_the_jvm_is_not_ours() {
        let out = |told: &str| {
            let line = format!(
                r#"{{"v":1,"agent":"0.1.0","mode":"start","state":"watching","out":"{told}","coverage":"exact","since":""}}"#
            );
            let watch = parse(line.as_bytes()).unwrap();
            (watch.file(), watch.out)
        };
        assert_eq!(out("/dev/stdout"), (None, "stdout".to_owned()));
        assert_eq!(out("/proc/self/fd/2"), (None, "stderr".to_owned()));
        assert_eq!(out("/s"), (Some("/s".into()), "/s".to_owned()));
    }
}

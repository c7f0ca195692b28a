//! Waits until a file may have grown, been renamed or come into being.
//!
//! The directory is watched (inotify), for the file itself may be another in a moment.
//! Where the system won't do that (a network file system, too many watches) or can't see
//! it (the name is a link into another directory), a look now and then has to do.

use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

/// The longest wait: what inotify does not see is noticed then.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The changes of one name in a directory.
pub(super) struct Changes {
    notices: Option<OwnedFd>,
    name: OsString,
}

impl Changes {
    /// Watches from now on; nothing that happens later is missed by the next wait.
    pub(super) fn of(path: &Path) -> Changes {
        Changes {
            notices: watch(path).ok(),
            name: path.file_name().unwrap_or_default().to_owned(),
        }
    }

    /// Returns when something may have changed.
    pub(super) fn wait(&self) {
        let until = Instant::now() + LOOK_EVERY;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_noticed(left) {
                return;
            }
        }
    }

    fn is_noticed(&self, longest: Duration) -> bool {
        let Some(notices) = &self.notices else {
            std::thread::sleep(longest);
            return true;
        };
        let timeout = Timespec::try_from(longest).ok();
        let mut waited = [PollFd::new(notices, PollFlags::IN)];
        // A signal may interrupt it: the caller looks at the clock and waits on.
        poll(&mut waited, timeout.as_ref()).is_ok_and(|ready| ready > 0) && self.names_ours(notices)
    }

    /// Takes in the notices there are; other files of a busy directory don't concern us.
    fn names_ours(&self, notices: &OwnedFd) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(notices, &mut buffer);
        let mut ours = false;
        while let Ok(notice) = reader.next() {
            let name = notice.file_name().map(|name| name.to_bytes());
            ours |= name.is_none_or(|name| name == self.name.as_bytes());
        }
        ours
    }
}

fn watch(path: &Path) -> rustix::io::Result<OwnedFd> {
    let directory = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    };
    let notices = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let events = WatchFlags::MODIFY
        | WatchFlags::CREATE
        | WatchFlags::MOVED_TO
        | WatchFlags::MOVED_FROM
        | WatchFlags::DELETE;
    add_watch(&notices, directory, events)?;
    Ok(notices)
}

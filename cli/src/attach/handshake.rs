//! The handshake that makes a HotSpot JVM listen, and the connection to it
//! (`attachListener_linux.cpp` in 8, `attachListener_posix.cpp` since).
//!
//! A JVM listens on the socket `/tmp/.java_pidPID` from its first attach on, or from its
//! start with `-Xrs`. Before that, SIGQUIT makes it look for a file `.attach_pidPID` in its
//! working directory and in `/tmp`, and listen if the file belongs to its user; without the
//! file it prints a thread dump. A program that has no handler for SIGQUIT is killed by it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, bail};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::process::{Signal, Uid};

use super::patience::{GaveUp, Patience};
use super::refusal;
use crate::jvm::{Details, Jvm, Owner, as_owner, user_name};

/// A connection that the JVM has not looked at yet.
pub fn connect(jvm: &Jvm, details: &Details, patience: &Patience<'_>) -> anyhow::Result<OwnedFd> {
    let meeting = MeetingPlace::of(jvm, details)?;
    if let Some(connection) = meeting.connect()? {
        return Ok(connection);
    }
    wait_for_handler(jvm, patience)?;
    let _trigger = meeting.place_trigger(jvm)?;
    jvm.process
        .signal(Signal::QUIT)
        .context("it cannot be sent SIGQUIT")?;
    match patience.ask(|| meeting.connect().map_err(Failed::Error)) {
        Ok(connection) => Ok(connection),
        Err(Failed::Error(error)) => Err(error),
        Err(Failed::GaveUp(why)) => Err(refusal::no_listener(jvm, why, patience.limit())),
    }
}

/// A JVM that starts has no handler for a moment, one with `-Xrs` never.
fn wait_for_handler(jvm: &Jvm, patience: &Patience<'_>) -> anyhow::Result<()> {
    if jvm.reduces_signals() {
        bail!(refusal::reduced_signals(jvm));
    }
    let has_handler = || -> Result<Option<()>, Failed> {
        let status = jvm.process.status().map_err(|_| GaveUp::Ended)?;
        Ok(status.takes_quit().then_some(()))
    };
    match patience.ask(has_handler) {
        Ok(()) => Ok(()),
        Err(Failed::Error(error)) => Err(error),
        Err(Failed::GaveUp(why)) => Err(refusal::no_handler(jvm, why, patience.limit())),
    }
}

enum Failed {
    Error(anyhow::Error),
    GaveUp(GaveUp),
}

impl From<GaveUp> for Failed {
    fn from(why: GaveUp) -> Failed {
        Failed::GaveUp(why)
    }
}

/// The directory where JVM and client meet.
struct MeetingPlace<'a> {
    directory: OwnedFd,
    pid: u32,
    own_pid: u32,
    owner: &'a Owner,
}

impl<'a> MeetingPlace<'a> {
    fn of(jvm: &'a Jvm, details: &Details) -> anyhow::Result<MeetingPlace<'a>> {
        let directory = details.inside.temporary_directory();
        Ok(MeetingPlace {
            directory: directory.context("its /tmp cannot be opened")?,
            pid: jvm.process.pid,
            own_pid: jvm.status.own_pid,
            owner: &jvm.status.owner,
        })
    }

    /// `None` where nobody listens. The JVM compares our user and group with its own, and
    /// older ones do so even for root.
    fn connect(&self) -> anyhow::Result<Option<OwnedFd>> {
        let (flags, kind) = (
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            SocketType::STREAM,
        );
        let socket = rustix::net::socket_with(AddressFamily::UNIX, kind, flags, None)?;
        // The path in its own mount namespace would not do, and one below /proc could be too long.
        let directory = self.directory.as_raw_fd();
        let path = format!("/proc/self/fd/{directory}/.java_pid{}", self.own_pid);
        let address = SocketAddrUnix::new(path)?;
        match as_owner(self.owner, || Ok(rustix::net::connect(&socket, &address)?)) {
            Ok(()) => {}
            Err(error) => match Errno::from_io_error(&error) {
                // CONNREFUSED: left behind by an earlier process of that number.
                Some(Errno::NOENT | Errno::CONNREFUSED) => return Ok(None),
                Some(Errno::AGAIN) => bail!(
                    "too many others wait for it to answer: see why it does not (its thread \
                     \"Attach Listener\")"
                ),
                _ => {
                    self.check_owner()?;
                    return Err(error).context("its socket cannot be connected to");
                }
            },
        }
        self.check_peer(&socket)?;
        Ok(Some(socket))
    }

    /// A socket that another user's process left behind is in the way of the JVM itself.
    fn check_owner(&self) -> anyhow::Result<()> {
        let name = format!(".java_pid{}", self.own_pid);
        let found = rustix::fs::statat(&self.directory, &name, AtFlags::SYMLINK_NOFOLLOW);
        match found {
            Ok(found) if found.st_uid != self.owner.user.as_raw() => bail!(
                "/tmp/{name}, where it would listen, belongs to another user ({}): remove that file, \
                 left behind by an earlier process of the same number",
                user_name(Uid::from_raw(found.st_uid))
            ),
            _ => Ok(()),
        }
    }

    /// Who listens must be the JVM, not somebody who planted a socket of that name.
    fn check_peer(&self, socket: &OwnedFd) -> anyhow::Result<()> {
        // 0 for one in a pid namespace that we do not see.
        let pid = getsockopt(socket, PeerCredentials)?.pid().unsigned_abs();
        if pid != self.pid {
            bail!(
                "process {pid} listens on /tmp/.java_pid{}, which is this JVM's place: end that \
                 process or remove the file",
                self.own_pid
            );
        }
        Ok(())
    }

    /// Puts the file that SIGQUIT makes the JVM look for into `/tmp`, else into the JVM's
    /// working directory.
    fn place_trigger(&self, jvm: &Jvm) -> anyhow::Result<Trigger<'a>> {
        let name = format!(".attach_pid{}", self.own_pid);
        let error = match self.create(self.directory.try_clone()?, &name) {
            Ok(trigger) => return Ok(trigger),
            Err(error) => error,
        };
        let working = as_owner(self.owner, || jvm.process.directory("cwd"));
        working
            .and_then(|directory| self.create(directory, &name))
            .map_err(|_| error)
            .with_context(|| {
                format!("neither its /tmp nor its working directory takes the file {name}")
            })
    }

    fn create(&self, directory: OwnedFd, name: &str) -> io::Result<Trigger<'a>> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let created = as_owner(self.owner, || {
            match rustix::fs::openat(&directory, name, flags, mode) {
                // Another client's, or left behind by one that was killed.
                Err(Errno::EXIST) => {
                    let found = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                    match found.st_uid == self.owner.user.as_raw() {
                        true => Ok(()),
                        false => Err(Errno::EXIST.into()),
                    }
                }
                opened => Ok(opened.map(drop)?),
            }
        });
        created.map(|()| Trigger {
            directory,
            name: name.to_owned(),
            owner: self.owner,
        })
    }
}

/// The file that the JVM looks for; removed with this.
struct Trigger<'a> {
    directory: OwnedFd,
    name: String,
    owner: &'a Owner,
}

impl Drop for Trigger<'_> {
    fn drop(&mut self) {
        // Another client may have removed it.
        let _ = as_owner(self.owner, || {
            Ok(rustix::fs::unlinkat(
                &self.directory,
                &self.name,
                AtFlags::empty(),
            )?)
        });
    }
}

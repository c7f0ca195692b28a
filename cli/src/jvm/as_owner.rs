//! Acting as the user that a process runs as.
//!
//! Root needs it where being root is not enough: a JVM compares user and group of who
//! connects with its own, a user namespace may not know root at all, and root in a
//! container may not look into the processes of others (`ptrace(2)`, "Ptrace access mode
//! checking"). Linux keeps these per thread, so nothing else of this process changes.

use std::io;

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::status::Owner;

/// Runs `action` as that user where we are root; otherwise as who we are.
pub fn as_owner<T>(owner: &Owner, action: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let is_ours =
        owner.user == rustix::process::geteuid() && owner.group == rustix::process::getegid();
    let _root = match is_root() && !is_ours {
        true => Some(Root::leave(owner)?),
        false => None,
    };
    action()
}

/// Runs `action` as who we are, and where that is not allowed, as that user.
pub fn as_allowed<T>(owner: &Owner, action: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match action() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => as_owner(owner, action),
        done => done,
    }
}

/// Whether this process may act as another user.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Who we were, to be again.
struct Root {
    user: Uid,
    group: Gid,
    groups: Vec<Gid>,
}

impl Root {
    fn leave(owner: &Owner) -> io::Result<Root> {
        let root = Root {
            user: rustix::process::geteuid(),
            group: rustix::process::getegid(),
            groups: rustix::process::getgroups()?,
        };
        // Forbidden in some user namespaces; then our groups stay, which matter little.
        let _ = set_thread_groups(&owner.groups);
        set_thread_res_gid(None, owner.group, None)?;
        set_thread_res_uid(None, owner.user, None)?;
        Ok(root)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // The real and saved user are still root, so this is allowed; were it not, the
        // next step would be refused like any user's.
        let _ = set_thread_res_uid(None, self.user, None);
        let _ = set_thread_res_gid(None, self.group, None);
        let _ = set_thread_groups(&self.groups);
    }
}

//! `/proc/PID/status`: who a process is, what it does, and which signals it takes (`proc(5)`).
//!
//! Readable for everybody, unless `/proc` is mounted with `hidepid`.

use rustix::process::{Gid, Uid};

/// Number of SIGQUIT, which HotSpot takes for the attach handshake.
const QUIT: u32 = 3;

/// What the kernel tells of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The name of its program, at most 15 bytes.
    pub name: String,
    /// What it does, as a letter: `R`, `S`, `D`, `T` (stopped), `t` (traced), `Z` (ended).
    pub state: char,
    /// The process that a thread belongs to; its own id for a process.
    pub thread_group: u32,
    /// Its id in its own pid namespace, which is the one that it knows itself by.
    pub own_pid: u32,
    /// Whether its pid namespace is another one, below ours.
    pub nested: bool,
    /// Whom it acts as.
    pub owner: Owner,
    /// The signals it has handlers for, bit 0 for signal 1.
    caught: u64,
}

/// Whom a process acts as: effective user and group, and the further groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Effective user.
    pub user: Uid,
    /// Effective group.
    pub group: Gid,
    /// Supplementary groups.
    pub groups: Vec<Gid>,
}

impl Status {
    /// Of the process with that id; `None` where the text is not of this form.
    pub fn parse(text: &str, pid: u32) -> Option<Status> {
        let field = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
            values
                .find_map(|rest| rest.strip_prefix(':'))
                .map(str::trim)
        };
        // Kernels before 4.1 have no NSpid.
        let pids: Vec<u32> = numbers(field("NSpid").unwrap_or_default());
        Some(Status {
            name: field("Name")?.to_owned(),
            state: field("State")?.chars().next()?,
            thread_group: field("Tgid")?.parse().ok()?,
            own_pid: pids.last().copied().unwrap_or(pid),
            nested: pids.len() > 1,
            owner: Owner {
                user: Uid::from_raw(*numbers(field("Uid")?).get(1)?),
                group: Gid::from_raw(*numbers(field("Gid")?).get(1)?),
                groups: numbers(field("Groups").unwrap_or_default())
                    .into_iter()
                    .map(Gid::from_raw)
                    .collect(),
            },
            caught: u64::from_str_radix(field("SigCgt")?, 16).ok()?,
        })
    }

    /// Whether it has a handler for SIGQUIT. One that has none is killed by it.
    pub fn takes_quit(&self) -> bool {
        self.caught & (1 << (QUIT - 1)) != 0
    }
}

fn numbers(text: &str) -> Vec<u32> {
    let words = text.split_ascii_whitespace();
    words.filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAVA: &str = "Name:\tjava\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4711\n\
        Uid:\t1000\t1001\t1000\t1000\nGid:\t100\t101\t100\t100\nGroups:\t4 27 \nNSpid:\t4711\t7\n\
        SigCgt:\t2000000101005ccd\n";

    #[test]
    fn a_jvm_in_a_container() {
        let status = Status::parse(JAVA, 4711).unwrap();
        assert_eq!((status.name.as_str(), status.state), ("java", 'S'));
        assert_eq!((status.own_pid, status.nested), (7, true));
        assert_eq!(status.owner.user.as_raw(), 1001);
        assert_eq!(status.owner.group.as_raw(), 101);
        assert_eq!(status.owner.groups.len(), 2);
        assert!(status.takes_quit());
    }

    #[test]
    fn an_old_kernel_and_no_handler() {
        let text = JAVA
            .replace("NSpid:\t4711\t7\n", "")
            .replace("5ccd", "5cc9");
        let status = Status::parse(&text, 4711).unwrap();
        assert_eq!((status.own_pid, status.nested), (4711, false));
        assert!(!status.takes_quit());
    }

    #[test]
    fn a_name_that_looks_like_a_field_is_none() {
        let text = JAVA.replace("Name:\tjava", "Name:\tState: Z");
        assert_eq!(Status::parse(&text, 4711).unwrap().state, 'S');
    }

    #[test]
    fn something_else() {
        assert_eq!(Status::parse("", 1), None);
        assert_eq!(Status::parse("Name:\tjava\nUid:\t1\n", 1), None);
    }
}

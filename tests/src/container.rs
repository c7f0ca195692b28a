//! A JVM in pid and mount namespaces of its own, with a `/tmp` of its own: what matters of a
//! container to somebody outside.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use crate::jvm::Jvm;
use crate::launch::Launch;
use crate::programs::classes;
use crate::stream::Stream;

/// Needs to be root. `unshare` stays outside and kills the JVM when it is killed itself.
const UNSHARE: [&str; 7] = [
    "--pid",
    "--mount",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "sh",
    "-ec",
];

/// Puts a new file system over `/tmp`, with what the JVM needs of the old one, in which the
/// working directory lies. `-n`: a user namespace may not write the table of mounts.
const WITH_ITS_OWN_TMP: &str = r#"
mkdir fresh
mount -t tmpfs -o "mode=1777,$TMP_OPTIONS" tmpfs fresh
for kept in $KEPT; do
    case $kept in /tmp/*) mkdir -p "fresh/${kept#/tmp/}"; mount --bind "$kept" "fresh/${kept#/tmp/}" ;; esac
done
mount -n --move fresh /tmp
exec "$0" "$@"
"#;

/// A JVM that calls itself process 1.
pub struct Container {
    jvm: Jvm,
    pid: u32,
}

impl Container {
    /// Starts it with these mount options of its `/tmp`; where namespaces cannot be had here,
    /// that fails, and the words of `unshare` are shown with the failure.
    pub fn start(launch: Launch, tmp_options: &str) -> Container {
        Container::through(&["unshare"], launch, tmp_options)
    }

    /// Starts it as a user who is root in a user namespace and nobody outside, in a directory
    /// that is that user's.
    pub fn rootless(launch: Launch, user: u32) -> Container {
        let (uid, gid) = (format!("--reuid={user}"), format!("--regid={user}"));
        let words = [
            "setpriv",
            &uid,
            &gid,
            "--clear-groups",
            "unshare",
            "--user",
            "--map-root-user",
        ];
        Container::through(&words, launch, "")
    }

    fn through(beginning: &[&str], launch: Launch, tmp_options: &str) -> Container {
        let words: Vec<&str> = [beginning, &UNSHARE, &[WITH_ITS_OWN_TMP]].concat();
        let home = &launch.case().jdk.home;
        let kept = format!("{} {}", home.display(), classes().display());
        let launch = launch
            .environment("KEPT", &kept)
            .environment("TMP_OPTIONS", tmp_options);
        let jvm = launch.without_agent().through(&words).start();
        let path = format!("/proc/{0}/task/{0}/children", jvm.pid());
        let children = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let pid = children.trim().parse();
        Container {
            jvm,
            pid: pid.unwrap_or_else(|_| panic!("'{children}' is not the one child of unshare")),
        }
    }

    /// The JVM's process id outside.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// A file of the JVM's, from here.
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.pid))
    }

    /// The stream that goes to that file.
    pub fn stream(&self, inside: &str) -> Stream {
        self.jvm.stream_at(&self.path(inside), 1)
    }
}

impl Deref for Container {
    type Target = Jvm;

    fn deref(&self) -> &Jvm {
        &self.jvm
    }
}

impl DerefMut for Container {
    fn deref_mut(&mut self) -> &mut Jvm {
        &mut self.jvm
    }
}

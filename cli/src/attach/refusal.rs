//! Why a JVM cannot be attached to, and the way out, in words.

use std::path::Path;
use std::time::Duration;

use anyhow::{Error, anyhow};

use super::patience::GaveUp;
use crate::jvm::{Jvm, NotJvm, Owner, is_root, user_name};
use crate::quote::Plain;

/// The process is no HotSpot JVM. Those in containers that know themselves by its number may
/// be what was meant.
pub fn not_a_jvm(pid: u32, why: &NotJvm, known_inside: &[u32]) -> Error {
    let meant: Vec<String> = known_inside.iter().map(u32::to_string).collect();
    let hint = match why {
        NotJvm::Thread(process) => format!("give {process}"),
        _ if !meant.is_empty() => format!(
            "in a container, {pid} is what a JVM calls itself that is {} out here",
            meant.join(" or ")
        ),
        NotJvm::Unknown(_) => "be root on the host, or its user".to_owned(),
        _ => "finwatch list shows the JVMs".to_owned(),
    };
    anyhow!("{pid}: {why}: {hint}")
}

/// The JVM belongs to somebody else.
pub fn not_allowed(owner: &Owner) -> Error {
    let user = user_name(owner.user);
    match owner.user == rustix::process::geteuid() {
        false => anyhow!(
            "not allowed: it runs as the user {user}. Be that user (sudo -u {user} finwatch …) or root"
        ),
        true => anyhow!(
            "not allowed: it runs in the group {}, and a JVM takes nobody of another group. Be in \
             it (sg GROUP -c 'finwatch …') or root",
            owner.group.as_raw()
        ),
    }
}

/// It may not be looked into although it is ours, or we are root.
pub fn not_readable(error: &std::io::Error) -> Error {
    match is_root() {
        true => anyhow!(
            "not allowed to look into it ({error}): this root lacks capabilities (CAP_SYS_PTRACE), \
             as in a container. Run finwatch on the host"
        ),
        false => anyhow!(
            "not allowed to look into it ({error}), perhaps because its program has capabilities \
             of its own. Be root"
        ),
    }
}

/// `-XX:+DisableAttachMechanism`.
pub fn attach_disabled() -> Error {
    anyhow!(
        "attaching is disabled in it by -XX:+DisableAttachMechanism: start it without that flag, \
         or with -agentpath:…/libfinwatch.so"
    )
}

/// JEP 451.
pub fn loading_disabled() -> Error {
    anyhow!(
        "loading agents is disabled in it (JEP 451): start it with -XX:+EnableDynamicAgentLoading, \
         or with -agentpath:…/libfinwatch.so"
    )
}

/// Whether a process in this state runs none of its threads until somebody lets it go on.
pub fn is_stopped(state: char) -> bool {
    matches!(state, 'T' | 't')
}

/// The process is stopped, so that a signal would only be found when it goes on.
pub fn stopped(jvm: &Jvm, state: char) -> Error {
    let pid = jvm.process.pid;
    match state {
        't' => anyhow!("it is stopped by a debugger (state t): let it go on first"),
        _ => anyhow!("it is stopped (state {state}): let it go on first (kill -CONT {pid})"),
    }
}

/// musl tells a library by its file: the one that is loaded cannot be named again, and another would be a second agent.
pub fn removed_library(path: &Path) -> Error {
    anyhow!(
        "it is watched already, by a library that was removed or replaced since ({}), and a JVM on musl cannot find \
         that again: its options stay as they are until it is started anew",
        Plain(&path.to_string_lossy())
    )
}

/// The agent in it cannot be found, and a second one beside it must not be loaded.
pub fn renamed_library() -> Error {
    anyhow!(
        "it is watched already, by a library that is not called libfinwatch….so and so cannot be \
         found in it: start it with -agentpath:…/libfinwatch.so"
    )
}

/// Another client is at it, and does not get done.
pub fn no_turn(jvm: &Jvm, why: GaveUp, limit: Duration) -> Error {
    let busy = "was held by another finwatch, which has something done to it: try again later";
    gave_up(jvm, why, limit, busy)
}

/// `-Xrs`, and the socket that such a JVM makes when it starts is gone.
pub fn reduced_signals(jvm: &Jvm) -> Error {
    anyhow!(
        "it runs with -Xrs, which leaves SIGQUIT alone, and its socket /tmp/.java_pid{} is not there \
         (yet, or somebody cleaned up /tmp): try again, or start it anew",
        jvm.status.own_pid
    )
}

/// It never took a handler for SIGQUIT.
pub fn no_handler(jvm: &Jvm, why: GaveUp, limit: Duration) -> Error {
    match why {
        GaveUp::TimeIsUp => anyhow!(
            "it has no handler for SIGQUIT, which would kill it, not even after {} (-Xrs, or it does \
             not get on with its start): start it without -Xrs, or with -agentpath:…/libfinwatch.so",
            humantime::format_duration(limit)
        ),
        _ => gave_up(jvm, why, limit, "did not finish its start"),
    }
}

/// It did not listen after SIGQUIT.
pub fn no_listener(jvm: &Jvm, why: GaveUp, limit: Duration) -> Error {
    gave_up(
        jvm,
        why,
        limit,
        "did not listen after SIGQUIT; later it may print a thread dump instead. In a long pause \
         for collection it may take longer (--timeout); -XX:+DisableAttachMechanism would forbid it",
    )
}

/// It listens, but does not read.
pub fn no_reader(jvm: &Jvm, why: GaveUp, limit: Duration) -> Error {
    gave_up(
        jvm,
        why,
        limit,
        "did not read the request, and will not load anything when it does: perhaps another client \
         holds its thread \"Attach Listener\"",
    )
}

/// It read, but did not answer.
pub fn no_answer(jvm: &Jvm, why: GaveUp, limit: Duration) -> Error {
    gave_up(
        jvm,
        why,
        limit,
        "took the request, but did not answer: it may still load the agent (finwatch list tells). In \
         a long pause for collection it may take longer (--timeout)",
    )
}

fn gave_up(jvm: &Jvm, why: GaveUp, limit: Duration, what: &str) -> Error {
    match why {
        GaveUp::Ended => anyhow!("it has ended meanwhile"),
        GaveUp::Interrupted => anyhow!("interrupted"),
        GaveUp::TimeIsUp => {
            let status = jvm.process.status();
            let state = status.map_or('?', |status| status.state);
            if is_stopped(state) {
                return stopped(jvm, state);
            }
            anyhow!(
                "it does not answer: within {} it (state {state}) {what}",
                humantime::format_duration(limit)
            )
        }
    }
}

/// It hung up without a word.
pub fn no_words() -> Error {
    anyhow!(
        "it hung up without a word: a JVM does so with clients of another user or group, as it sees \
         them from its user namespace. Run finwatch as its user"
    )
}

/// It could not load the library, in its own words.
pub fn not_loaded(words: &str) -> Error {
    if words.contains("Dynamic agent loading is not enabled") {
        return loading_disabled();
    }
    let hint = match words {
        "" => {
            " without saying why, as JDK 8 does: the library may need a later C library than it has"
        }
        words if words.contains("GLIBC_") => ": the library needs a later C library than it has",
        words if words.contains("failed to map segment") => {
            ": the file system may be mounted noexec, or a security policy (SELinux) forbids it"
        }
        _ => "",
    };
    match words {
        "" => anyhow!("the JVM could not load the library{hint}"),
        words => anyhow!(
            "the JVM could not load the library{hint}: {}",
            lines(words, "; ")
        ),
    }
}

/// The agent itself refused.
pub fn by_the_agent(code: i32, words: Option<&str>) -> Error {
    match words {
        Some(words) => anyhow!("the agent refused: {}", lines(words, "\n")),
        None => anyhow!(
            "the agent refused (return code {code}): its words are on the JVM's standard error"
        ),
    }
}

/// Lines that somebody else wrote, made plain.
fn lines(words: &str, between: &str) -> String {
    let plain = words.trim().lines().map(|line| Plain(line).to_string());
    plain.collect::<Vec<_>>().join(between)
}

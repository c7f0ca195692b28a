//! What malloc holds free after the start goes back to the system.
//!
//! To load the management beans and to listen to collections keeps the JIT compilers busy for a moment. What they
//! free stays with malloc: 1.4 MiB on JDK 17 that a JVM without the agent would not have. HotSpot itself can do the
//! same (`jcmd PID System.trim_native_heap`, JDK-8268893; `-XX:TrimNativeHeapInterval`, JDK-8293114).

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::log;

/// HotSpot keeps the compilers' memory in a pool of its own, which a task of every five seconds empties
/// (`ChunkPoolCleaner`, in `arena.cpp` or `allocation.cpp`).
const SETTLED: Duration = Duration::from_secs(10);

/// In a larger process nobody would notice so little, and malloc's locks were held for longer: it takes 0.1 to
/// 0.3 ms in one of 110 MiB.
const LARGEST_BYTES: u64 = 256 << 20;

/// Gives it back once, in a JVM that began with the agent. Used by the agent's own thread.
#[derive(Debug)]
pub struct NativeHeap {
    due: Option<Instant>,
}

impl NativeHeap {
    /// Of a JVM that begins now, with the agent.
    pub fn of_the_start(now: Instant) -> NativeHeap {
        NativeHeap {
            due: Some(now + SETTLED),
        }
    }

    /// Of a JVM that ran before the agent came: what is free there is the program's own affair.
    pub fn of_the_program() -> NativeHeap {
        NativeHeap { due: None }
    }

    /// Gives back what is free, when it is time to and the process is small.
    pub fn settle(&mut self, now: Instant) {
        if !self.take_due(now) {
            return;
        }
        let Some(before) = resident_bytes().filter(|&bytes| bytes <= LARGEST_BYTES) else {
            return;
        };
        trim();
        let after = resident_bytes().unwrap_or(before);
        log::debug(format_args!(
            "malloc held {} KiB free after the start: given back to the system",
            before.saturating_sub(after) >> 10
        ));
    }

    /// Whether it is time: once.
    fn take_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }
}

#[cfg(target_env = "gnu")]
fn trim() {
    // SAFETY: glibc's `malloc_trim` may be called at any time by any thread (MT-Safe, malloc_trim(3)); it moves
    // nothing that is in use.
    unsafe { nix::libc::malloc_trim(0) };
}

/// musl has no such function: its malloc gives back what is no longer used by itself.
#[cfg(not(target_env = "gnu"))]
fn trim() {}

fn resident_bytes() -> Option<u64> {
    let pages = resident_pages(&fs::read_to_string("/proc/self/statm").ok()?)?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The second number: `resident` (proc_pid_statm(5)).
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_and_only_after_the_compilers_have_settled() {
        let now = Instant::now();
        let mut heap = NativeHeap::of_the_start(now);
        assert!(!heap.take_due(now + SETTLED / 2));
        assert!(heap.take_due(now + SETTLED));
        assert!(!heap.take_due(now + 2 * SETTLED));
    }

    #[test]
    fn it_is_never_due_in_a_jvm_that_was_there_before() {
        let mut heap = NativeHeap::of_the_program();
        assert!(!heap.take_due(Instant::now() + 2 * SETTLED));
    }

    #[test]
    fn the_kernel_tells_what_is_resident() {
        assert_eq!(resident_pages("1234 567 89 1 0 99 0\n"), Some(567));
        assert_eq!(resident_pages("nothing\n"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 16));
    }
}

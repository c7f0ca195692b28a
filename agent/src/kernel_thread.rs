//! Threads of this process as the kernel shows them: `/proc/self/task/TID` (proc(5)).

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    param::clock_ticks_per_second,
    time::{ClockId, clock_gettime},
};

/// Where they are.
const THREADS: &str = "/proc/self/task";

/// The name that HotSpot gives the thread that it makes first, to the kernel too; JDK 8 gives none.
const VM_THREAD: &str = "VM Thread";

/// The place of the start in `stat`, counted from behind the name: field 22.
const START: usize = 19;

/// The directory of the thread of this name; of several the oldest, an application may call one so too.
pub fn named(name: &str) -> Option<PathBuf> {
    named_in(Path::new(THREADS), name)
}

/// How old this JVM is. `None` where the kernel does not tell.
///
/// From the VM's thread, or from the first that came after the process's own: what was replaced by the JVM
/// (`exec`) may have run for long.
pub fn jvm_age() -> Option<Duration> {
    let threads = Path::new(THREADS);
    let started = match named_in(threads, VM_THREAD) {
        Some(thread) => start_of(&thread)?,
        None => {
            let own = std::process::id();
            let others = numbers(threads)?.filter(|number| *number != own);
            let starts = others.filter_map(|number| start_of(&directory(threads, number)));
            starts.min()?
        }
    };
    let now = clock_gettime(ClockId::Boottime);
    let now = Duration::new(now.tv_sec.try_into().ok()?, now.tv_nsec.try_into().ok()?);
    now.checked_sub(started)
}

fn named_in(threads: &Path, name: &str) -> Option<PathBuf> {
    let is_it = |number: &u32| {
        let found = fs::read_to_string(directory(threads, *number).join("comm"));
        found.is_ok_and(|found| found.trim_end() == name)
    };
    let number = numbers(threads)?.filter(is_it).min()?;
    Some(directory(threads, number))
}

fn numbers(threads: &Path) -> Option<impl Iterator<Item = u32>> {
    let entries = fs::read_dir(threads).ok()?.flatten();
    Some(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()))
}

fn directory(threads: &Path, number: u32) -> PathBuf {
    threads.join(number.to_string())
}

/// When a thread was started, on the clock that goes on while the machine sleeps.
fn start_of(thread: &Path) -> Option<Duration> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    ticks_at_start(&stat).map(|ticks| {
        let seconds = ticks as f64 / clock_ticks_per_second() as f64;
        Duration::from_secs_f64(seconds)
    })
}

fn ticks_at_start(stat: &str) -> Option<u64> {
    // The name is in parentheses and may have some.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(START)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_thread_of_the_name_is_found() {
        let threads = tempfile::tempdir().unwrap();
        for (id, name) in [("9", "main"), ("41", "Finalizer"), ("7", "Finalizers")] {
            let thread = threads.path().join(id);
            fs::create_dir(&thread).unwrap();
            fs::write(thread.join("comm"), format!("{name}\n")).unwrap();
        }
        fs::create_dir(threads.path().join("100")).unwrap();
        let found = named_in(threads.path(), "Finalizer");
        assert_eq!(found, Some(threads.path().join("41")));
    }

    #[test]
    fn the_start_is_read_whatever_the_thread_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8245 0 0";
        assert_eq!(ticks_at_start(stat), Some(8245));
        for damaged in [
            "",
            "7 (a",
            "7 (a) S 1",
            "7 (a) S 1 7 7 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 x",
        ] {
            assert_eq!(ticks_at_start(damaged), None);
        }
    }

    #[test]
    fn this_process_is_not_older_than_the_machine() {
        let uptime = clock_gettime(ClockId::Boottime).tv_sec as u64;
        // The test is in a thread that is not the process's own.
        let age = jvm_age().unwrap();
        assert!(age.as_secs() <= uptime, "{age:?}");
    }
}

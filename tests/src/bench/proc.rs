//! What Linux knows about a running process, from `/proc` (proc(5)).

use std::fs;

use anyhow::{Context, Result};

/// CPU time of the threads of `pid` that are alive and whose name begins with `prefix`, in nanoseconds.
///
/// From `schedstat`, which counts to the nanosecond; `stat` counts in ticks of 10 ms, too coarse for an agent at rest.
pub fn threads_cpu_ns(pid: u32, prefix: &str) -> Result<u64> {
    let directory = format!("/proc/{pid}/task");
    let mut sum = 0;
    for thread in fs::read_dir(&directory).with_context(|| format!("reading {directory}"))? {
        let thread = thread?.path();
        let name = fs::read_to_string(thread.join("comm")).unwrap_or_default();
        if name.starts_with(prefix) {
            // A thread that ended since the directory was listed counts as nothing.
            sum += fs::read_to_string(thread.join("schedstat"))
                .ok()
                .and_then(|line| line.split(' ').next()?.parse().ok())
                .unwrap_or(0);
        }
    }
    Ok(sum)
}

/// Resident memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Resident {
    /// All of it, as `VmRSS` in `status`.
    pub total: u64,
    /// The part that is not backed by a file: heaps, stacks, written data.
    pub anonymous: u64,
}

/// Reads `smaps_rollup`, which counts page by page; the number in `status` may lag behind.
pub fn resident(pid: u32) -> Result<Resident> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let field = |name: &str| {
        kilobytes(&text, name).with_context(|| format!("{path} has no line `{name}` in kB"))
    };
    Ok(Resident {
        total: field("Rss:")? * 1024,
        anonymous: field("Anonymous:")? * 1024,
    })
}

/// Resident memory now, in bytes, which [`resident_peak`] counts from (proc_pid_clear_refs(5)).
pub fn resident_peak_reset(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, "5").with_context(|| format!("writing {path}"))?;
    resident_peak(pid)
}

/// The most resident memory since the peak was reset, in bytes.
pub fn resident_peak(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let peak = kilobytes(&text, "VmHWM:");
    Ok(peak.with_context(|| format!("{path} has no line `VmHWM` in kB"))? * 1024)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_threads_and_memory() {
        let pid = std::process::id();
        assert!(threads_cpu_ns(pid, "").unwrap() > 0);
        assert_eq!(threads_cpu_ns(pid, "no such thread").unwrap(), 0);
        let resident = resident(pid).unwrap();
        assert!(resident.total >= resident.anonymous && resident.anonymous > 0);
        let before = resident_peak_reset(pid).unwrap();
        std::hint::black_box(vec![1_u8; 32 << 20]);
        assert!(resident_peak(pid).unwrap() > before + (16 << 20));
    }
}

//! The machine that the figures come from, and whether it was idle.

use std::fs;

/// Runnable threads in the last minute that are still noise, not load.
const IDLE_LOAD: f64 = 0.3;

/// One line: processor, cores, memory, kernel.
pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{}, {cores} cores, {} GiB, Linux {}",
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
        memory_kib().unwrap_or(0) / (1024 * 1024),
        kernel.trim(),
    )
}

/// Load average of the last minute.
pub fn load() -> Option<f64> {
    read("/proc/loadavg").split(' ').next()?.parse().ok()
}

/// What to say about the load before figures are taken.
pub fn load_line() -> String {
    match load() {
        Some(load) if load <= IDLE_LOAD => format!("load average {load:.2}"),
        Some(load) => format!(
            "load average {load:.2} - **the machine is not idle: do not publish these figures**"
        ),
        None => "load average unknown".to_owned(),
    }
}

/// Memory that can be had without swapping, in MiB.
pub fn available_mib() -> u64 {
    field("/proc/meminfo", "MemAvailable")
        .and_then(|value| value.split(' ').next()?.parse::<u64>().ok())
        .map_or(0, |kib| kib / 1024)
}

fn memory_kib() -> Option<u64> {
    field("/proc/meminfo", "MemTotal")?
        .split(' ')
        .next()?
        .parse()
        .ok()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

//! The machine that the figures come from, and whether it was idle.

use std::fs;
use std::time::Instant;

use super::cpu;

/// Runnable threads in the last minute that are still noise, not load.
const IDLE_LOAD: f64 = 0.3;

/// One line: processor, cores, memory, kernel.
pub fn description() -> String {
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{}, {} cores, {} GiB, Linux {}",
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
        cores(),
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

/// Share of the machine's CPU that others may take before figures are worth nothing, in percent.
const OTHERS_PERCENT: f64 = 5.0;

/// Ticks of `/proc/stat` in a second (`USER_HZ`, fixed on Linux).
const TICKS_PER_SECOND: f64 = 100.0;

/// Watches what others do on the machine while figures are taken.
pub struct Others {
    start: Instant,
    machine_s: f64,
    own_s: f64,
}

impl Others {
    pub fn watch() -> Self {
        Self {
            start: Instant::now(),
            machine_s: busy_s(),
            own_s: own_s(),
        }
    }

    /// One sentence: how long, and how much CPU others (or the hypervisor) took meanwhile.
    pub fn sentence(&self) -> String {
        let elapsed = self.start.elapsed().as_secs_f64();
        let others = (busy_s() - self.machine_s) - (own_s() - self.own_s);
        let percent = 100.0 * others.max(0.0) / (elapsed * cores() as f64);
        let warning = if percent > OTHERS_PERCENT {
            ": **do not publish these figures**"
        } else {
            ""
        };
        format!(
            "Took {elapsed:.0} s; others used {percent:.0}% of the machine's CPU meanwhile{warning}."
        )
    }
}

/// CPU time of this command and of its children that have ended, in seconds.
fn own_s() -> f64 {
    (cpu::self_ms().unwrap_or(0.0) + cpu::children_ms().unwrap_or(0.0)) / 1e3
}

/// CPU time that the machine spent on anything since boot, in seconds; what the hypervisor took away counts too.
fn busy_s() -> f64 {
    let text = read("/proc/stat");
    let fields: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    const USER_NICE_SYSTEM_IRQ_SOFTIRQ_STEAL: [usize; 6] = [0, 1, 2, 5, 6, 7];
    let ticks =
        USER_NICE_SYSTEM_IRQ_SOFTIRQ_STEAL.map(|field| fields.get(field).copied().unwrap_or(0.0));
    ticks.iter().sum::<f64>() / TICKS_PER_SECOND
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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

//! How far the work has come, for whoever shows it: written by the working threads, read by another.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Decompressing to a temporary file.
    Unpacking,
    /// The first look: records, classes, addresses.
    Surveying,
    /// The classes of all objects, and the unfinalized chain.
    Classifying,
    /// The references between objects.
    Linking,
    /// Paths from roots and retained sizes; no bytes to count there.
    Tracing,
    /// Fields of the objects that the rules ask about.
    Inspecting,
}

const PHASES: [Phase; 6] = [
    Phase::Unpacking,
    Phase::Surveying,
    Phase::Classifying,
    Phase::Linking,
    Phase::Tracing,
    Phase::Inspecting,
];

/// Bytes done of a phase's total; nothing waits for it.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// A phase begins, with `total` bytes to go through (0: unknown).
    pub fn begin(&self, phase: Phase, total: u64) {
        self.phase.store(phase as u8, Relaxed);
        self.total.store(total, Relaxed);
        self.done.store(0, Relaxed);
    }

    /// So many bytes more are done.
    pub fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Relaxed);
    }

    /// The phase, bytes done and bytes in all.
    pub fn now(&self) -> (Phase, u64, u64) {
        let phase = PHASES.get(usize::from(self.phase.load(Relaxed))).copied();
        (
            phase.unwrap_or(Phase::Tracing),
            self.done.load(Relaxed),
            self.total.load(Relaxed),
        )
    }
}

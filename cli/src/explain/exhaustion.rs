//! What the JVM ran out of, and whether that is over.

use finwatch_record::{OutOfMemory, Resource, Usage};

use super::known::Told;
use crate::exhausted;

/// A heap with less of it in use has room again.
const ROOM: f64 = 0.8;

/// What is no heap is in no sample: when it has not run out again for so long, it is over.
const QUIET_MS: u64 = 600_000;

/// The first time that something ran out, of which those after it are consequences.
#[derive(Debug)]
pub struct Exhaustion {
    pub first: Told<OutOfMemory>,
    last_ms: u64,
    /// The heap had room some time before it, since the records began or since what ran out before.
    pub follows_room: bool,
}

impl Exhaustion {
    /// For the first time.
    pub fn new(at_ms: u64, oom: OutOfMemory) -> Exhaustion {
        Exhaustion {
            first: Told::new(at_ms, oom),
            last_ms: at_ms,
            follows_room: false,
        }
    }

    /// Adds the next one: a consequence, or, where this is over or was no end of the heap, another first one.
    pub fn and_then(self, later: Exhaustion) -> Exhaustion {
        let is_of_heap = |of: &Exhaustion| of.first.what.resource == Resource::JavaHeap;
        let is_over = self.is_over(later.first.at_ms, later.follows_room);
        if is_over || is_of_heap(&later) && !is_of_heap(&self) {
            return Exhaustion {
                follows_room: self.follows_room || later.follows_room,
                ..later
            };
        }
        Exhaustion {
            last_ms: later.last_ms,
            ..self
        }
    }

    /// Whether it is, at that time, where the heap has had room since or has not.
    pub fn is_over(&self, now_ms: u64, has_room: bool) -> bool {
        match self.first.what.resource {
            Resource::JavaHeap => has_room,
            Resource::Threads | Resource::Other => now_ms.saturating_sub(self.last_ms) > QUIET_MS,
        }
    }
}

/// Whether a heap that is used so much has room.
pub fn has_room(heap: &Usage) -> bool {
    let max = heap.max_bytes.unwrap_or(u64::MAX) as f64;
    (heap.used_bytes as f64) < ROOM * max
}

/// What happened, in words that go on where the JVM was named.
pub fn words(oom: &OutOfMemory) -> String {
    let what = exhausted::words(oom.resource).replace("ran out", "RAN OUT");
    format!("{what}: {}", oom.description)
}

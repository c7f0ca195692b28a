//! The native memory that Java hooks count in and the agent reads.

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed},
};

use rustix::mm::{Advice, madvise};

/// A block of counters that lives as long as the process: hooks in the JDK's classes hold
/// its address, and a JVM never forgets those classes.
///
/// Reading and writing need no JNI and no lock; any thread may do so, a garbage collection
/// callback or a heap walk too. Pages of it that nothing is counted in cost no memory.
#[derive(Debug, Clone, Copy)]
pub struct Counters(&'static [AtomicU64]);

impl Counters {
    /// A block of `length` counters, all 0.
    pub fn new(length: usize) -> Counters {
        // `vec![0; n]` asks for zeroed memory, so that its pages stay untouched.
        let zeros: &'static mut [u64] = Vec::leak(vec![0u64; length]);
        keep_pages_small(zeros);
        // SAFETY: same size and, on the 64-bit targets that the agent runs on, same
        // alignment; never used as plain `u64` again.
        Counters(unsafe { &*(std::ptr::from_mut(zeros) as *const [AtomicU64]) })
    }

    /// The address of the first counter.
    pub fn address(self) -> i64 {
        self.0.as_ptr() as i64
    }

    /// The value of a counter; 0 for one that is out of range. What is read after it is read later: processors that do
    /// not keep to the order of a program (AArch64) would do it in any.
    pub fn get(self, index: usize) -> u64 {
        self.0.get(index).map_or(0, |counter| counter.load(Acquire))
    }

    /// Sets a counter to 0.
    pub fn clear(self, index: usize) {
        // A store would cost the page its memory.
        if let Some(counter) = self.0.get(index)
            && counter.load(Relaxed) != 0
        {
            counter.store(0, Relaxed);
        }
    }
}

/// Where huge pages are given to everybody, the first counter in two megabytes would cost all of
/// them.
fn keep_pages_small(memory: &mut [u64]) {
    let pages = memory.as_mut_ptr_range();
    let page = rustix::param::page_size();
    let begin = pages.start.addr().next_multiple_of(page);
    let length = pages.end.addr().saturating_sub(begin) / page * page;
    let start = pages.start.with_addr(begin);
    // SAFETY: whole pages of this memory; the advice changes nothing that is in them. A kernel
    // without huge pages refuses it.
    let _ = unsafe { madvise(start.cast(), length, Advice::LinuxNoHugepage) };
}

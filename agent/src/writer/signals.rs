//! A thread that takes none of the program's signals.
//!
//! A signal to the process goes to any thread that does not block it; a handler of the
//! program or of the VM must never run on a thread that the VM does not know. The mask
//! is inherited, so it is set before the thread exists and put back after. It also turns
//! `SIGPIPE` and `SIGXFSZ` (a write past `RLIMIT_FSIZE`) into plain errors of the write.

use std::{io, thread};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

/// Raised by the fault itself, on the faulting thread: blocked they would kill the JVM
/// without its `hs_err` file.
const FAULTS: [Signal; 5] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
];

/// Spawns as `builder` says, with every signal blocked in the new thread.
///
/// # Errors
/// Those of `pthread_create`: `EAGAIN` where the process may have no more threads.
pub(super) fn spawn_without_signals<F>(
    builder: thread::Builder,
    body: F,
) -> io::Result<thread::JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    let mut blocked = SigSet::all();
    FAULTS.iter().for_each(|&fault| blocked.remove(fault));
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let spawned = builder.spawn(body);
    before.thread_set_mask()?;
    spawned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_blocks_signals_and_the_spawner_does_not() {
        let before = SigSet::thread_get_mask().unwrap();
        let (tell, told) = crossbeam_channel::bounded(1);
        let thread = spawn_without_signals(thread::Builder::new(), move || {
            tell.send(SigSet::thread_get_mask().unwrap()).unwrap();
        });
        let inside = told.recv().unwrap();
        thread.unwrap().join().unwrap();
        for signal in [
            Signal::SIGTERM,
            Signal::SIGPIPE,
            Signal::SIGXFSZ,
            Signal::SIGQUIT,
        ] {
            assert!(inside.contains(signal), "{signal} is not blocked");
        }
        assert!(FAULTS.iter().all(|&fault| !inside.contains(fault)));
        assert_eq!(SigSet::thread_get_mask().unwrap(), before);
    }
}

//! How the process is stopped at `^Z`: by the default action of SIGTSTP, which the kernel leaves out where nobody
//! could continue the process (an orphaned process group, as under `docker exec -it` and `ssh -t HOST finwatch top`).
//!
//! So the signal has no handler, which could only raise SIGSTOP, and that stops whom nobody continues. It is held back
//! in all threads, one thread waits for it, and the one that owns the terminal lets it through at its time.

use std::io;

use nix::sys::signal::{SigSet, Signal, raise};

/// Holds the signal back in this thread and in those that it starts from now on.
///
/// # Errors
///
/// The kernel does not allow it.
pub fn hold_back() -> io::Result<()> {
    Ok(signal().thread_block()?)
}

/// Waits until the process is asked to stop. It has to be held back in all threads.
///
/// # Errors
///
/// The kernel does not allow it.
pub fn wait() -> io::Result<()> {
    signal().wait()?;
    Ok(())
}

/// Stops the process, and returns when it is continued; at once, where nobody could do that.
///
/// # Errors
///
/// The kernel does not allow it.
pub fn stop() -> io::Result<()> {
    signal().thread_unblock()?;
    let stopped = raise(Signal::SIGTSTP);
    signal().thread_block()?;
    Ok(stopped?)
}

fn signal() -> SigSet {
    SigSet::from(Signal::SIGTSTP)
}

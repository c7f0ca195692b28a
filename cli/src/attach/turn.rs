//! One client at a time: two that found no agent in a JVM would each bring one.
//!
//! The lock is on the JVM's `/proc/PID/environ`, which only its user and root can open; it is
//! gone with whoever holds it.

use std::fs::File;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::patience::{GaveUp, Patience};
use super::refusal;
use crate::jvm::{Jvm, as_allowed};

/// The right to load something into a JVM, given back with this.
pub struct Turn(#[expect(dead_code, reason = "closing it gives the turn back")] File);

impl Turn {
    /// Waits until no other client is at it.
    pub fn wait(jvm: &Jvm, patience: &Patience<'_>) -> anyhow::Result<Turn> {
        let file = as_allowed(&jvm.status.owner, || jvm.process.file("environ"));
        let file = file.context("it cannot be looked into")?;
        let lock = || match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(())),
            Err(Errno::WOULDBLOCK) => Ok(None),
            // A file system without locks has nobody who waits for one.
            Err(_) => Ok::<_, GaveUp>(Some(())),
        };
        match patience.ask(lock) {
            Ok(()) => Ok(Turn(file)),
            Err(why) => Err(refusal::no_turn(jvm, why, patience.limit())),
        }
    }
}

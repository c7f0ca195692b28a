//! Dumps made by hand: every form of the format, every kind of damage, and numbers against a truth computed apart.

mod damage;
mod file;
mod findings;
mod forms;
mod gaps;
mod made;
mod paths;
mod threads;
mod truth;

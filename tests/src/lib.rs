//! Runs real JVMs with the agent, reads what it writes while they run, and holds it
//! against what the JVMs say themselves.
//!
//! A test names the JVMs it wants ([`for_each_jvm`], [`for_each_jdk`]), starts a program
//! in each ([`Launch`]), tells the program what to do ([`Jvm::tell`]) and waits for
//! records ([`Stream`]). Nothing here waits for a clock: a wait ends with an event, or
//! the watchdog ends it and shows everything there is to see.

pub mod bench;
pub mod incidents;

mod browser;
mod capture;
mod checks;
mod command;
mod container;
mod jcmd;
mod jdk;
mod jfr;
mod jvm;
mod launch;
mod ledger;
mod library;
mod matrix;
mod maven;
mod programs;
mod scenario;
mod schema;
mod stream;
mod terminal;
mod workspace;

pub use browser::Browser;
pub use capture::Capture;
pub use checks::{assert_balanced, assert_timed};
pub use command::{Finished, Finwatch};
pub use container::Container;
pub use jcmd::Jcmd;
pub use jdk::{Collector, Jdk, all_jdks};
pub use jfr::{FinalizerStatistics, finalizer_statistics};
pub use jvm::{Ended, Jvm};
pub use launch::Launch;
pub use ledger::{counts_of, find_row, rows_of};
pub use library::agent_library;
pub use matrix::{
    Case, any_case, asked_for, for_each_jdk, for_each_jvm, for_each_jvm_of_the_whole,
};
pub use maven::maven;
pub use programs::{classes, java_agent_jar};
pub use scenario::{assert_chain, assert_chain_within, live_and_die};
pub use stream::{Stream, sample};
pub use terminal::Terminal;
pub use workspace::{WATCHDOG, target_directory, wait_until};

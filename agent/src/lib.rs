//! `finwatch`: a JVMTI agent that keeps an exact ledger of finalization.

pub mod log;
pub mod options;
pub mod splice;
pub mod stream;
pub mod writer;

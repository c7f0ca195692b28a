//! `finwatch`: a JVMTI agent that keeps an exact ledger of finalization.

pub mod options;
pub mod splice;
pub mod writer;

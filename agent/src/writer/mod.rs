//! The writer thread: records in, JSON lines out.

//! What `finwatch` says to an agent that is in a JVM already, in place of options.

/// Ends the watch.
pub const DETACH: &str = "detach";

/// Asks who holds the instances of a class; its binary name follows.
pub const HOLDERS: &str = "holders=";

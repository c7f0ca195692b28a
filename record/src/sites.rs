//! `sites`: where the objects of a class are made.

use serde::{Deserialize, Serialize};

/// `sites`: the stacks in which the objects of a class were registered, since the agent
/// began to sample them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sites {
    /// Binary name of the class.
    pub class: String,
    /// Its defining loader, as in the rows of a sample.
    pub loader: Option<String>,
    /// What the stacks were taken of.
    pub event: SiteEvent,
    /// Objects of the class whose stack was taken.
    pub sampled: u64,
    /// The different stacks, the most frequent first. Where their counts add up to
    /// less than `sampled`, the others were left out.
    pub stacks: Vec<SiteStack>,
}

/// What the stacks were taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SiteEvent {
    /// The object's registration, at the end of its construction: a certain part of all, and
    /// the first few of each class.
    Registration,
    /// JVMTI's `SampledObjectAlloc`: chosen by the bytes allocated.
    Allocation,
}

/// A stack and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SiteStack {
    /// Objects made there, of those sampled.
    pub count: u64,
    /// The frames, innermost first, such as `com.example.Dao.find(Dao.java:12)`; the
    /// outermost ones of a deep stack are missing.
    pub frames: Vec<String>,
}

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
    /// All objects of the class made in that time, estimated from those: each stands for itself or, where one in so
    /// many was chosen, for so many. 0 where the VM chose them.
    #[serde(default)]
    pub objects_estimate: u64,
    /// The different stacks, the one that stands for most objects first. Where they add up to less than the whole, the
    /// others were left out.
    pub stacks: Vec<SiteStack>,
}

impl Sites {
    /// The part of all objects that was made in one of the stacks, 0 to 1.
    pub fn share(&self, stack: &SiteStack) -> f64 {
        let (part, whole) = match self.objects_estimate {
            0 => (stack.count, self.sampled),
            whole => (stack.objects_estimate, whole),
        };
        (part as f64 / whole.max(1) as f64).min(1.0)
    }
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
    /// Objects that they stand for. Where objects are made in more places than are kept, some of those may be of other
    /// places that were given up.
    #[serde(default)]
    pub objects_estimate: u64,
    /// The frames, innermost first, such as `com.example.Dao.find(Dao.java:12)`; the
    /// outermost ones of a deep stack are missing.
    pub frames: Vec<String>,
}

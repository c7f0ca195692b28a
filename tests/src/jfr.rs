//! What the JVM's flight recorder says about finalization (JDK 18 and later).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::jdk::Jdk;

/// One class in `jdk.FinalizerStatistics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinalizerStatistics {
    /// Objects that are registered, or whose finalizer threw.
    pub objects: u64,
    /// Finalizers that have returned.
    pub run: u64,
}

/// The last `jdk.FinalizerStatistics` of each class in a recording.
pub fn finalizer_statistics(jdk: &Jdk, recording: &Path) -> BTreeMap<String, FinalizerStatistics> {
    let path = recording.to_string_lossy();
    let text = jdk.run_tool(
        "jfr",
        &[
            "print",
            "--json",
            "--events",
            "jdk.FinalizerStatistics",
            &path,
        ],
    );
    let json: Value =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("jfr printed no JSON: {e}:\n{text}"));
    let events = json["recording"]["events"].as_array();
    let events = events.unwrap_or_else(|| panic!("jfr printed no events:\n{text}"));
    let mut events: Vec<&Value> = events.iter().map(|event| &event["values"]).collect();
    events.sort_by_key(|values| values["startTime"].as_str().unwrap_or_default().to_string());
    events.into_iter().filter_map(statistics).collect()
}

fn statistics(values: &Value) -> Option<(String, FinalizerStatistics)> {
    let class = values["finalizableClass"]["name"]
        .as_str()?
        .replace('/', ".");
    let objects = values["objects"].as_u64()?;
    let run = values["totalFinalizersRun"].as_u64()?;
    Some((class, FinalizerStatistics { objects, run }))
}

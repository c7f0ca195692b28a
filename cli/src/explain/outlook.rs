//! How long is left until the heap is full.

use finwatch_record::{Alert, OutOfMemory, Resource, Usage};
use serde::Serialize;

use super::known::{Told, as_timestamp};
use super::moment::{length, when};
use crate::numbers::bytes;

/// What is known of the time that is left.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlook {
    /// None: memory ran out then, milliseconds since 1970.
    #[serde(serialize_with = "as_timestamp")]
    RanOut(u64),
    /// The heap is full then, if it goes on growing as it did.
    #[serde(serialize_with = "as_timestamp")]
    FullAt(u64),
    /// No trend was told.
    Unknown,
}

impl Outlook {
    /// From what the agent told of memory, and the alerts that hold, the most important first.
    pub fn of(oom: Option<&Told<OutOfMemory>>, alerts: &[Told<Alert>]) -> Outlook {
        let full_at = |alert: &Told<Alert>| {
            let left_s = alert.what.evidence.get("full_in_s_estimate")?.as_f64()?;
            Some(alert.at_ms.saturating_add((left_s * 1000.0) as u64))
        };
        match (oom, alerts.iter().filter_map(full_at).min()) {
            (Some(oom), _) if oom.what.resource == Resource::JavaHeap => Outlook::RanOut(oom.at_ms),
            (_, Some(full_ms)) => Outlook::FullAt(full_ms),
            (_, None) => Outlook::Unknown,
        }
    }

    /// In words, at a moment in milliseconds since 1970.
    pub fn words(&self, heap: Option<&Usage>, now_ms: u64) -> String {
        match self {
            Outlook::RanOut(at_ms) => {
                let since = length(now_ms.saturating_sub(*at_ms));
                format!(
                    "none: memory ran out at {}, {since} ago.",
                    when(*at_ms, now_ms)
                )
            }
            Outlook::FullAt(full_ms) if *full_ms > now_ms => format!(
                "about {}: at this pace the heap is full at {} (estimate).",
                length(full_ms - now_ms),
                when(*full_ms, now_ms)
            ),
            Outlook::FullAt(full_ms) => format!(
                "none by the estimate: the heap was to be full at {}.{}",
                when(*full_ms, now_ms),
                used(heap)
            ),
            Outlook::Unknown => format!(
                "not known: the heap was not seen growing towards its maximum.{}",
                used(heap)
            ),
        }
    }
}

fn used(heap: Option<&Usage>) -> String {
    let of = heap.and_then(|heap| Some((heap.used_bytes, heap.max_bytes?)));
    of.map_or_else(String::new, |(used, max)| {
        format!(" Now {} of {} are used.", bytes(used), bytes(max))
    })
}

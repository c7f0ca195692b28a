//! A stream of one sample, which has one class.

use serde_json::json;

/// Its text.
pub fn text() -> String {
    let counts = json!({ "registered": 7, "pending": 0, "running": 0, "registered_total": 7,
        "enqueued_total": 0, "finalized_total": 0, "threw_total": 0 });
    let with = |more: serde_json::Value| {
        let mut all = counts.clone();
        let fields = all.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        all
    };
    let sample = json!({
        "v": 1, "type": "sample", "ts": "2026-11-25T00:00:01.000Z", "seq": 1, "pid": 7, "uptime_ms": 1000,
        "trigger": "interval", "coverage": { "level": "exact", "reason": "" },
        "finalizer": with(json!({ "mxbean_pending": 0 })),
        "classes": [with(json!({ "class": "com.example.Held", "loader": "app", "source": null,
            "finalize_ns": { "count": 0, "sum": 0, "p50": 0, "p99": 0, "max": 0 } }))],
        "classes_omitted": { "count": 0, "registered": 0, "pending": 0, "running": 0, "registered_total": 0,
            "enqueued_total": 0, "finalized_total": 0, "threw_total": 0 },
        "memory": null,
        "gc": { "pauses_total": 0, "pause_ms_total": 0.0, "pause_ms_max": 0.0, "collectors": [] },
        "agent": { "cpu_ms_total": 1.5, "records_dropped_total": 0, "write_errors_total": 0, "stw_ms_total": 0.0 },
        "alerts_raised": 0,
    });
    format!("{sample}\n")
}

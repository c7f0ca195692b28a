//! The writer as a whole, against real files, pipes and sockets.

use finwatch_record::{Body, Collection, CollectionPauses};

/// A `gc` record whose collector is called `name`.
pub(super) fn body(name: &str) -> Body {
    Body::Gc(Box::new(Collection {
        collector: Some(name.to_owned()),
        action: None,
        cause: None,
        id: None,
        start_uptime_ms: 1,
        duration_ms: 0.5,
        pauses: CollectionPauses::default(),
        pools: Vec::new(),
    }))
}

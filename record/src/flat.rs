//! How the structs are read whose counts or usage lie flat beside their other fields.
//!
//! `#[serde(flatten)]` alone would do, but it first collects an object's fields in a list of tagged values, which
//! makes reading a sample several times slower. Here every field stands in one struct, and is read right to its place.
//! Writing goes by the public types; a test reads back what was written.

use serde::Deserialize;

use crate::{
    ClassRow, Counts, FinalizeDurations, Finalizer, OmittedClasses, Pool, PoolKind, Usage,
};

/// Defines a struct that has the fields of [`Counts`] amid those given, in the order in which they are written, and how
/// the public type is made of it.
macro_rules! with_counts {
    ($flat:ident => $public:ident {
        $($(#[$attribute_before:meta])* $before:ident: $type_before:ty,)*
        ..Counts,
        $($(#[$attribute:meta])* $field:ident: $type:ty,)*
    }) => {
        #[derive(Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        pub(crate) struct $flat {
            $($(#[$attribute_before])* $before: $type_before,)*
            registered: u64,
            pending: u64,
            running: u64,
            registered_total: u64,
            enqueued_total: u64,
            finalized_total: u64,
            threw_total: u64,
            $($(#[$attribute])* $field: $type,)*
        }

        impl From<$flat> for $public {
            fn from(flat: $flat) -> $public {
                $public {
                    counts: Counts {
                        registered: flat.registered,
                        pending: flat.pending,
                        running: flat.running,
                        registered_total: flat.registered_total,
                        enqueued_total: flat.enqueued_total,
                        finalized_total: flat.finalized_total,
                        threw_total: flat.threw_total,
                    },
                    $($before: flat.$before,)*
                    $($field: flat.$field,)*
                }
            }
        }
    };
}

with_counts!(FlatFinalizer => Finalizer {
    ..Counts,
    mxbean_pending: Option<u64>,
});

with_counts!(FlatClassRow => ClassRow {
    class: String,
    loader: Option<String>,
    source: Option<String>,
    #[serde(default)]
    unloaded: bool,
    ..Counts,
    finalize_ns: FinalizeDurations,
});

with_counts!(FlatOmittedClasses => OmittedClasses {
    count: u64,
    ..Counts,
});

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FlatPool {
    name: String,
    kind: PoolKind,
    used_bytes: u64,
    committed_bytes: u64,
    max_bytes: Option<u64>,
    after_gc_bytes: Option<u64>,
}

impl From<FlatPool> for Pool {
    fn from(flat: FlatPool) -> Pool {
        Pool {
            name: flat.name,
            kind: flat.kind,
            usage: Usage {
                used_bytes: flat.used_bytes,
                committed_bytes: flat.committed_bytes,
                max_bytes: flat.max_bytes,
            },
            after_gc_bytes: flat.after_gc_bytes,
        }
    }
}

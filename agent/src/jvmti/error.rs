//! A JVMTI function's refusal.

/// A JVMTI function answered with an error.
///
/// The code is an open integer: later VMs answer with codes that an enum of today lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("JVMTI {function} answered {code} ({})", name(*code))]
pub struct JvmtiError {
    /// Name of the JVMTI function.
    pub function: &'static str,
    /// The `jvmtiError`, see "Error Reference" in the JVMTI specification.
    pub code: i32,
}

/// `JVMTI_ERROR_NOT_AVAILABLE`: the function is missing from the table, or not possible here.
pub(super) const NOT_AVAILABLE: i32 = 98;

fn name(code: i32) -> &'static str {
    match code {
        20 => "invalid object",
        21 => "invalid class",
        23 => "invalid method id",
        60 => "invalid class format",
        61 => "circular class definition",
        62 => "fails verification",
        63 => "unsupported redefinition: method added",
        64 => "unsupported redefinition: schema changed",
        66 => "unsupported redefinition: hierarchy changed",
        67 => "unsupported redefinition: method deleted",
        68 => "unsupported version",
        69 => "names don't match",
        70 => "unsupported redefinition: class modifiers changed",
        71 => "unsupported redefinition: method modifiers changed",
        72 => "unsupported redefinition: class attribute changed",
        79 => "unmodifiable class",
        98 => "not available",
        99 => "must possess capability",
        100 => "null pointer",
        103 => "illegal argument",
        110 => "out of memory",
        112 => "wrong phase",
        113 => "internal error",
        115 => "unattached thread",
        116 => "invalid environment",
        _ => "see the JVMTI specification",
    }
}

//! Threads for dumps made by hand.

use crate::made::{Made, OBJECT, Value};

const STRING: u64 = 0xa00;
pub const THREAD: u64 = 0xa40;
/// How long the entry of a thread's root is, with ids of 8 bytes.
pub const ROOT_BYTES: usize = 17;

/// Classes that threads need.
pub fn classes(made: &mut Made) {
    made.load(STRING, "java/lang/String");
    made.load(THREAD, "java/lang/Thread");
    made.class(STRING, OBJECT, 0, &[], &[("value", 2)]);
    made.class(THREAD, OBJECT, 0, &[], &[("name", 2), ("work", 2)]);
}

/// The object of a thread, with what its field `work` refers to; its name takes `object + 0x40` and `+ 0x60`.
pub fn object(made: &mut Made, object: u64, name: &str, work: u64) {
    let (string, characters) = (object + 0x40, object + 0x60);
    let values = [Value::Object(string), Value::Object(work)];
    made.instance(object, THREAD, &values);
    made.instance(string, STRING, &[Value::Object(characters)]);
    made.bytes(characters, name.as_bytes());
}

/// The root of a thread, with its serial number and that of its stack.
pub fn root(made: &mut Made, object: u64, serial: u32, stack: u32) {
    made.root_with(0x08, object, [serial, stack]);
}

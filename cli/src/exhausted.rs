//! What a JVM ran out of, in words.

use finwatch_record::Resource;

/// What it did; the sentence goes on where the JVM was named.
pub fn words(resource: Resource) -> &'static str {
    match resource {
        Resource::JavaHeap => "ran out of memory",
        Resource::Threads => "ran out of threads",
        Resource::Other => "had an OutOfMemoryError",
    }
}

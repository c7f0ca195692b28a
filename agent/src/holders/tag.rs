//! The numbers that objects are tagged with.
//!
//! A class has a negative one. Of the others the upper bits say what it is: a thread, a long
//! array, or another object. The last two have the number of the walk in which they were met,
//! and their place.

use super::paths::Node;

const THREAD: i64 = 1 << 62;
const LONG_ARRAY: i64 = 1 << 61;
const WALK: u32 = 32;
const REPEATED: i64 = 1 << 31;

/// What a tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing.
    None,
    /// The number of a class.
    Class(u32),
    /// The number of a thread.
    Thread(u32),
    /// An array of which only some elements are looked at.
    LongArray {
        /// The walk in which it was met.
        walk: u32,
        /// Its place among those of the walk.
        place: u32,
    },
    /// Another object that was met.
    At {
        /// The walk in which it was.
        walk: u32,
        /// Where it is.
        node: Node,
        /// It was met again in the same way.
        repeatedly: bool,
    },
}

/// Of a class, by its number.
pub fn class(number: usize) -> i64 {
    -1 - number as i64
}

/// Of a thread, by its number.
pub fn thread(number: usize) -> i64 {
    THREAD | number as i64
}

/// Of a long array, by its place among those of the walk.
pub fn long_array(walk: u32, place: usize) -> i64 {
    LONG_ARRAY | at(walk, place as Node)
}

/// Of another object.
pub fn at(walk: u32, node: Node) -> i64 {
    i64::from(walk + 1) << WALK | i64::from(node)
}

/// Of an object that was met again in the same way, by its tag so far.
pub fn repeated(tag: i64) -> i64 {
    tag | REPEATED
}

/// Reads a tag.
pub fn read(tag: i64) -> Meaning {
    let walk = || ((tag & !LONG_ARRAY) >> WALK) as u32 - 1;
    match tag {
        0 => Meaning::None,
        ..0 => Meaning::Class((-1 - tag) as u32),
        _ if tag & THREAD != 0 => Meaning::Thread(tag as u32),
        _ if tag & LONG_ARRAY != 0 => Meaning::LongArray {
            walk: walk(),
            place: tag as u32,
        },
        _ => Meaning::At {
            walk: walk(),
            node: (tag & !REPEATED) as Node,
            repeatedly: tag & REPEATED != 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_say_what_was_written() {
        for number in [0, 1, 99_999] {
            assert_eq!(read(class(number)), Meaning::Class(number as u32));
            assert_eq!(read(thread(number)), Meaning::Thread(number as u32));
        }
        assert_eq!(read(0), Meaning::None);
        for (walk, node) in [(0, 0), (3, 65_535), (1, 7)] {
            let (tag, met) = (at(walk, node), |repeatedly| Meaning::At {
                walk,
                node,
                repeatedly,
            });
            assert_eq!(read(tag), met(false));
            assert_eq!(read(repeated(tag)), met(true));
            let place = node;
            let tag = long_array(walk, place as usize);
            assert_eq!(read(tag), Meaning::LongArray { walk, place });
        }
    }
}

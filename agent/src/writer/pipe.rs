//! Room in a pipe that the program prints into as well.
//!
//! A pipe that nobody reads fills up, and then the program's next print waits for ever.
//! It would have waited without us too, but only after its own output had filled the
//! pipe: so our lines leave room in it, and a line goes in whole or not at all.

use std::{io, os::fd::AsFd};

use rustix::{
    io::ioctl_fionread,
    pipe::{fcntl_getpipe_size, fcntl_setpipe_size},
};

/// The unit in which the kernel fills a pipe.
const PAGE: usize = 4096;

/// Pages that stay free for the program: half of the pipe, at most this many.
const RESERVED_PAGES: usize = 4;

/// Whether a line may go into the pipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// All of it, with room left for the program.
    Enough,
    /// When the reader has taken more.
    Later,
    /// Not even into the empty pipe.
    Never,
}

/// Looks at the pipe behind `fd` for a line of `bytes`.
pub(super) fn room_for(fd: impl AsFd, bytes: usize) -> io::Result<Room> {
    let capacity = fcntl_getpipe_size(&fd)? / PAGE;
    let queued = usize::try_from(ioctl_fionread(&fd)?).unwrap_or(usize::MAX);
    Ok(room(capacity, queued, bytes))
}

fn room(capacity: usize, queued_bytes: usize, bytes: usize) -> Room {
    let reserved = RESERVED_PAGES.min(capacity / 2);
    let needed = bytes.div_ceil(PAGE) + reserved;
    if needed > capacity {
        Room::Never
    } else if needed + pages_taken(queued_bytes) <= capacity {
        Room::Enough
    } else {
        Room::Later
    }
}

/// The most pages that so many bytes can occupy. A write is laid out from its own first
/// page unless it fits behind the last one (`pipe_write` in the kernel's fs/pipe.c), so
/// any two neighbours hold more than one page of bytes, and the ends may be nearly empty.
fn pages_taken(queued_bytes: usize) -> usize {
    match queued_bytes {
        0 => 0,
        bytes => (bytes / (PAGE / 2)).saturating_add(2),
    }
}

/// Makes the pipe large enough for a line of `bytes`, where the system allows: it costs
/// the program nothing, while a torn line or a lost one costs the reader something.
pub(super) fn enlarge_for(fd: impl AsFd, bytes: usize) -> io::Result<()> {
    let wanted = bytes.div_ceil(PAGE) + RESERVED_PAGES;
    fcntl_setpipe_size(fd, wanted.next_power_of_two() * PAGE)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use super::*;

    #[test]
    fn an_empty_pipe_takes_all_but_the_reserve() {
        assert_eq!(room(16, 0, 12 * PAGE), Room::Enough);
        assert_eq!(room(16, 0, 12 * PAGE + 1), Room::Never);
        assert_eq!(room(1, 0, 100), Room::Enough);
    }

    #[test]
    fn a_pipe_in_use_takes_less_and_never_fills() {
        assert_eq!(room(16, 1000, 1000), Room::Enough);
        assert_eq!(room(16, 10 * PAGE, 1000), Room::Later);
    }

    /// The kernel as witness: whatever sizes were written before, a line that is said to
    /// fit goes in at once, and so does a page of the program's after it.
    #[test]
    fn the_kernel_agrees() {
        for size in [1, 700, 2049, 3000, 4095, 4096, 4097, 9000] {
            let (reader, writer) = rustix::pipe::pipe().unwrap();
            rustix::io::ioctl_fionbio(&writer, true).unwrap();
            let mut writer = File::from(writer);
            let mut lines = 0;
            while room_for(&writer, size).unwrap() == Room::Enough {
                assert_eq!(writer.write(&vec![b'x'; size]).unwrap(), size);
                lines += 1;
            }
            assert!(lines > 0, "lines of {size} bytes");
            assert_eq!(writer.write(&[b'p'; PAGE]).unwrap(), PAGE);
            drop(reader);
        }
    }

    #[test]
    fn a_pipe_grows_for_a_long_line() {
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        assert_eq!(room_for(&writer, 100_000).unwrap(), Room::Never);
        enlarge_for(&writer, 100_000).unwrap();
        assert_eq!(room_for(&writer, 100_000).unwrap(), Room::Enough);
    }
}

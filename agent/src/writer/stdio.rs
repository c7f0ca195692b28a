//! The stream on the JVM's standard output or error, between the program's own prints.
//!
//! The program shares the open file description, so its flags stay as they are: whether
//! a write would wait is asked before each one. Where the kernel lets us open the same
//! pipe or terminal once more (`/proc/self/fd`), that description is our own and never
//! waits, whatever the program prints in between. Our descriptor is close-on-exec and
//! above 2, so what the program does to its own later does not matter. Whole lines, one
//! write each.

use std::{
    fs::{File, FileType, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::fs::{FileTypeExt, OpenOptionsExt},
    },
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
};

use super::{
    outbox::Outbox,
    pipe::{self, Room},
    socket, special,
    trouble::Trouble,
};
use crate::log;

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(super) enum Standard {
    Output,
    Error,
}

/// One of the standard streams, once it is in use.
pub(super) struct StdioSink {
    which: Standard,
    open: Option<Open>,
    said_too_long: bool,
}

struct Open {
    file: File,
    kind: FileType,
    /// The description is shared with the program, and waits.
    shared: bool,
}

impl StdioSink {
    pub(super) fn new(which: Standard) -> StdioSink {
        StdioSink {
            which,
            open: None,
            said_too_long: false,
        }
    }

    /// Writes all lines, or says why not.
    pub(super) fn send(&mut self, outbox: &mut Outbox) -> Result<(), Trouble> {
        if self.open.is_none() {
            self.open = Some(Open::new(self.which).map_err(Trouble::doing("opening it"))?);
        }
        while let Some(open) = &mut self.open
            && !outbox.is_empty()
        {
            if open.write_line(outbox)? == Fits::No {
                self.drop_too_long(outbox);
            }
        }
        Ok(())
    }

    fn drop_too_long(&mut self, outbox: &mut Outbox) {
        if !std::mem::replace(&mut self.said_too_long, true) {
            log::warn(format_args!(
                "a record of {} bytes does not fit into the pipe behind {}: it is dropped and counted, like others of that size; list fewer `classes` or write to a file",
                outbox.first_line().len(),
                self.which.name(),
            ));
        }
        outbox.drop_line();
    }
}

impl Standard {
    fn borrow(self) -> BorrowedFd<'static> {
        match self {
            Standard::Output => rustix::stdio::stdout(),
            Standard::Error => rustix::stdio::stderr(),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Standard::Output => "stdout",
            Standard::Error => "stderr",
        }
    }
}

/// Whether the first line can ever be written whole.
#[derive(PartialEq)]
enum Fits {
    Yes,
    No,
}

impl Open {
    fn new(which: Standard) -> io::Result<Open> {
        Open::duplicate(which.borrow())
    }

    fn duplicate(fd: BorrowedFd<'_>) -> io::Result<Open> {
        let file = File::from(rustix::io::fcntl_dupfd_cloexec(fd, 3)?);
        let kind = file.metadata()?.file_type();
        let own = reopen(&file, kind);
        Ok(Open {
            shared: own.is_none(),
            file: own.unwrap_or(file),
            kind,
        })
    }

    fn write_line(&mut self, outbox: &mut Outbox) -> Result<Fits, Trouble> {
        if self.kind.is_socket() {
            // Linux calls a socket writable while at most a quarter of its buffer is in use (`unix_writable` in
            // net/unix/af_unix.c): the rest stays for the program, which may block where there is no room. Half a
            // line is finished whatever that leaves.
            if !outbox.mid_line() {
                self.poll()?;
            }
            let bytes = outbox.first_line().len();
            socket::send_some(&self.file, outbox, bytes)?;
            return Ok(Fits::Yes);
        }
        if self.kind.is_fifo() && !self.has_room(outbox)? {
            return Ok(Fits::No);
        }
        if self.shared {
            self.poll()?;
        }
        special::write_line(&mut self.file, outbox)?;
        Ok(Fits::Yes)
    }

    /// `false`: never. Half a line is finished whatever room that leaves.
    fn has_room(&self, outbox: &Outbox) -> Result<bool, Trouble> {
        let bytes = outbox.first_line().len();
        let room = || pipe::room_for(&self.file, bytes).map_err(Trouble::doing("looking at it"));
        match room()? {
            _ if outbox.mid_line() => Ok(true),
            Room::Enough => Ok(true),
            Room::Later => {
                self.poll()?;
                Err(Trouble::SlowReader)
            }
            Room::Never => {
                // Refused, or not enough: the second look tells.
                let _ = pipe::enlarge_for(&self.file, bytes);
                Ok(room()? != Room::Never)
            }
        }
    }

    /// Tells a reader that is gone from one that has no room now.
    fn poll(&self) -> Result<(), Trouble> {
        let mut fds = [PollFd::new(&self.file, PollFlags::OUT)];
        poll(&mut fds, Some(&Timespec::default()))
            .map_err(|errno| Trouble::doing("looking at it")(errno))?;
        let events = fds[0].revents();
        if events.intersects(PollFlags::ERR | PollFlags::HUP) {
            Err(Trouble::NoReader(io::ErrorKind::BrokenPipe.into()))
        } else if events.contains(PollFlags::OUT) {
            Ok(())
        } else {
            Err(Trouble::SlowReader)
        }
    }
}

/// A description of our own on the same pipe or terminal. Not for a regular file, whose
/// offset has to stay shared, and not where another user made the pipe.
fn reopen(file: &File, kind: FileType) -> Option<File> {
    if !kind.is_fifo() && !kind.is_char_device() {
        return None;
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    OpenOptions::new()
        .write(true)
        .custom_flags(flags.bits().cast_signed())
        .open(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .ok()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        os::fd::AsFd,
    };

    use rustix::{fs::fcntl_getfl, io::FdFlags, io::fcntl_getfd, pipe::pipe};

    use super::*;
    use crate::stream::Stream;

    /// A sink on `program`'s descriptor, as if that were its standard output.
    fn sink(program: &File) -> StdioSink {
        StdioSink {
            which: Standard::Output,
            open: Some(Open::duplicate(program.as_fd()).unwrap()),
            said_too_long: false,
        }
    }

    /// The same, where the system does not let us open it once more.
    fn sink_sharing(program: &File) -> StdioSink {
        let mut sink = sink(program);
        sink.open = Some(Open {
            file: program.try_clone().unwrap(),
            kind: program.metadata().unwrap().file_type(),
            shared: true,
        });
        sink
    }

    #[test]
    fn a_socket_that_nobody_reads_keeps_room_for_the_program() {
        let (program, reader) = std::os::unix::net::UnixStream::pair().unwrap();
        program.set_nonblocking(true).unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(program.try_clone().unwrap()));
        let mut sink = sink(&file);
        let trouble = loop {
            let (mut outbox, _) = outbox(100, "a class");
            if let Err(trouble) = sink.send(&mut outbox) {
                break trouble;
            }
        };
        assert!(matches!(trouble, Trouble::SlowReader), "{trouble:?}");
        let mut program = program;
        program.write_all(&[b'x'; 32_768]).unwrap();
        drop(reader);
    }

    fn a_pipe() -> (File, File) {
        let (reader, writer) = pipe().unwrap();
        (reader.into(), writer.into())
    }

    fn outbox(records: usize, name: &str) -> (Outbox, Stream) {
        let (stream, receiver) = Stream::new();
        let mut outbox = Outbox::new(stream.counters());
        for _ in 0..records {
            stream.emit(super::super::tests::body(name), 1);
            receiver.try_iter().for_each(|record| outbox.push(&record));
        }
        (outbox, stream)
    }

    fn read_all(mut reader: File) -> String {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_pipe_that_nobody_reads_keeps_room_for_the_program() {
        for make in [sink, sink_sharing] {
            let (reader, mut program) = a_pipe();
            let flags = fcntl_getfl(&program).unwrap();
            let (mut outbox, stream) = outbox(1000, "a");
            let mut sink = make(&program);
            assert!(matches!(sink.send(&mut outbox), Err(Trouble::SlowReader)));
            assert!(stream.records_written_total() > 0);
            assert!(!outbox.mid_line());
            // This would wait for ever in a full pipe.
            program.write_all(&[b'.'; 4096]).unwrap();
            assert_eq!(fcntl_getfl(&program).unwrap(), flags);
            drop((sink, program));
            let text = read_all(reader);
            let ours = text.trim_end_matches('.');
            assert_eq!(ours.lines().count() as u64, stream.records_written_total());
            assert!(ours.ends_with("}\n"));
        }
    }

    #[test]
    fn our_descriptor_is_close_on_exec_and_above_the_standard_ones() {
        let (_reader, program) = a_pipe();
        let sink = sink(&program);
        let file = &sink.open.as_ref().unwrap().file;
        assert!(file.as_raw_fd() > 2);
        assert_eq!(fcntl_getfd(file).unwrap(), FdFlags::CLOEXEC);
    }

    #[test]
    fn lines_stay_whole_between_the_programs_own() {
        let (reader, mut program) = a_pipe();
        let reading = std::thread::spawn(move || read_all(reader));
        let mut sink = sink(&program);
        let printing = std::thread::spawn(move || {
            (0..2000).for_each(|_| program.write_all(b"the program's own\n").unwrap());
        });
        let (mut outbox, _stream) = outbox(2000, &"long ".repeat(500));
        let in_all = outbox
            .unsent()
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        while let Err(trouble) = sink.send(&mut outbox) {
            assert!(matches!(trouble, Trouble::SlowReader), "{trouble}");
            std::thread::yield_now();
        }
        printing.join().unwrap();
        drop(sink);
        let text = reading.join().unwrap();
        let (own, ours): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|&line| line == "the program's own");
        assert_eq!((own.len(), ours.len()), (2000, in_all));
        assert!(
            ours.iter()
                .all(|line| finwatch_record::Record::parse(line).is_ok())
        );
    }

    #[test]
    fn a_line_longer_than_the_pipe_makes_it_grow() {
        let (reader, program) = a_pipe();
        let (mut outbox, stream) = outbox(1, &"x".repeat(200_000));
        let mut sink = sink(&program);
        sink.send(&mut outbox).unwrap();
        assert_eq!(stream.records_written_total(), 1);
        drop((sink, program));
        assert!(finwatch_record::Record::parse(&read_all(reader)).is_ok());
    }

    #[test]
    fn a_line_that_no_pipe_can_hold_is_dropped_and_counted() {
        let (_reader, program) = a_pipe();
        let (mut outbox, stream) = outbox(1, "a");
        let mut sink = sink(&program);
        sink.drop_too_long(&mut outbox);
        assert!(outbox.is_empty());
        assert_eq!(stream.records_dropped_total(), 1);
    }

    #[test]
    fn a_reader_that_is_gone_is_told_from_a_slow_one() {
        for make in [sink, sink_sharing] {
            let (reader, program) = a_pipe();
            let mut sink = make(&program);
            let (mut outbox, _stream) = outbox(1000, "a");
            assert!(matches!(sink.send(&mut outbox), Err(Trouble::SlowReader)));
            drop(reader);
            assert!(matches!(sink.send(&mut outbox), Err(Trouble::NoReader(_))));
        }
    }

    #[test]
    fn a_file_behind_stdout_is_written_at_the_programs_own_position() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mut program = File::create(&path).unwrap();
        let mut sink = sink(&program);
        program.write_all(b"before\n").unwrap();
        let (mut outbox, _stream) = outbox(2, "a");
        sink.send(&mut outbox).unwrap();
        program.write_all(b"after\n").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[3]), (4, "before", "after"));
    }

    #[test]
    fn a_socket_behind_stdout_never_makes_us_wait() {
        use std::os::{fd::OwnedFd, unix::net::UnixStream};

        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let program = File::from(OwnedFd::from(ours));
        let mut sink = sink(&program);
        let (mut outbox, stream) = outbox(900, &"x".repeat(500));
        assert!(matches!(sink.send(&mut outbox), Err(Trouble::SlowReader)));
        assert!(stream.records_written_total() > 0);
        let reading = std::thread::spawn(move || {
            let mut text = String::new();
            theirs.read_to_string(&mut text).unwrap();
            text
        });
        while sink.send(&mut outbox).is_err() {
            std::thread::yield_now();
        }
        drop((sink, program));
        assert_eq!(reading.join().unwrap().lines().count(), 900);
    }
}

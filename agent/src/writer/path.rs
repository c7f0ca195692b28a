//! The destination that the option `out` names by a path: whatever is there.

use std::{fs::File, path::PathBuf};

use super::{
    file::{Still, StreamFile},
    open::{self, Opened},
    outbox::Outbox,
    rotate::Rotation,
    special,
    trouble::Trouble,
};

/// A path and what was last found there.
pub(super) struct PathSink {
    path: PathBuf,
    rotation: Rotation,
    target: Target,
    /// Another writer had the file when we last looked, or had just rotated it.
    aside: bool,
}

enum Target {
    Closed,
    Regular(StreamFile),
    Special(File),
}

impl PathSink {
    pub(super) fn new(path: PathBuf, rotation: Rotation) -> PathSink {
        PathSink {
            path,
            rotation,
            target: Target::Closed,
            aside: false,
        }
    }

    /// Writes all lines, or says why not.
    pub(super) fn send(&mut self, outbox: &mut Outbox) -> Result<(), Trouble> {
        loop {
            match &mut self.target {
                Target::Closed => self.open(outbox)?,
                Target::Special(file) => {
                    let sent = special::write_lines(file, outbox);
                    return sent.inspect_err(|trouble| self.close_without_reader(trouble, outbox));
                }
                Target::Regular(file) => {
                    let still = file.check(&self.path, outbox);
                    if !matches!(still, Ok(Still::There)) {
                        self.target = Target::Closed;
                        still?;
                        continue;
                    }
                    if append_until_rotation(file, &mut self.rotation, outbox)? == Full(false) {
                        return Ok(());
                    }
                    self.rotate();
                }
            }
        }
    }

    fn open(&mut self, outbox: &mut Outbox) -> Result<(), Trouble> {
        outbox.rewind_line();
        // Between the two names of a rotation there is no file: that is not its end.
        if std::mem::take(&mut self.aside) && !self.path.exists() {
            return Err(Trouble::Aside);
        }
        self.target = match open::open(&self.path)? {
            Opened::Regular(file) => self.lock(file)?,
            Opened::Fifo(file) | Opened::Device(file) => Target::Special(file),
        };
        Ok(())
    }

    fn lock(&mut self, file: File) -> Result<Target, Trouble> {
        let locked = StreamFile::lock(file, &self.path);
        self.aside = matches!(locked, Err(Trouble::Aside) | Ok(None));
        Ok(locked?.map_or(Target::Closed, Target::Regular))
    }

    /// A FIFO's next reader begins with a whole line, and gets what the last one left
    /// unread.
    fn close_without_reader(&mut self, trouble: &Trouble, outbox: &mut Outbox) {
        if !matches!(trouble, Trouble::NoReader(_)) {
            return;
        }
        if let Target::Special(fifo) = std::mem::replace(&mut self.target, Target::Closed) {
            special::take_back_unread(&fifo, outbox);
        }
    }

    fn rotate(&mut self) {
        if self.rotation.rotate(&self.path) {
            self.target = Target::Closed;
        }
    }
}

/// Whether the file is to be rotated before the next line.
#[derive(PartialEq)]
struct Full(bool);

fn append_until_rotation(
    file: &mut StreamFile,
    rotation: &mut Rotation,
    outbox: &mut Outbox,
) -> Result<Full, Trouble> {
    file.end_half_line()?;
    while !outbox.is_empty() {
        // Half a line that could not be cut off is finished where it is.
        let bytes = match outbox.mid_line() {
            true => outbox.first_line().len(),
            false => rotation.room(file.size(), outbox.unsent()),
        };
        if bytes == 0 {
            return Ok(Full(true));
        }
        file.append(outbox, bytes)?;
    }
    Ok(Full(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{stream::Stream, writer::tests::body};

    /// A file for each record.
    fn sink(path: &std::path::Path) -> PathSink {
        PathSink::new(path.to_owned(), Rotation::new(1, 100))
    }

    fn outbox(records: usize) -> (Outbox, Stream) {
        let (stream, receiver) = Stream::new();
        let mut outbox = Outbox::new(stream.counters());
        (0..records).for_each(|_| stream.emit(body("a"), 1));
        receiver.try_iter().for_each(|record| outbox.push(&record));
        (outbox, stream)
    }

    #[test]
    fn the_one_that_stands_aside_takes_over_at_the_end_and_not_at_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stream.jsonl");
        let (mut one, mut other) = (sink(&path), sink(&path));
        one.send(&mut outbox(3).0).unwrap();
        let (mut waiting, counts) = outbox(1);
        assert!(matches!(other.send(&mut waiting), Err(Trouble::Aside)));

        // Just between the two names of a rotation.
        std::fs::rename(&path, dir.path().join("moved")).unwrap();
        assert!(matches!(other.send(&mut waiting), Err(Trouble::Aside)));
        one.send(&mut outbox(3).0).unwrap();
        assert!(matches!(other.send(&mut waiting), Err(Trouble::Aside)));
        assert_eq!(counts.records_written_total(), 0);

        drop(one);
        other.send(&mut waiting).unwrap();
        assert_eq!(counts.records_written_total(), 1);
    }
}

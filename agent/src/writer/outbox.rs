//! The lines that are made and not yet written.
//!
//! One buffer of whole lines, used over and over by the writer thread. It knows how far
//! into its first line the destination has got, which is what keeps lines whole: the
//! rest of that line goes out next, or all of it again. Bounded: while nothing can be
//! written it keeps the oldest records, so that a stream that comes back goes on where
//! it stopped, and drops the newest.

use std::sync::Arc;

use finwatch_record::Record;

use crate::stream::Counters;

/// Unwritten bytes past which records are dropped. A single record may be larger.
const LIMIT: usize = 1 << 20;

/// How every line begins, and what is nowhere else in one: quotes within a string are
/// escaped, and `v` is the first field of the envelope alone.
const LINE_START: &[u8] = b"{\"v\":";

/// Memory that an empty buffer may keep.
const KEPT_WHEN_EMPTY: usize = 1 << 18;

pub(super) struct Outbox {
    /// Whole lines; those before `line_start` are written.
    bytes: Vec<u8>,
    /// Where the first unwritten line starts.
    line_start: usize,
    /// What the destination has taken: at or past `line_start`.
    sent: usize,
    counters: Arc<Counters>,
}

impl Outbox {
    pub(super) fn new(counters: Arc<Counters>) -> Outbox {
        Outbox {
            bytes: Vec::new(),
            line_start: 0,
            sent: 0,
            counters,
        }
    }

    /// Takes a record as a line, or drops and counts it where there is no room.
    pub(super) fn push(&mut self, record: &Record) {
        if self.is_full() {
            return self.counters.count_dropped();
        }
        self.forget_written();
        let end = self.bytes.len();
        if serde_json::to_writer(&mut self.bytes, record).is_err() {
            self.bytes.truncate(end);
            return self.counters.count_dropped();
        }
        self.bytes.push(b'\n');
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.unsent().len() >= LIMIT
    }

    /// What is to be written: whole lines, but for the first where [`Self::mid_line`].
    pub(super) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// The first line of [`Self::unsent`], its line feed included.
    pub(super) fn first_line(&self) -> &[u8] {
        let unsent = self.unsent();
        match unsent.iter().position(|&byte| byte == b'\n') {
            Some(end) => &unsent[..=end],
            None => unsent,
        }
    }

    /// Bytes of an unfinished line that the destination has taken already.
    pub(super) fn torn_bytes(&self) -> usize {
        self.sent - self.line_start
    }

    /// Whether the destination holds half a line, to be finished before anything else.
    pub(super) fn mid_line(&self) -> bool {
        self.torn_bytes() > 0
    }

    /// The destination has taken `bytes` of [`Self::unsent`].
    pub(super) fn advance(&mut self, bytes: usize) {
        let taken = &self.bytes[self.sent..self.sent + bytes];
        let lines = taken.iter().filter(|&&byte| byte == b'\n').count();
        if let Some(last) = taken.iter().rposition(|&byte| byte == b'\n') {
            self.line_start = self.sent + last + 1;
        }
        self.sent += bytes;
        self.counters.count_written(lines as u64);
    }

    /// The destination's half of the first line is gone, or the destination is another:
    /// the line goes out again from its start.
    pub(super) fn rewind_line(&mut self) {
        self.sent = self.line_start;
    }

    /// The kernel gave back what nobody has read of the lines sent last: the end of one
    /// whose start was read, whole ones, and the sent half of the first line here. The
    /// whole ones go out again, before all others; the torn one is lost.
    pub(super) fn take_back(&mut self, unread: &[u8]) {
        let whole = unread
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |last| last + 1);
        let starts_whole = unread.starts_with(LINE_START);
        let torn = match starts_whole {
            true => 0,
            false => unread[..whole]
                .iter()
                .position(|&byte| byte == b'\n')
                .map_or(0, |end| end + 1),
        };
        let lines = unread[..whole]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        self.counters.take_back_written(lines as u64);
        if torn > 0 {
            self.counters.count_dropped();
        }
        let back = unread[torn..whole].iter().copied();
        self.bytes.splice(self.line_start..self.line_start, back);
        self.rewind_line();
    }

    /// Gives up the first line, which no attempt will bring through.
    pub(super) fn drop_line(&mut self) {
        self.sent += self.first_line().len();
        self.line_start = self.sent;
        self.counters.count_dropped();
    }

    /// Cheap, because it moves bytes only when at least as many have been written.
    fn forget_written(&mut self) {
        if self.is_empty() && !self.mid_line() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT_WHEN_EMPTY);
        } else if self.line_start > self.bytes.len() / 2 {
            self.bytes.drain(..self.line_start);
        } else {
            return;
        }
        self.sent -= self.line_start;
        self.line_start = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    fn outbox(records: usize) -> (Outbox, Stream) {
        let (stream, receiver) = Stream::new();
        let mut outbox = Outbox::new(stream.counters());
        for _ in 0..records {
            stream.emit(super::super::tests::body("a\nb"), 1);
            receiver.try_iter().for_each(|record| outbox.push(&record));
        }
        (outbox, stream)
    }

    #[test]
    fn lines_are_counted_when_their_line_feed_is_taken() {
        let (mut outbox, stream) = outbox(3);
        let line = outbox.first_line().len();
        outbox.advance(line + 5);
        assert_eq!(stream.records_written_total(), 1);
        assert_eq!(outbox.torn_bytes(), 5);
        outbox.advance(outbox.first_line().len());
        assert_eq!(stream.records_written_total(), 2);
        assert!(!outbox.mid_line());
    }

    #[test]
    fn a_rewound_line_goes_out_whole() {
        let (mut outbox, _stream) = outbox(2);
        let line = outbox.first_line().to_vec();
        outbox.advance(line.len() + 7);
        outbox.rewind_line();
        assert_eq!(outbox.first_line().len(), line.len());
        assert!(outbox.first_line().starts_with(b"{\"v\":1,"));
    }

    #[test]
    fn half_a_line_survives_the_reuse_of_the_buffer() {
        let (mut outbox, stream) = outbox(3);
        let all = outbox.unsent().to_vec();
        outbox.advance(2 * all.len() / 3 + 4);
        let (more, receiver) = Stream::new();
        more.emit(super::super::tests::body("x"), 1);
        outbox.push(&receiver.try_recv().unwrap());
        assert_eq!(outbox.torn_bytes(), 4);
        assert!(outbox.unsent().starts_with(&all[2 * all.len() / 3 + 4..]));
        outbox.advance(outbox.unsent().len());
        assert_eq!(stream.records_written_total(), 4);
    }

    #[test]
    fn what_comes_back_unread_goes_out_again_but_for_a_torn_line() {
        let (mut outbox, stream) = outbox(4);
        let all = outbox.unsent().to_vec();
        let line = all.len() / 4;
        outbox.advance(3 * line + 8);
        // A reader took the first line and five bytes of the second.
        outbox.take_back(&all[line + 5..3 * line + 8]);
        assert_eq!(outbox.unsent(), &all[2 * line..]);
        assert_eq!(stream.records_written_total(), 1);
        assert_eq!(stream.records_dropped_total(), 1);
        // Another took nothing.
        outbox.advance(line);
        outbox.take_back(&all[2 * line..3 * line]);
        assert_eq!(outbox.unsent(), &all[2 * line..]);
        assert_eq!(stream.records_dropped_total(), 1);
    }

    #[test]
    fn a_full_outbox_drops_the_newest_and_counts() {
        let (mut outbox, stream) = outbox(20_000);
        assert!(outbox.is_full());
        let kept = outbox.unsent().iter().filter(|&&b| b == b'\n').count() as u64;
        assert_eq!(kept + stream.records_dropped_total(), 20_000);
        assert!(outbox.first_line().windows(8).any(|w| w == b"\"seq\":0,"));
        outbox.drop_line();
        assert_eq!(kept - 1 + stream.records_dropped_total(), 20_000);
    }
}

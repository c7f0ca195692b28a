//! Which pieces are of one JVM: rotated files have no name in common that can be relied on, and in a container every
//! JVM has the process id 1.

/// The process and the time that records following each other in one source are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The place of the source among those that are read.
    pub source: usize,
    /// Process id of the JVM.
    pub pid: u64,
    /// When the JVM started, milliseconds since 1970, as the first record has it.
    pub started_ms: u64,
    /// Time of the earliest record, milliseconds since 1970.
    pub first_ms: u64,
    /// Time of the latest record.
    pub last_ms: u64,
    /// The number of the first record.
    pub first_seq: u64,
    /// How many records there are.
    pub records: u64,
}

impl Span {
    /// One that begins with a record of that number, which is not in it yet.
    pub fn at(source: usize, pid: u64, seq: u64, time_ms: u64, uptime_ms: u64) -> Span {
        Span {
            source,
            pid,
            started_ms: time_ms.saturating_sub(uptime_ms),
            first_ms: time_ms,
            last_ms: time_ms,
            first_seq: seq,
            records: 0,
        }
    }

    /// With one more record of the same JVM.
    pub fn extend(&mut self, time_ms: u64) {
        self.first_ms = self.first_ms.min(time_ms);
        self.last_ms = self.last_ms.max(time_ms);
        self.records += 1;
    }

    /// With what came after in another file.
    pub fn append(&mut self, later: &Span) {
        self.last_ms = self.last_ms.max(later.last_ms);
        self.records += later.records;
    }

    /// Whether the other may be of the same JVM: the same process id, and the same start as far as two clocks agree.
    pub fn is_like(&self, other: &Span) -> bool {
        // The clock of uptimes is not corrected, that of times is: 100 ppm are common.
        let tolerance = 2000 + (other.last_ms.saturating_sub(self.started_ms)) / 10_000;
        self.pid == other.pid && self.started_ms.abs_diff(other.started_ms) <= tolerance
    }

    /// Whether `later` may go on where this ended: like it, and with no time in common, as two JVMs that were started
    /// together in two containers have.
    fn is_continued_by(&self, later: &Span) -> bool {
        self.is_like(later) && self.last_ms <= later.first_ms
    }

    /// Puts together what is of one JVM, each in its order; the JVMs in the order of their first records.
    pub fn group<T>(pieces: Vec<T>, span: impl Fn(&T) -> &Span) -> Vec<Vec<T>> {
        let mut pieces = pieces;
        // The source last: where the times are the same, what was given first is first.
        pieces.sort_by_key(|piece| {
            let span = span(piece);
            (span.first_ms, span.last_ms, span.source)
        });
        let mut groups: Vec<Vec<T>> = Vec::new();
        for piece in pieces {
            let continued = groups.iter_mut().find(|group| {
                let last = group.last().map(&span);
                last.is_some_and(|last| last.is_continued_by(span(&piece)))
            });
            match continued {
                Some(group) => group.push(piece),
                None => groups.push(vec![piece]),
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(source: usize, pid: u64, started_ms: u64, first_ms: u64, last_ms: u64) -> Span {
        Span {
            source,
            pid,
            started_ms,
            first_ms,
            last_ms,
            first_seq: 0,
            records: 0,
        }
    }

    fn sources(spans: &[Span]) -> Vec<Vec<usize>> {
        let groups = Span::group(spans.to_vec(), |span| span);
        let sources = |group: Vec<Span>| group.iter().map(|span| span.source).collect();
        groups.into_iter().map(sources).collect()
    }

    #[test]
    fn rotated_files_are_of_one_jvm_in_any_order() {
        let pieces = [
            span(0, 7, 1000, 9000, 12_000),
            span(1, 7, 1000, 1500, 5000),
            span(2, 7, 1003, 5000, 9000),
        ];
        assert_eq!(sources(&pieces), [[1, 2, 0]]);
    }

    #[test]
    fn two_containers_with_the_same_process_id_are_two_jvms() {
        let pieces = [span(0, 1, 1000, 2000, 9000), span(1, 1, 1500, 2500, 8000)];
        assert_eq!(sources(&pieces), [[0], [1]]);
    }

    #[test]
    fn a_process_id_used_again_is_another_jvm() {
        let pieces = [
            span(0, 7, 1000, 2000, 9000),
            span(0, 7, 20_000, 21_000, 30_000),
        ];
        assert_eq!(sources(&pieces), [[0], [0]]);
    }

    proptest! {
        #[test]
        fn none_is_lost(spans in prop::collection::vec((0u64..3, 0u64..5000, 0u64..9000, 0u64..9000), 0..20)) {
            let spans: Vec<Span> = spans
                .iter()
                .enumerate()
                .map(|(source, &(pid, started, first, length))| span(source, pid, started, first, first + length))
                .collect();
            let mut all = sources(&spans).concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..spans.len()).collect::<Vec<_>>());
        }
    }
}

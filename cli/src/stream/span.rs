//! Which pieces are of one JVM: rotated files have no name in common that can be relied on, and in a container every
//! JVM has the process id 1.

use std::cmp::Reverse;
use std::collections::HashMap;

/// How much the time of a record on the JVM's clock may lie before that of the one before it: several threads make them.
const OUT_OF_ORDER_MS: u64 = 1000;

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Process id of the JVM.
    pub pid: u64,
    /// The number of the record.
    pub seq: u64,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// The same since the JVM started.
    pub uptime_ms: u64,
}

impl Place {
    /// When the JVM started, milliseconds since 1970.
    fn started_ms(&self) -> u64 {
        self.time_ms.saturating_sub(self.uptime_ms)
    }

    /// Whether the other record may be of the same JVM: the same process id, and the same start as far as two clocks
    /// agree.
    fn is_like(&self, other: &Place) -> bool {
        // The clock of uptimes is not corrected, that of times is: 100 ppm are common.
        let tolerance = 2000 + other.time_ms.saturating_sub(self.started_ms()) / 10_000;
        self.pid == other.pid && self.started_ms().abs_diff(other.started_ms()) <= tolerance
    }

    /// Whether the other is the very next record, whatever the time is: somebody may have set the clock, or the machine
    /// slept.
    fn is_before(&self, other: &Place) -> bool {
        self.pid == other.pid
            && self.seq.checked_add(1) == Some(other.seq)
            && self.uptime_ms <= other.uptime_ms.saturating_add(OUT_OF_ORDER_MS)
    }
}

/// Records of one JVM that stand in one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The place of the source among those that are read.
    pub source: usize,
    /// The first record.
    pub first: Place,
    /// The last record.
    pub last: Place,
    /// Time of the earliest record, milliseconds since 1970.
    pub first_ms: u64,
    /// Time of the latest record.
    pub last_ms: u64,
    /// How many records there are.
    pub records: u64,
}

impl Span {
    /// One that begins with a record that is not in it yet.
    pub fn at(source: usize, first: Place) -> Span {
        Span {
            source,
            first_ms: first.time_ms,
            last_ms: first.time_ms,
            last: first.clone(),
            first,
            records: 0,
        }
    }

    /// Process id of the JVM.
    pub fn pid(&self) -> u64 {
        self.first.pid
    }

    /// When the JVM started, milliseconds since 1970, as the first record has it.
    pub fn started_ms(&self) -> u64 {
        self.first.started_ms()
    }

    /// The agent came in with the first record, and knew nothing of what one before it had told.
    pub fn is_new_watch(&self) -> bool {
        self.first.seq == 0
    }

    /// With one more record of the same JVM.
    pub fn extend(&mut self, place: Place) {
        self.first_ms = self.first_ms.min(place.time_ms);
        self.last_ms = self.last_ms.max(place.time_ms);
        self.last = place;
        self.records += 1;
    }

    /// With what came after in another file.
    pub fn append(&mut self, later: &Span) {
        self.last_ms = self.last_ms.max(later.last_ms);
        self.last = later.last.clone();
        self.records += later.records;
    }

    /// The place of the one that goes on with a record: by the time, or else by its being the very next one. In
    /// containers that were started together the JVMs have the same process id, and starts that hardly differ.
    pub fn going_on<'a>(open: impl Iterator<Item = &'a Span>, record: &Place) -> Option<usize> {
        let nearness = |last: &Place| {
            let away_ms = last.started_ms().abs_diff(record.started_ms());
            match (last.is_like(record), last.seq < record.seq) {
                (true, true) => Some((0, away_ms)),
                _ if last.is_before(record) => Some((1, away_ms)),
                (true, false) => Some((2, away_ms)),
                (false, _) => None,
            }
        };
        let open = open.enumerate();
        let near = open.filter_map(|(at, span)| Some((nearness(&span.last)?, Reverse(at))));
        near.min().map(|(_, Reverse(at))| at)
    }

    /// Whether `later` may go on where this ended: like it, and with no time in common, as two JVMs that were started
    /// together in two containers have.
    fn is_continued_by(&self, later: &Span) -> bool {
        self.last.is_like(&later.first) && self.last_ms <= later.first_ms
    }

    /// Puts together what is of one JVM, each in its order; the JVMs in the order of their first records.
    pub fn group<T>(pieces: Vec<T>, span: impl Fn(&T) -> &Span) -> Vec<Vec<T>> {
        let mut chains = chains(pieces, &span);
        // The source last: where the times are the same, what was given first is first.
        chains.sort_by_key(|chain| {
            let first = chain.first().map(&span);
            first.map(|span| (span.first_ms, span.last_ms, span.source))
        });
        let mut groups: Vec<Vec<T>> = Vec::new();
        for chain in chains {
            let continued = groups.iter_mut().find(|group| {
                let ends = (group.last().map(&span), chain.first().map(&span));
                matches!(ends, (Some(last), Some(first)) if last.is_continued_by(first))
            });
            match continued {
                Some(group) => group.extend(chain),
                None => groups.push(chain),
            }
        }
        groups
    }
}

/// Pieces of which one begins with the very next record after another, put together: first where the times agree too, and
/// soonest after each other, for numbers of two JVMs, or of two agents in one, may follow each other by chance.
fn chains<T>(pieces: Vec<T>, span: &impl Fn(&T) -> &Span) -> Vec<Vec<T>> {
    let mut by_first: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for (place, piece) in pieces.iter().enumerate() {
        let first = &span(piece).first;
        by_first
            .entry((first.pid, first.seq))
            .or_default()
            .push(place);
    }
    let mut pairs: Vec<(bool, u64, usize, usize)> = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let last = &span(piece).last;
        let key = (last.pid, last.seq.saturating_add(1));
        let others = by_first.get(&key).into_iter().flatten();
        pairs.extend(others.filter_map(|&other| {
            let first = &span(&pieces[other]).first;
            let apart_ms = last.uptime_ms.abs_diff(first.uptime_ms);
            let is_next = last.is_before(first);
            is_next.then_some((!last.is_like(first), apart_ms, place, other))
        }));
    }
    pairs.sort_unstable();
    let mut next: Vec<Option<usize>> = vec![None; pieces.len()];
    let mut has_one_before = vec![false; pieces.len()];
    for (_, _, place, follower) in pairs {
        if next[place].is_none() && !has_one_before[follower] {
            (next[place], has_one_before[follower]) = (Some(follower), true);
        }
    }
    let mut pieces: Vec<Option<T>> = pieces.into_iter().map(Some).collect();
    let heads = (0..pieces.len()).filter(|place| !has_one_before[*place]);
    heads
        .map(|head| {
            let places = std::iter::successors(Some(head), |place| next[*place]);
            places.filter_map(|place| pieces[place].take()).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// With records whose numbers have gaps, so that times alone tell.
    fn span(source: usize, pid: u64, started_ms: u64, first_ms: u64, last_ms: u64) -> Span {
        let place = |seq, time_ms: u64| Place {
            pid,
            seq,
            time_ms,
            uptime_ms: time_ms.saturating_sub(started_ms),
        };
        let mut span = Span::at(source, place(10 * first_ms, first_ms));
        span.extend(place(10 * last_ms, last_ms));
        span
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

    #[test]
    fn the_next_record_is_of_the_same_jvm_whatever_the_clock_says() {
        let place = |seq, time_ms, uptime_ms| Place {
            pid: 7,
            seq,
            time_ms,
            uptime_ms,
        };
        let mut span = Span::at(0, place(4, 100_000, 50_000));
        // The machine slept for an hour.
        let next = place(5, 3_705_000, 55_000);
        assert_eq!(Span::going_on([&span].into_iter(), &next), Some(0));
        span.extend(next);
        // What is missing then does not matter.
        let goes_on = |place| Span::going_on([&span].into_iter(), &place).is_some();
        assert!(goes_on(place(9, 3_709_000, 59_000)));
        assert!(!goes_on(place(9, 109_000, 59_000)));
        assert!(!goes_on(place(6, 109_000, 9000)));
    }

    #[test]
    fn a_record_is_of_the_jvm_that_started_when_its_own_did() {
        let at = |seq, started_ms, uptime_ms| Place {
            pid: 1,
            seq,
            time_ms: started_ms + uptime_ms,
            uptime_ms,
        };
        let open = [
            Span::at(0, at(10, 1000, 9000)),
            Span::at(0, at(11, 1700, 8300)),
        ];
        let going_on = |place| Span::going_on(open.iter(), &place);
        // One is missing, so that it would be the next of the other.
        assert_eq!(going_on(at(12, 1001, 9500)), Some(0));
        assert_eq!(going_on(at(12, 1699, 8500)), Some(1));
        // Written once more.
        assert_eq!(going_on(at(10, 1000, 9000)), Some(0));
        assert_eq!(going_on(at(12, 9000, 9000)), Some(1));
        assert_eq!(going_on(at(13, 9000, 9000)), None);
    }

    #[test]
    fn files_follow_each_other_by_number_where_the_clock_was_set_back() {
        let at = |source, seq, time_ms, uptime_ms| {
            let place = |seq, time_ms, uptime_ms| Place {
                pid: 7,
                seq,
                time_ms,
                uptime_ms,
            };
            let mut span = Span::at(source, place(seq, time_ms, uptime_ms));
            span.extend(place(seq + 9, time_ms + 9000, uptime_ms + 9000));
            span
        };
        // Another JVM with the same process id, whose numbers follow too.
        let other = at(2, 10, 500_000, 300_000);
        let pieces = [
            at(0, 0, 100_000, 50_000),
            at(1, 10, 60_000, 60_000),
            other.clone(),
        ];
        assert_eq!(sources(&pieces), [vec![0, 1], vec![2]]);
        let pieces = [at(0, 0, 100_000, 50_000), other, at(1, 10, 110_000, 60_000)];
        assert_eq!(sources(&pieces), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn files_of_an_agent_are_not_those_of_one_that_was_attached_before_it() {
        let at = |source, first: (u64, u64), last: (u64, u64)| {
            let place = |(seq, uptime_ms)| Place {
                pid: 7,
                seq,
                time_ms: 1000 + uptime_ms,
                uptime_ms,
            };
            let mut span = Span::at(source, place(first));
            span.extend(place(last));
            span
        };
        let pieces = [
            at(0, (9, 9000), (12, 12_000)),
            at(1, (0, 5000), (8, 8000)),
            at(2, (0, 1000), (8, 2000)),
        ];
        assert_eq!(sources(&pieces), [[2, 1, 0]]);
        let [newest, newer, oldest] = pieces;
        assert_eq!(sources(&[newest, oldest, newer]), [[2, 1, 0]]);
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

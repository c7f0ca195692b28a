//! The Finalizers of a dump and the chain that they form.
//!
//! `java.lang.ref.Finalizer` links all registered objects in a list that begins at its static field `unfinalized`;
//! `next` leads away from the beginning, `prev` to it. (`Finalizer.java`, the same from JDK 5 to 28.) A Finalizer's
//! `queue`, declared in `Reference`, tells how far it has come: the finalizer queue itself while nothing happened,
//! `ReferenceQueue.ENQUEUED` while it waits there, `ReferenceQueue.NULL` once it was taken from it.

use crate::addresses::{Index, Near, Number};
use crate::columns::Bits;
use crate::layout::{Field, Finder};
use crate::shape::{FINALIZER, REFERENCE};
use crate::value::IdSize;
use crate::words::{by_number, counted};

/// No object.
pub const NULL: Number = u32::MAX;
/// An object that the dump does not have.
pub const DANGLING: Number = u32::MAX - 1;

/// How far a Finalizer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// Not in the queue yet.
    Active,
    /// In the queue.
    Enqueued,
    /// Taken from the queue.
    Taken,
}

/// A Finalizer's fields, objects by number.
#[derive(Debug, Clone, Copy)]
pub struct FinalizerRow {
    /// The Finalizer itself.
    pub number: Number,
    /// What it will finalize.
    pub referent: Number,
    /// The next in the chain.
    pub next: Number,
    /// The one before in the chain.
    pub prev: Number,
    /// Its `queue` field.
    pub queue: QueueState,
}

/// Where Finalizers have their fields, and what the queue field can be.
#[derive(Debug)]
pub struct FinalizerFields {
    referent: Field,
    next: Field,
    prev: Field,
    queue: Field,
    enqueued: u64,
    null: u64,
    /// The beginning of the chain.
    pub unfinalized: u64,
}

impl FinalizerFields {
    /// Finds them; `None` where the class is not there or looks otherwise.
    pub fn find(finder: Finder<'_>) -> Option<FinalizerFields> {
        let class = finder.classes.of_boot_loader(FINALIZER)?;
        let queue_class = finder
            .classes
            .of_boot_loader("java.lang.ref.ReferenceQueue")?;
        // JDK 26 renamed NULL to NULL_QUEUE.
        let null = ["NULL", "NULL_QUEUE"]
            .iter()
            .find_map(|name| finder.static_value(queue_class, name));
        Some(FinalizerFields {
            referent: finder.field(class, REFERENCE, "referent")?,
            next: finder.field(class, FINALIZER, "next")?,
            prev: finder.field(class, FINALIZER, "prev")?,
            queue: finder.field(class, REFERENCE, "queue")?,
            enqueued: finder.static_value(queue_class, "ENQUEUED")?,
            null: null?,
            unfinalized: finder.static_value(class, "unfinalized")?,
        })
    }

    /// A Finalizer's fields.
    pub fn row(
        &self,
        number: Number,
        body: &[u8],
        index: &Index,
        ids: IdSize,
        near: &mut [Near; 3],
    ) -> FinalizerRow {
        let object = |field: &Field, near: &mut Near| match field.read(ids, body) {
            0 => NULL,
            id => index.number_near(id, near).unwrap_or(DANGLING),
        };
        let queue = self.queue.read(ids, body);
        FinalizerRow {
            number,
            referent: object(&self.referent, &mut near[0]),
            next: object(&self.next, &mut near[1]),
            prev: object(&self.prev, &mut near[2]),
            queue: match queue {
                queue if queue == self.enqueued => QueueState::Enqueued,
                queue if queue == self.null => QueueState::Taken,
                _ => QueueState::Active,
            },
        }
    }
}

/// The chain, walked from its beginning.
#[derive(Debug)]
pub struct Chain {
    /// How many Finalizers are in it.
    pub length: u64,
    /// Why it is not what it should be; `None`: each links to the next and back.
    pub broken: Option<String>,
    /// The Finalizers that it holds, by number: those in it, and where it is broken all that it had when it was whole.
    pub members: Bits,
}

impl Chain {
    /// Walks it.
    pub fn walk(unfinalized: Option<Number>, rows: &Rows, objects: usize) -> Chain {
        let mut chain = Chain {
            length: 0,
            broken: None,
            members: Bits::new(objects),
        };
        let mut before = NULL;
        let mut at = unfinalized.unwrap_or(NULL);
        let mut last = (0, 0);
        while at != NULL {
            let Some(row) = rows.find(at, &mut last) else {
                chain.broken = Some(format!(
                    "it leads to an object that is not there after {}",
                    counted(chain.length, "Finalizer")
                ));
                break;
            };
            if !chain.members.set(at) {
                chain.broken = Some(format!(
                    "it leads back into itself after {}",
                    counted(chain.length, "Finalizer")
                ));
                break;
            }
            chain.length += 1;
            if row.prev != before && chain.broken.is_none() {
                chain.broken = Some(format!(
                    "Finalizer {} of it does not link back to the one before",
                    chain.length
                ));
            }
            before = at;
            at = row.next;
        }
        chain.count_strays(rows);
        if chain.broken.is_some() {
            rows.iter()
                .filter(|row| row.queue != QueueState::Taken)
                .for_each(|row| {
                    chain.members.set(row.number);
                });
        }
        chain
    }

    /// Finalizers that link to others but are not in the chain: a part that was cut off.
    fn count_strays(&mut self, rows: &Rows) {
        let linked = |row: &FinalizerRow| {
            let link = |other| other != NULL && other != row.number;
            (link(row.next) || link(row.prev)) && !self.members.get(row.number)
        };
        let strays = rows.iter().filter(linked).count() as u64;
        if strays > 0 && self.broken.is_none() {
            self.broken = Some(format!(
                "{} {} to others but {} not in it",
                counted(strays, "Finalizer"),
                by_number(strays, "links", "link"),
                by_number(strays, "is", "are")
            ));
        }
    }
}

/// Finalizers as they are kept: there may be millions, and a row by itself would have bytes that say nothing.
#[derive(Debug, Default)]
pub struct Part {
    /// The Finalizer, its referent, the next and the one before.
    links: Vec<[Number; 4]>,
    queues: Queues,
}

impl Part {
    /// Adds a Finalizer.
    pub fn push(&mut self, row: FinalizerRow) {
        self.queues.set(self.links.len(), row.queue);
        self.links
            .push([row.number, row.referent, row.next, row.prev]);
    }

    /// No more will come.
    pub fn shrink(&mut self) {
        self.links.shrink_to_fit();
        self.queues.fours.shrink_to_fit();
    }

    fn get(&self, place: usize) -> Option<FinalizerRow> {
        let &[number, referent, next, prev] = self.links.get(place)?;
        Some(FinalizerRow {
            number,
            referent,
            next,
            prev,
            queue: self.queues.get(place)?,
        })
    }

    fn iter(&self) -> impl Iterator<Item = FinalizerRow> {
        (0..self.links.len()).filter_map(|place| self.get(place))
    }

    fn first(&self) -> Option<Number> {
        self.links.first().map(|links| links[0])
    }
}

/// Queue states, four in a byte.
#[derive(Debug, Default)]
struct Queues {
    fours: Vec<u8>,
}

impl Queues {
    /// Of the place behind the last one.
    fn set(&mut self, place: usize, state: QueueState) {
        let state = (state as u8) << Queues::shift(place);
        match self.fours.get_mut(place / 4) {
            Some(four) => *four |= state,
            None => self.fours.push(state),
        }
    }

    /// Of a place that nothing was put at, [`QueueState::Active`] or `None`.
    fn get(&self, place: usize) -> Option<QueueState> {
        let four = self.fours.get(place / 4)?;
        Some(match four >> Queues::shift(place) & 3 {
            0 => QueueState::Active,
            1 => QueueState::Enqueued,
            _ => QueueState::Taken,
        })
    }

    fn shift(place: usize) -> u32 {
        place as u32 % 4 * 2
    }
}

impl FromIterator<FinalizerRow> for Part {
    fn from_iter<I: IntoIterator<Item = FinalizerRow>>(rows: I) -> Part {
        let mut part = Part::default();
        rows.into_iter().for_each(|row| part.push(row));
        part
    }
}

/// All Finalizers, in the order of their numbers; in parts, so that they need not be copied together.
#[derive(Debug, Default)]
pub struct Rows {
    parts: Vec<Part>,
}

impl Rows {
    /// Of what was found in each part of a dump. Most dumps tell objects in the order of their addresses, and there is
    /// nothing to sort but the parts.
    pub fn new(mut parts: Vec<Part>) -> Rows {
        parts.retain(|part| part.first().is_some());
        parts.sort_unstable_by_key(Part::first);
        let rows = Rows { parts };
        if rows.iter().is_sorted_by_key(|row| row.number) {
            return rows;
        }
        let mut all: Vec<FinalizerRow> = rows.iter().collect();
        drop(rows);
        all.sort_unstable_by_key(|row| row.number);
        Rows {
            parts: vec![all.into_iter().collect()],
        }
    }

    /// All.
    pub fn iter(&self) -> impl Iterator<Item = FinalizerRow> {
        self.parts.iter().flat_map(Part::iter)
    }

    /// The one with this number, looked for first beside `last`, the part and the place of the one found before: the
    /// next of the chain is mostly its neighbour.
    fn find(&self, number: Number, last: &mut (usize, usize)) -> Option<FinalizerRow> {
        let (part, place) = *last;
        let near = [place.wrapping_sub(1), place + 1]
            .into_iter()
            .find(|&near| {
                let links = self.parts.get(part).and_then(|part| part.links.get(near));
                links.is_some_and(|links| links[0] == number)
            });
        *last = match near {
            Some(near) => (part, near),
            None => self.search(number)?,
        };
        self.parts.get(last.0)?.get(last.1)
    }

    fn search(&self, number: Number) -> Option<(usize, usize)> {
        let begins = |part: &Part| part.first().is_some_and(|first| first <= number);
        let part = self.parts.partition_point(begins).checked_sub(1)?;
        let links = &self.parts[part].links;
        let place = links.binary_search_by_key(&number, |links| links[0]).ok()?;
        Some((part, place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(number: Number) -> QueueState {
        match number % 5 {
            1 => QueueState::Enqueued,
            3 => QueueState::Taken,
            _ => QueueState::Active,
        }
    }

    fn rows(parts: &[&[Number]]) -> Rows {
        let row = |&number: &Number| FinalizerRow {
            number,
            referent: number,
            next: NULL,
            prev: NULL,
            queue: state(number),
        };
        Rows::new(
            parts
                .iter()
                .map(|part| part.iter().map(row).collect())
                .collect(),
        )
    }

    #[test]
    fn rows_are_found_in_whatever_order_the_dump_has_them() {
        let orders: [&[&[Number]]; 3] = [
            &[&[1, 3], &[5, 7, 9]],
            &[&[5, 7, 9], &[], &[1, 3]],
            &[&[9, 1, 5], &[3, 7]],
        ];
        for parts in orders {
            let rows = rows(parts);
            let numbers: Vec<Number> = rows.iter().map(|row| row.number).collect();
            assert_eq!(numbers, [1, 3, 5, 7, 9]);
            let mut last = (0, 0);
            for number in [9, 7, 5, 3, 1, 9, 1, 5] {
                let row = rows.find(number, &mut last);
                assert_eq!(
                    row.map(|row| (row.number, row.queue)),
                    Some((number, state(number)))
                );
            }
            for number in [0, 2, 10] {
                assert!(rows.find(number, &mut last).is_none());
            }
        }
    }
}

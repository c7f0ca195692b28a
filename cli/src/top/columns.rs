//! The columns of the table of classes: what they are called, what they say, in which order
//! they sort, and which of them a screen has room for.

use std::cmp::Ordering;

use super::model::{Class, Quantity};
use super::text::plain;
use super::theme::Theme;
use crate::numbers::{count, nanoseconds, rate};

/// A column of the table of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Column {
    /// Its name.
    Class,
    /// Objects registered.
    Registered,
    /// The same over time.
    #[value(skip)]
    RegisteredPast,
    /// Objects pending.
    Pending,
    /// The same over time.
    #[value(skip)]
    PendingPast,
    /// Objects inside `finalize()`.
    Running,
    /// Objects registered a second.
    In,
    /// Objects finalized a second.
    Out,
    /// Objects finalized until now.
    Finalized,
    /// Objects whose `finalize()` threw.
    Threw,
    /// 99th percentile of the durations of `finalize()`.
    P99,
    /// The longest of them.
    Longest,
    /// Where the class comes from.
    Loader,
}

/// Those that one can sort by, from left to right.
pub const SORTABLE: [Column; 11] = [
    Column::Class,
    Column::Registered,
    Column::Pending,
    Column::Running,
    Column::In,
    Column::Out,
    Column::Finalized,
    Column::Threw,
    Column::P99,
    Column::Longest,
    Column::Loader,
];

impl Column {
    /// What stands above it.
    pub fn title(self) -> &'static str {
        match self {
            Column::Class => "class",
            Column::Registered => "registered",
            Column::Pending => "pending",
            Column::RegisteredPast | Column::PendingPast => "",
            Column::Running => "run",
            Column::In => "in/s",
            Column::Out => "out/s",
            Column::Finalized => "finalized",
            Column::Threw => "threw",
            Column::P99 => "p99",
            Column::Longest => "longest",
            Column::Loader => "loader",
        }
    }

    /// Columns of the screen that it takes at least.
    pub fn width(self) -> usize {
        match self {
            Column::Class => 16,
            Column::Registered | Column::Finalized => 10,
            Column::Pending | Column::RegisteredPast | Column::PendingPast | Column::Longest => 7,
            Column::In | Column::Out | Column::Threw | Column::P99 => 6,
            Column::Running => 3,
            Column::Loader => 16,
        }
    }

    /// Whether it stands at the left of its room, as text does.
    pub fn is_text(self) -> bool {
        matches!(self, Column::Class | Column::Loader)
    }

    /// What it shows over time, where it does.
    pub fn past(self) -> Option<Quantity> {
        match self {
            Column::RegisteredPast => Some(Quantity::Registered),
            Column::PendingPast => Some(Quantity::Pending),
            _ => None,
        }
    }

    /// What it says of a class in so many columns of the screen, if it can; text may be longer.
    pub fn value(self, class: &Class, width: usize, theme: Theme) -> String {
        let counts = &class.row.counts;
        let a_second = |per_second: Option<f64>| match per_second {
            Some(per_second) => rate(per_second, width),
            None => "-".to_owned(),
        };
        let duration = |ns: u64| match class.row.finalize_ns.count {
            0 => "-".to_owned(),
            _ => nanoseconds(ns),
        };
        match self {
            Column::Class => plain(&class.row.class, theme),
            Column::Registered => count(counts.registered, width),
            Column::Pending => count(counts.pending, width),
            Column::RegisteredPast | Column::PendingPast => String::new(),
            Column::Running => count(counts.running, width),
            Column::In => a_second(class.past.rate_in()),
            Column::Out => a_second(class.past.rate_out()),
            Column::Finalized => count(counts.finalized_total, width),
            Column::Threw => count(counts.threw_total, width),
            Column::P99 => duration(class.row.finalize_ns.p99),
            Column::Longest => duration(class.row.finalize_ns.max),
            Column::Loader => plain(class.row.loader.as_deref().unwrap_or("-"), theme),
        }
    }

    /// The order of two classes: the greater number first, names from A to Z.
    pub fn compare(self, a: &Class, b: &Class) -> Ordering {
        let greater = |number: fn(&Class) -> u64| number(b).cmp(&number(a));
        match self {
            Column::Class => a.row.class.cmp(&b.row.class),
            Column::Loader => a.row.loader.cmp(&b.row.loader),
            Column::Registered | Column::RegisteredPast => {
                greater(|class| class.row.counts.registered)
            }
            Column::Pending | Column::PendingPast => greater(|class| class.row.counts.pending),
            Column::Running => greater(|class| class.row.counts.running),
            Column::In => greater_rate(a.past.rate_in(), b.past.rate_in()),
            Column::Out => greater_rate(a.past.rate_out(), b.past.rate_out()),
            Column::Finalized => greater(|class| class.row.counts.finalized_total),
            Column::Threw => greater(|class| class.row.counts.threw_total),
            Column::P99 => greater(|class| class.row.finalize_ns.p99),
            Column::Longest => greater(|class| class.row.finalize_ns.max),
        }
    }
}

fn greater_rate(a: Option<f64>, b: Option<f64>) -> Ordering {
    // No rate yet: after all others.
    let [a, b] = [a, b].map(|per_second| per_second.unwrap_or(-1.0));
    b.total_cmp(&a)
}

/// A column and its place on the screen: a space before it is not counted in.
pub type Placed = (Column, usize);

/// Those that stand in every screen that is not narrow.
const USUAL: [Column; 8] = [
    Column::Class,
    Column::Registered,
    Column::RegisteredPast,
    Column::Pending,
    Column::Running,
    Column::In,
    Column::Out,
    Column::P99,
];

/// Those that a narrow screen does without, the first of them first.
const GIVEN_UP: [Column; 6] = [
    Column::RegisteredPast,
    Column::P99,
    Column::Out,
    Column::In,
    Column::Running,
    Column::Pending,
];

/// Those that a wide screen has besides, the first of them first, and the one that each
/// stands behind.
const ADDED: [(Column, Column); 5] = [
    (Column::Threw, Column::Out),
    (Column::PendingPast, Column::Pending),
    (Column::Finalized, Column::Out),
    (Column::Longest, Column::P99),
    (Column::Loader, Column::Longest),
];

/// A class name has so much room before further columns are added.
const ROOM_FOR_CLASS: usize = 46;

/// A class name needs no more than this: the past gets the rest.
const ENOUGH_FOR_CLASS: usize = 64;

/// The columns for a screen of this width, with theirs; together they fill it.
pub fn place(width: usize) -> Vec<Placed> {
    let mut columns = USUAL.to_vec();
    let taken = |columns: &[Column]| -> usize {
        let others = columns.iter().filter(|column| **column != Column::Class);
        others.map(|column| column.width() + 1).sum()
    };
    for column in GIVEN_UP {
        if taken(&columns) + Column::Class.width() > width {
            columns.retain(|kept| *kept != column);
        }
    }
    for (column, before) in ADDED {
        let has_room = taken(&columns) + column.width() + 1 + ROOM_FOR_CLASS <= width;
        if let Some(place) = columns.iter().position(|placed| *placed == before)
            && has_room
        {
            columns.insert(place + 1, column);
        }
    }
    share(&columns, width.saturating_sub(taken(&columns)))
}

/// Gives the class its room, and what it does not need to the pictures of the past.
fn share(columns: &[Column], room: usize) -> Vec<Placed> {
    let pasts = columns
        .iter()
        .filter(|column| column.past().is_some())
        .count();
    let spare = room.saturating_sub(ENOUGH_FOR_CLASS);
    let each = spare.checked_div(pasts).unwrap_or(0);
    let width = |column: Column| match column {
        Column::Class => room - each * pasts,
        column if column.past().is_some() => column.width() + each,
        column => column.width(),
    };
    columns
        .iter()
        .map(|&column| (column, width(column)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(width: usize) -> Vec<Column> {
        place(width).into_iter().map(|(column, _)| column).collect()
    }

    #[test]
    fn the_usual_columns_fit_into_80() {
        assert_eq!(at(80), USUAL);
        assert_eq!(place(80)[0], (Column::Class, 28));
    }

    #[test]
    fn a_narrow_screen_has_fewer_and_a_wide_one_more() {
        assert_eq!(at(30), [Column::Class, Column::Registered]);
        assert_eq!(at(10), [Column::Class, Column::Registered]);
        assert!(at(120).contains(&Column::PendingPast));
        assert_eq!(at(200).len(), USUAL.len() + ADDED.len());
    }

    proptest! {
        #[test]
        fn they_fill_the_screen(width in 27..400usize) {
            let placed = place(width);
            let all: usize = placed.iter().map(|(_, width)| width + 1).sum();
            prop_assert_eq!(all, width + 1);
        }
    }
}

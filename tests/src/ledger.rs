//! Looking things up in the rows of a sample or of the stop record.

use finwatch_record::{ClassRow, Counts};

/// The one row of a class; panics where there is none, or where there are several.
pub fn find_row<'a>(rows: &'a [ClassRow], class: &str) -> &'a ClassRow {
    let found = rows_of(rows, class);
    assert_eq!(
        found.len(),
        1,
        "rows of {class} among those of {:?}",
        names(rows)
    );
    found[0]
}

/// All rows of a class name: one for each loader.
pub fn rows_of<'a>(rows: &'a [ClassRow], class: &str) -> Vec<&'a ClassRow> {
    rows.iter().filter(|row| row.class == class).collect()
}

/// The counts of a class, zeros where it has no row.
pub fn counts_of(rows: &[ClassRow], class: &str) -> Counts {
    rows_of(rows, class)
        .first()
        .map(|row| row.counts)
        .unwrap_or_default()
}

fn names(rows: &[ClassRow]) -> Vec<&str> {
    rows.iter().map(|row| row.class.as_str()).collect()
}

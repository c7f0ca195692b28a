//! finwatch's retained sizes against those of Eclipse MAT, for the same dump.
//!
//! Both mean by it what could not be reached if none of these objects could be, so they must name the same number of
//! objects. To both, a soft, weak or phantom reference does not hold its referent. What else differs is made up for:
//!
//! - To finwatch a Finalizer holds its object, to this MAT it does not. So MAT is told to keep what nothing else holds,
//!   and what the finalizable objects of other classes hold is subtracted from its answer for a class: see
//!   `tests/bench/analysers/EclipseMat.java`.
//! - To finwatch a class of the JVM's own loaders is never let go; to MAT, a class of arrays is when its last array is.
//!   The programs have no such arrays.
//! - This MAT knows 64-bit JVMs without compressed pointers alone, and gives each class's fields a boundary of their
//!   own. Bytes are compared in dumps of such JVMs ("wide"), where the objects of these programs have no other layout.

use std::fmt::{self, Display};

use anyhow::{Context, Result, bail};
use finwatch_record::{Amount, HeapDump};

use super::analysers::Answer;

/// What of a dump can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparable {
    /// The number of objects.
    Objects,
    /// Bytes too.
    Bytes,
}

/// What one class's instances retain, or `all` with their Finalizers.
#[derive(Debug)]
struct Row {
    dump: String,
    by: String,
    finwatch: Amount,
    mat: Amount,
    comparable: Comparable,
}

/// All that was compared, as a Markdown table.
#[derive(Debug, Default)]
pub struct Comparison {
    rows: Vec<Row>,
}

impl Comparison {
    /// Adds the answers about one dump.
    pub fn add(
        &mut self,
        name: &str,
        finwatch: &HeapDump,
        mat: &Answer,
        comparable: Comparable,
    ) -> Result<()> {
        let all = ("all", finwatch.retained);
        let classes = finwatch.classes.iter();
        let classes = classes.map(|class| (class.class.as_str(), class.retained));
        for (by, retained) in std::iter::once(all).chain(classes) {
            let Some(&[objects, bytes]) = mat.get(by).map(Vec::as_slice) else {
                bail!("Eclipse MAT says nothing of {by} in {name}");
            };
            self.rows.push(Row {
                dump: name.to_owned(),
                by: by.to_owned(),
                finwatch: retained
                    .with_context(|| format!("no retained size of {by} in {name}"))?,
                mat: Amount { objects, bytes },
                comparable,
            });
        }
        Ok(())
    }

    /// A sentence for each number that should be the same and is not.
    pub fn differences(&self) -> Vec<String> {
        self.rows.iter().filter_map(Row::difference).collect()
    }
}

impl Row {
    fn difference(&self) -> Option<String> {
        let wide = self.comparable == Comparable::Bytes;
        let objects = self.finwatch.objects != self.mat.objects;
        let bytes = wide && self.finwatch.bytes != self.mat.bytes;
        (objects || bytes).then(|| format!("{self:?}"))
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| dump | retained by | objects: finwatch | Eclipse MAT | bytes: finwatch | Eclipse MAT | same |"
        )?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: | ---: | --- |")?;
        for row in &self.rows {
            let same = match (row.difference(), row.comparable) {
                (Some(_), _) => "**no**",
                (None, Comparable::Objects) => "objects",
                (None, Comparable::Bytes) => "objects and bytes",
            };
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {same} |",
                row.dump,
                row.by,
                row.finwatch.objects,
                row.mat.objects,
                row.finwatch.bytes,
                row.mat.bytes,
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(mat: (u64, u64), comparable: Comparable) -> Row {
        Row {
            dump: "leak".to_owned(),
            by: "A".to_owned(),
            finwatch: Amount {
                objects: 2,
                bytes: 48,
            },
            mat: Amount {
                objects: mat.0,
                bytes: mat.1,
            },
            comparable,
        }
    }

    #[test]
    fn bytes_count_where_they_are_comparable() {
        assert!(row((2, 48), Comparable::Bytes).difference().is_none());
        assert!(row((2, 56), Comparable::Objects).difference().is_none());
        assert!(row((2, 56), Comparable::Bytes).difference().is_some());
        assert!(row((3, 48), Comparable::Objects).difference().is_some());
    }
}

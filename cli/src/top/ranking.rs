//! Which classes are shown, in which order.

use super::columns::Column;
use super::model::{Class, Model};

/// An order of the classes and a choice of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    /// What they are ranked by.
    pub by: Column,
    /// The other way round.
    pub reverse: bool,
    /// Text in the names of those that are shown, case aside; empty: all.
    pub filter: String,
}

impl Default for Ranking {
    fn default() -> Ranking {
        Ranking {
            by: Column::Registered,
            reverse: false,
            filter: String::new(),
        }
    }
}

impl Ranking {
    /// The classes, in order; those that are equal by their names, whichever way round.
    pub fn of<'a>(&self, model: &'a Model) -> Vec<&'a Class> {
        let wanted = self.filter.to_lowercase();
        let is_wanted =
            |class: &&Class| wanted.is_empty() || class.row.class.to_lowercase().contains(&wanted);
        let mut classes: Vec<&Class> = model.classes().filter(is_wanted).collect();
        // The model gives them by name, and the sort is stable.
        classes.sort_by(|a, b| {
            let order = self.by.compare(a, b);
            if self.reverse { order.reverse() } else { order }
        });
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::SORTABLE;
    use super::super::model::examples::*;
    use super::*;

    fn model() -> Model {
        let mut model = Model::default();
        for (seq, b_in) in [(0, 0), (1, 500)] {
            let rows = [
                ("com.A", 10, 5, 100, 90),
                ("com.B", 30, 0, b_in, 0),
                ("org.C", 20, 9, 50, 30),
                ("org.D", 20, 9, 50, 30),
            ];
            model.line(line(sample_record(seq, 5000 * (seq + 1), &rows)));
        }
        model
    }

    fn names(ranking: &Ranking) -> Vec<String> {
        let model = model();
        ranking
            .of(&model)
            .iter()
            .map(|class| class.row.class.clone())
            .collect()
    }

    fn by(by: Column, reverse: bool) -> Vec<String> {
        let filter = String::new();
        names(&Ranking {
            by,
            reverse,
            filter,
        })
    }

    #[test]
    fn the_most_registered_is_first() {
        assert_eq!(
            names(&Ranking::default()),
            ["com.B", "org.C", "org.D", "com.A"]
        );
        assert_eq!(
            by(Column::Registered, true),
            ["com.A", "org.C", "org.D", "com.B"]
        );
    }

    #[test]
    fn any_column_ranks() {
        assert_eq!(by(Column::Pending, false)[0], "org.C");
        assert_eq!(by(Column::In, false)[0], "com.B");
        assert_eq!(by(Column::Finalized, false)[0], "com.A");
        assert_eq!(by(Column::Class, false)[0], "com.A");
        assert_eq!(by(Column::Class, true)[0], "org.D");
        for column in SORTABLE {
            assert_eq!(by(column, false).len(), 4);
        }
    }

    #[test]
    fn a_filter_is_a_part_of_the_name() {
        let filter = |filter: &str| {
            names(&Ranking {
                filter: filter.into(),
                ..Ranking::default()
            })
        };
        assert_eq!(filter("ORG."), ["org.C", "org.D"]);
        assert_eq!(filter("x"), [""; 0]);
    }
}

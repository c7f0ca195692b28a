//! The numbers of an alert, by name.

use std::collections::BTreeMap;

use serde_json::Number;

/// The numbers of an alert.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence(BTreeMap<String, Number>);

impl Evidence {
    /// Adds a count.
    pub fn count(mut self, name: &str, value: u64) -> Evidence {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a measure, to three places. One that is no number (there was nothing to divide
    /// by) is left out.
    pub fn measure(mut self, name: &str, value: f64) -> Evidence {
        let rounded = (value * 1000.0).round() / 1000.0;
        if let Some(number) = Number::from_f64(rounded) {
            self.0.insert(name.to_owned(), number);
        }
        self
    }

    /// As a record wants them.
    pub fn into_map(self) -> BTreeMap<String, Number> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_left_out() {
        let evidence = Evidence::default()
            .measure("a", f64::NAN)
            .measure("b", f64::INFINITY)
            .measure("c", 1.0 / 3.0)
            .count("d", u64::MAX);
        let text = serde_json::to_string(&evidence.into_map()).unwrap();
        assert_eq!(text, r#"{"c":0.333,"d":18446744073709551615}"#);
    }
}

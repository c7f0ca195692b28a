//! What is compact and what is not, beside what `serde_json` reads.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    let mut json = Compact::new(text);
    let value = T::deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(value)
}

#[test]
fn what_is_compact_is_read() {
    for value in [
        json!({}),
        json!([]),
        json!([
            null,
            true,
            false,
            0,
            -1,
            u64::MAX,
            i64::MIN + 1,
            0.5,
            -2.5e-7,
            1e300
        ]),
        json!({ "a": { "b": [{ "c": "" }, { "c": "seven b" }, { "c": "eight by" }] }, "": "ü€🦀" }),
    ] {
        assert_eq!(read(&value.to_string()), Some(value));
    }
}

#[test]
fn what_is_no_json_is_not() {
    for text in [
        "",
        "nul",
        "truefalse",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "+1",
        "1e999",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{a:1}",
        "\"",
        "\"a",
        "\"a\tb\"",
        "\"12345678\u{1}\"",
        "[1",
        "{\"a\":1",
        "1\u{c}",
    ] {
        assert_eq!(read::<Value>(text), None, "{text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
}

#[test]
fn depth_is_not_without_end() {
    let deep = "[".repeat(1_000_000);
    assert_eq!(read::<Value>(&deep), None);
}

#[derive(Debug, PartialEq, Deserialize)]
struct Three {
    one: u64,
    two: Option<f64>,
    three: String,
}

#[test]
fn fields_are_found_in_any_order_and_others_left_out() {
    let three = || Three {
        one: 1,
        two: None,
        three: "3".to_owned(),
    };
    for text in [
        r#"{"one":1,"two":null,"three":"3"}"#,
        r#"{"one":1,"three":"3"}"#,
        r#"{"three":"3","one":1}"#,
        r#"{"zero":{"one":[7]},"one":1,"oneself":7,"three":"3","on":7}"#,
    ] {
        assert_eq!(read(text), Some(three()), "{text}");
    }
    for text in [
        r#"{"one":1,"two":2}"#,
        r#"{"one":1,"three":"3","one":1}"#,
        r#"{"one":-1,"three":"3"}"#,
    ] {
        assert_eq!(read::<Three>(text), None, "{text}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000i32..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{0,12}", inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever is read is what `serde_json` reads, also of a text that somebody has spoilt.
    #[test]
    fn values_are_those_of_serde_json(
        value in any_json(),
        spoilt in prop::option::of((any::<prop::sample::Index>(), "[\\[\\]{}\",:0-9eE.\\\\ a\u{1}-]{0,2}")),
    ) {
        let mut text = value.to_string();
        if let Some((at, by)) = spoilt {
            let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
            let at = *at.get(&places);
            let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
            text.replace_range(at..end, &by);
        }
        if let Some(read) = read::<Value>(&text) {
            prop_assert_eq!(Some(read), serde_json::from_str(&text).ok(), "{}", text);
        }
    }
}

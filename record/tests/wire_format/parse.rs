//! What a reader does with lines of other versions, of newer agents, and with torn ones.

use crate::records::{MAPS, full, line};
use finwatch_record::{Body, ParseError, Record};
use serde_json::{Value, json};

fn envelope(kind: &str) -> Value {
    json!({ "v": 1, "type": kind, "ts": "2026-11-24T22:59:59.123Z", "seq": 1, "pid": 2, "uptime_ms": 3 })
}

#[test]
fn an_unknown_type_keeps_its_fields() {
    let mut written = envelope("from_the_future");
    written["kind"] = json!("leak");
    written["evidence"] = json!({ "registered": u64::MAX, "slope": 0.5 });

    let record = Record::parse(&written.to_string()).unwrap();
    assert_eq!(
        (
            record.kind.as_str(),
            record.seq,
            record.pid,
            record.uptime_ms
        ),
        ("from_the_future", 1, 2, 3)
    );
    let Body::Unknown(fields) = &record.body else {
        panic!("{record:?}");
    };
    assert_eq!(fields.len(), 2);
    assert_eq!(fields["evidence"]["registered"], json!(u64::MAX));

    let again: Value = serde_json::from_str(&line(&record)).unwrap();
    assert_eq!(again, written);
}

#[test]
fn the_envelope_may_stand_anywhere() {
    for record in full() {
        let Value::Object(fields) = serde_json::to_value(&record).unwrap() else {
            panic!("{record:?} is no object");
        };
        let (envelope, body): (Vec<_>, Vec<_>) = fields
            .iter()
            .map(|(name, value)| format!("{name:?}:{value}"))
            .partition(|field| {
                envelope("")
                    .as_object()
                    .unwrap()
                    .contains_key(field.split('"').nth(1).unwrap())
            });
        for parts in [
            [envelope.join(","), body.join(",")],
            [body.join(","), envelope.join(",")],
        ] {
            let line = format!("{{{}}}", parts.join(","));
            assert_eq!(Record::parse(&line).unwrap(), record, "{line}");
        }
    }
}

#[test]
fn unknown_fields_are_ignored_at_every_depth() {
    for record in full() {
        let mut value = serde_json::to_value(&record).unwrap();
        add_everywhere(&mut value, "from_the_future", &json!([1, { "a": null }]));
        // In a map what is there is no unknown field.
        for map in MAPS {
            if let Some(map) = value.pointer_mut(map) {
                map.as_object_mut().unwrap().remove("from_the_future");
            }
        }
        assert_eq!(Record::parse(&value.to_string()).unwrap(), record);
    }
}

fn add_everywhere(value: &mut Value, name: &str, added: &Value) {
    match value {
        Value::Object(fields) => {
            fields
                .values_mut()
                .for_each(|field| add_everywhere(field, name, added));
            fields.insert(name.to_owned(), added.clone());
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| add_everywhere(item, name, added)),
        _ => {}
    }
}

#[test]
fn another_version_is_told_before_anything_else_of_the_line() {
    let mut written = envelope("sample");
    written["v"] = json!(2);
    let error = Record::parse(&written.to_string()).unwrap_err();
    assert!(matches!(error, ParseError::Version(2)), "{error:?}");
    let message = "a record of version 2, this program reads version 1: use a newer finwatch";
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_line_torn_anywhere_is_an_error() {
    for record in full() {
        let line = line(&record);
        for (end, _) in line.char_indices() {
            let error = Record::parse(&line[..end]).expect_err("half a line");
            assert!(matches!(error, ParseError::Json(_)), "{error:?}");
        }
    }
}

#[test]
fn two_records_on_a_line_are_an_error() {
    let line = line(&full()[0]);
    let error = Record::parse(&format!("{line}{line}")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("not a finwatch record: trailing characters"),
        "{error}"
    );
}

#[test]
fn what_is_no_record_is_an_error() {
    for text in [
        "",
        "\n",
        "null",
        "[]",
        "42",
        "{}",
        r#"{"v":1}"#,
        "finwatch: a message",
    ] {
        let error = Record::parse(text).expect_err(text);
        assert!(matches!(error, ParseError::Json(_)), "{error:?}");
    }
}

#[test]
fn a_known_type_without_its_fields_is_an_error() {
    for record in full() {
        let kind = record.kind;
        let error = Record::parse(&envelope(&kind).to_string()).unwrap_err();
        assert!(
            error.to_string().contains("missing field"),
            "{kind}: {error}"
        );
    }
}

#[test]
fn a_missing_envelope_field_is_named() {
    for name in ["v", "type", "ts", "seq", "pid", "uptime_ms"] {
        let mut value = envelope("from_the_future");
        value.as_object_mut().unwrap().remove(name);
        let message = Record::parse(&value.to_string()).unwrap_err().to_string();
        assert!(
            message.contains(&format!("missing field `{name}`")),
            "{message}"
        );
    }
}

#[test]
fn kinds_and_states_of_a_newer_agent_are_read_as_unknown() {
    for (kind, at) in [
        ("alert", "/kind"),
        ("finalizer_thread", "/state"),
        ("finalizer_thread", "/reference_handler/state"),
        ("holders", "/paths/0/root/kind"),
        ("oom", "/resource"),
        ("oom", "/alerts/0/kind"),
    ] {
        let record = full().into_iter().find(|record| record.kind == kind);
        let mut value = serde_json::to_value(record.unwrap()).unwrap();
        *value.pointer_mut(at).unwrap() = json!("from_the_future");
        let read = Record::parse(&value.to_string()).unwrap();
        assert_ne!(read.body, full_body(kind), "{kind}{at}");
    }
}

fn full_body(kind: &str) -> Body {
    let record = full().into_iter().find(|record| record.kind == kind);
    record.unwrap().body
}

//! The published schema says of a line what the types say of it.

use std::{collections::BTreeSet, sync::LazyLock};

use crate::records::{MAPS, any_record, full};
use finwatch_record::{Record, SCHEMA, strict_schema};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// As a reader's: unknown fields and types pass.
static LENIENT: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());

/// As the project's own tests use it.
static STRICT: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::draft202012::new(&strict_schema().unwrap()).unwrap());

fn instances() -> Vec<Value> {
    let records = full().into_iter();
    records
        .map(|record| serde_json::to_value(record).unwrap())
        .collect()
}

fn assert_valid(validator: &Validator, instance: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(instance)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?} in {instance:#}");
}

/// JSON pointers of every object, the record itself included.
fn objects(value: &Value) -> Vec<String> {
    fn visit(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.push(at.to_owned());
                fields
                    .iter()
                    .for_each(|(name, field)| visit(field, &format!("{at}/{name}"), found));
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| visit(item, &format!("{at}/{index}"), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(value, "", &mut found);
    found
}

/// Pointers of every object with the name of every field in it, but for the maps.
fn fields(value: &Value) -> Vec<(String, String)> {
    let objects = objects(value)
        .into_iter()
        .filter(|at| !MAPS.contains(&at.as_str()));
    objects
        .flat_map(|at| {
            let names = value.pointer(&at).unwrap().as_object().unwrap().keys();
            names
                .map(|name| (at.clone(), name.clone()))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn object_at<'a>(value: &'a mut Value, at: &str) -> &'a mut serde_json::Map<String, Value> {
    value.pointer_mut(at).unwrap().as_object_mut().unwrap()
}

#[test]
fn the_schema_is_valid_itself() {
    for schema in [schema(), strict_schema().unwrap()] {
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        jsonschema::draft202012::meta::validate(&schema).unwrap();
    }
}

#[test]
fn every_type_is_valid() {
    for instance in instances() {
        assert_valid(&LENIENT, &instance);
        assert_valid(&STRICT, &instance);
    }
}

#[test]
fn an_unknown_field_is_valid_but_not_strictly() {
    for instance in instances() {
        for at in objects(&instance) {
            let mut changed = instance.clone();
            if MAPS.contains(&at.as_str()) {
                object_at(&mut changed, &at).insert("key".to_owned(), json!([]));
                assert!(!LENIENT.is_valid(&changed), "no value of this map");
                continue;
            }
            object_at(&mut changed, &at).insert("from_the_future".to_owned(), json!(1));
            assert_valid(&LENIENT, &changed);
            assert!(!STRICT.is_valid(&changed), "{at}");
        }
    }
}

#[test]
fn an_unknown_type_is_valid_but_not_strictly() {
    let unknown = json!({
        "v": 1, "type": "from_the_future", "ts": "2026-11-24T22:59:59.123Z", "seq": 1, "pid": 2,
        "uptime_ms": 3, "since": "noon",
    });
    assert_valid(&LENIENT, &unknown);
    assert!(!STRICT.is_valid(&unknown));
}

#[test]
fn every_field_is_required_but_unloaded() {
    for instance in instances() {
        for (at, name) in fields(&instance) {
            let mut changed = instance.clone();
            object_at(&mut changed, &at).remove(&name);
            assert_eq!(
                LENIENT.is_valid(&changed),
                name == "unloaded",
                "{at}/{name}"
            );
        }
    }
}

#[test]
fn null_is_valid_where_a_reader_takes_it() {
    for instance in instances() {
        for (at, name) in fields(&instance) {
            let mut changed = instance.clone();
            object_at(&mut changed, &at).insert(name.clone(), Value::Null);
            let read = Record::parse(&changed.to_string()).is_ok();
            assert_eq!(LENIENT.is_valid(&changed), read, "{at}/{name}");
        }
    }
}

#[test]
fn wrong_values_are_refused() {
    for (at, wrong) in [
        ("/v", json!(2)),
        ("/seq", json!(-1)),
        ("/ts", json!("2026-11-24 22:59:59")),
        ("/coverage/level", json!("pending_only")),
        ("/trigger", json!("noon")),
        ("/finalizer/pending", json!(0.5)),
        ("/memory/pools/0/kind", json!("non-heap")),
        ("/classes/0/class", json!(7)),
        ("/classes", json!({})),
    ] {
        assert_refused("sample", at, wrong);
    }
}

#[test]
fn wrong_values_of_alerts_and_the_like_are_refused() {
    for (kind, at, wrong) in [
        ("alert", "/state", json!("gone")),
        ("alert", "/kind", json!("unknown")),
        ("alert", "/evidence/growth_per_hour", json!("much")),
        ("finalizer_thread", "/state", json!("unknown")),
        ("holders", "/paths/0/chain/0", json!("java.util.Timer")),
        ("sites", "/event", json!("guess")),
        ("stall", "/in_gc_pause", json!(1)),
        ("oom", "/alerts/0/severity", json!("panic")),
    ] {
        assert_refused(kind, at, wrong);
    }
}

fn assert_refused(kind: &str, at: &str, wrong: Value) {
    let mut instance = instances()
        .into_iter()
        .find(|instance| instance["type"] == kind)
        .unwrap();
    *instance.pointer_mut(at).expect(at) = wrong;
    assert!(!LENIENT.is_valid(&instance), "{kind}{at}");
}

#[test]
fn every_field_is_described() {
    fn visit(schema: &Value, at: &str, bare: &mut BTreeSet<String>) {
        let Some(keywords) = schema.as_object() else {
            return;
        };
        for (name, property) in keywords
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if property["description"].as_str().is_none_or(str::is_empty) {
                bare.insert(format!("{at}/{name}"));
            }
        }
        for (name, definition) in keywords
            .get("$defs")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            visit(definition, name, bare);
        }
    }
    let mut bare = BTreeSet::new();
    visit(&schema(), "", &mut bare);
    assert_eq!(bare, BTreeSet::new());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_record_is_strictly_valid(record in any_record()) {
        assert_valid(&STRICT, &serde_json::to_value(record).unwrap());
    }
}

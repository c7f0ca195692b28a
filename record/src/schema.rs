//! The JSON Schema of the wire format, published beside the types and in step with them:
//! a test derives it from the types and their docs and compares.

use serde_json::{Map, Value, json};

/// The JSON Schema (draft 2020-12) of one line of the stream. As readers must, it lets
/// through fields and types of record that it does not know.
pub const SCHEMA: &str = include_str!("../schema/finwatch-1.schema.json");

/// [`SCHEMA`] for those who make the stream and test what they make: a field or a type
/// of record that it does not describe is an error.
///
/// # Errors
///
/// None in a released crate: [`SCHEMA`] is a constant and its test reads it.
pub fn strict_schema() -> Result<Value, serde_json::Error> {
    let mut schema: Value = serde_json::from_str(SCHEMA)?;
    let types: Vec<Value> = bodies(&schema).map(|(kind, _)| json!(kind)).collect();
    let bodies: Vec<String> = bodies(&schema).map(|(_, name)| name.to_owned()).collect();
    schema["properties"]["type"]["enum"] = Value::Array(types);
    schema["unevaluatedProperties"] = json!(false);
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.values_mut().for_each(close_references);
        definitions
            .iter_mut()
            // A body lies beside the envelope: only the root sees all of its fields.
            .filter(|(name, _)| !bodies.contains(name))
            .filter_map(|(_, definition)| definition.as_object_mut())
            .for_each(close);
    }
    Ok(schema)
}

fn close(definition: &mut Map<String, Value>) {
    if definition.contains_key("properties") {
        definition.insert("additionalProperties".to_owned(), json!(false));
    }
}

/// A body within another has no envelope beside it: where it is referred to, it is closed.
fn close_references(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(close_references);
            if fields.contains_key("$ref") {
                fields.insert("unevaluatedProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close_references),
        _ => {}
    }
}

/// Each type of record with the name of its definition.
fn bodies(schema: &Value) -> impl Iterator<Item = (&str, &str)> {
    let branches = schema["allOf"].as_array().into_iter().flatten();
    branches.filter_map(|branch| {
        let kind = branch["if"]["properties"]["type"]["const"].as_str()?;
        let reference = branch["then"]["$ref"].as_str()?;
        Some((kind, reference.strip_prefix("#/$defs/")?))
    })
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, generate::SchemaSettings};

    use super::*;
    use crate::{
        Alert, Collection, FinalizerThread, HeapDump, Holders, OutOfMemory, Record, Sample, Sites,
        Stall, Start, Stop, VERSION,
    };

    /// Writes the schema instead of comparing it, where this variable is set.
    const UPDATE: &str = "FINWATCH_UPDATE_SCHEMA";

    #[test]
    fn the_schema_is_that_of_the_types() {
        let derived = derived();
        if std::env::var_os(UPDATE).is_some() {
            let text = serde_json::to_string_pretty(&derived).unwrap() + "\n";
            std::fs::write("schema/finwatch-1.schema.json", text).unwrap();
            return;
        }
        let published: Value = serde_json::from_str(SCHEMA).unwrap();
        assert!(
            derived == published,
            "schema/finwatch-1.schema.json is not that of the types; if they are meant, \
             run this test with {UPDATE}=1 and read the difference"
        );
    }

    /// The schema as the types, their docs and their serde attributes make it.
    fn derived() -> Value {
        // What is written, not what is read: a field that is always there is required.
        let mut generator = SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator();
        let mut branches = Vec::new();
        for (kind, definition) in [
            ("start", generator.subschema_for::<Start>()),
            ("sample", generator.subschema_for::<Sample>()),
            ("gc", generator.subschema_for::<Collection>()),
            ("alert", generator.subschema_for::<Alert>()),
            (
                "finalizer_thread",
                generator.subschema_for::<FinalizerThread>(),
            ),
            ("heap_dump", generator.subschema_for::<HeapDump>()),
            ("holders", generator.subschema_for::<Holders>()),
            ("sites", generator.subschema_for::<Sites>()),
            ("stall", generator.subschema_for::<Stall>()),
            ("oom", generator.subschema_for::<OutOfMemory>()),
            ("stop", generator.subschema_for::<Stop>()),
        ] {
            branches.push(json!({
                "if": { "properties": { "type": { "const": kind } } },
                "then": definition,
            }));
        }
        let envelope = Value::from(Record::json_schema(&mut generator));
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": format!("urn:finwatch:record:{VERSION}"),
            "title": format!("finwatch record, version {VERSION}"),
            "description": envelope["description"],
            "type": "object",
            "properties": envelope["properties"],
            "required": envelope["required"],
            "allOf": branches,
            "$defs": generator.take_definitions(true),
        });
        schema["properties"]["v"]["const"] = json!(VERSION);
        schema["properties"]["ts"]["pattern"] =
            json!(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$");
        make_plain(&mut schema);
        schema
    }

    /// Takes out what only Rust understands: formats like `uint64`, which some validators
    /// refuse, and in descriptions the line ends of the source and the links of rustdoc.
    fn make_plain(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                if fields.contains_key("type") {
                    fields.remove("format");
                }
                if let Some(Value::String(text)) = fields.get_mut("description") {
                    let paragraphs = text.split("\n\n").map(|text| text.replace('\n', " "));
                    let plain = paragraphs.collect::<Vec<_>>().join("\n");
                    *text = plain.replace("[`", "`").replace("`]", "`");
                }
                fields.values_mut().for_each(make_plain);
            }
            Value::Array(items) => items.iter_mut().for_each(make_plain),
            _ => {}
        }
    }
}

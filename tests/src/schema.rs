//! Every line against the JSON Schema that ships with the wire format, in the strict
//! reading: a field that it does not know is a mistake of the agent.

use std::sync::OnceLock;

use jsonschema::Validator;

/// Panics with every violation where the line is no valid record.
pub fn assert_valid(line: &str) {
    let value: serde_json::Value =
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}, in the line {line}"));
    let violations: Vec<String> = validator()
        .iter_errors(&value)
        .map(|violation| format!("{} at {}", violation, violation.instance_path()))
        .collect();
    assert!(
        violations.is_empty(),
        "against the schema: {}\nin the line {line}",
        violations.join("; ")
    );
}

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let schema = finwatch_record::strict_schema();
        let schema = schema.unwrap_or_else(|e| panic!("the schema is no JSON: {e}"));
        jsonschema::validator_for(&schema).unwrap_or_else(|e| panic!("the schema is none: {e}"))
    })
}

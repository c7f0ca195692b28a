//! The published JSON Schema, made ready to be checked against while a line is read.
//!
//! A general validator needs a tree of the whole line first, and the time for that. This one knows the few keywords
//! that the schema of the records is made of, and refuses a schema that has others.

use std::collections::HashMap;

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::facts::{ENVELOPE, Slot};

/// The kinds of JSON values, a bit each.
pub mod kinds {
    pub const NULL: u8 = 1;
    pub const BOOLEAN: u8 = 1 << 1;
    pub const INTEGER: u8 = 1 << 2;
    pub const NUMBER: u8 = 1 << 3;
    pub const STRING: u8 = 1 << 4;
    pub const ARRAY: u8 = 1 << 5;
    pub const OBJECT: u8 = 1 << 6;

    /// Each with its name in a schema and in a sentence.
    pub const NAMES: [(u8, &str, &str); 7] = [
        (NULL, "null", "null"),
        (BOOLEAN, "boolean", "true or false"),
        (INTEGER, "integer", "an integer"),
        (NUMBER, "number", "a number"),
        (STRING, "string", "a string"),
        (ARRAY, "array", "an array"),
        (OBJECT, "object", "an object"),
    ];
}

/// What a value must be. The default allows nothing.
#[derive(Debug, Default, Clone)]
pub struct Rule {
    /// The [`kinds`] it may be of.
    pub kinds: u8,
    /// The strings that it may be, where not any.
    pub strings: Option<Vec<String>>,
    /// A string is the time of a record.
    pub is_time: bool,
    /// A number is at least that.
    pub minimum: Option<i64>,
    /// A number is just that.
    pub constant: Option<u64>,
    /// The fields of an object that are known, at most 64; first those that may not be missing, as they are written.
    pub fields: Vec<Field>,
    /// Those of `fields` that may not be missing, a bit each.
    pub required: u64,
    /// What all other fields must be, where not anything.
    pub others: Option<RuleId>,
    /// What the items of an array must be, where not anything.
    pub items: Option<RuleId>,
}

/// A place in [`Rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId(usize);

/// A known field of an object.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    pub rule: RuleId,
    /// Where its number is noted down.
    pub slot: Option<Slot>,
}

/// All rules of a schema.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    definitions: HashMap<String, RuleId>,
    /// The envelope.
    root: Rule,
    /// What else holds for each type of record.
    bodies: Vec<(String, RuleId)>,
}

impl Rules {
    /// Those of the schema.
    ///
    /// # Errors
    ///
    /// The schema has a keyword that is not understood here.
    pub fn of(schema: &str) -> anyhow::Result<Rules> {
        let schema: Map<String, Value> = serde_json::from_str(schema)?;
        let mut compiler = Compiler {
            definitions: schema.get("$defs").and_then(Value::as_object),
            rules: Rules::default(),
        };
        let envelope = ["type", "properties", "required"];
        let envelope = schema
            .iter()
            .filter(|(k, _)| envelope.contains(&k.as_str()));
        let envelope: Map<String, Value> = envelope.map(|(k, v)| (k.clone(), v.clone())).collect();
        compiler.rules.root = compiler.object(&envelope, ENVELOPE)?;
        for branch in schema["allOf"].as_array().into_iter().flatten() {
            let kind = branch["if"]["properties"]["type"]["const"].as_str();
            let kind = kind.context("a condition other than the type of the record")?;
            let body = compiler.rule(&branch["then"], "")?;
            compiler.rules.bodies.push((kind.to_owned(), body));
        }
        Ok(compiler.rules)
    }

    /// The rule for the envelope.
    pub fn root(&self) -> &Rule {
        &self.root
    }

    /// What else holds for a record of that type, where the type is known.
    pub fn body(&self, kind: &str) -> Option<&Rule> {
        let (_, id) = self.bodies.iter().find(|(known, _)| known == kind)?;
        Some(self.get(*id))
    }

    /// A rule.
    pub fn get(&self, id: RuleId) -> &Rule {
        &self.rules[id.0]
    }

    fn add(&mut self, rule: Rule) -> RuleId {
        self.rules.push(rule);
        RuleId(self.rules.len() - 1)
    }
}

struct Compiler<'a> {
    definitions: Option<&'a Map<String, Value>>,
    rules: Rules,
}

impl Compiler<'_> {
    /// The rule for a schema; `definition` is the name of the one that it stands in.
    fn rule(&mut self, schema: &Value, definition: &str) -> anyhow::Result<RuleId> {
        let object = schema.as_object().context("a schema that is no object")?;
        if let Some(reference) = object.get("$ref") {
            return self.definition(reference.as_str().unwrap_or_default());
        }
        let rule = self.object(object, definition)?;
        Ok(self.rules.add(rule))
    }

    fn definition(&mut self, reference: &str) -> anyhow::Result<RuleId> {
        let name = reference.strip_prefix("#/$defs/");
        let name = name.with_context(|| format!("a reference to '{reference}'"))?;
        if let Some(id) = self.rules.definitions.get(name) {
            return Ok(*id);
        }
        let schema = self.definitions.and_then(|all| all.get(name));
        let schema = schema.with_context(|| format!("no definition of '{name}'"))?;
        let id = self.rule(schema, name)?;
        self.rules.definitions.insert(name.to_owned(), id);
        Ok(id)
    }

    fn object(&mut self, schema: &Map<String, Value>, definition: &str) -> anyhow::Result<Rule> {
        let mut rule = Rule::default();
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.map_or(&[][..], Vec::as_slice);
        for (keyword, value) in schema {
            match keyword.as_str() {
                "description" | "title" | "default" | "required" => {}
                "type" => rule.kinds |= kinds_of(value)?,
                "minimum" => rule.minimum = Some(value.as_i64().context("a minimum")?),
                "pattern" => rule.is_time = true,
                "const" => rule.constant = Some(value.as_u64().context("a constant")?),
                "items" => rule.items = Some(self.rule(value, "")?),
                "additionalProperties" => rule.others = Some(self.rule(value, "")?),
                "properties" => rule.fields = self.fields(value, required, definition)?,
                "oneOf" => rule.strings = Some(strings(value, &mut rule.kinds)?),
                "anyOf" => rule = self.any_of(value)?,
                _ => bail!("the keyword '{keyword}' is not understood"),
            }
        }
        for name in required {
            let place = rule.fields.iter().position(|field| *name == field.name);
            rule.required |= 1 << place.context("a required field that is not described")?;
        }
        Ok(rule)
    }

    fn fields(
        &mut self,
        properties: &Value,
        required: &[Value],
        definition: &str,
    ) -> anyhow::Result<Vec<Field>> {
        let properties = properties.as_object().context("properties")?;
        if properties.len() > 64 {
            bail!("an object of more than 64 fields");
        }
        let field = |(name, schema): (&String, &Value)| {
            Ok(Field {
                name: name.clone(),
                rule: self.rule(schema, "")?,
                slot: Slot::of(definition, name),
            })
        };
        let mut fields: Vec<Field> = properties
            .iter()
            .map(field)
            .collect::<anyhow::Result<_>>()?;
        let place = |field: &Field| required.iter().position(|name| *name == field.name);
        fields.sort_by_key(|field| place(field).unwrap_or(required.len()));
        Ok(fields)
    }

    /// Something or `null`.
    fn any_of(&mut self, schemas: &Value) -> anyhow::Result<Rule> {
        match schemas.as_array().map(Vec::as_slice) {
            Some([something, null]) if null["type"] == "null" => {
                let id = self.rule(something, "")?;
                let mut rule = self.rules.get(id).clone();
                rule.kinds |= kinds::NULL;
                Ok(rule)
            }
            _ => bail!("an anyOf that is not something or null"),
        }
    }
}

/// The strings of a `oneOf` of constants.
fn strings(constants: &Value, kinds: &mut u8) -> anyhow::Result<Vec<String>> {
    *kinds |= kinds::STRING;
    let constants = constants.as_array().context("oneOf")?;
    let string = |constant: &Value| {
        let string = constant["const"].as_str().map(str::to_owned);
        string.context("a oneOf of something else than strings")
    };
    constants.iter().map(string).collect()
}

fn kinds_of(types: &Value) -> anyhow::Result<u8> {
    let names = match types {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    let mut bits = 0;
    for name in names {
        let kind = kinds::NAMES.iter().find(|(_, known, _)| name == known);
        bits |= kind.with_context(|| format!("the type {name}"))?.0;
    }
    Ok(bits)
}

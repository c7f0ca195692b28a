//! A line read against the rules, once, without a copy of anything in it.
//!
//! Every value is read by a [`Place`], which knows the rule for it and the way that leads to it. A mistake is noted
//! with that way, and the reading goes on: a line may have several. What is no JSON at all ends it.

use std::borrow::Cow;
use std::fmt::{self, Display};

use finwatch_record::Compact;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::facts::{Facts, Slot};
use super::rules::{Field, Rule, Rules, kinds};
use crate::time;

/// So many mistakes of a line are noted.
const MOST: usize = 10;

/// So much of a wrong string is quoted.
const EXCERPT: usize = 40;

/// A field that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The way to it, such as `classes[3].pending`; empty for the whole record.
    pub field: String,
    /// What is given and what is wanted.
    pub message: String,
}

/// What a line is, as far as the schema goes.
#[derive(Debug, Default)]
pub struct Walked {
    pub facts: Facts,
    pub mistakes: Vec<Mistake>,
}

/// Reads a line.
///
/// # Errors
///
/// It is no JSON object.
pub fn walk(rules: &Rules, line: &str) -> Result<Walked, serde_json::Error> {
    match walk_compact(rules, line) {
        Some(walked) => Ok(walked),
        None => walk_json(rules, line),
    }
}

/// Reads a line as the agent writes nearly all.
fn walk_compact(rules: &Rules, line: &str) -> Option<Walked> {
    let mut walked = Walked::default();
    let mut json = Compact::new(line);
    json.deserialize_map(&mut Root::new(rules, &mut walked))
        .ok()?;
    json.end().ok()?;
    Some(walked)
}

/// Reads any other line.
fn walk_json(rules: &Rules, line: &str) -> Result<Walked, serde_json::Error> {
    let mut walked = Walked::default();
    let mut root = Root::new(rules, &mut walked);
    let mut json = serde_json::Deserializer::from_str(line);
    match json.deserialize_map(&mut root) {
        Err(_) if root.is_type_late => return walk_type_first(rules, line),
        read => read?,
    }
    json.end()?;
    Ok(walked)
}

/// Reads a line in which fields of the body stand before the type, which no agent writes.
fn walk_type_first(rules: &Rules, line: &str) -> Result<Walked, serde_json::Error> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line)?;
    let kind = fields.get("type").and_then(serde_json::Value::as_str);
    let mut walked = Walked::default();
    let root = &mut Root {
        body: Some(kind.and_then(|kind| rules.body(kind))),
        ..Root::new(rules, &mut walked)
    };
    // Deserialized from the text, as a number in a tree is not always what was written.
    serde_json::Deserializer::from_str(line).deserialize_map(root)?;
    Ok(walked)
}

/// The way to a value.
#[derive(Clone, Copy)]
enum Way<'a> {
    Root,
    Field(&'a Way<'a>, &'a str),
    Item(&'a Way<'a>, usize),
}

impl Display for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Root => Ok(()),
            Way::Field(Way::Root, name) => f.write_str(name),
            Way::Field(parent, name) => write!(f, "{parent}.{name}"),
            Way::Item(parent, place) => write!(f, "{parent}[{place}]"),
        }
    }
}

impl Walked {
    fn note(&mut self, way: Way<'_>, message: impl Display) {
        if self.mistakes.len() < MOST {
            self.mistakes.push(Mistake {
                field: way.to_string(),
                message: message.to_string(),
            });
        }
    }

    fn note_missing(&mut self, way: Way<'_>, rule: &Rule, seen: u64) {
        for (place, field) in rule.fields.iter().enumerate() {
            if (rule.required & !seen) >> place & 1 == 1 {
                self.note(Way::Field(&way, &field.name), "is missing");
            }
        }
    }
}

/// The name of a field: a known one's place, or the name itself. Most stand in the order of the rule.
struct Name<'a> {
    fields: &'a [Field],
    /// The place that is likely.
    next: usize,
}

enum Named<'de> {
    Known(usize),
    Other(Cow<'de, str>),
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Named<'de>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Named<'de>, D::Error> {
        name.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_> {
    type Value = Named<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Named<'de>, E> {
        Ok(match place(self.fields, self.next, name) {
            Some(place) => Named::Known(place),
            None => Named::Other(Cow::Borrowed(name)),
        })
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Named<'de>, E> {
        Ok(match place(self.fields, self.next, name) {
            Some(place) => Named::Known(place),
            None => Named::Other(Cow::Owned(name.to_owned())),
        })
    }
}

fn place(fields: &[Field], next: usize, name: &str) -> Option<usize> {
    match fields.get(next) {
        Some(field) if field.name == name => Some(next),
        _ => fields.iter().position(|field| field.name == name),
    }
}

/// The place of a field after those that were seen.
fn after(seen: u64) -> usize {
    (u64::BITS - seen.leading_zeros()) as usize
}

/// The whole record.
struct Root<'a> {
    rules: &'a Rules,
    walked: &'a mut Walked,
    /// The rule of the record's type, once that is known; then, whether there is one.
    body: Option<Option<&'a Rule>>,
    /// A field that is not the envelope's came before the type.
    is_type_late: bool,
}

impl<'de> Visitor<'de> for &mut Root<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let envelope = self.rules.root();
        let (mut seen, mut seen_of_body) = (0u64, 0u64);
        while let Some(name) = map.next_key_seed(Name {
            fields: &envelope.fields,
            next: after(seen),
        })? {
            match name {
                Named::Known(place) => {
                    self.field(&mut map, envelope, place, &mut seen)?;
                    if envelope.fields[place].name == "type" {
                        self.body = Some(self.rules.body(&self.walked.facts.kind));
                    }
                }
                Named::Other(name) => match self.body {
                    None => {
                        self.is_type_late = true;
                        return Err(A::Error::custom("the type is late"));
                    }
                    Some(Some(body))
                        if let Some(place) = place(&body.fields, after(seen_of_body), &name) =>
                    {
                        self.field(&mut map, body, place, &mut seen_of_body)?;
                    }
                    Some(_) => {
                        map.next_value::<IgnoredAny>()?;
                    }
                },
            }
        }
        self.walked.note_missing(Way::Root, envelope, seen);
        if let Some(Some(body)) = self.body {
            self.walked.note_missing(Way::Root, body, seen_of_body);
        }
        Ok(())
    }
}

impl<'a> Root<'a> {
    fn new(rules: &'a Rules, walked: &'a mut Walked) -> Root<'a> {
        Root {
            rules,
            walked,
            body: None,
            is_type_late: false,
        }
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        rule: &Rule,
        place: usize,
        seen: &mut u64,
    ) -> Result<(), A::Error> {
        let field = &rule.fields[place];
        let way = Way::Field(&Way::Root, &field.name);
        if *seen >> place & 1 == 1 {
            self.walked.note(way, "stands there twice");
        }
        *seen |= 1 << place;
        map.next_value_seed(Place {
            rules: self.rules,
            rule: self.rules.get(field.rule),
            slot: field.slot,
            way,
            walked: self.walked,
        })
    }
}

/// A value, where it stands, and what it must be.
struct Place<'a> {
    rules: &'a Rules,
    rule: &'a Rule,
    slot: Option<Slot>,
    way: Way<'a>,
    walked: &'a mut Walked,
}

impl Place<'_> {
    /// Whether a value of that kind is allowed here; if not it is noted.
    fn allows(&mut self, kind: u8, value: impl Display) -> bool {
        let is_allowed = self.rule.kinds & kind != 0;
        if !is_allowed {
            let wanted = Wanted(self.rule);
            self.walked
                .note(self.way, format_args!("{value}, wanted is {wanted}"));
        }
        is_allowed
    }

    fn number(&mut self, kind: u8, value: impl Display, whole: Option<u64>, is_below: bool) {
        if !self.allows(kind, &value) {
            return;
        }
        let constant = self.rule.constant;
        if is_below || constant.is_some_and(|constant| whole != Some(constant)) {
            let wanted = Wanted(self.rule);
            self.walked
                .note(self.way, format_args!("{value}, wanted is {wanted}"));
        } else if let (Some(slot), Some(number)) = (self.slot, whole) {
            self.walked.facts.note(slot, number);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Wanted(self.rule))
    }

    fn visit_unit<E: Error>(mut self) -> Result<(), E> {
        self.allows(kinds::NULL, "null");
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        self.allows(kinds::BOOLEAN, value);
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, value: u64) -> Result<(), E> {
        let minimum = self.rule.minimum.unwrap_or(0);
        let is_below = u64::try_from(minimum).is_ok_and(|minimum| value < minimum);
        self.number(kinds::INTEGER | kinds::NUMBER, value, Some(value), is_below);
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, value: i64) -> Result<(), E> {
        let is_below = self.rule.minimum.is_some_and(|minimum| value < minimum);
        self.number(kinds::INTEGER | kinds::NUMBER, value, None, is_below);
        Ok(())
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        let minimum = self.rule.minimum;
        let is_below = minimum.is_some_and(|minimum| value < minimum as f64);
        self.number(kinds::NUMBER, value, None, is_below);
        Ok(())
    }

    fn visit_str<E: Error>(mut self, value: &str) -> Result<(), E> {
        if !self.allows(kinds::STRING, Excerpt(value)) {
            return Ok(());
        }
        if matches!(self.way, Way::Field(Way::Root, "type")) {
            value.clone_into(&mut self.walked.facts.kind);
        }
        if matches!(
            self.way,
            Way::Field(Way::Field(Way::Root, "coverage"), "reason")
        ) {
            value.clone_into(&mut self.walked.facts.coverage);
        }
        let wanted = Wanted(self.rule);
        let is_known = |strings: &Vec<String>| strings.iter().any(|string| string == value);
        let mut is_right = self.rule.strings.as_ref().is_none_or(is_known);
        if self.rule.is_time {
            let time = time::parse(value);
            is_right = time.is_some();
            if let (Some(slot), Some(time)) = (self.slot, time) {
                self.walked.facts.note(slot, time);
            }
        }
        if !is_right {
            let value = Excerpt(value);
            self.walked
                .note(self.way, format_args!("{value}, wanted is {wanted}"));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let rule = match (self.allows(kinds::ARRAY, "an array"), self.rule.items) {
            (true, Some(rule)) => self.rules.get(rule),
            _ => return IgnoredAny.visit_seq(items).map(drop),
        };
        for place in 0.. {
            let item = Place {
                rules: self.rules,
                rule,
                slot: None,
                way: Way::Item(&self.way, place),
                walked: self.walked,
            };
            if items.next_element_seed(item)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        if !self.allows(kinds::OBJECT, "an object") {
            return IgnoredAny.visit_map(map).map(drop);
        }
        let rule = self.rule;
        let mut seen = 0u64;
        while let Some(name) = map.next_key_seed(Name {
            fields: &rule.fields,
            next: after(seen),
        })? {
            let (name, id, slot) = match &name {
                Named::Known(place) => {
                    let field = &rule.fields[*place];
                    if seen >> place & 1 == 1 {
                        let way = Way::Field(&self.way, &field.name);
                        self.walked.note(way, "stands there twice");
                    }
                    seen |= 1 << place;
                    (field.name.as_str(), Some(field.rule), field.slot)
                }
                Named::Other(name) => (&**name, rule.others, None),
            };
            match id {
                None => map.next_value::<IgnoredAny>().map(drop)?,
                Some(id) => map.next_value_seed(Place {
                    rules: self.rules,
                    rule: self.rules.get(id),
                    slot,
                    way: Way::Field(&self.way, name),
                    walked: self.walked,
                })?,
            }
        }
        self.walked.note_missing(self.way, rule, seen);
        Ok(())
    }
}

/// The beginning of a string, in quotes.
struct Excerpt<'a>(&'a str);

impl Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(EXCERPT) {
            Some((end, _)) => write!(f, "\"{}…\"", &self.0[..end]),
            None => write!(f, "\"{}\"", self.0),
        }
    }
}

/// What a rule allows, in words.
struct Wanted<'a>(&'a Rule);

impl Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.0;
        let names = kinds::NAMES
            .iter()
            .filter(|(kind, ..)| rule.kinds & kind != 0);
        let mut wanted: Vec<Cow<str>> = Vec::new();
        for (kind, _, name) in names.rev() {
            wanted.push(match (*kind, &rule.strings) {
                (kinds::STRING, Some(strings)) => strings.join(" or ").into(),
                (kinds::STRING, None) if rule.is_time => {
                    "a time like 2026-11-25T00:36:26.808Z".into()
                }
                (kinds::INTEGER | kinds::NUMBER, _) => match (rule.constant, rule.minimum) {
                    (Some(constant), _) => constant.to_string().into(),
                    (None, Some(minimum)) => format!("{name} from {minimum}").into(),
                    (None, None) => Cow::Borrowed(*name),
                },
                _ => Cow::Borrowed(*name),
            });
        }
        f.write_str(&wanted.join(" or "))
    }
}

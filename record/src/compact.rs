//! JSON as the agent writes it, read faster than JSON in general: nothing stands between the tokens, and no string
//! has an escape in it. A struct's fields are looked for in the order in which they are declared, so that most are
//! found by one comparison.
//!
//! What is read is valid JSON, and the values are those that `serde_json` reads. Whatever is not compact is an error
//! without a reason: the text may be right nevertheless, and `serde_json` tells.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

/// So deep may arrays and objects be in each other; no record is as deep.
const DEEPEST: u8 = 32;

/// A deserializer of a text that is JSON without white space and escapes.
pub struct Compact<'de> {
    text: &'de str,
    /// Bytes that were read.
    at: usize,
    /// Arrays and objects that are open.
    depth: u8,
}

/// The text is not compact, or not what is wanted.
#[derive(Debug)]
pub struct NotCompact;

type Result<T> = std::result::Result<T, NotCompact>;

impl<'de> Compact<'de> {
    /// At the beginning of the text.
    pub fn new(text: &'de str) -> Compact<'de> {
        Compact {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// Whether all was read but white space.
    ///
    /// # Errors
    ///
    /// Something follows.
    pub fn end(&self) -> Result<()> {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        match self.rest().iter().all(is_space) {
            true => Ok(()),
            false => Err(NotCompact),
        }
    }

    fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, expected: &[u8]) -> Result<()> {
        if !self.rest().starts_with(expected) {
            return Err(NotCompact);
        }
        self.at += expected.len();
        Ok(())
    }

    fn skip_byte(&mut self, expected: u8) -> Result<()> {
        if self.peek() != Some(expected) {
            return Err(NotCompact);
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<&'de str> {
        self.skip_byte(b'"')?;
        let length = plain_length(self.rest())?;
        let string = self.text.get(self.at..self.at + length);
        self.at += length;
        self.skip_byte(b'"')?;
        string.ok_or(NotCompact)
    }

    /// Reads digits, at least one; gives their value, where that is not too large.
    fn digits(&mut self) -> Result<Option<u64>> {
        /// So many never make too large a number.
        const FEW: usize = 19;
        let begin = self.at;
        let (mut value, mut length) = (0u64, 0);
        for byte in self.rest() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            length += 1;
        }
        self.at += length;
        match length {
            0 => Err(NotCompact),
            1..=FEW => Ok(Some(value)),
            _ => Ok(self
                .text
                .get(begin..self.at)
                .and_then(|digits| digits.parse().ok())),
        }
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let begin = self.at;
        let is_negative = self.peek() == Some(b'-');
        self.at += usize::from(is_negative);
        let is_zero = self.peek() == Some(b'0');
        let digits = self.at;
        let whole = self.digits()?;
        if is_zero && self.at > digits + 1 {
            return Err(NotCompact);
        }
        if !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return match (is_negative, whole) {
                (false, Some(whole)) => visitor.visit_u64(whole),
                (true, Some(whole)) if !is_zero && whole <= i64::MAX as u64 => {
                    visitor.visit_i64(-(whole as i64))
                }
                _ => Err(NotCompact),
            };
        }
        if self.skip_byte(b'.').is_ok() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = self.text.get(begin..self.at).map(str::parse::<f64>);
        match number {
            Some(Ok(number)) if number.is_finite() => visitor.visit_f64(number),
            _ => Err(NotCompact),
        }
    }

    /// Reads an array or an object: what is between its delimiters, by `inside`.
    fn nested<T>(&mut self, end: u8, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEEPEST {
            return Err(NotCompact);
        }
        self.at += 1;
        self.depth += 1;
        let value = inside(self)?;
        self.depth -= 1;
        self.skip_byte(end)?;
        Ok(value)
    }

    fn object<V: Visitor<'de>>(
        &mut self,
        expected: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.nested(b'}', |json| {
            visitor.visit_map(Fields {
                begin: json.at,
                json,
                expected,
                next: 0,
            })
        })
    }
}

/// How many bytes there are to the quote that ends a string without escapes.
fn plain_length(bytes: &[u8]) -> Result<usize> {
    /// One in each byte.
    const ONES: u64 = u64::MAX / 255;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (place, chunk) in chunks.iter().enumerate() {
        let chunk = u64::from_le_bytes(*chunk);
        // The high bit of each byte that is less than so much. A borrow may spoil bytes behind one that is less, the
        // first is always right.
        let less_than = |bytes: u64, limit: u64| bytes.wrapping_sub(ONES * limit) & !bytes;
        let quotes = less_than(chunk ^ (ONES * u64::from(b'"')), 1);
        let escapes = less_than(chunk ^ (ONES * u64::from(b'\\')), 1);
        let controls = less_than(chunk, 0x20);
        let found = (quotes | escapes | controls) & (ONES << 7);
        if found != 0 {
            let at = 8 * place + found.trailing_zeros() as usize / 8;
            return match bytes.get(at) {
                Some(b'"') => Ok(at),
                _ => Err(NotCompact),
            };
        }
    }
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    match rest.iter().position(is_end) {
        Some(at) if rest[at] == b'"' => Ok(bytes.len() - rest.len() + at),
        _ => Err(NotCompact),
    }
}

impl<'de> Deserializer<'de> for &mut Compact<'de> {
    type Error = NotCompact;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            Some(b'"') => visitor.visit_borrowed_str(self.string()?),
            Some(b'{') => self.object(&[], visitor),
            Some(b'[') => self.nested(b']', |json| {
                visitor.visit_seq(Items {
                    begin: json.at,
                    json,
                })
            }),
            Some(b'n') => {
                self.skip(b"null")?;
                visitor.visit_unit()
            }
            Some(b't') => {
                self.skip(b"true")?;
                visitor.visit_bool(true)
            }
            Some(b'f') => {
                self.skip(b"false")?;
                visitor.visit_bool(false)
            }
            _ => self.number(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            Some(b'n') => self.deserialize_any(visitor),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.peek() {
            Some(b'{') => self.object(fields, visitor),
            _ => Err(NotCompact),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    /// Only enums of names alone.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.string()?))
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.number(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.string()?)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The fields of an object.
struct Fields<'a, 'de> {
    json: &'a mut Compact<'de>,
    begin: usize,
    /// Names in the order in which they are likely.
    expected: &'static [&'static str],
    /// The place in `expected` after that of the last one found there.
    next: usize,
}

impl Fields<'_, '_> {
    /// The place in `expected` of the name that stands here, where it is the next one or that after it: one may be
    /// left out.
    fn place(&mut self) -> Option<usize> {
        let rest = self.json.rest().get(1..)?;
        let likely = self.expected.iter().enumerate().skip(self.next).take(2);
        for (place, name) in likely {
            if let Some(rest) = rest.strip_prefix(name.as_bytes())
                && rest.starts_with(b"\"")
            {
                self.json.at += name.len() + 2;
                self.next = place + 1;
                return Some(place);
            }
        }
        None
    }
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = NotCompact;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.json.peek() == Some(b'}') {
            return Ok(None);
        }
        if self.json.at > self.begin {
            self.json.skip_byte(b',')?;
        }
        if self.json.peek() != Some(b'"') {
            return Err(NotCompact);
        }
        let name = match self.place() {
            // As derived implementations know a field by its place too.
            Some(place) => {
                let place: U64Deserializer<NotCompact> = (place as u64).into_deserializer();
                seed.deserialize(place)?
            }
            None => seed.deserialize(BorrowedStrDeserializer::new(self.json.string()?))?,
        };
        Ok(Some(name))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.json.skip_byte(b':')?;
        seed.deserialize(&mut *self.json)
    }
}

/// The items of an array.
struct Items<'a, 'de> {
    json: &'a mut Compact<'de>,
    begin: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = NotCompact;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.json.peek() == Some(b']') {
            return Ok(None);
        }
        if self.json.at > self.begin {
            self.json.skip_byte(b',')?;
        }
        seed.deserialize(&mut *self.json).map(Some)
    }
}

impl fmt::Display for NotCompact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not JSON as the agent writes it")
    }
}

impl std::error::Error for NotCompact {}

impl de::Error for NotCompact {
    fn custom<T: fmt::Display>(_: T) -> NotCompact {
        NotCompact
    }
}

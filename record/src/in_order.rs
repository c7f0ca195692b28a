//! Reading a record in one pass, where the envelope comes first, as it does in whatever the agent writes.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::envelope::{Body, Envelope};

/// A record's envelope and body; an error where the envelope's fields are not the first ones.
pub(crate) struct InOrder(pub Envelope, pub Body);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<InOrder, D::Error> {
        deserializer.deserialize_map(InOrderVisitor)
    }
}

struct InOrderVisitor;

/// The fields of the envelope, and any other.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    V,
    Type,
    Ts,
    Seq,
    Pid,
    UptimeMs,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for InOrderVisitor {
    type Value = InOrder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
        let (mut v, mut kind, mut ts) = (None, None, None);
        let (mut seq, mut pid, mut uptime_ms) = (None, None, None);
        let envelope = loop {
            match map.next_key()? {
                Some(Field::V) => v = Some(map.next_value()?),
                Some(Field::Type) => kind = Some(map.next_value()?),
                Some(Field::Ts) => ts = Some(map.next_value()?),
                Some(Field::Seq) => seq = Some(map.next_value()?),
                Some(Field::Pid) => pid = Some(map.next_value()?),
                Some(Field::UptimeMs) => uptime_ms = Some(map.next_value()?),
                Some(Field::Other) | None => {
                    return Err(A::Error::custom("the envelope is not first"));
                }
            }
            if let (Some(v), Some(seq), Some(pid), Some(uptime_ms)) = (v, seq, pid, uptime_ms)
                && let (Some(_), Some(_)) = (&kind, &ts)
            {
                break Envelope {
                    v,
                    kind: kind.unwrap_or_default(),
                    ts: ts.unwrap_or_default(),
                    seq,
                    pid,
                    uptime_ms,
                };
            }
        };
        let body = Body::read(&envelope.kind, MapAccessDeserializer::new(map))?;
        Ok(InOrder(envelope, body))
    }
}

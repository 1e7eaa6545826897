//! The fields that may be written short or long.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::file::{BillCount, BillEntry, Bills, Bounds, Length};
use super::stream::{Ended, EndedEntry};

impl JsonSchema for Length {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let bounds = generator.subschema_for::<Bounds>();
        json_schema!({
            "description": "A length: one number, or bounds of which one may be left out.",
            "anyOf": [{ "type": "integer", "minimum": 0 }, bounds]
        })
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LengthVisitor;

        impl<'de> Visitor<'de> for LengthVisitor {
            type Value = Length;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or `{ min: …, max: … }`")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Length, E> {
                u64::try_from(value).map(Length::Exactly).map_err(|_| E::custom("a length can't be negative"))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Length, A::Error> {
                let bounds = Bounds::deserialize(MapAccessDeserializer::new(access))?;
                Ok(Length::Between { min: bounds.min, max: bounds.max })
            }
        }

        deserializer.deserialize_any(LengthVisitor)
    }
}

impl JsonSchema for Bills {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bills".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let count = generator.subschema_for::<BillCount>();
        let entry = generator.subschema_for::<BillEntry>();
        json_schema!({
            "description": "What the gateway must have billed: `one` event, `none`, or what the one event says.",
            "anyOf": [count, entry]
        })
    }
}

impl<'de> Deserialize<'de> for Bills {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BillsVisitor;

        impl<'de> Visitor<'de> for BillsVisitor {
            type Value = Bills;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`one`, `none`, or `{ model: …, usage: … }`")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Bills, E> {
                match value {
                    "one" => Ok(Bills::Count(BillCount::One)),
                    "none" => Ok(Bills::Count(BillCount::None)),
                    other => Err(E::unknown_variant(other, &["one", "none"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Bills, A::Error> {
                BillEntry::deserialize(MapAccessDeserializer::new(access))
                    .map(|entry| Bills::One(Box::new(entry)))
            }
        }

        deserializer.deserialize_any(BillsVisitor)
    }
}

impl JsonSchema for Ended {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ended".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<EndedEntry>();
        json_schema!({
            "description": "Whether a stream comes to its end: `true`, `false`, or that and what it verifies.",
            "anyOf": [{ "type": "boolean" }, entry]
        })
    }
}

impl<'de> Deserialize<'de> for Ended {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EndedVisitor;

        impl<'de> Visitor<'de> for EndedVisitor {
            type Value = Ended;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false`, or `{ is: …, verifies: … }`")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Ended, E> {
                Ok(Ended { is: value, verifies: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Ended, A::Error> {
                let entry = EndedEntry::deserialize(MapAccessDeserializer::new(access))?;
                Ok(Ended { is: entry.is.unwrap_or(true), verifies: entry.verifies })
            }
        }

        deserializer.deserialize_any(EndedVisitor)
    }
}

//! The fields that may be written short or long.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::file::{BillCount, BillEntry, Bills, Bounds, Length};
use super::stream::{Ended, EndedEntry, Ending};

/// The word for a stream whose body breaks off.
const BROKEN_OFF: &str = "broken-off";

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
        let ending = generator.subschema_for::<Ending>();
        let entry = generator.subschema_for::<EndedEntry>();
        json_schema!({
            "description": "Whether a stream comes to its end: `true`, `false` or `broken-off`, or that and what it verifies.",
            "anyOf": [ending, entry]
        })
    }
}

impl<'de> Deserialize<'de> for Ended {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EndedVisitor;

        impl<'de> Visitor<'de> for EndedVisitor {
            type Value = Ended;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`true`, `false`, `broken-off`, or `{ is: …, verifies: … }`")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Ended, E> {
                EndingVisitor.visit_bool(value).map(|is| Ended { is, verifies: None })
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Ended, E> {
                EndingVisitor.visit_str(value).map(|is| Ended { is, verifies: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Ended, A::Error> {
                let entry = EndedEntry::deserialize(MapAccessDeserializer::new(access))?;
                Ok(Ended { is: entry.is.unwrap_or_default(), verifies: entry.verifies })
            }
        }

        deserializer.deserialize_any(EndedVisitor)
    }
}

impl JsonSchema for Ending {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Ending".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Whether a stream comes to its end: `true`; `false`, where it is cut off before; `broken-off`, where its client sees that, because the connection ends before the body is whole.",
            "anyOf": [{ "type": "boolean" }, { "const": BROKEN_OFF }]
        })
    }
}

impl<'de> Deserialize<'de> for Ending {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EndingVisitor)
    }
}

struct EndingVisitor;

impl Visitor<'_> for EndingVisitor {
    type Value = Ending;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`true`, `false` or `broken-off`")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Ending, E> {
        Ok(if value { Ending::Whole } else { Ending::CutOff })
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Ending, E> {
        match value {
            BROKEN_OFF => Ok(Ending::BrokenOff),
            other => Err(E::unknown_variant(other, &["true", "false", BROKEN_OFF])),
        }
    }
}

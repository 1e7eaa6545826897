//! What ends the polling of a step.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::file::CheckEntry;
use super::wrappers::{Located, OneOrMany, Recovered};

/// What an answer must be for the polling to end: checks on its body, or its status as well.
#[derive(Clone, Debug)]
pub struct Until(pub UntilEntry);

/// What an answer must be for the polling to end. All of it must hold, and none of it verifies anything.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UntilEntry {
    /// The status code, or a list of those that are meant.
    pub status: Option<Located<OneOrMany<u16>>>,
    /// Checks on the JSON body, without `level`, `wording` and `verifies`.
    pub body: Vec<Recovered<Located<CheckEntry>>>,
}

impl JsonSchema for Until {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Until".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let check = generator.subschema_for::<CheckEntry>();
        let entry = generator.subschema_for::<UntilEntry>();
        json_schema!({
            "description": "What an answer must be: checks on its JSON body, or `{ status: …, body: … }`.",
            "anyOf": [{ "type": "array", "items": check }, entry]
        })
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UntilVisitor;

        impl<'de> Visitor<'de> for UntilVisitor {
            type Value = Until;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of checks, or `{ status: …, body: … }`")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Until, E> {
                Err(E::custom(format!("found the number {value}: write `{{ status: {value} }}`")))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Until, A::Error> {
                let body = Vec::deserialize(SeqAccessDeserializer::new(access))?;
                Ok(Until(UntilEntry { status: None, body }))
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Until, A::Error> {
                UntilEntry::deserialize(MapAccessDeserializer::new(access)).map(Until)
            }
        }

        deserializer.deserialize_any(UntilVisitor)
    }
}

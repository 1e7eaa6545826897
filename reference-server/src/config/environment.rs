//! Credentials, which come from the environment and never from a file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::notes::Notes;
use super::placed::Placed;
use crate::provider::http::Secret;

/// Looks an environment variable up.
pub(super) type Lookup<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Where a credential comes from.
#[derive(Debug)]
pub(super) enum FromEnvironment {
    /// The environment variable that holds it.
    Variable(Placed<String>),
    /// It stands in the file itself, from where it is not taken, nor shown again.
    Literal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    env: Placed<String>,
}

/// What an environment variable holds; an empty one counts as not set.
pub(super) fn text(
    credential: &Placed<FromEnvironment>,
    lookup: Lookup<'_>,
    notes: &mut Notes<'_>,
) -> Option<String> {
    let FromEnvironment::Variable(name) = &**credential else {
        let hint =
            Some("write `{ env: NAME }`, and the credential into that environment variable".to_owned());
        notes.note_secret(credential.place(), "a credential does not stand in the file", hint);
        return None;
    };
    let value = lookup(name).filter(|value| !value.trim().is_empty());
    if value.is_none() {
        let message = format!("the environment variable `{}` is not set", **name);
        notes.note(name.place(), message, Some(format!("export {}=…", **name)));
    }
    value
}

/// The credential that an environment variable holds.
pub(super) fn secret(
    credential: &Placed<FromEnvironment>,
    lookup: Lookup<'_>,
    notes: &mut Notes<'_>,
) -> Option<Secret> {
    text(credential, lookup, notes).map(|text| Secret::new(&text))
}

impl<'de> Deserialize<'de> for FromEnvironment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromEnvironmentVisitor;

        impl<'de> Visitor<'de> for FromEnvironmentVisitor {
            type Value = FromEnvironment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ env: NAME }`")
            }

            fn visit_bool<E>(self, _: bool) -> Result<FromEnvironment, E> {
                Ok(FromEnvironment::Literal)
            }

            fn visit_i64<E>(self, _: i64) -> Result<FromEnvironment, E> {
                Ok(FromEnvironment::Literal)
            }

            fn visit_u64<E>(self, _: u64) -> Result<FromEnvironment, E> {
                Ok(FromEnvironment::Literal)
            }

            fn visit_f64<E>(self, _: f64) -> Result<FromEnvironment, E> {
                Ok(FromEnvironment::Literal)
            }

            fn visit_str<E>(self, _: &str) -> Result<FromEnvironment, E> {
                Ok(FromEnvironment::Literal)
            }

            fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<FromEnvironment, A::Error> {
                let Written { env } = Written::deserialize(MapAccessDeserializer::new(access))?;
                Ok(FromEnvironment::Variable(env))
            }
        }

        deserializer.deserialize_any(FromEnvironmentVisitor)
    }
}

impl JsonSchema for FromEnvironment {
    fn schema_name() -> Cow<'static, str> {
        "FromEnvironment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A credential in an environment variable. None ever stands in the file.",
            "type": "object",
            "properties": { "env": { "description": "The variable that holds it.", "type": "string" } },
            "required": ["env"],
            "additionalProperties": false
        })
    }
}

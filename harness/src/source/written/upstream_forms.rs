//! What is said of providers in several forms: a word, a number or a mapping.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::upstream::{
    CallOutcome, Calls, CallsEntry, Fault, Lacks, LacksEntry, OutcomeEntry, OutcomeIs, Upstream,
    UpstreamEntry, UpstreamFault,
};
use super::wrappers::Tree;

/// The word for nothing.
const NONE: &str = "none";
/// The member of a fault that is one of the simulator.
const UPSTREAM: &str = "upstream";

/// Reads a `T`: from a word, from a number, or from an `L`, which is a mapping.
struct Forms<T, L> {
    expecting: &'static str,
    /// The words, where only some are right.
    words: &'static [&'static str],
    word: fn(&str) -> Option<T>,
    number: fn(u64) -> Option<T>,
    long: fn(L) -> T,
}

impl<T, L> Forms<T, L> {
    fn new(expecting: &'static str, long: fn(L) -> T) -> Self {
        Self { expecting, words: &[], word: |_| None, number: |_| None, long }
    }

    fn words(self, words: &'static [&'static str], word: fn(&str) -> Option<T>) -> Self {
        Self { words, word, ..self }
    }

    fn number(self, number: fn(u64) -> Option<T>) -> Self {
        Self { number, ..self }
    }
}

impl<'de, T, L: Deserialize<'de>> Visitor<'de> for Forms<T, L> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        (self.word)(value).ok_or_else(|| E::unknown_variant(value, self.words))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        let number = u64::try_from(value).ok().and_then(self.number);
        number.ok_or_else(|| E::invalid_type(de::Unexpected::Signed(value), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<T, A::Error> {
        L::deserialize(MapAccessDeserializer::new(access)).map(self.long)
    }
}

impl<'de> Deserialize<'de> for Upstream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let long = |entry: UpstreamEntry| Self::Calls(Box::new(entry));
        let word = |word: &str| (word == NONE).then_some(Self::None);
        deserializer.deserialize_any(Forms::new("`none`, or `{ calls: 1, … }`", long).words(&[NONE], word))
    }
}

impl<'de> Deserialize<'de> for Calls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let forms = Forms::new("a number, `none`, or `{ between: [1, 3] }`", |entry: CallsEntry| {
            Self::Between(entry.between)
        });
        let word = |word: &str| (word == NONE).then_some(Self::Exactly(0));
        deserializer.deserialize_any(forms.words(&[NONE], word).number(|calls| Some(Self::Exactly(calls))))
    }
}

impl<'de> Deserialize<'de> for Lacks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let long = |entry: LacksEntry| Self { text: entry.text, verifies: entry.verifies };
        let word = |text: &str| Some(Self { text: text.to_owned(), verifies: None });
        deserializer
            .deserialize_any(Forms::new("a text, or `{ text: …, verifies: … }`", long).words(&[], word))
    }
}

impl<'de> Deserialize<'de> for OutcomeIs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let long = |entry: OutcomeEntry| Self { is: entry.is, verifies: entry.verifies };
        let word = |word: &str| {
            let is = match word {
                "whole" => CallOutcome::Whole,
                "cut" => CallOutcome::Cut,
                "left" => CallOutcome::Left,
                _ => return None,
            };
            Some(Self { is, verifies: None })
        };
        let forms = Forms::new("`whole`, `cut`, `left`, or `{ is: …, verifies: … }`", long);
        deserializer.deserialize_any(forms.words(&["whole", "cut", "left"], word))
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FaultVisitor;

        impl<'de> Visitor<'de> for FaultVisitor {
            type Value = Fault;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ kind: … }`, `{ upstream: { kind: … } }`, or `none`")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Fault, E> {
                match value {
                    NONE => Ok(Fault::None),
                    other => Err(E::unknown_variant(other, &[NONE])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Fault, A::Error> {
                let (mut upstream, mut members) = (None, Vec::new());
                while let Some(name) = access.next_key::<String>()? {
                    if name == UPSTREAM {
                        upstream = Some(access.next_value()?);
                    } else {
                        members.push((name, access.next_value::<Tree>()?));
                    }
                }
                match upstream {
                    None => Ok(Fault::Own(members)),
                    Some(upstream) if members.is_empty() => Ok(Fault::Upstream(Box::new(upstream))),
                    Some(_) => Err(de::Error::custom("`upstream` stands alone: what it says goes into it")),
                }
            }
        }

        deserializer.deserialize_any(FaultVisitor)
    }
}

impl JsonSchema for Upstream {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Upstream".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<UpstreamEntry>();
        json_schema!({
            "description": "What the gateway must have asked of its providers: `none`, or how many calls and what is right of them.",
            "anyOf": [{ "const": NONE }, entry]
        })
    }
}

impl JsonSchema for Calls {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Calls".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let bounds = generator.subschema_for::<CallsEntry>();
        json_schema!({
            "description": "How many calls to providers: a number, `none`, or `{ between: [1, 3] }`.",
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "const": NONE }, bounds]
        })
    }
}

impl JsonSchema for Lacks {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Lacks".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<LacksEntry>();
        json_schema!({
            "description": "A text that stands nowhere in any call, or that and what it verifies.",
            "anyOf": [{ "type": "string" }, entry]
        })
    }
}

impl JsonSchema for OutcomeIs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OutcomeIs".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<CallOutcome>();
        let entry = generator.subschema_for::<OutcomeEntry>();
        json_schema!({
            "description": "How the last call ended, or that and what it verifies.",
            "anyOf": [word, entry]
        })
    }
}

impl JsonSchema for Fault {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let upstream = generator.subschema_for::<UpstreamFault>();
        json_schema!({
            "description": "A fault: `upstream` with one of the simulator, or the members of one that the target arms by its own means; `none` takes all away.",
            "anyOf": [
                { "const": NONE },
                upstream,
                { "type": "object", "not": { "required": [UPSTREAM] } }
            ]
        })
    }
}

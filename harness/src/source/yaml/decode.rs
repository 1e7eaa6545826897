//! From a YAML tree to typed values, so that every mistake is found with its place, not only the first.
//!
//! Serde's derived code does the decoding; this is the deserializer that it reads from.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::node::{self, Node, NodeValue};
use crate::source::Span;
use crate::source::mistake::hint_among;
use crate::source::written::file::ScenarioFile;
use crate::source::written::wrappers::{LOCATED, NUMBER, RECOVERED};

/// A mistake, before the file that it stands in is known.
#[derive(Clone, Debug, Default)]
pub struct DecodeError {
    /// Where, once an enclosing value has said so.
    pub span: Option<Span>,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), ..Self::default() }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self {
            message: format!("there is no field `{field}` here"),
            hint: hint_among(field, expected.iter().copied()),
            span: None,
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            message: format!("there is no `{variant}` here"),
            hint: hint_among(variant, expected.iter().copied()),
            span: None,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            message: format!("the field `{field}` is missing"),
            hint: Some(format!("add `{field}: …`")),
            span: None,
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self { message: format!("the field `{field}` is given twice"), ..Self::default() }
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let hint = match found {
            de::Unexpected::Signed(_)
            | de::Unexpected::Unsigned(_)
            | de::Unexpected::Float(_)
            | de::Unexpected::Bool(_) => Some("put it in quotes if a text is meant".to_owned()),
            _ => None,
        };
        Self { message: format!("found {}, expected {expected}", describe(&found)), hint, span: None }
    }
}

fn describe(found: &de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Signed(number) => format!("the number {number}"),
        de::Unexpected::Unsigned(number) => format!("the number {number}"),
        de::Unexpected::Bool(value) => format!("`{value}`"),
        de::Unexpected::Str(text) => format!("the text `{text}`"),
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

/// What a scenario file was read as, and the mistakes in it.
pub type Decoded = (Option<ScenarioFile>, Vec<DecodeError>);

/// Reads a YAML text as a `T`, with every mistake that does not hide another.
///
/// The value is there whenever enough of it could be read to look further.
pub fn decode<T: for<'de> Deserialize<'de>>(text: &str) -> (Option<T>, Vec<DecodeError>) {
    match node::parse(text) {
        Ok(root) => decode_node(&root),
        Err(error) => {
            let mistake = DecodeError { span: Some(error.span), message: error.message, hint: None };
            (None, vec![mistake])
        }
    }
}

/// Reads a tree as a `T`, as [`decode`] does.
pub(in crate::source) fn decode_node<T: for<'de> Deserialize<'de>>(
    root: &Node,
) -> (Option<T>, Vec<DecodeError>) {
    let sink = RefCell::default();
    let value = T::deserialize(NodeDeserializer { node: root, sink: &sink, recover: true }).ok();
    (value, sink.into_inner())
}

#[derive(Clone, Copy)]
struct NodeDeserializer<'a> {
    node: &'a Node,
    sink: &'a RefCell<Vec<DecodeError>>,
    recover: bool,
}

impl<'a> NodeDeserializer<'a> {
    fn at(self, node: &'a Node) -> Self {
        Self { node, sink: self.sink, recover: false }
    }

    /// Gives an error its place, the innermost one, and notes it where reading goes on behind it.
    fn finish<T>(self, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
        result.map_err(|mut error| {
            error.span.get_or_insert(self.node.span);
            if self.recover {
                self.sink.borrow_mut().push(error.clone());
            }
            error
        })
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            NodeValue::Null => visitor.visit_unit(),
            NodeValue::Bool(value) => visitor.visit_bool(*value),
            NodeValue::Integer(value) => visitor.visit_i64(*value),
            NodeValue::Unsigned(value) => visitor.visit_u64(*value),
            NodeValue::Decimal(number) => match number.as_f64() {
                Some(value) => visitor.visit_f64(value),
                None => Err(de::Error::custom("the number is out of range")),
            },
            NodeValue::Text(text) => visitor.visit_str(text),
            NodeValue::List(items) => visitor.visit_seq(Items { parent: self, items: items.iter() }),
            NodeValue::Map(entries) => {
                visitor.visit_map(Entries { parent: self, known: None, entries: entries.iter(), value: None })
            }
        }
    }

    /// Notes the entries that a struct has no field for, so that they do not hide what is wrong with the others.
    fn note_unknown_fields(self, entries: &[(Node, Node)], fields: &'static [&'static str]) {
        for (key, _) in entries {
            match &key.value {
                NodeValue::Text(name) if fields.contains(&name.as_str()) => {}
                NodeValue::Text(name) => {
                    let error = <DecodeError as de::Error>::unknown_field(name, fields);
                    self.sink.borrow_mut().push(DecodeError { span: Some(key.span), ..error });
                }
                other => {
                    let message = format!("found {}, expected the name of a field", other.kind());
                    self.sink.borrow_mut().push(DecodeError { span: Some(key.span), message, hint: None });
                }
            }
        }
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let result = self.any(visitor);
        self.finish(result)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let result = match self.node.value {
            NodeValue::Null => visitor.visit_none(),
            _ => visitor.visit_some(Self { recover: false, ..self }),
        };
        self.finish(result)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let inner = Self { recover: false, ..self };
        let result = match (name, &self.node.value) {
            (LOCATED, _) => visitor.visit_seq(LocatedParts { parent: inner, next: 0 }),
            (RECOVERED, _) => visitor.visit_newtype_struct(Self { recover: true, ..self }),
            (NUMBER, NodeValue::Decimal(number)) => {
                visitor.visit_newtype_struct(StrDeserializer::<DecodeError>::new(number.as_str()))
            }
            (NUMBER, _) => inner.any(visitor),
            _ => visitor.visit_newtype_struct(inner),
        };
        self.finish(result)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let result = match &self.node.value {
            NodeValue::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            other => Err(de::Error::custom(format!("found {}, expected one of a few words", other.kind()))),
        };
        self.finish(result)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let result = match &self.node.value {
            NodeValue::Map(entries) => {
                self.note_unknown_fields(entries, fields);
                visitor.visit_map(Entries {
                    parent: self,
                    known: Some(fields),
                    entries: entries.iter(),
                    value: None,
                })
            }
            _ => self.any(visitor),
        };
        self.finish(result)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier
    }
}

struct Items<'a> {
    parent: NodeDeserializer<'a>,
    items: std::slice::Iter<'a, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.items.next().map(|item| seed.deserialize(self.parent.at(item))).transpose()
    }
}

struct Entries<'a> {
    parent: NodeDeserializer<'a>,
    /// The fields of a struct; entries of other names are passed over.
    known: Option<&'static [&'static str]>,
    entries: std::slice::Iter<'a, (Node, Node)>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        let known = self.known;
        let is_known = |entry: &&(Node, Node)| match (known, &entry.0.value) {
            (None, _) => true,
            (Some(fields), NodeValue::Text(name)) => fields.contains(&name.as_str()),
            (Some(_), _) => false,
        };
        let Some((key, value)) = self.entries.find(is_known) else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(self.parent.at(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let node =
            self.value.take().ok_or_else(|| <DecodeError as de::Error>::custom("a value without a key"))?;
        seed.deserialize(self.parent.at(node))
    }
}

struct LocatedParts<'a> {
    parent: NodeDeserializer<'a>,
    next: u8,
}

impl<'de> SeqAccess<'de> for LocatedParts<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let span = self.parent.node.span;
        let number = match self.next {
            0 => span.line,
            1 => span.column,
            2 => span.start,
            3 => span.length,
            4 => {
                self.next = 5;
                return seed.deserialize(self.parent).map(Some);
            }
            _ => return Ok(None),
        };
        self.next += 1;
        seed.deserialize(U32Deserializer::<DecodeError>::new(number)).map(Some)
    }
}

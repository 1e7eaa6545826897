//! From a YAML tree to typed values, so that every mistake is found with its place, not only the first.
//!
//! Serde's derived code does the decoding. Three wrappers carry what serde has no word for: [`Located`] keeps where a
//! value stands, [`Recovered`] lets the rest of a file be read after a mistake, [`Tree`] keeps any value exactly.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::Number;

use super::node::{self, Node, NodeValue};
use crate::source::Span;
use crate::source::mistake::hint_among;

const LOCATED: &str = "$plumbline::located";
const RECOVERED: &str = "$plumbline::recovered";
const NUMBER: &str = "$plumbline::number";

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

/// Reads a YAML text as a `T`, with every mistake that does not hide another.
///
/// The value is there whenever enough of it could be read to look further.
pub fn decode<T: for<'de> Deserialize<'de>>(text: &str) -> (Option<T>, Vec<DecodeError>) {
    let root = match node::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let mistake = DecodeError { span: Some(error.span), message: error.message, hint: None };
            return (None, vec![mistake]);
        }
    };
    let sink = RefCell::default();
    let value = T::deserialize(NodeDeserializer { node: &root, sink: &sink, recover: true }).ok();
    (value, sink.into_inner())
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: JsonSchema> JsonSchema for Located<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LocatedVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for LocatedVisitor<T> {
            type Value = Located<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its place")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut next = || access.next_element::<u32>().map(Option::unwrap_or_default);
                let span = Span { line: next()?, column: next()?, start: next()?, length: next()? };
                let value = access.next_element()?.ok_or_else(|| de::Error::custom("no value"))?;
                Ok(Located { value, span })
            }
        }

        deserializer.deserialize_newtype_struct(LOCATED, LocatedVisitor(PhantomData))
    }
}

/// A value, or nothing where a mistake was found in it and noted.
#[derive(Debug)]
pub struct Recovered<T>(pub Option<T>);

impl<T: JsonSchema> JsonSchema for Recovered<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Recovered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecoveredVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for RecoveredVisitor<T> {
            type Value = Recovered<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Self::Value, D::Error> {
                // The deserializer has noted the mistake where it found it.
                Ok(Recovered(T::deserialize(deserializer).ok()))
            }
        }

        deserializer.deserialize_newtype_struct(RECOVERED, RecoveredVisitor(PhantomData))
    }
}

/// One value or a list of them.
#[derive(Clone, Debug)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

impl<'de> Deserialize<'de> for OneOrMany<u16> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StatusVisitor;

        impl<'de> Visitor<'de> for StatusVisitor {
            type Value = OneOrMany<u16>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a list of numbers")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
                u16::try_from(value)
                    .map(|value| OneOrMany(vec![value]))
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &"a number from 0 to 65535"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = access.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
        }

        deserializer.deserialize_any(StatusVisitor)
    }
}

/// Any value, exactly as it is written: numbers keep their digits, texts may hold templates.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub value: TreeValue,
}

/// What a [`Tree`] is.
#[derive(Clone, Debug)]
pub enum TreeValue {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number with its digits.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// An object, in the order it is written.
    Object(Vec<(String, Tree)>),
}

impl JsonSchema for Tree {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Any JSON value; its texts may hold templates." })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Located::<TreeValue>::deserialize(deserializer)
            .map(|located| Self { span: located.span, value: located.value })
    }
}

impl<'de> Deserialize<'de> for TreeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TreeVisitor;

        impl<'de> Visitor<'de> for TreeVisitor {
            type Value = TreeValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<TreeValue, E> {
                Ok(TreeValue::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<TreeValue, E> {
                Ok(TreeValue::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<TreeValue, E> {
                Ok(TreeValue::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<TreeValue, E> {
                Ok(TreeValue::Number(value.into()))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<TreeValue, D::Error> {
                let digits = String::deserialize(deserializer)?;
                serde_json::from_str(&digits).map(TreeValue::Number).map_err(de::Error::custom)
            }

            fn visit_str<E>(self, value: &str) -> Result<TreeValue, E> {
                Ok(TreeValue::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<TreeValue, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(TreeValue::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<TreeValue, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(TreeValue::Object(entries))
            }
        }

        deserializer.deserialize_newtype_struct(NUMBER, TreeVisitor)
    }
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

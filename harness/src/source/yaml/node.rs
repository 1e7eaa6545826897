//! A YAML document as a tree that knows where each of its nodes stands.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::source::Span;

/// Most nodes in one file.
const NODE_LIMIT: usize = 20_000_000;
/// Deepest nesting in one file.
const DEPTH_LIMIT: usize = 128;
/// Most anchors in one file.
const ANCHOR_LIMIT: usize = 50_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(in crate::source) struct Node {
    pub(in crate::source) span: Span,
    pub(in crate::source) value: NodeValue,
}

#[derive(Clone, Debug)]
pub(in crate::source) enum NodeValue {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    /// Digits as written, so that nothing is lost on the way.
    Decimal(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text that it is.
    pub(in crate::source) fn text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is this text.
    pub(in crate::source) fn is(&self, text: &str) -> bool {
        self.text() == Some(text)
    }

    /// A member of the mapping that it is.
    pub(in crate::source) fn get(&self, name: &str) -> Option<&Self> {
        match &self.value {
            NodeValue::Map(entries) => entries.iter().find(|(key, _)| key.is(name)).map(|(_, value)| value),
            _ => None,
        }
    }
}

impl NodeValue {
    /// The value's kind in an author's words.
    pub(in crate::source) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Unsigned(_) | Self::Decimal(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// What keeps a text from being a YAML document, and where.
pub(in crate::source) struct SyntaxError {
    pub(in crate::source) span: Span,
    pub(in crate::source) message: String,
}

/// Reads one YAML document.
pub(in crate::source) fn parse(text: &str) -> Result<Node, SyntaxError> {
    parse_with(text, ANCHOR_LIMIT)
}

/// Reads a value that stands in a file of another notation. Aliases in each of many such values could grow without end.
pub(in crate::source) fn parse_value(text: &str) -> Result<Node, SyntaxError> {
    parse_with(text, 0)
}

fn parse_with(text: &str, anchors: usize) -> Result<Node, SyntaxError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: NODE_LIMIT,
            max_events: NODE_LIMIT * 3,
            max_total_scalar_bytes: usize::MAX,
            max_depth: DEPTH_LIMIT,
            max_anchors: anchors,
        },
        strict_booleans: true,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Node>(text, options) {
        Ok(mut node) => {
            keep_digits(&mut node, text);
            Ok(node)
        }
        Err(error) => {
            let span = error.location().map_or_else(Span::default, |place| span_in(text, place));
            let message = error.without_snippet().to_string();
            // The crate puts the place behind the message; it is shown with the snippet instead.
            let message =
                message.split(" at line ").next().unwrap_or(&message).trim_end_matches(',').to_owned();
            Err(SyntaxError { span, message })
        }
    }
}

fn span_of(location: serde_saphyr::Location) -> Span {
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let span = location.span();
    Span {
        line: narrow(location.line()),
        column: narrow(location.column()),
        start: narrow(span.byte_offset().unwrap_or(0)),
        length: narrow(span.byte_len().unwrap_or(0)),
    }
}

/// The place of a syntax error, whose bytes the parser does not always tell.
fn span_in(text: &str, location: serde_saphyr::Location) -> Span {
    let span = span_of(location);
    if location.span().byte_offset().is_some() {
        return span;
    }
    let before: usize =
        text.split_inclusive('\n').take(span.line.saturating_sub(1) as usize).map(str::len).sum();
    let line = text.get(before..).unwrap_or_default();
    let within: usize = line.chars().take(span.column.saturating_sub(1) as usize).map(char::len_utf8).sum();
    Span { start: u32::try_from(before + within).unwrap_or(u32::MAX), ..span }
}

/// Replaces each decimal by the number as it is written in the file.
fn keep_digits(node: &mut Node, text: &str) {
    match &mut node.value {
        NodeValue::Decimal(number) => {
            let start = node.span.start as usize;
            let written = text.get(start..start + node.span.length as usize);
            if let Some(exact) = written.and_then(|digits| serde_json::from_str(digits).ok()) {
                *number = exact;
            }
        }
        NodeValue::List(items) => items.iter_mut().for_each(|item| keep_digits(item, text)),
        NodeValue::Map(entries) => entries.iter_mut().for_each(|(_, value)| keep_digits(value, text)),
        _ => {}
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<NodeValue>::deserialize(deserializer)?;
        Ok(Self { span: span_of(spanned.referenced), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for NodeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = NodeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Null)
    }

    fn visit_none<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeValue, E> {
        Ok(NodeValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeValue, E> {
        Ok(NodeValue::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NodeValue, E> {
        Ok(i64::try_from(value).map_or(NodeValue::Unsigned(value), NodeValue::Integer))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<NodeValue, E> {
        Number::from_f64(value).map(NodeValue::Decimal).ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<NodeValue, E> {
        Ok(NodeValue::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<NodeValue, E> {
        Ok(NodeValue::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<NodeValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(NodeValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<NodeValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(NodeValue::Map(entries))
    }
}

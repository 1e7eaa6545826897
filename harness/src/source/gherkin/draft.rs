//! A scenario while its sentences are read: each fills a field, until the next step begins.

use std::collections::BTreeMap;
use std::mem;

use super::notes::Notes;
use crate::source::Span;
use crate::source::yaml::node::{Node, NodeValue};

/// The steps of a scenario so far.
#[derive(Debug, Default)]
pub(super) struct Scene {
    pub(super) steps: Vec<Node>,
    /// How many of them come before those that always run, once these have begun.
    pub(super) always: Option<usize>,
    /// Where each of them is, by name.
    pub(super) names: BTreeMap<String, usize>,
    pub(super) current: Current,
    /// Whether so much could not be read that what follows from the rest would mislead.
    pub(super) broken: bool,
}

/// The step that sentences speak of.
#[derive(Debug, Default)]
pub(super) enum Current {
    /// None has begun.
    #[default]
    Nothing,
    /// One that could not be read.
    Unknown,
    /// This one.
    Step(Box<Draft>),
}

impl Scene {
    /// Ends the step that was begun last.
    pub(super) fn finish(&mut self, notes: &mut Notes) {
        if let Current::Step(draft) = mem::take(&mut self.current) {
            let step = draft.into_node(notes);
            if let Some(name) = step.get("name").and_then(Node::text) {
                self.names.entry(name.to_owned()).or_insert(self.steps.len());
            }
            self.steps.push(step);
        }
    }

    /// A step that has ended.
    pub(super) fn earlier(&self, name: &str) -> Option<&Node> {
        self.steps.get(*self.names.get(name)?)
    }
}

/// What a sentence gives to a field.
#[derive(Debug)]
pub(super) enum Given {
    /// The value.
    One(Node),
    /// Further elements of a list.
    Elements(Vec<Node>),
    /// Further members of a mapping.
    Members(Vec<(Node, Node)>),
}

/// Fields as they are filled.
#[derive(Debug)]
pub(super) struct Fields {
    span: Span,
    entries: Vec<(Node, Node)>,
}

impl Fields {
    pub(super) fn new(span: Span) -> Self {
        Self { span, entries: Vec::new() }
    }

    /// Fills a field, or one within a field as in `order.is`; only lists and mappings can be given more than once.
    pub(super) fn put(&mut self, field: &str, span: Span, given: Given, notes: &mut Notes) {
        put(&mut self.entries, field, span, given, notes);
    }

    fn into_node(self) -> Node {
        Node { span: self.span, value: NodeValue::Map(self.entries) }
    }
}

fn put(entries: &mut Vec<(Node, Node)>, field: &str, span: Span, given: Given, notes: &mut Notes) {
    let (field, within) = field.split_once('.').map_or((field, None), |(field, rest)| (field, Some(rest)));
    let there = entries.iter_mut().find(|(key, _)| key.is(field)).map(|(_, node)| &mut node.value);
    let value = match (there, within, given) {
        (Some(NodeValue::Map(known)), Some(rest), given) => return put(known, rest, span, given, notes),
        (Some(NodeValue::Map(known)), None, Given::Members(members)) => return extend(known, members, notes),
        (Some(NodeValue::List(items)), None, Given::Elements(more)) => return items.extend(more),
        (Some(_), ..) => return notes.add(span, format!("`{field}` is given twice"), "keep one of them"),
        (None, None, Given::One(node)) => node,
        (None, None, Given::Elements(items)) => Node { span, value: NodeValue::List(items) },
        (None, within, given) => {
            let mut known = Vec::new();
            match (within, given) {
                (Some(rest), given) => put(&mut known, rest, span, given, notes),
                (None, Given::Members(members)) => extend(&mut known, members, notes),
                (None, _) => {}
            }
            Node { span, value: NodeValue::Map(known) }
        }
    };
    entries.push((Node { span, value: NodeValue::Text(field.to_owned()) }, value));
}

fn extend(known: &mut Vec<(Node, Node)>, members: Vec<(Node, Node)>, notes: &mut Notes) {
    for (name, value) in members {
        match &name.value {
            NodeValue::Text(text) if known.iter().any(|(other, _)| other.is(text)) => {
                notes.add(name.span, format!("`{text}` is given twice"), "keep one of them");
            }
            _ => known.push((name, value)),
        }
    }
}

/// A step while its sentences are read.
#[derive(Debug)]
pub(super) struct Draft {
    step: Fields,
    /// What has fields of its own, such as `expect`.
    parts: BTreeMap<&'static str, Fields>,
    alternatives: Vec<Fields>,
}

impl Draft {
    pub(super) fn new(span: Span) -> Self {
        Self { step: Fields::new(span), parts: BTreeMap::new(), alternatives: Vec::new() }
    }

    /// Fills a field of the step, or of a part of it as in `expect.status`.
    pub(super) fn put(&mut self, field: &'static str, span: Span, given: Given, notes: &mut Notes) {
        match field.split_once('.') {
            None => self.step.put(field, span, given, notes),
            Some((part, field)) => self.part(part, span).put(field, span, given, notes),
        }
    }

    /// Begins one of the answers that are allowed.
    pub(super) fn alternative(&mut self, name: Node, span: Span, notes: &mut Notes) {
        let mut fields = Fields::new(span);
        fields.put("name", span, Given::One(name), notes);
        self.alternatives.push(fields);
    }

    /// Takes a field over from another step.
    pub(super) fn repeat(&mut self, field: &'static str, node: &Node, span: Span, notes: &mut Notes) {
        let ("expect", NodeValue::Map(entries)) = (field, &node.value) else {
            return self.step.put(field, span, Given::One(node.clone()), notes);
        };
        for (key, value) in entries.clone() {
            let NodeValue::Text(key) = key.value else { continue };
            let given = match (key.as_str(), value) {
                ("body" | "any_of" | "answer" | "nowhere", Node { value: NodeValue::List(items), .. }) => {
                    Given::Elements(items)
                }
                ("headers", Node { value: NodeValue::Map(members), .. }) => Given::Members(members),
                (_, value) => Given::One(value),
            };
            self.part("expect", span).put(&key, span, given, notes);
        }
    }

    fn part(&mut self, name: &'static str, span: Span) -> &mut Fields {
        match self.alternatives.last_mut() {
            Some(alternative) if name == "expect" => alternative,
            _ => self.parts.entry(name).or_insert_with(|| Fields::new(span)),
        }
    }

    fn into_node(mut self, notes: &mut Notes) -> Node {
        if let Some(first) = self.alternatives.first() {
            let span = first.span;
            let alternatives = self.alternatives.into_iter().map(Fields::into_node).collect();
            let expect = self.parts.entry("expect").or_insert_with(|| Fields::new(span));
            expect.put("any_of", span, Given::Elements(alternatives), notes);
        }
        for (name, fields) in self.parts {
            self.step.put(name, fields.span, Given::One(fields.into_node()), notes);
        }
        self.step.into_node()
    }
}

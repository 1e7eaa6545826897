use std::sync::Arc;

use serde_json::Value;

use super::end::End;
use super::joined::joined;
use super::sse::decode;
use crate::check::decide::holds;
use crate::check::{Context, Reply};
use crate::scenario::{DataFormat, EventKind, Order, StreamKind};

/// A stream of events as it was received.
#[derive(Debug)]
pub struct Stream {
    document: Arc<Value>,
    /// A character for each event, that of its kind.
    pub(super) order: String,
    /// The numbers of events whose data is not what it must be, from 1.
    pub(super) unreadable: Vec<usize>,
    /// Whether there are more events than are looked at.
    pub(super) too_many: bool,
    pub(super) end: End,
}

impl Stream {
    /// Reads a reply's body as a stream of a kind; nothing where it does not say that it is one.
    pub fn read(kind: &StreamKind, reply: &Reply, context: &Context<'_>) -> Option<Self> {
        if !reply.is_event_stream() {
            return None;
        }
        let decoded = decode(&reply.text);
        let mut end = End { unfinished: decoded.unfinished, cut: reply.cut.clone(), ..End::default() };
        let (mut events, mut order, mut unreadable) = (Vec::new(), String::new(), Vec::new());
        let names = kind.kind_names();
        for event in decoded.events {
            if kind.terminator.as_ref().is_some_and(|terminator| terminator.is(&event.name, &event.data)) {
                end.terminators += 1;
                continue;
            }
            if end.terminators > 0 {
                end.after += 1;
                continue;
            }
            let data = match kind.data {
                DataFormat::Text => Value::String(event.data),
                DataFormat::Json => serde_json::from_str(&event.data).unwrap_or_else(|_| {
                    unreadable.push(events.len() + 1);
                    Value::String(event.data)
                }),
            };
            let mut event = object([("event", Value::String(event.name)), ("data", data)]);
            let is = |kind: &&EventKind| kind.when.iter().all(|check| holds(check, &event, context));
            let name = kind.kinds.iter().find(is).map(|kind| &*kind.name);
            order.push(Order::symbol(names.iter().position(|other| Some(*other) == name)));
            if let Value::Object(members) = &mut event {
                members.insert("kind".to_owned(), name.map_or(Value::Null, Value::from));
            }
            events.push(event);
        }
        let joined = joined(&kind.joined, &events, context);
        let ended = end.problems(kind.terminator.as_ref(), events.len(), context.secrets).is_empty();
        let document = object([
            ("events", Value::Array(events)),
            ("joined", Value::Object(joined)),
            ("comments", decoded.comments.into()),
            ("ended", (ended && !decoded.too_many).into()),
        ]);
        let document = Arc::new(document);
        Some(Self { document, order, unreadable, too_many: decoded.too_many, end })
    }

    /// What paths and templates see: `{ "events": […], "joined": {…}, "comments": …, "ended": … }`.
    pub fn document(&self) -> &Arc<Value> {
        &self.document
    }

    /// Whether the data of the event of this number is not what it must be.
    pub(super) fn is_unreadable(&self, number: usize) -> bool {
        self.unreadable.binary_search(&number).is_ok()
    }

    /// The events, each `{ "event": …, "data": …, "kind": … }`.
    pub(super) fn events(&self) -> &[Value] {
        self.document.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

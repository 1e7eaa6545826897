use std::borrow::Cow;
use std::mem;

use serde_json::{Map, Value};

use super::end::End;
use super::joined::joined;
use super::sse::{Part, parts};
use crate::check::decide::holds;
use crate::check::{Context, Json, Reply};
use crate::scenario::{Check, DataFormat, StreamKind, Terminator};

/// Most events of one stream: with more of them nothing is looked at.
pub(super) const MOST_EVENTS: usize = 50_000;

/// Most lines without a meaning that are kept of one stream.
const MOST_IGNORED: usize = 10;

/// A stream of events as it was received.
#[derive(Debug)]
pub struct Stream {
    document: Json,
    /// The place of each event's kind among the stream's.
    pub(super) order: Vec<Option<usize>>,
    /// The numbers of events whose data is not what it must be, from 1.
    pub(super) unreadable: Vec<usize>,
    /// The number of the first event with bytes that are not UTF-8, from 1.
    pub(super) not_utf8: Option<usize>,
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
        let names = kind.kind_names();
        let sign = kind.terminator.as_ref();
        let mut end = End { cut: reply.cut.clone(), ..End::default() };
        let (mut events, mut order, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
        let (mut terminator, mut ignored, mut comments, mut too_many) = (None, Vec::new(), 0_usize, false);
        for part in parts(&reply.text) {
            let event = match part {
                Part::Event(event) => event,
                Part::Comment => {
                    comments += 1;
                    continue;
                }
                Part::Ignored(line) => {
                    if terminator.is_some() {
                        end.pass_over(line);
                    } else if ignored.len() < MOST_IGNORED {
                        ignored.push(Value::from(line));
                    }
                    continue;
                }
                Part::Unfinished(text) => {
                    end.unfinished = Some(text.to_owned());
                    break;
                }
            };
            let is_sign = sign.is_some_and(|sign| sign.is(event.name, &event.data));
            if terminator.is_some() {
                if is_sign {
                    end.terminators += 1;
                } else {
                    end.after += 1;
                }
                continue;
            }
            let by_data = is_sign && matches!(sign, Some(Terminator::Data(_)));
            let format = if by_data { DataFormat::Text } else { kind.data };
            let (data, readable) = read_data(format, event.data);
            let mut event = object([("event", event.name.into()), ("data", data)]);
            let all = |checks: &[Check]| checks.iter().all(|check| holds(check, &event, context));
            if is_sign || sign.is_some_and(|sign| sign.when().is_some_and(all)) {
                end.terminators = 1;
                end.unreadable = !readable;
                terminator = Some(event);
                continue;
            }
            if events.len() == MOST_EVENTS {
                too_many = true;
                (events, order, unreadable) = (Vec::new(), Vec::new(), Vec::new());
                break;
            }
            if !readable {
                unreadable.push(events.len() + 1);
            }
            let name = kind.kinds.iter().find(|kind| all(&kind.when)).map(|kind| &*kind.name);
            order.push(names.iter().position(|other| Some(*other) == name));
            if let Value::Object(members) = &mut event {
                members.insert("kind".to_owned(), name.map_or(Value::Null, Value::from));
            }
            events.push(event);
        }
        let joined = joined(&kind.joined, &events, context);
        let is_right = || end.problems(sign, events.len(), context.secrets).is_empty();
        let ended = !too_many && !end.is_unknown() && is_right();
        let mut document = object([
            ("events", Value::Array(events)),
            ("joined", Value::Object(joined)),
            ("comments", comments.into()),
            ("ignored", Value::Array(ignored)),
            ("ended", ended.into()),
        ]);
        if let (Value::Object(members), Some(terminator)) = (&mut document, terminator) {
            members.insert("terminator".to_owned(), terminator);
        }
        let before = reply.not_utf8.and_then(|before| reply.text.get(..before));
        let not_utf8 =
            before.map(|text| parts(text).filter(|part| matches!(part, Part::Event(_))).count() + 1);
        Some(Self { document: document.into(), order, unreadable, not_utf8, too_many, end })
    }

    /// What paths and templates see: `{ "events": […], "joined": {…}, "comments": …, "ignored": […], "ended": …,
    /// "terminator": … }`, without the last where none came.
    pub fn document(&self) -> &Json {
        &self.document
    }

    /// The text that it joins under a name, as far as it has come.
    pub(crate) fn joined_text(&self, name: &str) -> &str {
        self.document.get("joined").and_then(|joined| joined.get(name)?.as_str()).unwrap_or_default()
    }

    /// Takes the document for a value that it becomes a part of; [`Self::see_document`] puts it back.
    pub(crate) fn take_document(&mut self) -> Value {
        mem::replace(&mut self.document, Value::Null.into()).into_value()
    }

    /// Sees the document where it is now.
    pub(crate) fn see_document(&mut self, document: Json) {
        self.document = document;
    }

    /// Whether something is missing of its events or cannot be read, so that it is not the whole that was sent.
    pub(super) fn is_partial(&self) -> bool {
        let garbled = !self.unreadable.is_empty() || self.end.unreadable || self.not_utf8.is_some();
        garbled || self.end.lacks_events()
    }

    /// Whether the data of the event of this number is not what it must be.
    pub(super) fn is_unreadable(&self, number: usize) -> bool {
        self.unreadable.binary_search(&number).is_ok()
    }

    /// The events, each `{ "event": …, "data": …, "kind": … }`.
    pub(super) fn events(&self) -> &[Value] {
        self.document.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The data of its terminator.
    pub(super) fn terminator_data(&self) -> Option<&Value> {
        self.document.get("terminator")?.get("data")
    }
}

/// The data of an event, and whether it is what it must be; where it is not, it is kept as text.
fn read_data(format: DataFormat, text: Cow<'_, str>) -> (Value, bool) {
    let json = match format {
        DataFormat::Json => serde_json::from_str(&text).ok(),
        DataFormat::Text => None,
    };
    let readable = json.is_some() || format == DataFormat::Text;
    (json.unwrap_or_else(|| Value::String(text.into_owned())), readable)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.collect::<Map<_, _>>())
}

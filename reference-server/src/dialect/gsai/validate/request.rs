//! Validates a whole body the way the service does: against its endpoint's own shape, and, for the words,
//! first against either endpoint's.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::check::check;
use super::mistake::{Mistakes, Place, Saying, Step, Told};
use super::schema::{CHAT, EMBEDDING};
use super::shape::Shape;

/// A body as it came.
#[derive(Debug)]
pub(in super::super) enum Body {
    /// None, or `null`.
    Absent,
    /// JSON; what was sent as another type is a string.
    Present(Value),
}

const CHAT_NAME: &str = "ChatCompletionRequest";
const EMBEDDING_NAME: &str = "EmbeddingRequest";
const BODY: Place<'static> = Place::top("body");
static NOTHING: Value = Value::Null;

#[derive(Serialize)]
struct Detail<T> {
    detail: T,
}

/// The members of a valid chat request, or the body of the 422.
pub(in super::super) fn chat(body: Body) -> Result<Map<String, Value>, Bytes> {
    members(body, &CHAT)
}

/// The members of a valid embedding request, or the body of the 422.
pub(in super::super) fn embedding(body: Body) -> Result<Map<String, Value>, Bytes> {
    members(body, &EMBEDDING)
}

fn members(body: Body, own: &Shape) -> Result<Map<String, Value>, Bytes> {
    let value = match body {
        Body::Absent => return Err(absent()),
        Body::Present(value) => value,
    };
    match (mistakes_in(&value, own), value) {
        (None, Value::Object(members)) => Ok(members),
        // A record is an object, or there would have been a mistake.
        (None, _) => Ok(Map::new()),
        (Some(explanation), _) => Err(explanation),
    }
}

fn mistakes_in(value: &Value, own: &Shape) -> Option<Bytes> {
    let mut mistakes = Mistakes::told();
    check(own, value, &BODY, &mut mistakes);
    if mistakes.none() { None } else { Some(explain(value, mistakes)) }
}

/// Mistakes against the union of both requests, if it fits neither, before those against the endpoint's own.
fn explain(value: &Value, own: Mistakes<'_>) -> Bytes {
    let against = |shape: &Shape, name: &'static str| {
        let mut mistakes = Mistakes::told();
        check(shape, value, &BODY.then(Step::Name(name)), &mut mistakes);
        mistakes
    };
    let (chat, embedding) = (against(&CHAT, CHAT_NAME), against(&EMBEDDING, EMBEDDING_NAME));
    if chat.none() || embedding.none() { detail(&[own]) } else { detail(&[chat, embedding, own]) }
}

fn absent() -> Bytes {
    let missing = || {
        let mut mistakes = Mistakes::told();
        mistakes.add(&BODY, &NOTHING, || Saying::plain("missing", "Field required"));
        mistakes
    };
    detail(&[missing(), missing()])
}

fn detail(mistakes: &[Mistakes<'_>]) -> Bytes {
    let detail = Detail { detail: Told(mistakes) };
    // Strings, numbers and values always serialize.
    serde_json::to_vec(&detail).unwrap_or_default().into()
}

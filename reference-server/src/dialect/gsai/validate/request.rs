//! Validates a whole body the way the service does: against its endpoint's own shape, and, for the words,
//! first against either endpoint's.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::check::check;
use super::deviations::Deviations;
use super::mistake::{Mistakes, Place, Saying, Step};
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
/// So many bytes of mistakes are told, whatever was sent.
const ROOM: usize = 15 * 1024;

/// The members of a valid chat request, or the body of the 422.
pub(in super::super) fn chat(body: Body, deviations: Deviations) -> Result<Map<String, Value>, Bytes> {
    members(body, &CHAT, deviations)
}

/// The members of a valid embedding request, or the body of the 422.
pub(in super::super) fn embedding(body: Body, deviations: Deviations) -> Result<Map<String, Value>, Bytes> {
    members(body, &EMBEDDING, deviations)
}

fn members(body: Body, own: &Shape, deviations: Deviations) -> Result<Map<String, Value>, Bytes> {
    let value = match body {
        Body::Absent => return Err(absent()),
        Body::Present(value) => value,
    };
    match (mistakes_in(&value, own, deviations), value) {
        (None, Value::Object(members)) => Ok(members),
        // A record is an object, or there would have been a mistake.
        (None, _) => Ok(Map::new()),
        (Some(explanation), _) => Err(explanation),
    }
}

fn mistakes_in(value: &Value, own: &Shape, deviations: Deviations) -> Option<Bytes> {
    let mut mistakes = Mistakes::told(deviations);
    check(own, value, &BODY, &mut mistakes);
    if mistakes.none() { None } else { Some(explain(value, mistakes)) }
}

/// Mistakes against the union of both requests, if it fits neither, before those against the endpoint's own.
fn explain(value: &Value, own: Mistakes<'_>) -> Bytes {
    let deviations = own.deviations;
    let against = |shape: &Shape, name: &'static str| {
        let mut mistakes = Mistakes::told(deviations);
        check(shape, value, &BODY.then(Step::Name(name)), &mut mistakes);
        mistakes
    };
    let (chat, embedding) = (against(&CHAT, CHAT_NAME), against(&EMBEDDING, EMBEDDING_NAME));
    let room = if deviations.input_in_full { usize::MAX } else { ROOM };
    if chat.none() || embedding.none() { detail(&[own], room) } else { detail(&[chat, embedding, own], room) }
}

fn absent() -> Bytes {
    let missing = || {
        let mut mistakes = Mistakes::told(Deviations::default());
        mistakes.add(&BODY, &NOTHING, || Saying::plain("missing", "Field required"));
        mistakes
    };
    detail(&[missing(), missing()], ROOM)
}

/// The body of the 422. Where there is too much to tell, each collection is cut. The last one tells most plainly
/// what is wrong, and takes its share first; what it leaves is the others'.
fn detail(collections: &[Mistakes<'_>], mut room: usize) -> Bytes {
    let mut lists = Vec::with_capacity(collections.len());
    for (others, mistakes) in collections.iter().enumerate().rev() {
        let list = mistakes.json(room / (others + 1));
        room -= list.len();
        lists.push(list);
    }
    lists.retain(|list| !list.is_empty());
    lists.reverse();
    [b"{\"detail\":[".as_slice(), &lists.join(&b','), b"]}"].concat().into()
}

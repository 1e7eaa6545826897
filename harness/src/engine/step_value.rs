//! What a step's answer is to the templates after it.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::check::{Context, Json, Reply, Stream};
use crate::scenario::{Path, Place};

/// A step's answer as later templates name it: `chat.status`, `chat.json`, `chat.text`, `chat.stream`, and `chat.answer`
/// where it is known where things stand in it.
///
/// From here on the reply and the stream look into it, so that JSON is not there twice.
pub(super) fn step_value(
    reply: &mut Reply,
    mut stream: Option<&mut Stream>,
    places: &[(Arc<str>, Place)],
    context: &Context<'_>,
) -> Arc<Value> {
    let mut value = Map::new();
    if !places.is_empty() {
        // What came says where to look, and not what was expected: that may have been either.
        let is_stream = stream.is_some();
        let whole = stream.as_deref().map(Stream::document).or(reply.json.as_ref());
        let found = |(name, place): &(Arc<str>, Place)| {
            let value = place.of(is_stream).map_or(Value::Null, |path| sole(path, whole, context));
            (name.to_string(), value)
        };
        value.insert("answer".to_owned(), Value::Object(places.iter().map(found).collect()));
    }
    value.insert("status".to_owned(), reply.status.into());
    let json = reply.json.take();
    let is_json = json.is_some();
    match json {
        Some(json) => value.insert("json".to_owned(), json.into_value()),
        None => value.insert("text".to_owned(), (*reply.text).into()),
    };
    if let Some(stream) = &mut stream {
        value.insert("stream".to_owned(), stream.take_document());
    }
    let value = Arc::new(Value::Object(value));
    reply.json = is_json.then(|| Json::member(&value, "json"));
    if let Some(stream) = stream {
        stream.see_document(Json::member(&value, "stream"));
    }
    value
}

/// The one value that stands at a place, or `null`.
fn sole(path: &Path, whole: Option<&Json>, context: &Context<'_>) -> Value {
    let (Ok(path), Some(whole)) = (path.fill(context.templates, context.variables), whole) else {
        return Value::Null;
    };
    match path.find(whole)[..] {
        [one] => one.clone(),
        _ => Value::Null,
    }
}

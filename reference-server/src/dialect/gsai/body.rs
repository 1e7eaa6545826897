//! Reads a body, and makes JSON of it where it claims to be JSON.

use axum::body::Body as HttpBody;
use axum::http::header;
use bytes::Bytes;
use serde_json::Value;

use super::error::Refusal;
use super::exchange::Exchange;
use super::lenience;
use super::validate::Body;
use crate::aside::aside;
use crate::dialect::common::body::{claims_json, collect, has_too_many_values};
use crate::dialect::common::{Refused, Repeats};
use crate::intake::Share;

/// How much is kept of a body that is not JSON: an error shows less.
const NO_JSON: usize = 64 * 1024;

/// The body of a request, read and parsed, and whether it may come again. Its share is what it takes of the room for
/// large bodies, and is to be held until the answer is sent.
pub(super) async fn read(exchange: &Exchange<'_>, body: HttpBody) -> Result<(Repeats, Body, Share), Refusal> {
    let defects = &exchange.world.defects;
    lenience::framing(defects, &exchange.head.headers)?;
    let (bytes, share) = collect(body, exchange.intake, lenience::takes_a_part(defects)).await?;
    let repeats = Repeats::of(exchange, &bytes);
    Ok((repeats, aside(bytes.len(), || parse(exchange, bytes))?, share))
}

/// What the bytes say. Every string is a copy of its own, and the bytes are gone when this is done.
fn parse(exchange: &Exchange<'_>, bytes: Bytes) -> Result<Body, Refusal> {
    if bytes.is_empty() {
        return Ok(Body::Absent);
    }
    let defects = &exchange.world.defects;
    lenience::size(defects, &bytes)?;
    let headers = &exchange.head.headers;
    if !lenience::reads_json(defects, headers.get(header::CONTENT_TYPE), claims_json(headers)) {
        let kept = bytes.get(..NO_JSON).unwrap_or(&bytes);
        return Ok(Body::Present(Value::String(String::from_utf8_lossy(kept).into_owned())));
    }
    let text = lenience::text(defects, bytes);
    if has_too_many_values(&text) {
        return Err(Refusal::TooLarge);
    }
    match lenience::json(defects, &text) {
        Ok(Value::Null) => Ok(Body::Absent),
        Ok(value) => {
            lenience::values(exchange, &value)?;
            Ok(Body::Present(value))
        }
        Err(error) => {
            exchange.refuse(Refused::Body);
            Err(lenience::syntax_error(exchange, not_json(&text, &error)))
        }
    }
}

fn not_json(bytes: &[u8], error: &serde_json::Error) -> Refusal {
    let Ok(text) = std::str::from_utf8(bytes) else { return Refusal::Unreadable };
    let offset = if error.is_eof() {
        text.chars().count()
    } else {
        let before: usize =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = text.floor_char_boundary(before + error.column().saturating_sub(1));
        text.get(..at).unwrap_or_default().chars().count()
    };
    let message = error.to_string();
    let problem = message.split(" at line ").next().unwrap_or_default().to_owned();
    Refusal::NotJson { offset, problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(text: &str) -> (usize, String) {
        let error = serde_json::from_str::<Value>(text).unwrap_err();
        match not_json(text.as_bytes(), &error) {
            Refusal::NotJson { offset, problem } => (offset, problem),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_syntax_error_is_told_with_its_place_in_characters() {
        assert_eq!(offset("{\"a\": 1,}"), (8, "trailing comma".to_owned()));
        assert_eq!(offset("{\"ä\":\n tru }").0, 10);
        assert_eq!(offset("{\"a\":"), (5, "EOF while parsing a value".to_owned()));
    }

    #[test]
    fn what_is_not_text_is_unreadable() {
        let bytes = b"{\"a\": \"\xff\"}";
        let error = serde_json::from_slice::<Value>(bytes).unwrap_err();
        assert!(matches!(not_json(bytes, &error), Refusal::Unreadable));
    }
}

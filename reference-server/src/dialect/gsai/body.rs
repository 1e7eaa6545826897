//! Reads a body, and makes JSON of it where it claims to be JSON.

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde_json::Value;

use super::error::Refusal;
use super::exchange::Exchange;
use super::validate::Body;

/// How long the rest of a body that is too large is still taken in, so that its sender reads the answer.
const DRAINING: Duration = Duration::from_secs(5);
/// How much of it is taken in at most.
const DRAINED: usize = 256 * 1024 * 1024;

/// The body of a request, read and parsed.
pub(super) async fn read(exchange: &Exchange<'_>, body: HttpBody) -> Result<Body, Refusal> {
    let bytes = collect(body, exchange.body_limit).await?;
    if bytes.is_empty() {
        return Ok(Body::Absent);
    }
    if !claims_json(&exchange.head.headers) {
        return Ok(Body::Present(Value::String(String::from_utf8_lossy(&bytes).into_owned())));
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Null) => Ok(Body::Absent),
        Ok(value) => Ok(Body::Present(value)),
        Err(error) => Err(not_json(&bytes, &error)),
    }
}

/// The whole body. One that says beforehand that it is too large is not kept at all.
async fn collect(mut body: HttpBody, limit: usize) -> Result<Bytes, Refusal> {
    if usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX) > limit {
        drain(body).await;
        return Err(Refusal::TooLarge);
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::Unreadable)?.into_data() else { continue };
        if first.len() + joined.len() + data.len() > limit {
            drain(body).await;
            return Err(Refusal::TooLarge);
        }
        if first.is_empty() && joined.is_empty() {
            // Nearly every body comes in one piece, which is taken as it is.
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&std::mem::take(&mut first));
            }
            joined.extend_from_slice(&data);
        }
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

async fn drain(mut body: HttpBody) {
    let rest = async {
        let mut taken = 0_usize;
        while let Some(Ok(frame)) = body.frame().await {
            taken = taken.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if taken > DRAINED {
                return;
            }
        }
    };
    // Whether all of it came makes no difference.
    let _ = tokio::time::timeout(DRAINING, rest).await;
}

/// Whether the content type is JSON's, or missing.
fn claims_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if value.is_empty() {
        return true;
    }
    let essence = essence.to_ascii_lowercase();
    let Some(subtype) = essence.strip_prefix(b"application/") else { return false };
    subtype == b"json" || subtype.ends_with(b"+json")
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
    use axum::http::HeaderValue;

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

    #[test]
    fn json_has_many_content_types() {
        let claims = |value: &'static str| {
            claims_json(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(value))]))
        };
        assert!(claims_json(&HeaderMap::new()));
        for value in ["", "application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"] {
            assert!(claims(value), "{value}");
        }
        for value in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"] {
            assert!(!claims(value), "{value}");
        }
    }

    #[tokio::test]
    async fn a_body_is_joined_and_limited() {
        let pieces = || {
            HttpBody::from_stream(futures::stream::iter(
                ["ab", "cd", "ef"].map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece))),
            ))
        };
        assert_eq!(collect(pieces(), 6).await.unwrap(), "abcdef");
        assert!(matches!(collect(pieces(), 5).await, Err(Refusal::TooLarge)));
    }
}

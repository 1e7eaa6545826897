//! Reads a body within limits, and JSON from it.

use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{Exchange, Refused};
use crate::aside::aside;
use crate::intake::{Full, Intake, Share};

/// The size in bytes up to which the values of a body are not counted. There cannot be very many.
const UNCOUNTED: usize = 256 * 1024;
/// Most values in one body. Each is many times larger in memory than on the wire.
const MOST_VALUES: usize = 1_000_000;

/// Why there is nothing to be made of a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("it is too large")]
    TooLarge,
    #[error("it does not come on")]
    TooSlow,
    #[error("other large bodies take all the room there is")]
    Full,
    #[error("it breaks off, or is not text")]
    Unreadable,
    #[error("it is not of a content type of JSON")]
    NotJson,
    #[error("it is not JSON: {problem} at line {line}, column {column}")]
    Syntax { problem: String, line: usize, column: usize },
}

/// The JSON of a request's body; nothing where there is no body. Its share is what it takes of the room for large
/// bodies, and is to be held until the answer is sent.
pub(crate) async fn json(
    exchange: &Exchange<'_>,
    body: HttpBody,
) -> Result<(Option<Value>, Share), BodyError> {
    let (bytes, share) = exchange.collect(body).await?;
    if bytes.is_empty() {
        return Ok((None, share));
    }
    if !claims_json(&exchange.head.headers) {
        return Err(BodyError::NotJson);
    }
    let value = aside(bytes.len(), || parse(&bytes));
    if matches!(value, Err(BodyError::Unreadable | BodyError::Syntax { .. })) {
        exchange.refuse(Refused::Body);
    }
    Ok((Some(value?), share))
}

/// The JSON of these bytes. Every string of the value is a copy of its own.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, BodyError> {
    if has_too_many_values(bytes) {
        return Err(BodyError::TooLarge);
    }
    if std::str::from_utf8(bytes).is_err() {
        return Err(BodyError::Unreadable);
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message = error.to_string();
        let problem = message.split(" at line ").next().unwrap_or_default().to_owned();
        BodyError::Syntax { problem, line: error.line(), column: error.column() }
    })
}

/// Whether a body has more values than there is room for.
pub(crate) fn has_too_many_values(bytes: &[u8]) -> bool {
    bytes.len() > UNCOUNTED && count_values(bytes) > MOST_VALUES
}

/// The whole body, and its share. One that says beforehand that it is too large is not read at all.
pub(crate) async fn collect(
    mut body: HttpBody,
    intake: &Intake,
    takes_a_part: bool,
) -> Result<(Bytes, Share), BodyError> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > intake.limit {
        return Err(BodyError::TooLarge);
    }
    let mut share = Share::default();
    if let Err(Full) = intake.grow(&mut share, declared).await {
        return Err(BodyError::Full);
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let end = Instant::now() + intake.whole;
    while !body.is_end_stream() {
        let data = match timeout_at(end.min(Instant::now() + intake.pause), body.frame()).await {
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(None) => break,
            Ok(Some(Err(_))) if takes_a_part => break,
            Ok(Some(Err(_))) => return Err(BodyError::Unreadable),
            Err(_) => return Err(BodyError::TooSlow),
        };
        let length = first.len() + joined.len() + data.len();
        if length > intake.limit {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && joined.is_empty() {
            // Nearly every body comes in one piece, which is taken as it is.
            first = data;
            continue;
        }
        if joined.capacity() < length {
            // A body that tells its length has room made for it once; others double it.
            let doubled = length.next_power_of_two().min(intake.limit);
            let room = if declared < length { doubled } else { declared };
            if let Err(Full) = intake.grow(&mut share, room).await {
                return Err(BodyError::Full);
            }
            joined.reserve(room - joined.len());
        }
        joined.extend_from_slice(&std::mem::take(&mut first));
        joined.extend_from_slice(&data);
    }
    Ok((if joined.is_empty() { first } else { joined.freeze() }, share))
}

/// Counts what takes room: a list or an object begins with a bracket, and each value in it but the first has a comma
/// before it.
fn count_values(text: &[u8]) -> usize {
    let mut count = 0_usize;
    let (mut quoted, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// Whether the content type is JSON's, or missing.
pub(crate) fn claims_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if value.is_empty() {
        return true;
    }
    let essence = essence.to_ascii_lowercase();
    let Some(subtype) = essence.strip_prefix(b"application/") else { return false };
    subtype == b"json" || subtype.ends_with(b"+json")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::http::HeaderValue;
    use futures::{StreamExt, stream};

    use super::*;

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        let mistake = parse(b"{\"a\":\n 1,}");
        let problem = "trailing comma".to_owned();
        assert_eq!(mistake, Err(BodyError::Syntax { problem, line: 2, column: 4 }));
        assert_eq!(parse(b"\"\xff\""), Err(BodyError::Unreadable));
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

    fn pieces(pieces: &[&'static str]) -> HttpBody {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, Infallible>(Bytes::from(*piece))).collect();
        HttpBody::from_stream(stream::iter(pieces))
    }

    async fn collected(body: HttpBody, intake: &Intake) -> Result<Bytes, BodyError> {
        collect(body, intake, false).await.map(|(bytes, _)| bytes)
    }

    #[tokio::test]
    async fn a_body_is_joined_and_limited() {
        for (body, joined) in [
            (&["ab", "cd", "", "ef"][..], "abcdef"),
            (&["", "abcdef"], "abcdef"),
            (&["abcdef"], "abcdef"),
            (&[], ""),
        ] {
            assert_eq!(collected(pieces(body), &Intake::new(6)).await.unwrap(), joined);
        }
        let refused = collected(pieces(&["ab", "cd", "ef"]), &Intake::new(5)).await;
        assert!(matches!(refused, Err(BodyError::TooLarge)));
        let whole = HttpBody::from("abcdef");
        assert!(matches!(collected(whole, &Intake::new(5)).await, Err(BodyError::TooLarge)));
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_given_up() {
        let (short_of_breath, slow) = (
            Intake { pause: Duration::ZERO, ..Intake::new(6) },
            Intake { whole: Duration::ZERO, ..Intake::new(6) },
        );
        for intake in [short_of_breath, slow] {
            let begun = stream::once(async { Ok::<_, Infallible>(Bytes::from("ab")) });
            let body = HttpBody::from_stream(begun.chain(stream::pending()));
            assert!(matches!(collected(body, &intake).await, Err(BodyError::TooSlow)));
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_unreadable() {
        let broken = || {
            let pieces = [Ok(Bytes::from("ab")), Err(std::io::Error::other("gone"))];
            HttpBody::from_stream(stream::iter(pieces))
        };
        let intake = Intake::new(6);
        assert!(matches!(collected(broken(), &intake).await, Err(BodyError::Unreadable)));
        assert_eq!(collect(broken(), &intake, true).await.unwrap().0, "ab");
    }

    #[test]
    fn values_are_counted_outside_of_strings() {
        for (text, count) in [
            ("5", 0),
            ("[1, 2, 3]", 3),
            ("{\"a\": 1, \"b\": [[], {}]}", 6),
            ("[\"a,[{b\", \"\\\",[\", \"\\\\\", 4]", 4),
            ("\"unfinished, [", 0),
        ] {
            assert_eq!(count_values(text.as_bytes()), count, "{text}");
        }
    }
}

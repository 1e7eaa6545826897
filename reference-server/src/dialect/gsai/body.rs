//! Reads a body, and makes JSON of it where it claims to be JSON.

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::error::Refusal;
use super::exchange::Exchange;
use super::lenience;
use super::validate::Body;
use crate::aside::aside;
use crate::defect::DefectSet;
use crate::intake::{Full, Intake, Share};

/// How long the rest of a body that is not taken in is still read, so that its sender reads the answer.
const DRAINING: Duration = Duration::from_secs(5);
/// How much of it is read at most.
const DRAINED: usize = 256 * 1024 * 1024;
/// How much is kept of a body that is not JSON: an error shows less.
const NO_JSON: usize = 64 * 1024;
/// The size in bytes up to which the values of a body are not counted. There cannot be very many.
const UNCOUNTED: usize = 256 * 1024;
/// Most values in one body. Each is many times larger in memory than on the wire.
const MOST_VALUES: usize = 1_000_000;

/// The body of a request, read and parsed. Its share is what it takes of the room for large bodies, and is to be
/// held until the answer is sent.
pub(super) async fn read(exchange: &Exchange<'_>, body: HttpBody) -> Result<(Body, Share), Refusal> {
    let defects = &exchange.world.defects;
    lenience::framing(defects, &exchange.head.headers)?;
    let (bytes, share) = collect(body, exchange.intake, defects).await?;
    Ok((aside(bytes.len(), || parse(exchange, bytes))?, share))
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
    if text.len() > UNCOUNTED && count_values(&text) > MOST_VALUES {
        return Err(Refusal::TooLarge);
    }
    match lenience::json(defects, &text) {
        Ok(Value::Null) => Ok(Body::Absent),
        Ok(value) => {
            lenience::values(exchange, &value)?;
            Ok(Body::Present(value))
        }
        Err(error) => Err(lenience::syntax_error(exchange, not_json(&text, &error))),
    }
}

/// The whole body, and its share. One that says beforehand that it is too large is not kept at all.
async fn collect(
    mut body: HttpBody,
    intake: &Intake,
    defects: &DefectSet,
) -> Result<(Bytes, Share), Refusal> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > intake.limit {
        return Err(unread(body, Refusal::TooLarge).await);
    }
    let mut share = Share::default();
    if let Err(Full) = intake.grow(&mut share, declared).await {
        return Err(unread(body, Refusal::Full).await);
    }
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let end = Instant::now() + intake.whole;
    while !body.is_end_stream() {
        let data = match timeout_at(end.min(Instant::now() + intake.pause), body.frame()).await {
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Ok(None) => break,
            Ok(Some(Err(_))) if lenience::takes_a_part(defects) => break,
            Ok(Some(Err(_))) => return Err(Refusal::Unreadable),
            Err(_) => return Err(Refusal::TooSlow),
        };
        let length = first.len() + joined.len() + data.len();
        if length > intake.limit {
            return Err(unread(body, Refusal::TooLarge).await);
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
                return Err(unread(body, Refusal::Full).await);
            }
            joined.reserve(room - joined.len());
        }
        joined.extend_from_slice(&std::mem::take(&mut first));
        joined.extend_from_slice(&data);
    }
    Ok((if joined.is_empty() { first } else { joined.freeze() }, share))
}

/// A refusal of a body that has not been read to its end.
async fn unread(body: HttpBody, refusal: Refusal) -> Refusal {
    drain(body).await;
    refusal
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
    let _ = timeout(DRAINING, rest).await;
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
    use std::convert::Infallible;

    use axum::http::HeaderValue;
    use futures::{StreamExt, stream};

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

    fn pieces(pieces: &[&'static str]) -> HttpBody {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, Infallible>(Bytes::from(*piece))).collect();
        HttpBody::from_stream(stream::iter(pieces))
    }

    async fn collected(body: HttpBody, intake: &Intake) -> Result<Bytes, Refusal> {
        collect(body, intake, &DefectSet::default()).await.map(|(bytes, _)| bytes)
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
        assert!(matches!(refused, Err(Refusal::TooLarge)));
        let whole = HttpBody::from("abcdef");
        assert!(matches!(collected(whole, &Intake::new(5)).await, Err(Refusal::TooLarge)));
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
            assert!(matches!(collected(body, &intake).await, Err(Refusal::TooSlow)));
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_unreadable() {
        let broken = || {
            let pieces = [Ok(Bytes::from("ab")), Err(std::io::Error::other("gone"))];
            HttpBody::from_stream(stream::iter(pieces))
        };
        let intake = Intake::new(6);
        assert!(matches!(collected(broken(), &intake).await, Err(Refusal::Unreadable)));
        let defects = DefectSet::default();
        defects.set(&["incomplete-body-accepted".parse().unwrap()]);
        assert_eq!(collect(broken(), &intake, &defects).await.unwrap().0, "ab");
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

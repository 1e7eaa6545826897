//! Answers in JSON, and the headers that every answer has.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::exchange::{Caller, Exchange};
use crate::domain::clock::Moment;

/// A response with a JSON body.
pub(super) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Adds the request's id and, where the caller is known, who it is and what it may still ask for.
pub(super) fn sign(response: &mut Response, exchange: &Exchange<'_>) {
    let headers = response.headers_mut();
    insert(headers, "request-id", exchange.request_id().to_string());
    if let Some(caller) = exchange.caller() {
        insert(headers, "anthropic-organization-id", organization(&caller.call.key.manager_id).to_string());
        limits(headers, caller);
    }
}

fn limits(headers: &mut HeaderMap, caller: &Caller) {
    let standing = caller.standing;
    for (allowance, names) in [
        (
            standing.requests,
            [
                "anthropic-ratelimit-requests-limit",
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
            ],
        ),
        (
            standing.tokens,
            [
                "anthropic-ratelimit-tokens-limit",
                "anthropic-ratelimit-tokens-remaining",
                "anthropic-ratelimit-tokens-reset",
            ],
        ),
    ] {
        let [limit, remaining, reset] = names;
        headers.insert(limit, allowance.limit.into());
        headers.insert(remaining, allowance.remaining.into());
        let micros = i64::try_from(allowance.resets_in.as_micros()).unwrap_or(i64::MAX);
        insert(headers, reset, second(caller.at.as_micros().saturating_add(micros)));
    }
}

/// The second in which this moment ends, as RFC 3339.
fn second(micros: i64) -> String {
    let seconds = Moment::from_micros(micros.saturating_add(999_999)).as_seconds();
    let mut text = Moment::from_micros(seconds.saturating_mul(1_000_000)).to_string();
    if let Some(fraction) = text.find('.') {
        text.replace_range(fraction.., "Z");
    }
    text
}

/// The id of who answers for a key: always the same one for the same manager.
fn organization(manager_id: &str) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(manager_id.as_bytes()).into();
    let mut bytes = [0; 16];
    for (byte, random) in bytes.iter_mut().zip(digest) {
        *byte = random;
    }
    Builder::from_random_bytes(bytes).into_uuid()
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: String) {
    // Ids and times are text that a header can carry.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_told_in_whole_seconds_and_never_too_early() {
        assert_eq!(second(0), "1970-01-01T00:00:00Z");
        assert_eq!(second(1), "1970-01-01T00:00:01Z");
        assert_eq!(second(60_000_000), "1970-01-01T00:01:00Z");
    }

    #[test]
    fn an_organization_keeps_its_id() {
        assert_eq!(organization("manager-a"), organization("manager-a"));
        assert_ne!(organization("manager-a"), organization("manager-b"));
    }
}

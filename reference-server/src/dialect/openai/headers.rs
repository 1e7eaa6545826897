//! What stands in the head of every response.

use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::Response;

use super::exchange::Exchange;
use crate::domain::quota::Allowance;

/// The version of the API.
const VERSION: &str = "2020-10-01";
/// The organization that every key belongs to.
pub(super) const ORGANIZATION: &str = "plumbline";

/// Adds the headers that every response has. Where the caller is known, they tell what is left of the limits.
pub(super) fn add(exchange: &Exchange<'_>, response: &mut Response) {
    let headers = response.headers_mut();
    headers.reserve(10);
    headers.insert("x-request-id", text(format!("req_{}", exchange.context.id.simple())));
    let milliseconds = u64::try_from(exchange.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    headers.insert("openai-processing-ms", milliseconds.into());
    headers.insert("openai-version", HeaderValue::from_static(VERSION));
    headers.insert("openai-organization", HeaderValue::from_static(ORGANIZATION));
    if let Some(standing) = exchange.standing() {
        let Allowance { limit, remaining, resets_in } = standing.requests;
        headers.insert("x-ratelimit-limit-requests", limit.into());
        headers.insert("x-ratelimit-remaining-requests", remaining.into());
        headers.insert("x-ratelimit-reset-requests", text(span(resets_in)));
        let Allowance { limit, remaining, resets_in } = standing.tokens;
        headers.insert("x-ratelimit-limit-tokens", limit.into());
        headers.insert("x-ratelimit-remaining-tokens", remaining.into());
        headers.insert("x-ratelimit-reset-tokens", text(span(resets_in)));
    }
}

/// A time as `6m0s`, `59.5s` or `20ms`.
pub(super) fn span(time: Duration) -> String {
    let milliseconds = time.as_millis();
    match (milliseconds / 60_000, milliseconds % 60_000) {
        (0, rest) if rest < 1_000 => format!("{rest}ms"),
        (0, rest) => format!("{}s", seconds(rest)),
        (minutes, rest) => format!("{minutes}m{}s", seconds(rest)),
    }
}

/// Seconds with no more digits than they need.
fn seconds(milliseconds: u128) -> String {
    let text = format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn text(value: String) -> HeaderValue {
    // Letters, digits and points only.
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_service_writes_them() {
        for (milliseconds, written) in [
            (0, "0ms"),
            (20, "20ms"),
            (1_000, "1s"),
            (10_000, "10s"),
            (59_500, "59.5s"),
            (8_640, "8.64s"),
            (60_000, "1m0s"),
            (361_007, "6m1.007s"),
        ] {
            assert_eq!(span(Duration::from_millis(milliseconds)), written);
        }
    }
}

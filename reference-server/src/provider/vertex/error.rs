//! What Google's errors mean.

use std::time::Duration;

use serde_json::Value;

use crate::domain::inference::ProviderError;
use crate::provider::http::{Failure, Told, in_seconds};

/// What tells of a prompt that is too long. There is no other sign of it.
const TOO_LONG: &str = "exceeds the maximum number of tokens allowed";
/// How the reasons begin for which a key is not taken. The status is that of a mistake in the request.
const BAD_KEY: &str = "API_KEY_";

/// What a failure means, by its status and its body, which may be a list of one.
pub(super) fn refused(failure: &Failure) -> ProviderError {
    failure.meaning(|told| meaning(failure.status(), told))
}

/// What an error means that comes in a stream, behind a status of success. This is the data of its event.
pub(super) fn told_in_stream(error: &Value, data: String) -> ProviderError {
    let told = Told::in_value(error);
    let status = told.code.as_deref().and_then(|code| code.parse().ok()).unwrap_or_default();
    let known = meaning(status, &told);
    known.or_else(|| by_status(status, &told)).unwrap_or(ProviderError::Unmapped { status: 200, body: data })
}

/// What an error of this status means where its status does not say it; nothing where it does.
fn meaning(status: u16, told: &Told) -> Option<ProviderError> {
    let mut reasons = told.details.iter().filter_map(|detail| detail.get("reason")?.as_str());
    let has_bad_key = reasons.any(|reason| reason.starts_with(BAD_KEY));
    let message = || told.clone().or("no reason is given");
    match (status, told.kind.as_deref()) {
        (400, _) if has_bad_key => Some(ProviderError::Credentials(message())),
        // Of an account that may not use the service, or not from where it is.
        (400, Some("FAILED_PRECONDITION")) => Some(ProviderError::Credentials(message())),
        (400 | 413 | 422, _) => too_long(&message()),
        (429, _) => {
            let retry_after = told.details.iter().find_map(retry_after);
            Some(ProviderError::RateLimited { message: message(), retry_after })
        }
        _ => None,
    }
}

/// What the status means that an error in a stream has in itself.
fn by_status(status: u16, told: &Told) -> Option<ProviderError> {
    let message = told.clone().or("an error in the stream");
    match status {
        400 | 413 | 422 => Some(ProviderError::Rejected(message)),
        401 | 403 => Some(ProviderError::Credentials(message)),
        404 => Some(ProviderError::UnknownModel(message)),
        408 | 504 => Some(ProviderError::TimedOut(message)),
        500.. => Some(ProviderError::unavailable(message)),
        _ => None,
    }
}

fn too_long(message: &str) -> Option<ProviderError> {
    let (_, rest) = message.split_once(TOO_LONG)?;
    Some(ProviderError::TooLong(rest.strip_prefix(": ").unwrap_or(message).to_owned()))
}

/// After how long to ask again, as a detail such as `{ "retryDelay": "6.5s" }` tells it.
fn retry_after(detail: &Value) -> Option<Duration> {
    in_seconds(detail.get("retryDelay")?.as_str()?.strip_suffix('s')?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::testing::{LATER, failure};

    fn body(code: u16, status: &str, message: &str) -> Value {
        json!({ "error": { "code": code, "message": message, "status": status } })
    }

    fn told(code: u16, status: &str, message: &str) -> ProviderError {
        refused(&failure(code, &body(code, status, message)))
    }

    #[test]
    fn every_documented_error_has_its_meaning() {
        let why = || "why".to_owned();
        let busy = || ProviderError::Unavailable { message: why(), retry_after: LATER };
        for (code, status, expected) in [
            (400, "INVALID_ARGUMENT", ProviderError::Rejected(why())),
            (400, "FAILED_PRECONDITION", ProviderError::Credentials(why())),
            (401, "UNAUTHENTICATED", ProviderError::Credentials(why())),
            (403, "PERMISSION_DENIED", ProviderError::Credentials(why())),
            (404, "NOT_FOUND", ProviderError::UnknownModel(why())),
            (429, "RESOURCE_EXHAUSTED", ProviderError::RateLimited { message: why(), retry_after: LATER }),
            (500, "INTERNAL", busy()),
            (503, "UNAVAILABLE", busy()),
            (504, "DEADLINE_EXCEEDED", ProviderError::TimedOut(why())),
        ] {
            assert_eq!(told(code, status, "why"), expected, "{status}");
        }
        let mut body = body(400, "INVALID_ARGUMENT", "why");
        body["error"]["details"] = json!([{ "reason": "API_KEY_INVALID", "domain": "googleapis.com" }]);
        assert_eq!(refused(&failure(400, &body)), ProviderError::Credentials(why()));
        assert_eq!(refused(&failure(400, &json!([body]))), ProviderError::Credentials(why()));
    }

    #[test]
    fn a_prompt_can_be_too_long() {
        let own = "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).";
        for (message, expected) in [
            (own, own),
            ("The input token count exceeds the maximum number of tokens allowed: 9 > 8", "9 > 8"),
        ] {
            let too_long = ProviderError::TooLong(expected.to_owned());
            assert_eq!(told(400, "INVALID_ARGUMENT", message), too_long);
        }
    }

    #[test]
    fn a_detail_tells_when_to_ask_again() {
        for (delay, wait) in [("6s", 6_000), ("6.000s", 6_000), ("6.5s", 6_500), ("later", 7_000)] {
            let mut body = body(429, "RESOURCE_EXHAUSTED", "why");
            let kind = "type.googleapis.com/google.rpc.RetryInfo";
            body["error"]["details"] = json!([{ "@type": kind, "retryDelay": delay }]);
            let (message, retry_after) = ("why".to_owned(), Some(Duration::from_millis(wait)));
            let limited = ProviderError::RateLimited { message, retry_after };
            // Where it does not, the header does.
            assert_eq!(refused(&failure(429, &body)), limited, "{delay}");
        }
    }

    #[test]
    fn what_is_not_documented_is_what_its_status_says() {
        assert_eq!(told(400, "NEW", "why"), ProviderError::Rejected("why".to_owned()));
        let unmapped = told(418, "FAILED_PRECONDITION", "why");
        assert!(matches!(unmapped, ProviderError::Unmapped { status: 418, .. }), "{unmapped:?}");
        let page = refused(&failure(403, &json!("<html>")));
        assert!(matches!(page, ProviderError::Credentials(_)), "{page:?}");
    }

    #[test]
    fn an_error_in_a_stream_has_its_status_in_itself() {
        let told = |body: &Value| told_in_stream(&body["error"], "data".to_owned());
        let limited = ProviderError::RateLimited { message: "why".to_owned(), retry_after: None };
        assert_eq!(told(&body(429, "RESOURCE_EXHAUSTED", "why")), limited);
        let rejected = ProviderError::Rejected("why".to_owned());
        for code in [400, 413, 422] {
            assert_eq!(told(&body(code, "INVALID_ARGUMENT", "why")), rejected);
        }
        assert_eq!(told(&body(503, "UNAVAILABLE", "why")), ProviderError::unavailable("why"));
        let unmapped = ProviderError::Unmapped { status: 200, body: "data".to_owned() };
        assert_eq!(told(&json!({ "error": { "message": "why" } })), unmapped);
    }
}

//! What Google's errors mean.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::inference::ProviderError;
use crate::provider::http::Failure;

/// What tells of a prompt that is too long. There is no other sign of it.
const TOO_LONG: &str = "exceeds the maximum number of tokens allowed";
/// How the reasons begin for which a key is not taken. The status is that of a mistake in the request.
const BAD_KEY: &str = "API_KEY_";

/// The body of an error.
#[derive(Debug, Deserialize)]
struct Refused {
    error: Problem,
}

/// What went wrong, as `google.rpc.Status` has it.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    code: u16,
    message: String,
    status: Option<String>,
    #[serde(default)]
    details: Vec<Value>,
}

/// What a failure means, by its status and its body, which may be a list of one.
pub(super) fn refused(failure: &Failure) -> ProviderError {
    let listed = || failure.read::<Vec<Refused>>()?.into_iter().next();
    let Some(Refused { error }) = failure.read().or_else(listed) else { return failure.without_words() };
    match meaning(failure.status(), error) {
        Some(ProviderError::RateLimited { message, retry_after: None }) => failure.rate_limited(message),
        Some(error) => error,
        None => failure.unmapped(),
    }
}

/// What an error means that comes in a stream, behind a status of success. This is the data of its event.
pub(super) fn told_in_stream(error: Problem, data: String) -> ProviderError {
    meaning(error.code, error).unwrap_or(ProviderError::Unmapped { status: 200, body: data })
}

/// What an error of this status means; nothing where it is not documented.
fn meaning(status: u16, error: Problem) -> Option<ProviderError> {
    let mut reasons = error.details.iter().filter_map(|detail| detail.get("reason")?.as_str());
    let has_bad_key = reasons.any(|reason| reason.starts_with(BAD_KEY));
    let retry_after = error.details.iter().find_map(retry_after);
    let message = error.message;
    Some(match (status, error.status.as_deref()?) {
        (400, _) if has_bad_key => ProviderError::Credentials(message),
        // Of an account that may not use the service, or not from where it is.
        (400, "FAILED_PRECONDITION") | (401 | 403, _) => ProviderError::Credentials(message),
        (400 | 413, "INVALID_ARGUMENT" | "OUT_OF_RANGE") => invalid(message),
        (404, "NOT_FOUND") => ProviderError::UnknownModel(message),
        (429, _) => ProviderError::RateLimited { message, retry_after },
        (408 | 504, _) => ProviderError::TimedOut(message),
        (500..=599, _) => ProviderError::Unavailable(message),
        _ => return None,
    })
}

fn invalid(message: String) -> ProviderError {
    let too_long = message.split_once(TOO_LONG);
    let told = too_long.map(|(_, rest)| rest.strip_prefix(": ").unwrap_or(&message).to_owned());
    told.map_or_else(|| ProviderError::Rejected(message), ProviderError::TooLong)
}

/// After how many seconds to ask again, as a detail such as `{ "retryDelay": "6.5s" }` tells it.
fn retry_after(detail: &Value) -> Option<u32> {
    let seconds = detail.get("retryDelay")?.as_str()?.strip_suffix('s')?;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let is_more = fraction.bytes().any(|digit| digit != b'0');
    whole.parse::<u32>().ok()?.checked_add(u32::from(is_more))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::failure;

    fn body(code: u16, status: &str, message: &str) -> Value {
        json!({ "error": { "code": code, "message": message, "status": status } })
    }

    fn told(code: u16, status: &str, message: &str) -> ProviderError {
        refused(&failure(code, &body(code, status, message)))
    }

    #[test]
    fn every_documented_error_has_its_meaning() {
        let why = || "why".to_owned();
        for (code, status, expected) in [
            (400, "INVALID_ARGUMENT", ProviderError::Rejected(why())),
            (400, "FAILED_PRECONDITION", ProviderError::Credentials(why())),
            (401, "UNAUTHENTICATED", ProviderError::Credentials(why())),
            (403, "PERMISSION_DENIED", ProviderError::Credentials(why())),
            (404, "NOT_FOUND", ProviderError::UnknownModel(why())),
            (429, "RESOURCE_EXHAUSTED", ProviderError::RateLimited { message: why(), retry_after: Some(7) }),
            (500, "INTERNAL", ProviderError::Unavailable(why())),
            (503, "UNAVAILABLE", ProviderError::Unavailable(why())),
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
        for (delay, seconds) in [("6s", 6), ("6.000s", 6), ("6.5s", 7), ("later", 7)] {
            let mut body = body(429, "RESOURCE_EXHAUSTED", "why");
            let kind = "type.googleapis.com/google.rpc.RetryInfo";
            body["error"]["details"] = json!([{ "@type": kind, "retryDelay": delay }]);
            let (message, retry_after) = ("why".to_owned(), Some(seconds));
            let limited = ProviderError::RateLimited { message, retry_after };
            // Where it does not, the header does.
            assert_eq!(refused(&failure(429, &body)), limited, "{delay}");
        }
    }

    #[test]
    fn what_is_not_documented_stays_as_it_is() {
        for (status, body) in [
            (418, json!({ "internal": "db" })),
            (418, body(418, "FAILED_PRECONDITION", "why")),
            (400, body(400, "NEW", "why")),
        ] {
            let unmapped = ProviderError::Unmapped { status, body: body.to_string() };
            assert_eq!(refused(&failure(status, &body)), unmapped);
        }
        assert!(matches!(refused(&failure(403, &json!("<html>"))), ProviderError::Credentials(_)));
    }

    #[test]
    fn an_error_in_a_stream_has_its_status_in_itself() {
        let told = |body: Value| {
            let Refused { error } = serde_json::from_value(body).unwrap();
            told_in_stream(error, "data".to_owned())
        };
        let limited = ProviderError::RateLimited { message: "why".to_owned(), retry_after: None };
        assert_eq!(told(body(429, "RESOURCE_EXHAUSTED", "why")), limited);
        let unmapped = ProviderError::Unmapped { status: 200, body: "data".to_owned() };
        assert_eq!(told(json!({ "error": { "message": "why" } })), unmapped);
    }
}

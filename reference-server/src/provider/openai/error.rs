//! What OpenAI's errors mean, and those of others that speak its wire.

use serde_json::Value;

use crate::domain::inference::ProviderError;
use crate::provider::http::{Failure, Told};

/// What tells of a prompt that is too long, where no code does.
const TOO_LONG: &str = "maximum context length";

/// What a failure means, by its code and its status.
pub(super) fn refused(failure: &Failure) -> ProviderError {
    failure.meaning(|told| match failure.status() {
        400 | 413 | 422 if is_too_long(told) => Some(ProviderError::TooLong(told.clone().or(TOO_LONG))),
        403 if told.is("model_not_found") || told.param.as_deref() == Some("model") => {
            Some(ProviderError::UnknownModel(told.clone().or("status 403")))
        }
        // It looks like a limit, and no time brings it to an end.
        429 if told.is("insufficient_quota") => {
            Some(ProviderError::OutOfCredit(told.clone().or("insufficient_quota")))
        }
        _ => None,
    })
}

/// What an error means that comes in a stream, behind a status of success. This is the data of its event.
pub(super) fn told_in_stream(error: &Value, data: String) -> ProviderError {
    let told = Told::in_value(error);
    let status = told.code.as_deref().and_then(|code| code.parse::<u16>().ok());
    let words = || told.clone().or("an error in the stream");
    match (told.kind.as_deref(), status) {
        _ if is_too_long(&told) => ProviderError::TooLong(words()),
        _ if told.is("insufficient_quota") => ProviderError::OutOfCredit(words()),
        (Some("invalid_request_error"), _) | (_, Some(400 | 413 | 422)) => ProviderError::Rejected(words()),
        (Some("requests" | "tokens" | "rate_limit_error" | "rate_limit_exceeded"), _) | (_, Some(429)) => {
            ProviderError::RateLimited { message: words(), retry_after: None }
        }
        (Some("server_error" | "internal_server_error" | "overloaded_error"), _) | (_, Some(500..)) => {
            ProviderError::unavailable(words())
        }
        _ => ProviderError::Unmapped { status: 200, body: data },
    }
}

fn is_too_long(told: &Told) -> bool {
    told.is("context_length_exceeded")
        || told.message.as_deref().is_some_and(|message| message.contains(TOO_LONG))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::testing::{LATER, failure};

    fn meaning(status: u16, kind: &str, param: &Value, code: &Value) -> ProviderError {
        let body = json!({ "error": { "message": "why", "type": kind, "param": param, "code": code } });
        refused(&failure(status, &body))
    }

    #[test]
    fn every_documented_error_has_its_meaning() {
        let why = || "why".to_owned();
        let busy = || ProviderError::Unavailable { message: why(), retry_after: LATER };
        let limited = || ProviderError::RateLimited { message: why(), retry_after: LATER };
        for (status, param, code, expected) in [
            (400, json!("n"), json!("invalid_value"), ProviderError::Rejected(why())),
            (400, json!("n"), json!(400), ProviderError::Rejected(why())),
            (400, json!("messages"), json!("context_length_exceeded"), ProviderError::TooLong(why())),
            (401, Value::Null, json!("invalid_api_key"), ProviderError::Credentials(why())),
            (403, Value::Null, Value::Null, ProviderError::Credentials(why())),
            (403, json!("model"), Value::Null, ProviderError::UnknownModel(why())),
            (404, Value::Null, json!("model_not_found"), ProviderError::UnknownModel(why())),
            (422, json!(["body"]), Value::Null, ProviderError::Rejected(why())),
            (429, Value::Null, json!("rate_limit_exceeded"), limited()),
            (429, Value::Null, json!("insufficient_quota"), ProviderError::OutOfCredit(why())),
            (500, Value::Null, Value::Null, busy()),
            (503, Value::Null, Value::Null, busy()),
            (504, Value::Null, Value::Null, ProviderError::TimedOut(why())),
        ] {
            assert_eq!(meaning(status, "invalid_request_error", &param, &code), expected);
        }
    }

    #[test]
    fn other_forms_are_understood_as_well() {
        let told = |status: u16, body: &Value| refused(&failure(status, body));
        let words = "This model's maximum context length is 4096 tokens.".to_owned();
        let long = json!({ "object": "error", "message": words, "type": "BadRequestError", "code": 400 });
        assert_eq!(told(400, &long), ProviderError::TooLong(words));
        let missing = json!({ "detail": [{ "loc": ["body", "n"], "msg": "not an integer" }] });
        assert_eq!(told(422, &missing), ProviderError::Rejected("body.n: not an integer".to_owned()));
        assert!(matches!(told(404, &json!({ "detail": "Not Found" })), ProviderError::UnknownModel(_)));
        assert!(matches!(
            told(418, &json!({ "internal": "db" })),
            ProviderError::Unmapped { status: 418, .. }
        ));
        let page = told(503, &json!("<html>"));
        assert!(matches!(page, ProviderError::Unavailable { .. }), "{page:?}");
        assert_eq!(page.retry_after(), LATER);
    }

    #[test]
    fn an_error_in_a_stream_has_no_status_of_its_own() {
        let told = |kind: &str, code: &Value| {
            told_in_stream(&json!({ "message": "why", "type": kind, "code": code }), "data".to_owned())
        };
        let why = || "why".to_owned();
        let limited = || ProviderError::RateLimited { message: why(), retry_after: None };
        for (kind, code, expected) in [
            ("server_error", Value::Null, ProviderError::unavailable(why())),
            ("x", json!(502), ProviderError::unavailable(why())),
            ("invalid_request_error", Value::Null, ProviderError::Rejected(why())),
            ("x", json!("context_length_exceeded"), ProviderError::TooLong(why())),
            ("requests", json!("rate_limit_exceeded"), limited()),
            ("x", json!(429), limited()),
            ("insufficient_quota", json!("insufficient_quota"), ProviderError::OutOfCredit(why())),
            ("x", Value::Null, ProviderError::Unmapped { status: 200, body: "data".to_owned() }),
        ] {
            assert_eq!(told(kind, &code), expected, "{kind} {code}");
        }
        assert!(matches!(told_in_stream(&json!("why"), why()), ProviderError::Unmapped { .. }));
    }
}

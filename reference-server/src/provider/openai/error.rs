//! What OpenAI's errors mean.

use super::wire::{Problem, Refused};
use crate::domain::inference::ProviderError;
use crate::provider::http::Failure;

/// What a failure means, by its status and its body.
pub(super) fn refused(failure: &Failure) -> ProviderError {
    let Some(Refused { error }) = failure.read() else { return failure.without_words() };
    match (failure.status(), error) {
        (_, error) if error.is("context_length_exceeded") => ProviderError::TooLong(error.message),
        (403 | 404, error) if error.is("model_not_found") || error.param.as_deref() == Some("model") => {
            ProviderError::UnknownModel(error.message)
        }
        (400 | 413 | 422, error) => ProviderError::Rejected(error.message),
        (401..=403, error) => ProviderError::Credentials(error.message),
        (429, error) => failure.rate_limited(error.message),
        (408 | 504, error) => ProviderError::TimedOut(error.message),
        (500..=599, error) => ProviderError::Unavailable(error.message),
        _ => failure.unmapped(),
    }
}

/// What an error means that comes in a stream, behind a status of success. This is the data of its event.
pub(super) fn told_in_stream(error: Problem, data: String) -> ProviderError {
    if error.is("context_length_exceeded") {
        return ProviderError::TooLong(error.message);
    }
    match error.kind.as_deref() {
        Some("invalid_request_error") => ProviderError::Rejected(error.message),
        Some("requests" | "tokens" | "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota") => {
            ProviderError::RateLimited { message: error.message, retry_after: None }
        }
        Some("server_error" | "internal_server_error" | "overloaded_error") => {
            ProviderError::Unavailable(error.message)
        }
        _ => ProviderError::Unmapped { status: 200, body: data },
    }
}

impl Problem {
    fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::provider::http::failure;

    fn meaning(status: u16, kind: &str, param: &Value, code: &Value) -> ProviderError {
        let body = json!({ "error": { "message": "why", "type": kind, "param": param, "code": code } });
        refused(&failure(status, &body))
    }

    #[test]
    fn every_documented_error_has_its_meaning() {
        let why = || "why".to_owned();
        for (status, param, code, expected) in [
            (400, json!("n"), json!("invalid_value"), ProviderError::Rejected(why())),
            (400, json!("messages"), json!("context_length_exceeded"), ProviderError::TooLong(why())),
            (401, Value::Null, json!("invalid_api_key"), ProviderError::Credentials(why())),
            (403, Value::Null, Value::Null, ProviderError::Credentials(why())),
            (403, json!("model"), Value::Null, ProviderError::UnknownModel(why())),
            (404, Value::Null, json!("model_not_found"), ProviderError::UnknownModel(why())),
            (
                429,
                Value::Null,
                json!("rate_limit_exceeded"),
                ProviderError::RateLimited { message: why(), retry_after: Some(7) },
            ),
            (500, Value::Null, Value::Null, ProviderError::Unavailable(why())),
            (503, Value::Null, Value::Null, ProviderError::Unavailable(why())),
            (504, Value::Null, Value::Null, ProviderError::TimedOut(why())),
        ] {
            assert_eq!(meaning(status, "invalid_request_error", &param, &code), expected);
        }
    }

    #[test]
    fn what_is_not_documented_stays_as_it_is() {
        let told = |status: u16, body: Value| refused(&failure(status, &body));
        for (status, body) in [
            (418, json!({ "internal": "db" })),
            (400, json!({ "internal": "db" })),
            (
                404,
                json!({ "error": { "message": "Invalid URL", "type": "invalid_request_error", "code": "unknown_url" } }),
            ),
        ] {
            assert_eq!(
                told(status, body.clone()),
                ProviderError::Unmapped { status, body: body.to_string() }
            );
        }
        assert!(matches!(told(503, json!("<html>")), ProviderError::Unavailable(_)));
    }

    #[test]
    fn an_error_in_a_stream_has_no_status() {
        let told = |kind: &str, code: Option<&str>| {
            let error = Problem {
                message: "why".to_owned(),
                kind: Some(kind.to_owned()),
                param: None,
                code: code.map(str::to_owned),
            };
            told_in_stream(error, "data".to_owned())
        };
        let why = || "why".to_owned();
        assert_eq!(told("server_error", None), ProviderError::Unavailable(why()));
        assert_eq!(told("invalid_request_error", None), ProviderError::Rejected(why()));
        assert_eq!(told("x", Some("context_length_exceeded")), ProviderError::TooLong(why()));
        let limited = ProviderError::RateLimited { message: why(), retry_after: None };
        assert_eq!(told("requests", Some("rate_limit_exceeded")), limited);
        assert_eq!(told("x", None), ProviderError::Unmapped { status: 200, body: "data".to_owned() });
    }
}

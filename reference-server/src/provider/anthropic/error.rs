//! What Anthropic's errors mean.

use super::wire::{Problem, Refused};
use crate::domain::inference::ProviderError;
use crate::provider::http::Failure;

/// How the words begin that tell of a prompt which is too long. There is no other sign of it.
const TOO_LONG: &str = "prompt is too long";

/// What a failure means, by the type that its body names.
pub(super) fn refused(failure: &Failure) -> ProviderError {
    let Some(Refused { error }) = failure.read() else { return failure.without_words() };
    match meaning(error) {
        Some(ProviderError::RateLimited { message, .. }) => failure.rate_limited(message),
        Some(error) => error,
        None => failure.unmapped(),
    }
}

/// What an error means that comes in a stream, behind a status of success. This is the data of its event.
pub(super) fn told_in_stream(error: Problem, data: String) -> ProviderError {
    meaning(error).unwrap_or(ProviderError::Unmapped { status: 200, body: data })
}

/// What a type means; nothing where it is not documented.
fn meaning(error: Problem) -> Option<ProviderError> {
    let Problem { kind, message } = error;
    Some(match kind.as_str() {
        "invalid_request_error" => match message.strip_prefix(TOO_LONG) {
            Some(rest) => ProviderError::TooLong(rest.trim_start_matches([':', ' ']).to_owned()),
            None => ProviderError::Rejected(message),
        },
        "request_too_large" => ProviderError::Rejected(message),
        "authentication_error" | "permission_error" | "billing_error" => ProviderError::Credentials(message),
        // Another thing that is not found is an address, and not the caller's concern.
        "not_found_error" if message.starts_with("model") => ProviderError::UnknownModel(message),
        "rate_limit_error" => ProviderError::RateLimited { message, retry_after: None },
        "timeout_error" => ProviderError::TimedOut(message),
        "api_error" | "overloaded_error" => ProviderError::Unavailable(message),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::failure;

    fn told(status: u16, kind: &str, message: &str) -> ProviderError {
        let body =
            json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "r" });
        refused(&failure(status, &body))
    }

    #[test]
    fn every_documented_error_has_its_meaning() {
        let why = || "why".to_owned();
        for (status, kind, expected) in [
            (400, "invalid_request_error", ProviderError::Rejected(why())),
            (401, "authentication_error", ProviderError::Credentials(why())),
            (402, "billing_error", ProviderError::Credentials(why())),
            (403, "permission_error", ProviderError::Credentials(why())),
            (413, "request_too_large", ProviderError::Rejected(why())),
            (429, "rate_limit_error", ProviderError::RateLimited { message: why(), retry_after: Some(7) }),
            (500, "api_error", ProviderError::Unavailable(why())),
            (504, "timeout_error", ProviderError::TimedOut(why())),
            (529, "overloaded_error", ProviderError::Unavailable(why())),
        ] {
            assert_eq!(told(status, kind, "why"), expected);
        }
        let unknown = ProviderError::UnknownModel("model: x".to_owned());
        assert_eq!(told(404, "not_found_error", "model: x"), unknown);
        let long = "prompt is too long: 210000 tokens > 200000 maximum";
        let too_long = ProviderError::TooLong("210000 tokens > 200000 maximum".to_owned());
        assert_eq!(told(400, "invalid_request_error", long), too_long);
    }

    #[test]
    fn what_is_not_documented_stays_as_it_is() {
        for (status, body) in [
            (418, json!({ "internal": "db" })),
            (400, json!({ "type": "error", "error": { "type": "new_error", "message": "why" } })),
            (404, json!({ "type": "error", "error": { "type": "not_found_error", "message": "Not Found" } })),
        ] {
            let unmapped = ProviderError::Unmapped { status, body: body.to_string() };
            assert_eq!(refused(&failure(status, &body)), unmapped);
        }
        assert!(matches!(refused(&failure(403, &json!("<html>"))), ProviderError::Credentials(_)));
    }
}

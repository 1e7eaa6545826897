//! What Anthropic's errors mean.

use serde_json::Value;

use crate::domain::inference::ProviderError;
use crate::provider::http::{Failure, Told};

/// How the words begin that tell of a prompt which is too long. There is no other sign of it.
const TOO_LONG: &str = "prompt is too long";
/// How the words begin that tell of an account without credit, in spite of a type that blames the request.
const OUT_OF_CREDIT: &str = "Your credit balance is too low";

/// What a failure means, by the type that its body names, or by its status.
pub(super) fn refused(failure: &Failure) -> ProviderError {
    failure.meaning(meaning)
}

/// What an error means that comes in a stream, behind a status of success. This is the data of its event.
pub(super) fn told_in_stream(error: &Value, data: String) -> ProviderError {
    meaning(&Told::in_value(error)).unwrap_or(ProviderError::Unmapped { status: 200, body: data })
}

/// What a type means; nothing where it is not documented.
fn meaning(told: &Told) -> Option<ProviderError> {
    let kind = told.kind.as_deref()?;
    let message = told.clone().or(kind);
    Some(match kind {
        "invalid_request_error" => match message.strip_prefix(TOO_LONG) {
            Some(rest) => ProviderError::TooLong(rest.trim_start_matches([':', ' ']).to_owned()),
            None if message.starts_with(OUT_OF_CREDIT) => ProviderError::OutOfCredit(message),
            None => ProviderError::Rejected(message),
        },
        "request_too_large" => ProviderError::Rejected(message),
        "authentication_error" | "permission_error" => ProviderError::Credentials(message),
        "billing_error" => ProviderError::OutOfCredit(message),
        "not_found_error" => ProviderError::UnknownModel(message),
        "rate_limit_error" => ProviderError::RateLimited { message, retry_after: None },
        "timeout_error" => ProviderError::TimedOut(message),
        "api_error" | "overloaded_error" => ProviderError::unavailable(message),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::testing::{LATER, failure};

    fn told(status: u16, kind: &str, message: &str) -> ProviderError {
        let body =
            json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "r" });
        refused(&failure(status, &body))
    }

    #[test]
    fn every_documented_error_has_its_meaning() {
        let why = || "why".to_owned();
        let busy = || ProviderError::Unavailable { message: why(), retry_after: LATER };
        for (status, kind, expected) in [
            (400, "invalid_request_error", ProviderError::Rejected(why())),
            (401, "authentication_error", ProviderError::Credentials(why())),
            (402, "billing_error", ProviderError::OutOfCredit(why())),
            (403, "permission_error", ProviderError::Credentials(why())),
            (404, "not_found_error", ProviderError::UnknownModel(why())),
            (413, "request_too_large", ProviderError::Rejected(why())),
            (429, "rate_limit_error", ProviderError::RateLimited { message: why(), retry_after: LATER }),
            (500, "api_error", busy()),
            (504, "timeout_error", ProviderError::TimedOut(why())),
            (529, "overloaded_error", busy()),
        ] {
            assert_eq!(told(status, kind, "why"), expected);
        }
        let long = "prompt is too long: 210000 tokens > 200000 maximum";
        let too_long = ProviderError::TooLong("210000 tokens > 200000 maximum".to_owned());
        assert_eq!(told(400, "invalid_request_error", long), too_long);
        let broke =
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.";
        let out_of_credit = ProviderError::OutOfCredit(broke.to_owned());
        assert_eq!(told(400, "invalid_request_error", broke), out_of_credit);
    }

    #[test]
    fn what_is_not_documented_is_what_its_status_says() {
        assert_eq!(told(400, "new_error", "why"), ProviderError::Rejected("why".to_owned()));
        assert!(matches!(told(418, "new_error", "why"), ProviderError::Unmapped { status: 418, .. }));
        let page = refused(&failure(403, &json!("<html>")));
        assert!(matches!(page, ProviderError::Credentials(_)), "{page:?}");
    }

    #[test]
    fn an_error_in_a_stream_has_a_type_alone() {
        let told = |kind: &str| told_in_stream(&json!({ "type": kind, "message": "why" }), "data".to_owned());
        assert_eq!(told("overloaded_error"), ProviderError::unavailable("why"));
        let unmapped = ProviderError::Unmapped { status: 200, body: "data".to_owned() };
        assert_eq!(told("new_error"), unmapped);
    }
}

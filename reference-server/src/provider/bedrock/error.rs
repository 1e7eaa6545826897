//! What Bedrock's errors mean.

use crate::domain::inference::ProviderError;
use crate::provider::http::{Failure, Told};

/// The header that names the kind of an error. In the body it stands only where no header has it.
const KIND: &str = "x-amzn-errortype";
/// What tells of a prompt that is too long, in the service's words and in a model's. There is no other sign of it.
const TOO_LONG: [&str; 2] = ["Input is too long for requested model.", "prompt is too long:"];
/// What tells that there is no such model.
const UNKNOWN_MODEL: &str = "model identifier is invalid";

/// What a failure means, by the kind that it names, or by its status.
pub(super) fn refused(failure: &Failure) -> ProviderError {
    failure.meaning(|told| {
        let kind = failure.header(KIND).or(told.kind.as_deref())?;
        meaning(kind, told.clone().or(kind))
    })
}

/// What an error means that comes in a stream, behind a status of success. This is its payload.
pub(super) fn told_in_stream(kind: &str, payload: &[u8]) -> ProviderError {
    let value = serde_json::from_slice(payload).unwrap_or_default();
    named(kind, Told::in_value(&value).or(&String::from_utf8_lossy(payload)))
}

/// What an error in a stream means that has nothing but a name and a text.
pub(super) fn named(kind: &str, message: String) -> ProviderError {
    let body = format!("{kind}: {message}");
    meaning(kind, message).unwrap_or(ProviderError::Unmapped { status: 200, body })
}

/// What a kind means; nothing where it is not documented. Other things may stand around its name, which begins with a
/// small letter in a stream.
fn meaning(kind: &str, message: String) -> Option<ProviderError> {
    let name = kind.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().to_ascii_lowercase();
    Some(match name.strip_suffix("exception").unwrap_or(&name) {
        "validation" => invalid(message),
        "serialization" | "requestentitytoolarge" => ProviderError::Rejected(message),
        "accessdenied"
        | "expiredtoken"
        | "incompletesignature"
        | "invalidsignature"
        | "missingauthenticationtoken"
        | "unrecognizedclient" => ProviderError::Credentials(message),
        "resourcenotfound" => ProviderError::UnknownModel(message),
        "throttling" | "servicequotaexceeded" => ProviderError::RateLimited { message, retry_after: None },
        "modeltimeout" | "requesttimeout" => ProviderError::TimedOut(message),
        "internalserver" | "modelerror" | "modelnotready" | "modelstreamerror" | "serviceunavailable" => {
            ProviderError::unavailable(message)
        }
        _ => return None,
    })
}

fn invalid(message: String) -> ProviderError {
    if message.contains(UNKNOWN_MODEL) {
        return ProviderError::UnknownModel(message);
    }
    match TOO_LONG.into_iter().find_map(|words| message.split_once(words)) {
        Some((_, rest)) if !rest.trim().is_empty() => ProviderError::TooLong(rest.trim().to_owned()),
        Some(_) => ProviderError::TooLong(message),
        None => ProviderError::Rejected(message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::http::testing::{LATER, failure};

    fn told(status: u16, kind: &str, message: &str) -> ProviderError {
        refused(&failure(status, &json!({ "__type": kind, "message": message })))
    }

    #[test]
    fn every_documented_error_has_its_meaning() {
        let why = || "why".to_owned();
        let limited = || ProviderError::RateLimited { message: why(), retry_after: LATER };
        let busy = || ProviderError::Unavailable { message: why(), retry_after: LATER };
        for (status, kind, expected) in [
            (400, "ValidationException", ProviderError::Rejected(why())),
            (400, "ServiceQuotaExceededException", limited()),
            (403, "AccessDeniedException", ProviderError::Credentials(why())),
            (403, "UnrecognizedClientException", ProviderError::Credentials(why())),
            (403, "InvalidSignatureException", ProviderError::Credentials(why())),
            (404, "ResourceNotFoundException", ProviderError::UnknownModel(why())),
            (408, "ModelTimeoutException", ProviderError::TimedOut(why())),
            (424, "ModelErrorException", busy()),
            (429, "ThrottlingException", limited()),
            (429, "com.amazonaws#ThrottlingException:http://internal/", limited()),
            (429, "ModelNotReadyException", busy()),
            (500, "InternalServerException", busy()),
            (503, "ServiceUnavailableException", busy()),
        ] {
            assert_eq!(told(status, kind, "why"), expected, "{kind}");
        }
        let body = json!({ "__type": "AccessDeniedException", "Message": "why" });
        assert_eq!(refused(&failure(403, &body)), ProviderError::Credentials(why()));
    }

    #[test]
    fn words_tell_what_is_wrong_with_a_request() {
        let invalid = |message: &str| told(400, "ValidationException", message);
        let unknown = "The provided model identifier is invalid.";
        assert_eq!(invalid(unknown), ProviderError::UnknownModel(unknown.to_owned()));
        let long = "Input is too long for requested model.";
        assert_eq!(invalid(long), ProviderError::TooLong(long.to_owned()));
        let rest = "210000 tokens > 200000 maximum";
        for words in [long, "prompt is too long:"] {
            let message = format!("The model returned the following errors: {words} {rest}");
            assert_eq!(invalid(&message), ProviderError::TooLong(rest.to_owned()));
        }
    }

    #[test]
    fn what_is_not_documented_is_what_its_status_says() {
        let why = || "why".to_owned();
        for (status, body, expected) in [
            (400, json!({ "message": "why" }), ProviderError::Rejected(why())),
            (400, json!({ "__type": "NewException", "message": "why" }), ProviderError::Rejected(why())),
            (404, json!({ "__type": "NewException", "message": "why" }), ProviderError::UnknownModel(why())),
            (403, json!("<html>"), ProviderError::Credentials("status 403".to_owned())),
        ] {
            assert_eq!(refused(&failure(status, &body)), expected, "{body}");
        }
        let unmapped = refused(&failure(418, &json!({ "internal": "db" })));
        assert!(matches!(unmapped, ProviderError::Unmapped { status: 418, .. }), "{unmapped:?}");
    }

    #[test]
    fn an_error_in_a_stream_has_a_name_of_its_own() {
        let told = |kind: &str| told_in_stream(kind, b"{\"message\":\"why\"}");
        let why = || "why".to_owned();
        let limited = ProviderError::RateLimited { message: why(), retry_after: None };
        assert_eq!(told("throttlingException"), limited);
        assert_eq!(told("modelStreamErrorException"), ProviderError::unavailable(why()));
        assert_eq!(told("validationException"), ProviderError::Rejected(why()));
        let body = "newException: why".to_owned();
        assert_eq!(told("newException"), ProviderError::Unmapped { status: 200, body });
        assert_eq!(told_in_stream("validationException", b"why"), ProviderError::Rejected(why()));
    }
}

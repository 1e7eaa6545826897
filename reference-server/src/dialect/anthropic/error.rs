//! Every way in which a request ends without success, and its envelope.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use uuid::Uuid;

use super::id::Id;
use super::{respond, words};
use crate::dialect::common::read::Mistake;
use crate::dialect::common::{BodyError, Unanswered};
use crate::domain::call::CallError;
use crate::domain::idempotency::Repetition;
use crate::domain::quota::Exceeded;

/// When to come back where large bodies have to wait, in seconds.
const COME_BACK: u64 = 1;
const INTERNAL: &str = "Internal server error";

/// A kind of error; each has a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    InvalidRequest,
    Authentication,
    Permission,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Unprocessable,
    Timeout,
    TooLarge,
    RateLimit,
    Api,
    GatewayTimeout,
    Overloaded,
}

impl Kind {
    /// The name on the wire.
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::MethodNotAllowed | Self::Conflict | Self::Unprocessable => {
                "invalid_request_error"
            }
            Self::Authentication => "authentication_error",
            Self::Permission => "permission_error",
            Self::NotFound => "not_found_error",
            Self::Timeout | Self::GatewayTimeout => "timeout_error",
            Self::TooLarge => "request_too_large",
            Self::RateLimit => "rate_limit_error",
            Self::Api => "api_error",
            Self::Overloaded => "overloaded_error",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::Authentication => StatusCode::UNAUTHORIZED,
            Self::Permission => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::Api => StatusCode::INTERNAL_SERVER_ERROR,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
            // A status of the service's own.
            Self::Overloaded => StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// A refusal, or a failure.
#[derive(Debug)]
pub(super) struct Refusal {
    kind: Kind,
    message: Cow<'static, str>,
    /// Seconds after which to come back, where that is known.
    retry_after: Option<u64>,
    /// The method that would be answered.
    allow: Option<&'static str>,
    /// What the log says went wrong inside; nothing where the request was merely refused.
    pub(super) exception: Option<String>,
}

impl Refusal {
    /// A refusal in these words.
    pub(super) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), retry_after: None, allow: None, exception: None }
    }

    /// There is something at this path, for another method.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(Kind::MethodNotAllowed, "Method Not Allowed") }
    }

    /// Something broke; what exactly is for the log.
    pub(super) fn internal(exception: String) -> Self {
        Self { exception: Some(exception), ..Self::new(Kind::Api, INTERNAL) }
    }

    fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// What is answered. The client names the request by this id.
    pub(super) fn into_response(self, request_id: Id) -> Response {
        // Strings always serialize.
        let body = serde_json::to_vec(&self.envelope(request_id)).unwrap_or_default();
        let mut response = respond::json(self.kind.status(), body);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }

    /// The body of an error, which a stream carries too.
    pub(super) fn envelope(&self, request_id: Id) -> Envelope<'_> {
        let error = Told { kind: self.kind.name(), message: &self.message };
        Envelope { kind: "error", error, request_id }
    }
}

/// The body of an error.
#[derive(Serialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Told<'a>,
    request_id: Id,
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
}

impl From<Mistake> for Refusal {
    fn from(mistake: Mistake) -> Self {
        Self::new(Kind::InvalidRequest, words::told(&mistake))
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(Kind::TooLarge, "Request exceeds the maximum size"),
            BodyError::TooSlow => Self::new(Kind::Timeout, "Request body did not arrive in time"),
            BodyError::Full => Self::new(Kind::Overloaded, "Overloaded").retry_after(Some(COME_BACK)),
            BodyError::Unreadable => Self::new(Kind::InvalidRequest, "The request body could not be read"),
            BodyError::NotJson => {
                Self::new(Kind::InvalidRequest, "content-type: header must be application/json")
            }
            BodyError::Syntax { problem, line, column } => Self::new(
                Kind::InvalidRequest,
                format!("The request body is not valid JSON: {problem}: line {line} column {column}"),
            ),
        }
    }
}

impl From<Repetition> for Refusal {
    fn from(repetition: Repetition) -> Self {
        let kind = match repetition {
            Repetition::NoKey => Kind::InvalidRequest,
            Repetition::UnderWay | Repetition::Abandoned => Kind::Conflict,
            Repetition::OfAnother => Kind::Unprocessable,
        };
        Self::new(kind, repetition.to_string())
    }
}

impl From<CallError> for Refusal {
    /// What a failed call is answered. The service has no other status for what is away than that of overload.
    fn from(error: CallError) -> Self {
        let (reason, exception) = Unanswered::of(error);
        let told = |kind| Self::new(kind, reason.words().to_owned());
        let refusal = match &reason {
            Unanswered::Refused(_) => told(Kind::InvalidRequest),
            Unanswered::TooLong(message) => {
                Self::new(Kind::InvalidRequest, format!("prompt is too long: {message}"))
            }
            // How the provider calls the model is not shown.
            Unanswered::UnknownModel => Self::new(Kind::NotFound, "model: not found"),
            Unanswered::RateLimited { .. } => told(Kind::RateLimit),
            Unanswered::Unavailable { .. } => told(Kind::Overloaded),
            Unanswered::TimedOut => told(Kind::GatewayTimeout),
            Unanswered::Broken => Self::new(Kind::Api, INTERNAL),
        };
        Self { exception, ..refusal.retry_after(reason.retry_after().map(u64::from)) }
    }
}

impl From<Exceeded> for Refusal {
    fn from(exceeded: Exceeded) -> Self {
        let standing = exceeded.standing;
        let limit = if exceeded.what == "tokens" { standing.tokens.limit } else { standing.requests.limit };
        let message =
            format!("This request would exceed your rate limit of {limit} {} per minute", exceeded.what);
        Self::new(Kind::RateLimit, message).retry_after(Some(whole_seconds(exceeded.retry_after)))
    }
}

/// A refusal of a dialect that stands in front of this one, in the words of this wire, which has none for its kind.
pub(crate) fn refused(
    status: StatusCode,
    _kind: Option<&str>,
    message: &str,
    retry_after: Option<u32>,
) -> Response {
    let kind = match status {
        StatusCode::UNAUTHORIZED => Kind::Authentication,
        StatusCode::FORBIDDEN => Kind::Permission,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimit,
        status if status.is_server_error() => Kind::Api,
        _ => Kind::InvalidRequest,
    };
    let refusal = Refusal::new(kind, message.to_owned()).retry_after(retry_after.map(u64::from));
    let mut response = refusal.into_response(Id::request(Uuid::new_v4()));
    *response.status_mut() = status;
    response
}

/// So many seconds that the time is over after them.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::common::{SECRET, failures};
    use crate::domain::inference::ProviderError;

    #[test]
    fn each_kind_has_its_documented_status() {
        for (kind, status, name) in [
            (Kind::InvalidRequest, 400, "invalid_request_error"),
            (Kind::Authentication, 401, "authentication_error"),
            (Kind::Permission, 403, "permission_error"),
            (Kind::NotFound, 404, "not_found_error"),
            (Kind::MethodNotAllowed, 405, "invalid_request_error"),
            (Kind::TooLarge, 413, "request_too_large"),
            (Kind::RateLimit, 429, "rate_limit_error"),
            (Kind::Api, 500, "api_error"),
            (Kind::GatewayTimeout, 504, "timeout_error"),
            (Kind::Overloaded, 529, "overloaded_error"),
        ] {
            assert_eq!((kind.status().as_u16(), kind.name()), (status, name));
        }
    }

    #[test]
    fn the_envelope_names_the_request() {
        let refusal = Refusal::new(Kind::NotFound, "model: x");
        let envelope = serde_json::to_string(&refusal.envelope(Id::request(Uuid::from_u128(7)))).unwrap();
        assert_eq!(
            envelope,
            "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"model: x\"},\
             \"request_id\":\"req_00000000000000000000000000000007\"}"
        );
    }

    #[test]
    fn what_goes_wrong_inside_is_for_the_log_only() {
        let mut waits = Vec::new();
        for (error, status) in failures() {
            let refused = Refusal::from(error);
            assert!(!refused.message.contains(SECRET), "{refused:?}");
            assert!(refused.exception.as_ref().is_some_and(|exception| exception.contains(SECRET)));
            // The status of the service's own for what is away.
            let expected = if status == 503 { 529 } else { status };
            assert_eq!(refused.kind.status(), expected, "{refused:?}");
            waits.extend(refused.retry_after);
        }
        assert_eq!(waits, [7, 7]);
        let refused = Refusal::from(CallError::from(ProviderError::Rejected("no poems".to_owned())));
        assert_eq!((refused.kind, &*refused.message), (Kind::InvalidRequest, "no poems"));
    }

    #[test]
    fn part_of_a_second_is_waited_for_too() {
        assert_eq!(whole_seconds(Duration::from_secs(50)), 50);
        assert_eq!(whole_seconds(Duration::from_millis(49_001)), 50);
    }
}

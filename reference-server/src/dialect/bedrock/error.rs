//! Every way in which a request ends without success, as AWS tells it.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::words;
use crate::dialect::common::read::Mistake;
use crate::dialect::common::{BodyError, Unanswered, UnknownFault};
use crate::domain::call::CallError;
use crate::domain::idempotency::Repetition;
use crate::domain::quota::Exceeded;

/// Names the kind of an error, which stands nowhere in its body.
const TYPE_HEADER: &str = "x-amzn-errortype";
/// Tells AWS's own clients, in milliseconds, when to come back.
const RETRY_HEADER: &str = "x-amz-retry-after";
/// No more is told than so many bytes: what was to be signed can be as long as a head.
const MOST: usize = 8 * 1024;
/// When to come back where large bodies have to wait, in seconds.
const COME_BACK: u64 = 1;
const NO_CAPACITY: &str = "Bedrock is unable to process your request.";
const UNEXPECTED: &str =
    "The system encountered an unexpected error during processing. Try your request again.";

/// A kind of error; each has a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    AccessDenied,
    Conflict,
    ExpiredToken,
    IncompleteSignature,
    InternalServer,
    InvalidSignature,
    MissingAuthenticationToken,
    ModelTimeout,
    RequestTimeout,
    ResourceNotFound,
    Serialization,
    ServiceUnavailable,
    Throttling,
    TooLarge,
    UnknownOperation,
    UnrecognizedClient,
    Validation,
}

impl Kind {
    /// The name on the wire.
    const fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::Conflict => "ConflictException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::InternalServer => "InternalServerException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::ModelTimeout => "ModelTimeoutException",
            Self::RequestTimeout => "RequestTimeoutException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Serialization => "SerializationException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
            Self::Throttling => "ThrottlingException",
            Self::TooLarge => "RequestEntityTooLargeException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::Validation => "ValidationException",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Serialization | Self::Validation => StatusCode::BAD_REQUEST,
            Self::AccessDenied
            | Self::ExpiredToken
            | Self::IncompleteSignature
            | Self::InvalidSignature
            | Self::MissingAuthenticationToken
            | Self::UnrecognizedClient => StatusCode::FORBIDDEN,
            Self::ResourceNotFound | Self::UnknownOperation => StatusCode::NOT_FOUND,
            Self::ModelTimeout | Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Throttling => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalServer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The name in a stream, which has members for these alone.
    const fn member(self) -> &'static str {
        match self {
            Self::Validation => "validationException",
            Self::Throttling => "throttlingException",
            Self::ServiceUnavailable => "serviceUnavailableException",
            _ => "internalServerException",
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
    /// What the log says went wrong inside; nothing where the request was merely refused.
    pub(super) exception: Option<String>,
}

/// The body of an error.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    message: &'a str,
}

impl Refusal {
    /// A refusal in these words.
    pub(super) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        let mut message: Cow<'static, str> = message.into();
        if message.len() > MOST {
            let most = message.floor_char_boundary(MOST);
            message.to_mut().truncate(most);
        }
        Self { kind, message, retry_after: None, exception: None }
    }

    /// Something broke; what exactly is for the log.
    pub(super) fn internal(exception: String) -> Self {
        Self { exception: Some(exception), ..Self::new(Kind::InternalServer, UNEXPECTED) }
    }

    fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// What a stream tells of it: the name of the exception, and its payload.
    pub(super) fn in_a_stream(&self) -> (&'static str, Told<'_>) {
        (self.kind.member(), self.told())
    }

    fn told(&self) -> Told<'_> {
        Told { message: &self.message }
    }
}

impl From<Mistake> for Refusal {
    fn from(mistake: Mistake) -> Self {
        let (kind, message) = words::told(&mistake);
        Self::new(kind, message)
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(Kind::TooLarge, "Request body is larger than is allowed."),
            BodyError::TooSlow => Self::new(Kind::RequestTimeout, "Request body did not arrive in time."),
            BodyError::Full => Self::new(Kind::ServiceUnavailable, NO_CAPACITY).retry_after(Some(COME_BACK)),
            BodyError::Unreadable | BodyError::NotJson => {
                Self::new(Kind::Serialization, "Request body could not be read.")
            }
            BodyError::Syntax { problem, line, column } => {
                let words =
                    format!("Request body is not valid JSON: {problem} at line {line}, column {column}.");
                Self::new(Kind::Serialization, words)
            }
        }
    }
}

impl From<Repetition> for Refusal {
    fn from(repetition: Repetition) -> Self {
        let kind = match repetition {
            Repetition::NoKey => Kind::Validation,
            Repetition::UnderWay | Repetition::OfAnother | Repetition::Abandoned => Kind::Conflict,
        };
        Self::new(kind, repetition.to_string())
    }
}

impl From<UnknownFault> for Refusal {
    fn from(fault: UnknownFault) -> Self {
        Self::new(Kind::Validation, fault.to_string())
    }
}

impl From<CallError> for Refusal {
    /// What a failed call is answered. For a model that is too slow the service has a status of its own.
    fn from(error: CallError) -> Self {
        let (reason, exception) = Unanswered::of(error);
        let told = |kind| Self::new(kind, reason.words().to_owned());
        let refusal = match &reason {
            Unanswered::Refused(_) => told(Kind::Validation),
            Unanswered::TooLong(message) => Self::new(
                Kind::Validation,
                words::of_the_model(&format!("Input is too long for requested model. {message}")),
            ),
            // How the provider calls the model is not shown.
            Unanswered::UnknownModel => Self::new(Kind::ResourceNotFound, "The model was not found."),
            Unanswered::RateLimited { .. } => told(Kind::Throttling),
            Unanswered::Unavailable { .. } => told(Kind::ServiceUnavailable),
            Unanswered::TimedOut => told(Kind::ModelTimeout),
            Unanswered::Broken => Self::new(Kind::InternalServer, UNEXPECTED),
        };
        Self { exception, ..refusal.retry_after(reason.retry_after().map(u64::from)) }
    }
}

impl From<Exceeded> for Refusal {
    fn from(exceeded: Exceeded) -> Self {
        let message = format!("Too many {}, please wait before trying again.", exceeded.what);
        let seconds = u64::try_from(exceeded.retry_after.as_millis().div_ceil(1_000)).ok();
        Self::new(Kind::Throttling, message).retry_after(seconds)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // Strings always serialize.
        let mut response = json_response(serde_json::to_vec(&self.told()).unwrap_or_default());
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(TYPE_HEADER, HeaderValue::from_static(self.kind.name()));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
            headers.insert(RETRY_HEADER, seconds.saturating_mul(1_000).into());
        }
        response
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
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => Kind::AccessDenied,
        StatusCode::NOT_FOUND => Kind::ResourceNotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::TOO_MANY_REQUESTS => Kind::Throttling,
        StatusCode::SERVICE_UNAVAILABLE => Kind::ServiceUnavailable,
        status if status.is_server_error() => Kind::InternalServer,
        _ => Kind::Validation,
    };
    let refusal = Refusal::new(kind, message.to_owned()).retry_after(retry_after.map(u64::from));
    let mut response = refusal.into_response();
    *response.status_mut() = status;
    response
}

/// A response with a JSON body.
pub(super) fn json_response(body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::common::{SECRET, failures};

    #[test]
    fn an_error_has_its_kind_in_a_header_and_its_words_in_the_body() {
        let refusal = Refusal::new(Kind::Throttling, "Too many requests.").retry_after(Some(7));
        assert_eq!(serde_json::to_string(&refusal.told()).unwrap(), "{\"message\":\"Too many requests.\"}");
        assert_eq!(refusal.in_a_stream().0, "throttlingException");
        let response = refusal.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[TYPE_HEADER], "ThrottlingException");
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(response.headers()[RETRY_HEADER], "7000");
    }

    #[test]
    fn what_broke_is_for_the_log_only() {
        let mut waits = Vec::new();
        for (error, status) in failures() {
            let refusal = Refusal::from(error);
            assert!(refusal.exception.as_ref().unwrap().contains(SECRET));
            assert!(!refusal.message.contains(SECRET), "{refusal:?}");
            waits.extend(refusal.retry_after);
            // The status of the service's own for a model that is too slow.
            let expected = if status == 504 { 408 } else { status };
            assert_eq!(refusal.into_response().status(), expected);
        }
        assert_eq!(waits, [7, 7]);
        let refusal = Refusal::internal(SECRET.to_owned());
        assert_eq!(
            (refusal.in_a_stream().0, refusal.kind),
            ("internalServerException", Kind::InternalServer)
        );
    }

    #[test]
    fn a_long_message_is_cut() {
        let refusal = Refusal::new(Kind::InvalidSignature, "ä".repeat(MOST));
        assert!(refusal.message.len() <= MOST && refusal.message.starts_with('ä'));
    }
}

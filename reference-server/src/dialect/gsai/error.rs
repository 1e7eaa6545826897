//! Every way in which a request ends without success, and its body.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::excerpt;
use crate::dialect::common::{BodyError, Unanswered, repeats};
use crate::domain::authorization::Denial;
use crate::domain::idempotency::Repetition;
use crate::domain::ledger::Operation;
use crate::domain::quota::Exceeded;

/// So many characters are shown of a name that the caller made up.
const NAME: usize = 256;
/// When to come back where large bodies have to wait, in seconds.
const COME_BACK: u32 = 1;

/// A refusal, or a failure.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is nothing at this path.
    NotFound,
    /// There is something, for another method.
    MethodNotAllowed { allow: &'static str },
    /// The path and the query are longer than the gateway reads.
    AddressTooLong,
    /// The head is larger than the gateway reads.
    HeadTooLarge,
    /// The body is larger than the gateway takes, or has too many values.
    TooLarge,
    /// The sender of the body has paused for too long.
    TooSlow,
    /// There is no room for another large body.
    Full,
    /// The body did not arrive, or is not text.
    Unreadable,
    /// The body is not JSON.
    NotJson { offset: usize, problem: String },
    /// The body has the wrong shape; this is what to answer.
    Invalid(Bytes),
    /// The caller may not do this.
    Denied(Denial),
    /// The caller has asked for too much.
    Exceeded(Exceeded),
    /// The request is not answered under its idempotency key.
    Repeated(Repetition),
    /// There is no such model.
    UnknownModel(String),
    /// The model does something else.
    Incapable { operation: Operation, model: String },
    /// The fault header names no fault.
    UnknownFault(String),
    /// The request makes no sense to the gateway or to the provider.
    BadRequest(String),
    /// The provider has not answered; how that came about is for the log.
    Unanswered { reason: Unanswered, exception: String },
    /// The state cannot be reached.
    Unavailable(String),
    /// Something broke; what exactly is for the log.
    Internal { failure: Failure, exception: String },
    /// What no sound gateway answers.
    Defective { status: StatusCode, media_type: &'static str, body: Cow<'static, str> },
}

impl Refusal {
    /// What the log says went wrong inside; nothing where the request was merely refused.
    pub(super) fn exception(&self) -> Option<&str> {
        match self {
            Self::Internal { exception, .. } | Self::Unanswered { exception, .. } => Some(exception),
            Self::Defective { status: StatusCode::INTERNAL_SERVER_ERROR, body, .. } => Some(body),
            _ => None,
        }
    }

    /// A failure that nothing catches, told in plain text.
    pub(super) fn crash(words: &'static str) -> Self {
        Self::Defective {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            media_type: "text/plain; charset=utf-8",
            body: Cow::Borrowed(words),
        }
    }
}

impl From<Repetition> for Refusal {
    fn from(repetition: Repetition) -> Self {
        Self::Repeated(repetition)
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::TooSlow => Self::TooSlow,
            BodyError::Full => Self::Full,
            // JSON is read in this dialect's own way.
            BodyError::Unreadable | BodyError::NotJson | BodyError::Syntax { .. } => Self::Unreadable,
        }
    }
}

#[derive(Serialize)]
struct Detail<T> {
    detail: T,
}

/// The body of a 500.
#[derive(Debug, Serialize)]
pub(super) struct Failure {
    pub(super) detail: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exception: Option<&'static str>,
}

/// A response with a JSON body.
pub(super) fn json_response(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn detailed(status: StatusCode, detail: impl Serialize) -> Response {
    // Strings and values always serialize.
    json_response(status, serde_json::to_vec(&Detail { detail }).unwrap_or_default())
}

/// A refusal that a provider has caused.
fn relayed(status: StatusCode, message: &str) -> Response {
    detailed(status, json!({ "error": status.canonical_reason(), "message": message }))
}

/// The media type of a [`page`].
pub(super) const PAGE: &str = "text/html; charset=utf-8";

/// The page with which a server answers that knows nothing of JSON.
pub(super) fn page(status: StatusCode) -> String {
    format!("<html>\n<head><title>{status}</title></head>\n<body><h1>{status}</h1></body>\n</html>\n")
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => detailed(StatusCode::NOT_FOUND, "Not Found"),
            Self::MethodNotAllowed { allow } => {
                let mut response = detailed(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
                response
            }
            Self::AddressTooLong => detailed(StatusCode::URI_TOO_LONG, "URI Too Long"),
            Self::HeadTooLarge => {
                detailed(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large")
            }
            Self::TooLarge => detailed(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::TooSlow => detailed(StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            Self::Full => {
                let response = detailed(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable");
                retry_after(response, Some(COME_BACK))
            }
            Self::Unreadable => detailed(StatusCode::BAD_REQUEST, "There was an error parsing the body"),
            Self::NotJson { offset, problem } => detailed(
                StatusCode::UNPROCESSABLE_ENTITY,
                json!([{
                    "type": "json_invalid",
                    "loc": ["body", offset],
                    "msg": "JSON decode error",
                    "input": {},
                    "ctx": { "error": problem },
                }]),
            ),
            Self::Invalid(body) => json_response(StatusCode::UNPROCESSABLE_ENTITY, body),
            Self::Denied(denial) => denied(denial),
            Self::Exceeded(exceeded) => {
                let seconds = u32::try_from(exceeded.retry_after.as_millis().div_ceil(1_000)).ok();
                let response = detailed(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
                retry_after(response, seconds)
            }
            Self::Repeated(repetition) => detailed(repeats::status(repetition), repetition.to_string()),
            Self::UnknownModel(model) => detailed(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("Model '{}' is not supported by this API.", excerpt::cut(&model, NAME)),
            ),
            // The order of the words is the service's.
            Self::Incapable { operation, model } => detailed(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("This endpoint not does support {} with the model '{model}'.", operation.name()),
            ),
            Self::UnknownFault(name) => detailed(
                StatusCode::BAD_REQUEST,
                format!("unknown fault {:?} in x-plumbline-fault", excerpt::cut(&name, NAME)),
            ),
            Self::BadRequest(message) => relayed(StatusCode::BAD_REQUEST, &message),
            Self::Unanswered { reason, .. } => {
                retry_after(relayed(reason.status(), reason.words()), reason.retry_after())
            }
            Self::Unavailable(message) => {
                detailed(StatusCode::SERVICE_UNAVAILABLE, format!("Database connection error: {message}"))
            }
            Self::Internal { failure, .. } => {
                let body = serde_json::to_vec(&failure).unwrap_or_default();
                closing(json_response(StatusCode::INTERNAL_SERVER_ERROR, body))
            }
            Self::Defective { status, media_type, body } => {
                let mut response = json_response(status, body.into_owned());
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
                response
            }
        }
    }
}

fn denied(denial: Denial) -> Response {
    let (status, detail) = match denial {
        Denial::Missing | Denial::Malformed => (StatusCode::FORBIDDEN, "Not authenticated"),
        Denial::OtherScheme => (StatusCode::FORBIDDEN, "Invalid authentication credentials"),
        Denial::Unknown | Denial::Inactive => (StatusCode::UNAUTHORIZED, "Missing or invalid API key"),
        Denial::Expired => (StatusCode::UNAUTHORIZED, "API key is expired"),
        // Not 403, for whatever reason the service has.
        Denial::LacksScope => (StatusCode::UNAUTHORIZED, "Not Authorized"),
    };
    detailed(status, detail)
}

/// Says after how many seconds to come back, where that is known.
fn retry_after(mut response: Response, seconds: Option<u32>) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// The connection ends with this response.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

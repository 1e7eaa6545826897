//! Every way in which a request ends without success, and its body.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::domain::authorization::Denial;
use crate::domain::ledger::Operation;

/// A refusal, or a failure.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is nothing at this path.
    NotFound,
    /// There is something, for another method.
    MethodNotAllowed { allow: &'static str },
    /// The body is larger than the gateway takes.
    TooLarge,
    /// The body did not arrive, or is not text.
    Unreadable,
    /// The body is not JSON.
    NotJson { offset: usize, problem: String },
    /// The body has the wrong shape; this is what to answer.
    Invalid(Bytes),
    /// The caller may not do this.
    Denied(Denial),
    /// There is no such model.
    UnknownModel(String),
    /// The model does something else.
    Incapable { operation: Operation, model: String },
    /// The fault header names no fault.
    UnknownFault(String),
    /// The request makes no sense to the gateway or to the provider.
    BadRequest(String),
    /// The state cannot be reached.
    Unavailable(String),
    /// Something broke.
    Internal { request_id: Option<Uuid>, exception: String },
}

#[derive(Serialize)]
struct Detail<T> {
    detail: T,
}

#[derive(Serialize)]
struct Failure {
    detail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Uuid>,
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

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => detailed(StatusCode::NOT_FOUND, "Not Found"),
            Self::MethodNotAllowed { allow } => {
                let mut response = detailed(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
                response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
                response
            }
            Self::TooLarge => closing(detailed(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")),
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
            Self::UnknownModel(model) => detailed(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("Model '{model}' is not supported by this API."),
            ),
            // The order of the words is the service's.
            Self::Incapable { operation, model } => detailed(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("This endpoint not does support {} with the model '{model}'.", operation.name()),
            ),
            Self::UnknownFault(name) => {
                detailed(StatusCode::BAD_REQUEST, format!("unknown fault {name:?} in x-plumbline-fault"))
            }
            Self::BadRequest(message) => {
                detailed(StatusCode::BAD_REQUEST, json!({ "error": "Bad Request", "message": message }))
            }
            Self::Unavailable(message) => {
                detailed(StatusCode::SERVICE_UNAVAILABLE, format!("Database connection error: {message}"))
            }
            Self::Internal { request_id, .. } => {
                let failure = Failure { detail: "Internal Server Error", request_id };
                let body = serde_json::to_vec(&failure).unwrap_or_default();
                closing(json_response(StatusCode::INTERNAL_SERVER_ERROR, body))
            }
        }
    }
}

/// The answer where there is nothing.
pub(crate) fn not_found() -> Response {
    Refusal::NotFound.into_response()
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

/// The connection ends with this response.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

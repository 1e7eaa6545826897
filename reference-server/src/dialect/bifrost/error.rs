//! Every way in which a request ends without success, and its body.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::dialect::common::{BodyError, Unanswered};
use crate::domain::call::CallError;
use crate::domain::governance::{Blocked, ChangeError, Invalid};

/// When to come back where large bodies have to wait, in seconds.
const COME_BACK: u32 = 1;
/// The code of a member that OpenAI's wire does not know.
const UNKNOWN_MEMBER: &str = "unknown_parameter";
const BROKEN: &str = "The gateway had an error while processing the request.";

/// A refusal, or a failure of the gateway's own.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// What a decision of the governance is called.
    pub(super) kind: Option<&'static str>,
    pub(super) message: String,
    /// Seconds after which to come back.
    pub(super) retry_after: Option<u32>,
    /// What the log says went wrong inside.
    pub(super) exception: Option<Arc<str>>,
    /// What a mistake is called.
    pub(super) code: Option<&'static str>,
    /// The methods that there are in place of the one that was used.
    pub(super) allow: Option<&'static str>,
}

/// The body of an error, which also stands in the event that ends a stream before its time.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    /// Whether it is the gateway that has failed.
    pub(super) is_bifrost_error: bool,
    pub(super) status_code: u16,
    pub(super) error: Told<'a>,
    pub(super) extra_fields: About<'a>,
}

/// What went wrong, as OpenAI's wire has it too.
#[derive(Debug, Default, Serialize)]
pub(super) struct Told<'a> {
    pub(super) message: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) param: Option<&'a str>,
}

/// Which call it is that has failed.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct About<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model_requested: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_type: Option<&'static str>,
}

/// An error in the words of OpenAI's wire.
#[derive(Debug, Deserialize)]
pub(super) struct Inner {
    pub(super) error: InnerError,
}

/// What such an error says.
#[derive(Debug, Deserialize)]
pub(super) struct InnerError {
    pub(super) message: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    param: Option<String>,
}

impl InnerError {
    /// The same on this wire.
    pub(super) fn told(&self) -> Told<'_> {
        Told {
            message: &self.message,
            kind: self.kind.as_deref(),
            code: self.code.as_deref(),
            param: self.param.as_deref(),
        }
    }

    /// What kind of error it is, and where in the request. Its words may quote the question.
    pub(super) fn without_words(&self, status: StatusCode) -> String {
        let Told { kind, code, param, .. } = self.told();
        // The name of a member that nobody knows is the caller's own text, and what stands below one may be, as in `metadata`.
        let param = param.filter(|_| code != Some(UNKNOWN_MEMBER));
        let param = param.and_then(|param| param.split(['.', '[']).next());
        let status = format!("answered with the status {}", status.as_u16());
        let told: Vec<_> = [Some(status.as_str()), kind, code, param].into_iter().flatten().collect();
        told.join(", ")
    }
}

impl Refusal {
    /// A refusal in these words.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: None,
            message: message.into(),
            retry_after: None,
            exception: None,
            code: None,
            allow: None,
        }
    }

    /// A request that is wrong.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// An operation that is none of this gateway's.
    pub(super) fn unsupported() -> Self {
        Self { code: Some("unsupported_operation"), ..Self::bad_request("operation is not supported") }
    }

    /// Nothing is at this path.
    pub(super) fn no_such_path(path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Route not found: {path}"))
    }

    /// Something is at this path, for another method.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") }
    }

    /// Something broke; what exactly is for the log.
    pub(super) fn internal(exception: impl Into<Arc<str>>) -> Self {
        Self { exception: Some(exception.into()), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, BROKEN) }
    }

    /// The response, and what the log says where something went wrong inside.
    pub(super) fn into_response(self) -> (Response, Option<Arc<str>>) {
        let envelope = Envelope {
            kind: self.kind,
            is_bifrost_error: self.status.is_server_error(),
            status_code: self.status.as_u16(),
            error: Told { message: &self.message, code: self.code, ..Told::default() },
            extra_fields: About::default(),
        };
        let mut response = json(self.status, &envelope);
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"bifrost\""));
        }
        (response, self.exception)
    }
}

impl From<Blocked> for Refusal {
    fn from(blocked: Blocked) -> Self {
        // Its statuses are those of HTTP.
        let status = StatusCode::from_u16(blocked.status()).unwrap_or(StatusCode::FORBIDDEN);
        let (kind, retry_after) = (blocked.kind(), blocked.retry_after());
        Self { kind, retry_after, ..Self::new(status, blocked.to_string()) }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        let status = StatusCode::from_u16(invalid.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, invalid.to_string())
    }
}

impl From<ChangeError> for Refusal {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Invalid(invalid) => invalid.into(),
            ChangeError::Store(error) => Self::internal(error.to_string()),
        }
    }
}

impl From<CallError> for Refusal {
    /// What a request is told that is still unanswered when the gateway ends.
    fn from(error: CallError) -> Self {
        let (reason, exception) = Unanswered::of(error);
        let refusal = Self::new(reason.status(), reason.words().to_owned());
        Self { exception: exception.map(Into::into), ..refusal }
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body is too large"),
            BodyError::TooSlow => {
                Self::new(StatusCode::REQUEST_TIMEOUT, "Request body did not arrive in time")
            }
            BodyError::Full => {
                let busy = Self::new(StatusCode::SERVICE_UNAVAILABLE, "The gateway is overloaded");
                Self { retry_after: Some(COME_BACK), ..busy }
            }
            BodyError::NotJson | BodyError::Unreadable | BodyError::Syntax { .. } => {
                Self::bad_request("Invalid request format")
            }
        }
    }
}

/// A response with a JSON body.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // What is told here always serializes.
    json_text(status, serde_json::to_vec(body).unwrap_or_default())
}

/// A response with a body that is JSON already.
pub(super) fn json_text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::{Value, json};

    use super::*;

    async fn told(refusal: Refusal) -> (u16, Value) {
        let (response, _) = refusal.into_response();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_refusal_has_the_shape_of_the_wire() {
        let (status, body) = told(Refusal::bad_request("no")).await;
        assert_eq!(status, 400);
        assert_eq!(
            body,
            json!({
                "is_bifrost_error": false, "status_code": 400, "error": { "message": "no" }, "extra_fields": {},
            })
        );
        let blocked = Refusal { kind: Some("model_blocked"), ..Refusal::new(StatusCode::FORBIDDEN, "no") };
        let (_, body) = told(blocked).await;
        assert_eq!((&body["type"], body["error"].get("type")), (&json!("model_blocked"), None));
        let (_, body) = told(Refusal::unsupported()).await;
        assert_eq!(body["error"]["code"], "unsupported_operation");
    }

    #[test]
    fn what_the_log_has_of_an_error_are_no_words_of_the_callers() {
        let logged = |code: &str, param: &str| {
            let error = json!({ "message": "My secret", "type": "invalid", "code": code, "param": param });
            let error: InnerError = serde_json::from_value(error).unwrap();
            error.without_words(StatusCode::BAD_REQUEST)
        };
        for param in ["stop", "stop.My secret", "stop['My secret']", "stop[0].text"] {
            assert_eq!(logged("wrong", param), "answered with the status 400, invalid, wrong, stop");
        }
        let unknown = logged(UNKNOWN_MEMBER, "My secret");
        assert_eq!(unknown, "answered with the status 400, invalid, unknown_parameter");
    }

    #[tokio::test]
    async fn what_broke_is_for_the_log_only() {
        let (response, exception) = Refusal::internal("node-7 is gone").into_response();
        assert_eq!(exception.as_deref(), Some("node-7 is gone"));
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["is_bifrost_error"], &body["error"]["message"]), (&json!(true), &json!(BROKEN)));
    }

    #[test]
    fn a_refusal_tells_when_to_come_back_and_how_to_ask() {
        let limited = Refusal { retry_after: Some(7), ..Refusal::new(StatusCode::TOO_MANY_REQUESTS, "") };
        assert_eq!(limited.into_response().0.headers()["retry-after"], "7");
        assert_eq!(Refusal::method_not_allowed("GET").into_response().0.headers()["allow"], "GET");
    }
}

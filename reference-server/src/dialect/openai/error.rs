//! Every way in which a request ends without success, and its body.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use crate::dialect::common::read::excerpt;
use crate::dialect::common::{Unanswered, repeats};
use crate::domain::call::CallError;
use crate::domain::idempotency::Repetition;

const BROKEN: &str = "The server had an error while processing your request. Sorry about that! You can retry your \
    request, or look the error up in the log under the id in the x-request-id header.";
const NO_SUCH_MODEL: &str = "The model does not exist or you do not have access to it.";

/// What an error is about, as its `type` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The request.
    InvalidRequest,
    /// The limit of requests.
    Requests,
    /// The limit of tokens.
    Tokens,
    /// The gateway, or what is behind it.
    Server,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request_error",
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Server => "server_error",
        }
    }
}

/// A refusal, or a failure.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    kind: Kind,
    message: Cow<'static, str>,
    /// The member of the request that it is about.
    param: Option<String>,
    code: Option<&'static str>,
    /// Seconds after which to come back.
    retry_after: Option<u32>,
    /// The methods that there are in place of the one that was used.
    allow: Option<&'static str>,
    /// What the log says went wrong inside.
    exception: Option<Arc<str>>,
}

/// The body of an error, which is also the data of an event that ends a stream before its time.
#[derive(Debug, Serialize)]
pub(super) struct Envelope<'a> {
    error: Told<'a>,
}

#[derive(Debug, Serialize)]
struct Told<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

impl Refusal {
    /// A refusal that is about no member and has no code.
    pub(super) fn new(status: StatusCode, kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            param: None,
            code: None,
            retry_after: None,
            allow: None,
            exception: None,
        }
    }

    /// A request that is wrong.
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Kind::InvalidRequest, message)
    }

    /// A member that this model, or this gateway, does not take.
    pub(super) fn unsupported(param: &str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::invalid(message).at(param).coded("unsupported_parameter")
    }

    /// A member that the model does not take.
    pub(super) fn unsupported_by_model(param: &str) -> Self {
        let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
        Self::unsupported(param, message)
    }

    /// Nothing is at this path.
    pub(super) fn no_such_path(method: &Method, path: &str) -> Self {
        let message = format!("Invalid URL ({} {})", excerpt(method.as_str()), excerpt(path));
        Self::new(StatusCode::NOT_FOUND, Kind::InvalidRequest, message).coded("unknown_url")
    }

    /// Something is at this path, for another method.
    pub(super) fn no_such_method(method: &Method, path: &str, allow: &'static str) -> Self {
        let message = format!(
            "Not allowed to {} on {}. (HINT: Perhaps you meant to use a different HTTP method?)",
            excerpt(method.as_str()),
            excerpt(path)
        );
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, Kind::InvalidRequest, message);
        Self { allow: Some(allow), ..refusal.coded("method_not_supported") }
    }

    /// Something that is asked for by its id is not there.
    pub(super) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Kind::InvalidRequest, message)
    }

    /// Something broke; what exactly is for the log.
    pub(super) fn internal(exception: impl Into<Arc<str>>) -> Self {
        let refusal = Self::new(StatusCode::INTERNAL_SERVER_ERROR, Kind::Server, BROKEN);
        Self { exception: Some(exception.into()), ..refusal }
    }

    /// What a failed call is answered. A prompt that is too long for so many tokens of context stands in this
    /// member of the request.
    pub(super) fn failed(error: CallError, context_tokens: Option<u64>, prompt: &str) -> Self {
        let (reason, exception) = Unanswered::of(error);
        let told = |kind| Self::new(reason.status(), kind, reason.words().to_owned());
        let refusal = match &reason {
            Unanswered::Refused(_) => told(Kind::InvalidRequest),
            Unanswered::TooLong(_) => {
                let refusal = context_tokens.map_or_else(|| told(Kind::InvalidRequest), |most| {
                    Self::invalid(format!(
                        "This model's maximum context length is {most} tokens. However, your {prompt} resulted in \
                         more tokens than that. Please reduce the length of the {prompt}."
                    ))
                });
                refusal.at(prompt).coded("context_length_exceeded")
            }
            // How the provider calls the model is not shown.
            Unanswered::UnknownModel => Self::not_found(NO_SUCH_MODEL).coded("model_not_found"),
            Unanswered::RateLimited { .. } => told(Kind::Requests).coded("rate_limit_exceeded"),
            Unanswered::Unavailable { .. } | Unanswered::TimedOut => told(Kind::Server),
            Unanswered::Broken => Self::new(reason.status(), Kind::Server, BROKEN),
        };
        Self { exception: exception.map(Into::into), ..refusal.after(reason.retry_after()) }
    }

    /// A limit is reached.
    pub(super) fn rate_limited(
        kind: Kind,
        message: impl Into<Cow<'static, str>>,
        retry_after: Option<u32>,
    ) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, kind, message);
        refusal.coded("rate_limit_exceeded").after(retry_after)
    }

    /// The same refusal, about a member of the request.
    pub(super) fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The same refusal, with a code.
    pub(super) fn coded(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// The same refusal, with the seconds after which to come back, where they are known.
    pub(super) fn after(mut self, seconds: Option<u32>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// What it says.
    pub(super) fn into_message(self) -> String {
        self.message.into_owned()
    }

    /// The body.
    pub(super) fn envelope(&self) -> Envelope<'_> {
        Envelope {
            error: Told {
                message: &self.message,
                kind: self.kind.name(),
                param: self.param.as_deref(),
                code: self.code,
            },
        }
    }

    /// The response, and what the log says where something went wrong inside.
    pub(super) fn into_response(self) -> (Response, Option<Arc<str>>) {
        // Texts always serialize.
        let body = serde_json::to_vec(&self.envelope()).unwrap_or_default();
        let mut response = json_response(self.status, body);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"OpenAI API\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        (response, self.exception)
    }
}

impl From<Repetition> for Refusal {
    fn from(repetition: Repetition) -> Self {
        let refusal = Self::new(repeats::status(repetition), Kind::InvalidRequest, repetition.to_string());
        refusal.coded("idempotency_error")
    }
}

/// A response with a JSON body.
pub(super) fn json_response(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::dialect::common::{SECRET, failures};
    use crate::domain::inference::ProviderError;

    fn body(refusal: &Refusal) -> Value {
        serde_json::to_value(refusal.envelope()).unwrap()
    }

    #[test]
    fn an_error_tells_its_four_members_in_the_order_of_the_wire() {
        let refusal = Refusal::invalid("no").at("n").coded("invalid_value");
        let text = serde_json::to_string(&refusal.envelope()).unwrap();
        assert_eq!(
            text,
            "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\",\"param\":\"n\",\
             \"code\":\"invalid_value\"}}"
        );
        let bare = body(&Refusal::invalid("no"));
        assert_eq!(
            bare,
            json!({ "error": {
                "message": "no", "type": "invalid_request_error", "param": null, "code": null
            } })
        );
    }

    #[test]
    fn what_a_provider_says_of_its_own_failures_is_for_the_log_only() {
        let mut waits = Vec::new();
        for (error, status) in failures() {
            let refusal = Refusal::failed(error, None, "messages");
            let told = body(&refusal).to_string();
            assert!(!told.contains(SECRET), "{told}");
            let (response, exception) = refusal.into_response();
            assert_eq!(response.status(), status);
            assert!(exception.unwrap().contains(SECRET));
            waits.extend(response.headers().get("retry-after").cloned());
        }
        assert_eq!(waits, ["7", "7"]);
    }

    #[test]
    fn errors_of_providers_keep_their_meaning() {
        let told = |error: ProviderError| body(&Refusal::failed(error.into(), Some(16_385), "messages"));
        let refused = told(ProviderError::Rejected("no poems".to_owned()));
        assert_eq!(
            (&refused["error"]["type"], &refused["error"]["message"]),
            (&json!("invalid_request_error"), &json!("no poems"))
        );
        assert_eq!(told(ProviderError::Incapable("no poems".to_owned())), refused);
        let long = told(ProviderError::TooLong("too long".to_owned()));
        assert_eq!(long["error"]["code"], "context_length_exceeded");
        assert_eq!(long["error"]["param"], "messages");
        let message = long["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("This model's maximum context length is 16385 tokens."), "{message}");
        let limited = ProviderError::RateLimited {
            message: "slow".to_owned(),
            retry_after: Some(Duration::from_secs(7)),
        };
        assert_eq!(told(limited)["error"]["code"], "rate_limit_exceeded");
        let unknown = ProviderError::UnknownModel("gpt-x".to_owned());
        assert_eq!(told(unknown)["error"]["code"], "model_not_found");
        let away = told(ProviderError::unavailable("busy"));
        assert_eq!(away["error"]["type"], "server_error");
    }
}

//! Errors in each provider's own words and shape.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use super::frame;
use super::provider_kind::ProviderKind;
use super::units::Form;

/// What an error is called for its status: at OpenAI type and code, at the others one name.
struct Names {
    openai: (&'static str, Option<&'static str>),
    anthropic: &'static str,
    google: &'static str,
    bedrock: &'static str,
}

/// An error of a provider's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure<'a> {
    pub(super) provider: ProviderKind,
    pub(super) status: u16,
    /// What it says; the provider's usual words where nothing is given.
    pub(super) message: Option<&'a str>,
    /// Seconds after which to come back.
    pub(super) retry_after: Option<u32>,
}

impl Failure<'_> {
    /// The whole answer.
    pub(super) fn response(&self) -> Response {
        let id = Uuid::new_v4();
        let mut response = Response::new(Body::from(self.body(id).to_string()));
        // Faults have statuses that there are.
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (id_header, id) = match self.provider {
            ProviderKind::Openai => ("x-request-id", format!("req_{}", id.simple())),
            ProviderKind::Anthropic => ("request-id", format!("req_{}", id.simple())),
            ProviderKind::Bedrock => ("x-amzn-requestid", id.to_string()),
            ProviderKind::Gemini | ProviderKind::Vertex => ("x-goog-request-id", id.to_string()),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert(HeaderName::from_static(id_header), id);
        }
        if self.provider == ProviderKind::Bedrock {
            let kind = HeaderValue::from_static(self.names().bedrock);
            headers.insert(HeaderName::from_static("x-amzn-errortype"), kind);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
            if self.provider == ProviderKind::Bedrock {
                // What AWS's own clients read, in milliseconds.
                let milliseconds = HeaderValue::from(u64::from(seconds) * 1_000);
                headers.insert(HeaderName::from_static("x-amz-retry-after"), milliseconds);
            }
        }
        response
    }

    /// The last part of a stream, which may also be its first.
    pub(super) fn event(&self, form: Form, is_first: bool) -> Bytes {
        let body = self.body(Uuid::new_v4());
        match form {
            Form::Frames => frame::exception(self.bedrock_member(), body.to_string().into()),
            Form::Events if self.provider == ProviderKind::Anthropic => {
                format!("event: error\ndata: {body}\n\n").into()
            }
            Form::Events => format!("data: {body}\n\n").into(),
            Form::Elements => format!("{}{body}]", if is_first { "[" } else { ",\r\n" }).into(),
        }
    }

    /// The last event of a stream whose events are numbered: it has the next number, and no envelope.
    pub(super) fn numbered_event(&self, number: usize) -> Bytes {
        let (kind, code) = self.names().openai;
        let told = json!({
            "type": "error",
            "code": code.unwrap_or(kind),
            "message": self.told(),
            "param": null,
            "sequence_number": number,
        });
        format!("event: error\ndata: {told}\n\n").into()
    }

    fn body(&self, id: Uuid) -> Value {
        let (names, message) = (self.names(), self.told());
        match self.provider {
            ProviderKind::Openai => {
                let (kind, code) = names.openai;
                json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
            }
            ProviderKind::Anthropic => json!({
                "type": "error",
                "error": { "type": names.anthropic, "message": message },
                "request_id": format!("req_{}", id.simple()),
            }),
            ProviderKind::Gemini | ProviderKind::Vertex => {
                let mut error = json!({ "code": self.status, "message": message, "status": names.google });
                if let (Some(seconds), Some(error)) = (self.retry_after, error.as_object_mut()) {
                    let kind = "type.googleapis.com/google.rpc.RetryInfo";
                    let details = json!([{ "@type": kind, "retryDelay": format!("{seconds}s") }]);
                    error.insert("details".to_owned(), details);
                }
                json!({ "error": error })
            }
            ProviderKind::Bedrock => json!({ "message": message }),
        }
    }

    fn names(&self) -> Names {
        let (openai, anthropic, google, bedrock) = match self.status {
            400 => (
                ("invalid_request_error", None),
                "invalid_request_error",
                "INVALID_ARGUMENT",
                "ValidationException",
            ),
            401 => (
                ("invalid_request_error", Some("invalid_api_key")),
                "authentication_error",
                "UNAUTHENTICATED",
                "UnrecognizedClientException",
            ),
            403 => (
                ("invalid_request_error", Some("unsupported_country_region_territory")),
                "permission_error",
                "PERMISSION_DENIED",
                "AccessDeniedException",
            ),
            404 => (
                ("invalid_request_error", Some("model_not_found")),
                "not_found_error",
                "NOT_FOUND",
                "ResourceNotFoundException",
            ),
            408 => (("server_error", None), "timeout_error", "DEADLINE_EXCEEDED", "ModelTimeoutException"),
            413 => (
                ("invalid_request_error", Some("content_size_limit_exceeded")),
                "request_too_large",
                "INVALID_ARGUMENT",
                "ValidationException",
            ),
            424 => (("server_error", None), "api_error", "FAILED_PRECONDITION", "ModelErrorException"),
            429 => (
                ("requests", Some("rate_limit_exceeded")),
                "rate_limit_error",
                "RESOURCE_EXHAUSTED",
                "ThrottlingException",
            ),
            500 => (("server_error", None), "api_error", "INTERNAL", "InternalServerException"),
            503 | 529 => {
                (("server_error", None), "overloaded_error", "UNAVAILABLE", "ServiceUnavailableException")
            }
            504 => (("server_error", None), "timeout_error", "DEADLINE_EXCEEDED", "InternalServerException"),
            501.. => (("server_error", None), "api_error", "UNKNOWN", "InternalServerException"),
            _ => (
                ("invalid_request_error", None),
                "invalid_request_error",
                "FAILED_PRECONDITION",
                "ValidationException",
            ),
        };
        Names { openai, anthropic, google, bedrock }
    }

    /// The name in a stream of Bedrock's, which has members for these alone.
    fn bedrock_member(&self) -> &'static str {
        match self.names().bedrock {
            "ModelErrorException" => "modelStreamErrorException",
            "ServiceUnavailableException" => "serviceUnavailableException",
            "ThrottlingException" => "throttlingException",
            "ValidationException" => "validationException",
            _ => "internalServerException",
        }
    }

    /// What it says.
    fn told(&self) -> &str {
        self.message.unwrap_or(self.words())
    }

    /// What the provider usually says.
    fn words(&self) -> &'static str {
        match (self.status, self.provider) {
            (401, ProviderKind::Openai) => "Incorrect API key provided.",
            (401, ProviderKind::Anthropic) => "invalid x-api-key",
            (401, ProviderKind::Bedrock) => "The security token included in the request is invalid.",
            (401, _) => {
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
                 valid authentication credential."
            }
            (403, _) => "The caller does not have permission.",
            (404, _) => "The model does not exist or you do not have access to it.",
            (408 | 504, _) => "The model took too long to answer.",
            (413, _) => "The request is too large.",
            (429, ProviderKind::Openai) => "Rate limit reached. Please try again later.",
            (429, ProviderKind::Anthropic) => "This request would exceed your organization's rate limit.",
            (429, ProviderKind::Bedrock) => "Too many requests, please wait before trying again.",
            (429, _) => "Resource exhausted. Please try again later.",
            (503 | 529, ProviderKind::Anthropic) => "Overloaded",
            (503, ProviderKind::Bedrock) => "Bedrock is unable to process your request.",
            (503, _) => "The model is overloaded. Please try again later.",
            (500.., ProviderKind::Openai) => {
                "The server had an error while processing your request. Sorry about that!"
            }
            (500.., ProviderKind::Anthropic) => "Internal server error",
            (500.., ProviderKind::Bedrock) => {
                "The system encountered an unexpected error. Try your request again."
            }
            (500.., _) => "An internal error has occurred. Please retry.",
            _ => "The model does not accept the given input.",
        }
    }
}

/// What an error says, on any of the wires.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let places = ["/error/message", "/message", "/Message", "/error_description"];
    places.into_iter().find_map(|place| body.pointer(place)?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(provider: ProviderKind, status: u16) -> Failure<'static> {
        Failure { provider, status, message: Some("no"), retry_after: Some(7) }
    }

    async fn sent(failure: Failure<'_>) -> (u16, String, Value) {
        let response = failure.response();
        assert_eq!(response.headers()["retry-after"], "7");
        let in_milliseconds = response.headers().get("x-amz-retry-after").map(|wait| wait.to_str().unwrap());
        assert_eq!(in_milliseconds, (failure.provider == ProviderKind::Bedrock).then_some("7000"));
        let kind = response.headers().get("x-amzn-errortype").map(|kind| kind.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        assert_eq!(message(&body).as_deref(), Some("no"));
        (status, kind.unwrap_or_default(), serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_error_has_its_providers_shape() {
        let (status, _, body) = sent(failure(ProviderKind::Openai, 429)).await;
        let error =
            json!({ "message": "no", "type": "requests", "param": null, "code": "rate_limit_exceeded" });
        assert_eq!((status, body), (429, json!({ "error": error })));
        let (_, _, body) = sent(failure(ProviderKind::Anthropic, 529)).await;
        assert_eq!((&body["type"], &body["error"]["type"]), (&json!("error"), &json!("overloaded_error")));
        let (_, _, body) = sent(failure(ProviderKind::Vertex, 503)).await;
        assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(503), &json!("UNAVAILABLE")));
        assert_eq!(body["error"]["details"][0]["retryDelay"], "7s");
        let (status, kind, body) = sent(failure(ProviderKind::Bedrock, 400)).await;
        assert_eq!((status, kind.as_str(), body), (400, "ValidationException", json!({ "message": "no" })));
    }

    #[test]
    fn every_provider_has_words_of_its_own() {
        for provider in ProviderKind::ALL {
            for status in [400, 401, 403, 404, 408, 413, 418, 424, 429, 500, 502, 503, 504, 529, 599] {
                let failure = Failure { message: None, retry_after: None, ..failure(provider, status) };
                let told = message(failure.body(Uuid::nil()).to_string().as_bytes()).unwrap();
                assert!(!told.is_empty(), "{provider} {status}");
            }
        }
    }

    #[test]
    fn an_error_in_a_stream_is_an_event_of_the_wire() {
        let text = |provider, form, is_first| {
            String::from_utf8(failure(provider, 500).event(form, is_first).to_vec()).unwrap()
        };
        assert!(text(ProviderKind::Openai, Form::Events, false).starts_with("data: {\"error\":"));
        let anthropic = text(ProviderKind::Anthropic, Form::Events, false);
        assert!(anthropic.starts_with("event: error\ndata: {\"type\":\"error\","), "{anthropic}");
        assert!(text(ProviderKind::Gemini, Form::Elements, true).starts_with("[{\"error\":"));
        let last = text(ProviderKind::Gemini, Form::Elements, false);
        assert!(last.starts_with(",\r\n{\"error\":") && last.ends_with("}]"), "{last}");
    }

    #[test]
    fn a_stream_of_bedrocks_has_names_for_five_errors() {
        for (status, name) in [
            (400, "validationException"),
            (401, "internalServerException"),
            (403, "internalServerException"),
            (404, "internalServerException"),
            (408, "internalServerException"),
            (413, "validationException"),
            (424, "modelStreamErrorException"),
            (429, "throttlingException"),
            (500, "internalServerException"),
            (503, "serviceUnavailableException"),
            (504, "internalServerException"),
        ] {
            let event = failure(ProviderKind::Bedrock, status).event(Form::Frames, false);
            assert_eq!(event, frame::exception(name, b"{\"message\":\"no\"}".to_vec()), "{status}");
        }
    }

    #[test]
    fn an_error_among_numbered_events_has_the_next_number() {
        for (status, code) in [(429, "rate_limit_exceeded"), (500, "server_error")] {
            let event = failure(ProviderKind::Openai, status).numbered_event(3);
            let data = std::str::from_utf8(&event).unwrap().strip_prefix("event: error\ndata: ").unwrap();
            let expected = json!({
                "type": "error", "code": code, "message": "no", "param": null, "sequence_number": 3,
            });
            assert_eq!(serde_json::from_str::<Value>(data.strip_suffix("\n\n").unwrap()).unwrap(), expected);
        }
    }
}

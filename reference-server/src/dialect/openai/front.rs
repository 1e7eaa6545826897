//! What a dialect that stands in front of this one needs of it: its refusals, and what it takes for a request.

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::error::{Refusal, json_response};
use super::{chat, completions, embeddings, responses};

/// An endpoint whose bodies can be looked at before anything is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validated {
    Chat,
    Completions,
    Responses,
    Embeddings,
}

/// A refusal of another dialect in the words of this wire: what kind it is stands as its code.
pub(crate) fn refused(
    status: StatusCode,
    kind: Option<&str>,
    message: &str,
    retry_after: Option<u32>,
) -> Response {
    let about = match status {
        StatusCode::TOO_MANY_REQUESTS => "requests",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    };
    let body = json!({ "error": { "message": message, "type": about, "param": null, "code": kind } });
    let mut response = json_response(status, body.to_string());
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Whether a body makes a request, whoever is asked for it.
///
/// # Errors
///
/// With what is wrong with it, as its sender would be told.
pub(crate) fn validated(endpoint: Validated, body: &Value) -> Result<(), String> {
    let checked = match endpoint {
        Validated::Chat => chat::check(body),
        Validated::Completions => completions::check(body),
        Validated::Responses => responses::check(body),
        Validated::Embeddings => embeddings::check(body),
    };
    checked.map_err(Refusal::into_message)
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[test]
    fn each_endpoint_knows_its_own_bodies() {
        let messages = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hello" }] });
        let (prompt, input) = (json!({ "model": "m", "prompt": "a" }), json!({ "model": "m", "input": "a" }));
        for (endpoint, good, bad) in [
            (Validated::Chat, &messages, &input),
            (Validated::Completions, &prompt, &messages),
            (Validated::Responses, &input, &prompt),
            (Validated::Embeddings, &input, &messages),
        ] {
            assert_eq!(validated(endpoint, good), Ok(()), "{endpoint:?}");
            assert!(!validated(endpoint, bad).unwrap_err().is_empty(), "{endpoint:?}");
        }
        let missing = validated(Validated::Chat, &json!({ "model": "m" })).unwrap_err();
        assert_eq!(missing, "Missing required parameter: 'messages'.");
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_status_and_tells_its_kind() {
        let response = refused(StatusCode::PAYMENT_REQUIRED, Some("budget_exceeded"), "no", Some(7));
        assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
        assert_eq!(response.headers()["retry-after"], "7");
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (&body["error"]["code"], &body["error"]["message"]),
            (&json!("budget_exceeded"), &json!("no"))
        );
    }
}

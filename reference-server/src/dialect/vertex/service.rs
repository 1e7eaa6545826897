//! What is asked otherwise than at Gemini's own service: who calls, and who speaks.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::Value;

use crate::dialect::common::read::{Mistake, Read};
use crate::dialect::gemini::exchange::Service;
use crate::dialect::gemini::request::{self, ContentRequest};
use crate::domain::authorization::Credential;
use crate::domain::inference::CompletionRequest;

/// The header of a key, which is not enough here.
const KEY: &str = "x-goog-api-key";

/// Vertex AI.
pub(super) static VERTEX: Service = Service { dialect: "vertex", content, counted };

/// Reads a request for content, in which every turn says whose it is.
fn content(body: &Value) -> Read<ContentRequest> {
    let turns = match body.get("contents") {
        Some(Value::Array(turns)) => turns.as_slice(),
        Some(turn) => std::slice::from_ref(turn),
        None => &[],
    };
    let is_silent = |turn: &Value| turn.is_object() && turn.get("role").is_none_or(Value::is_null);
    if turns.iter().any(is_silent) {
        return Err(Mistake::other("Please use a valid role: user, model."));
    }
    request::read(body)
}

/// Reads a request for the tokens of a prompt, which is one for content that nobody answers.
fn counted(body: &Value) -> Read<CompletionRequest> {
    content(body).map(|wanted| wanted.request)
}

/// What a request offers to prove who it is: a token of OAuth. A key alone is malformed.
pub(super) fn credential<'h>(headers: &'h HeaderMap, key: Option<&str>) -> Credential<'h> {
    match headers.get(AUTHORIZATION).map(|value| value.as_bytes().strip_prefix(b"Bearer ")) {
        Some(Some(token)) => Credential::Secret(token),
        Some(None) => Credential::OtherScheme,
        None if key.is_some() || headers.contains_key(KEY) => Credential::Malformed,
        None => Credential::Missing,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_turn_has_a_role() {
        let said = |turn: Value| content(&json!({ "contents": [turn] }));
        assert!(said(json!({ "role": "user", "parts": [{ "text": "Hi" }] })).is_ok());
        for silent in
            [json!({ "parts": [{ "text": "Hi" }] }), json!({ "role": null, "parts": [{ "text": "Hi" }] })]
        {
            let mistake = said(silent).unwrap_err();
            assert_eq!(mistake, Mistake::other("Please use a valid role: user, model."));
        }
        assert!(content(&json!({ "contents": { "parts": [{ "text": "Hi" }] } })).is_err());
        assert_eq!(content(&json!({})).unwrap_err().bracketed(), "contents");
    }

    #[test]
    fn a_prompt_is_counted_with_its_instructions() {
        let body = json!({
            "contents": [{ "role": "user", "parts": [{ "text": "Hi" }] }],
            "systemInstruction": { "parts": [{ "text": "be kind" }] },
        });
        assert_eq!(counted(&body).unwrap().messages.len(), 2);
    }

    #[test]
    fn a_token_is_taken_and_a_key_is_not() {
        let mut headers = HeaderMap::new();
        assert_eq!(credential(&headers, None), Credential::Missing);
        assert_eq!(credential(&headers, Some("key")), Credential::Malformed);
        headers.insert(KEY, HeaderValue::from_static("key"));
        assert_eq!(credential(&headers, None), Credential::Malformed);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer ya29.token"));
        assert_eq!(credential(&headers, None), Credential::Secret(b"ya29.token"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic a"));
        assert_eq!(credential(&headers, None), Credential::OtherScheme);
    }
}

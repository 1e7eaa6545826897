//! Which requests an edit touches.

use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A method and a path, in which `*` stands for the rest of a segment; or any request at all.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Route {
    Any,
    At { method: String, path: String },
}

impl TryFrom<String> for Route {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once(' ') {
            Some((method, path)) if path.starts_with('/') => {
                Ok(Self::At { method: method.to_owned(), path: path.to_owned() })
            }
            None if text == "any" => Ok(Self::Any),
            _ => Err(format!("{text:?} is neither a method and a path nor `any`")),
        }
    }
}

impl Route {
    /// Whether a request goes there.
    pub(super) fn matches(&self, head: &Parts, path: &str) -> bool {
        match self {
            Self::Any => true,
            Self::At { method, path: pattern } => method == head.method.as_str() && fits(pattern, path),
        }
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), segments.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) => {
                let fits = match pattern.split_once('*') {
                    None => pattern == segment,
                    Some((before, after)) => {
                        segment.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
                    }
                };
                if !fits {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// A request as conditions see it.
pub(super) fn document(head: &Parts, body: &Value) -> Value {
    let headers: Map<String, Value> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
        .collect();
    let pairs = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let query: Map<String, Value> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({ "body": body, "headers": headers, "query": query })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_the_rest_of_a_segment() {
        for (pattern, path, wanted) in [
            ("/v1/models", "/v1/models", true),
            ("/v1/models", "/v1/models/a", false),
            ("/v1/models/*", "/v1/models/a", true),
            ("/v1/models/*", "/v1/models", false),
            ("/v1beta/models/*:generateContent", "/v1beta/models/a:generateContent", true),
            ("/v1beta/models/*:generateContent", "/v1beta/models/a:countTokens", false),
            ("/*/models", "/v1/models", true),
        ] {
            assert_eq!(fits(pattern, path), wanted, "{pattern} {path}");
        }
        assert!(Route::try_from("everything".to_owned()).is_err());
    }
}

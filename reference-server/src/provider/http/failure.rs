use bytes::Bytes;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use super::retry_after::retry_after;
use crate::domain::inference::ProviderError;

/// An answer whose status says that there is none. Each wire tells in its own body what that means.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Its body, or the beginning of a long one.
    pub(super) body: Bytes,
}

impl Failure {
    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// A header, where it is there and text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as the wire documents it; nothing where it is something else.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// That the provider takes no more for now, with the time that its headers tell.
    pub(crate) fn rate_limited(&self, message: String) -> ProviderError {
        let told = self.header("retry-after");
        let retry_after = told.and_then(|told| retry_after(told, Timestamp::now()));
        ProviderError::RateLimited { message, retry_after }
    }

    /// An error that nobody has documented.
    pub(crate) fn unmapped(&self) -> ProviderError {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        ProviderError::Unmapped { status: self.status(), body }
    }

    /// What the status alone says, where the body is not the provider's: something stands between that has no words of
    /// its own for it.
    pub(crate) fn without_words(&self) -> ProviderError {
        let told = || format!("status {}", self.status());
        match self.status() {
            401 | 403 | 407 => ProviderError::Credentials(told()),
            429 => self.rate_limited("too many requests".to_owned()),
            502 | 503 => ProviderError::Unavailable("the model is not available for now".to_owned()),
            408 | 504 => ProviderError::TimedOut(told()),
            _ => self.unmapped(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use reqwest::header::{HeaderValue, RETRY_AFTER};
    use serde_json::{Value, json};

    use super::*;

    /// A failure of this status and body.
    pub(crate) fn failure(status: u16, body: &Value) -> Failure {
        Failure {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]),
            body: body.to_string().into(),
        }
    }

    #[test]
    fn a_status_says_something_without_a_body_too() {
        let of = |status: u16| failure(status, &json!("<html>")).without_words();
        assert!(matches!(of(401), ProviderError::Credentials(_)));
        assert!(matches!(of(429), ProviderError::RateLimited { retry_after: Some(7), .. }));
        assert!(matches!(of(503), ProviderError::Unavailable(told) if !told.contains("html")));
        assert!(matches!(of(504), ProviderError::TimedOut(_)));
        for status in [302, 400, 404, 418, 500] {
            let unmapped = ProviderError::Unmapped { status, body: "\"<html>\"".to_owned() };
            assert_eq!(of(status), unmapped);
        }
    }
}

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::Told;
use super::retry_after::retry_after;
use crate::domain::inference::ProviderError;

/// What a caller is told whose request is refused without a word.
const REFUSED: &str = "the model's provider does not take the request";

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

    /// What it means: what `known` makes of what is said, or else what the status says by itself. Where it is a matter
    /// of time, the headers tell how long.
    pub(crate) fn meaning(&self, known: impl FnOnce(&Told) -> Option<ProviderError>) -> ProviderError {
        let told = Told::in_body(&self.body);
        let mut error = known(&told).unwrap_or_else(|| self.meaning_of_status(told));
        if let ProviderError::RateLimited { retry_after, .. }
        | ProviderError::Unavailable { retry_after, .. } = &mut error
        {
            *retry_after = retry_after.or_else(|| self.retry_after());
        }
        error
    }

    fn meaning_of_status(&self, told: Told) -> ProviderError {
        let status = self.status();
        let or_status = |told: Told| told.or(&format!("status {status}"));
        match status {
            400 | 413 | 422 => ProviderError::Rejected(told.or(REFUSED)),
            401 | 403 | 407 => ProviderError::Credentials(or_status(told)),
            402 => ProviderError::OutOfCredit(or_status(told)),
            404 => ProviderError::UnknownModel(or_status(told)),
            408 | 504 => ProviderError::TimedOut(or_status(told)),
            429 => ProviderError::RateLimited { message: or_status(told), retry_after: None },
            500.. => ProviderError::unavailable(or_status(told)),
            _ => {
                let body = String::from_utf8_lossy(&self.body).into_owned();
                ProviderError::Unmapped { status, body }
            }
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers, Timestamp::now())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use reqwest::header::{HeaderValue, RETRY_AFTER};
    use serde_json::{Value, json};

    use super::*;

    /// When a failure is to be asked about again.
    pub(crate) const LATER: Option<Duration> = Some(Duration::from_secs(7));

    /// A failure of this status and body.
    pub(crate) fn failure(status: u16, body: &Value) -> Failure {
        Failure {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]),
            body: body.to_string().into(),
        }
    }

    fn meaning(status: u16, body: &Value) -> ProviderError {
        failure(status, body).meaning(|_| None)
    }

    #[test]
    fn a_status_says_something_whatever_the_body_is() {
        for body in
            [json!({ "detail": "why" }), json!({ "error": { "message": "why", "code": 1 } }), json!("why")]
        {
            let why = || "why".to_owned();
            for (status, expected) in [
                (400, ProviderError::Rejected(why())),
                (401, ProviderError::Credentials(why())),
                (402, ProviderError::OutOfCredit(why())),
                (403, ProviderError::Credentials(why())),
                (404, ProviderError::UnknownModel(why())),
                (408, ProviderError::TimedOut(why())),
                (413, ProviderError::Rejected(why())),
                (422, ProviderError::Rejected(why())),
                (429, ProviderError::RateLimited { message: why(), retry_after: LATER }),
                (500, ProviderError::Unavailable { message: why(), retry_after: LATER }),
                (503, ProviderError::Unavailable { message: why(), retry_after: LATER }),
                (504, ProviderError::TimedOut(why())),
                (529, ProviderError::Unavailable { message: why(), retry_after: LATER }),
            ] {
                assert_eq!(meaning(status, &body), expected, "{status} {body}");
            }
        }
    }

    #[test]
    fn what_says_nothing_is_not_shown() {
        for body in [json!("<html>node-7</html>"), json!({ "internal": "node-7" })] {
            assert_eq!(meaning(400, &body), ProviderError::Rejected(REFUSED.to_owned()));
            assert_eq!(meaning(401, &body), ProviderError::Credentials("status 401".to_owned()));
        }
    }

    #[test]
    fn a_status_that_says_nothing_keeps_its_body() {
        for status in [302, 409, 418] {
            let unmapped = ProviderError::Unmapped { status, body: "\"<html>\"".to_owned() };
            assert_eq!(meaning(status, &json!("<html>")), unmapped);
        }
    }

    #[test]
    fn what_a_provider_knows_of_it_goes_first() {
        let known = |told: &Told| told.is("own").then(|| ProviderError::TooLong("own".to_owned()));
        let of = |code: &str| failure(400, &json!({ "error": { "code": code } })).meaning(known);
        assert_eq!(of("own"), ProviderError::TooLong("own".to_owned()));
        assert!(matches!(of("other"), ProviderError::Rejected(_)));
        let later = |_: &Told| {
            let message = "later".to_owned();
            Some(ProviderError::RateLimited { message, retry_after: Some(Duration::from_millis(3)) })
        };
        assert_eq!(failure(429, &json!({})).meaning(later).retry_after(), Some(Duration::from_millis(3)));
    }
}

//! Who may run the gateway.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::super::error::Refusal;
use super::super::exchange::Exchange;
use crate::domain::key::SecretDigest;

/// Lets in who is on the machine that the gateway runs on, and who has the token of the control API.
pub(in super::super) fn admit(exchange: &Exchange<'_>) -> Result<(), Refusal> {
    if exchange.is_local() || has_token(&exchange.head.headers, exchange.control_token()) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNAUTHORIZED,
        "Unauthorized: send the control token as `Authorization: Bearer`",
    ))
}

fn has_token(headers: &HeaderMap, token: &SecretDigest) -> bool {
    let sent = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    sent.split_at_checked(b"Bearer ".len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .is_some_and(|(_, sent)| SecretDigest::of(sent).matches(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_opens_from_elsewhere_and_nothing_else_does() {
        let token = SecretDigest::of(b"s3cret");
        let opens = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))]);
            has_token(&headers, &token)
        };
        assert!(opens("Bearer s3cret") && opens("bearer s3cret"));
        for wrong in ["Bearer s3cre", "s3cret", "Basic s3cret", "Bearer", ""] {
            assert!(!opens(wrong), "{wrong:?}");
        }
        assert!(!has_token(&HeaderMap::new(), &token));
    }
}

//! Who may use the control API.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt;

use super::error::ControlError;
use super::router::router;
use crate::domain::key::SecretDigest;
use crate::domain::worlds::Worlds;

/// The control API and its guard.
pub(crate) struct Control {
    router: Router,
    token: SecretDigest,
}

impl Control {
    /// The control API over these worlds, for whoever has the token.
    pub(crate) fn new(worlds: Arc<Worlds>, token: &str) -> Self {
        Self::over(router(worlds), token)
    }

    /// These paths, for whoever has the token.
    pub(crate) fn over(router: Router, token: &str) -> Self {
        Self { router, token: SecretDigest::of(token.as_bytes()) }
    }

    /// Answers a request from this address.
    pub(crate) async fn handle(&self, request: Request, client_ip: IpAddr) -> Response {
        if let Err(refusal) = self.admit(request.headers(), client_ip) {
            return refusal.into_response();
        }
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn admit(&self, headers: &HeaderMap, client_ip: IpAddr) -> Result<(), ControlError> {
        if !client_ip.is_loopback() {
            let message = "the control API answers to the machine that it runs on only; call it from there";
            return Err(ControlError { status: StatusCode::FORBIDDEN, message: message.to_owned() });
        }
        let sent = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        // The digests are compared, in a time that tells nothing of the token.
        let good = sent
            .split_at_checked(b"Bearer ".len())
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
            .is_some_and(|(_, token)| SecretDigest::of(token).matches(&self.token));
        if good {
            return Ok(());
        }
        let message =
            "send the control token, which is printed at the start, as `Authorization: Bearer <token>`";
        Err(ControlError { status: StatusCode::UNAUTHORIZED, message: message.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing;

    fn admit(ip: &str, authorization: Option<&'static str>) -> Result<(), StatusCode> {
        let control = Control::new(Arc::new(testing::worlds()), "s3cret");
        let headers: HeaderMap = authorization
            .map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        control.admit(&headers, ip.parse().unwrap()).map_err(|error| error.status)
    }

    #[test]
    fn only_this_machine_with_the_token_is_let_in() {
        assert_eq!(admit("127.0.0.1", Some("Bearer s3cret")), Ok(()));
        assert_eq!(admit("::1", Some("bearer s3cret")), Ok(()));
        assert_eq!(admit("192.0.2.1", Some("Bearer s3cret")), Err(StatusCode::FORBIDDEN));
        for wrong in
            [None, Some("s3cret"), Some("Bearer"), Some("Bearer s3cre"), Some("Basic s3cret"), Some("")]
        {
            assert_eq!(admit("127.0.0.1", wrong), Err(StatusCode::UNAUTHORIZED), "{wrong:?}");
        }
    }
}

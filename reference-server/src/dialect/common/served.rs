//! Says in an answer who has served it.

use axum::http::HeaderValue;
use axum::response::Response;

use crate::domain::routing::Service;

/// The provider's name in the configuration.
const PROVIDER: &str = "x-plumbline-provider";
/// What the provider calls the model.
const MODEL: &str = "x-plumbline-model";
/// How often a provider was asked.
pub(super) const ATTEMPTS: &str = "x-plumbline-attempts";

/// Adds what is known of who served a request for which routes were tried; a failure tells the attempts alone.
pub(super) fn tell(service: &Service, response: &mut Response) {
    let attempts = service.attempts();
    if attempts == 0 {
        return;
    }
    let headers = response.headers_mut();
    headers.insert(ATTEMPTS, attempts.into());
    let Some(server) = service.server() else { return };
    for (name, value) in [(PROVIDER, &server.provider), (MODEL, &server.model)] {
        // The configuration has no names that a header cannot carry.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}

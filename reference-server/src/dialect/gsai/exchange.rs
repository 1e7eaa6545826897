//! One request at this dialect, and what its endpoints ask of it.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};

use super::error::Refusal;
use super::rewrite;
use crate::dialect::common::{self, Arrival, UnknownFault};
use crate::domain::authorization::{Credential, Need};
use crate::domain::call::{Call, CallError};
use crate::domain::catalog::{Model, ModelRefusal};
use crate::domain::inference::ProviderError;
use crate::domain::ledger::Operation;
use crate::provider::Fault;

/// The name under which the catalog lists what is on offer here.
pub(super) const DIALECT: &str = "gsai";

/// One request, with the words of this dialect for what goes wrong.
pub(super) struct Exchange<'a>(common::Exchange<'a>);

impl<'a> Deref for Exchange<'a> {
    type Target = common::Exchange<'a>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> Exchange<'a> {
    /// Takes a request up and logs that it did.
    pub(super) fn start(arrival: &'a Arrival<'_>) -> Self {
        let logged_id = |id| rewrite::logged_request_id(&arrival.world.defects, id);
        Self(common::Exchange::start(arrival, logged_id))
    }

    /// Finds out who calls.
    pub(super) fn authenticate(&self) -> Result<Call, Refusal> {
        self.0.authenticate(credential(&self.head.headers)).map_err(Refusal::Denied)
    }

    /// Whether the caller may do this.
    pub(super) fn authorize(&self, call: &Call, need: Need) -> Result<(), Refusal> {
        self.0.authorize(call, need).map_err(Refusal::Denied)
    }

    /// The model to use; its name is the caller's.
    pub(super) fn model(&self, name: String, operation: Operation) -> Result<&'a Arc<Model>, Refusal> {
        self.0.model(DIALECT, &name, operation).map_err(|refusal| match refusal {
            ModelRefusal::Unknown => Refusal::UnknownModel(name),
            ModelRefusal::Incapable => Refusal::Incapable { operation, model: name },
        })
    }

    /// The fault that the provider is to have, if any.
    pub(super) fn fault(&self) -> Result<Option<Fault>, Refusal> {
        self.0.fault().map_err(|UnknownFault(name)| Refusal::UnknownFault(name))
    }

    /// What a failed call is answered: an error that providers are known to have is relayed, and any other is the
    /// gateway's own.
    pub(super) fn failed(&self, error: CallError) -> Refusal {
        let defects = &self.world.defects;
        match error {
            CallError::Provider(ProviderError::Rejected(message) | ProviderError::TooLong(message)) => {
                Refusal::BadRequest(message)
            }
            CallError::Provider(ProviderError::RateLimited { message, retry_after }) => {
                rewrite::rate_limited(defects, message, retry_after)
            }
            CallError::Provider(ProviderError::Unavailable(message)) => Refusal::ProviderUnavailable(message),
            CallError::Provider(ProviderError::UnknownModel(_)) => {
                self.provider_failed(StatusCode::NOT_FOUND, "The model does not exist.", &error)
            }
            CallError::Provider(ProviderError::TimedOut(_)) => {
                self.provider_failed(StatusCode::GATEWAY_TIMEOUT, "The model did not answer in time.", &error)
            }
            CallError::Provider(ProviderError::Unreachable(_)) => {
                self.provider_failed(StatusCode::SERVICE_UNAVAILABLE, "The model cannot be reached.", &error)
            }
            error => {
                let exception = rewrite::logged(defects, &error);
                let failure = rewrite::provider_failure(defects, self.context.id, error);
                Refusal::Internal { failure, exception }
            }
        }
    }

    fn provider_failed(&self, status: StatusCode, message: &'static str, error: &CallError) -> Refusal {
        let exception = rewrite::logged(&self.world.defects, error);
        Refusal::ProviderFailed { status, message, exception }
    }

    /// Something broke; what exactly stands in the log.
    pub(super) fn internal(&self, exception: String) -> Refusal {
        let failure = rewrite::failure(&self.world.defects, self.context.id);
        Refusal::Internal { failure, exception }
    }
}

/// Reads the Authorization header as the service does.
fn credential(headers: &HeaderMap) -> Credential<'_> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Credential::Missing };
    let value = value.as_bytes();
    let Some(space) = value.iter().position(|byte| *byte == b' ') else { return Credential::Malformed };
    let (scheme, rest) = value.split_at(space);
    match rest.get(1..) {
        None | Some([]) => Credential::Malformed,
        Some(_) if scheme.is_empty() => Credential::Malformed,
        Some(secret) if scheme.eq_ignore_ascii_case(b"bearer") => Credential::Secret(secret),
        Some(_) => Credential::OtherScheme,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_credential_is_read_as_the_service_reads_it() {
        assert_eq!(credential(&HeaderMap::new()), Credential::Missing);
        assert_eq!(credential(&read("Bearer sk-one")), Credential::Secret(b"sk-one"));
        assert_eq!(credential(&read("bearer sk-one")), Credential::Secret(b"sk-one"));
        assert_eq!(credential(&read("Basic c2stb25l")), Credential::OtherScheme);
        for value in ["Bearer", "Bearer ", "sk-one", "", " sk-one"] {
            assert_eq!(credential(&read(value)), Credential::Malformed, "{value:?}");
        }
    }
}

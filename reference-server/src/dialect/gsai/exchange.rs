//! One request at this dialect, and what its endpoints ask of it.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::error::Refusal;
use super::rewrite;
use crate::dialect::common::{self, Arrival, Unanswered, UnknownFault};
use crate::domain::admission;
use crate::domain::authorization::{Credential, Need};
use crate::domain::call::{Call, CallError};
use crate::domain::catalog::{Model, ModelRefusal};
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

    /// Finds out who calls, and counts the request against what its key may ask for.
    pub(super) fn authenticate(&self) -> Result<Call, Refusal> {
        let call = self.0.authenticate(credential(&self.head.headers)).map_err(Refusal::Denied)?;
        admission::admit(&call, self.world.clock.now()).map_err(Refusal::Exceeded)?;
        Ok(call)
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

    /// What a failed call is answered.
    pub(super) fn failed(&self, error: CallError) -> Refusal {
        let defects = &self.world.defects;
        let exception = rewrite::logged(defects, &error);
        let shown = rewrite::shown_body(defects, &error);
        match Unanswered::of(error).0 {
            Unanswered::Refused(message) | Unanswered::TooLong(message) => Refusal::BadRequest(message),
            Unanswered::Broken => {
                let failure = rewrite::provider_failure(defects, self.context.id, shown);
                Refusal::Internal { failure, exception }
            }
            reason => rewrite::unanswered(defects, reason, exception),
        }
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

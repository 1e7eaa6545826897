//! One request at this dialect, and what its endpoints ask of it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use uuid::Uuid;

use super::error::Refusal;
use super::rewrite;
use crate::domain::authorization::{self, Credential, Need};
use crate::domain::call::{Call, CallError};
use crate::domain::catalog::{Model, ModelRefusal};
use crate::domain::inference::ProviderError;
use crate::domain::ledger::Operation;
use crate::domain::log_line::{LogEvent, RequestContext};
use crate::domain::world::World;
use crate::intake::Intake;
use crate::provider::Fault;

/// Names a fault that the provider is to have in this request.
const FAULT_HEADER: &str = "x-plumbline-fault";
/// No more of a text of the caller's is kept in the log.
const LOGGED: usize = 512;

/// One request.
pub(super) struct Exchange<'a> {
    pub(super) world: &'a Arc<World>,
    pub(super) head: &'a Parts,
    /// The path below the dialect's root.
    pub(super) path: &'a str,
    pub(super) context: Arc<RequestContext>,
    pub(super) started: Instant,
    /// What is taken in of its body.
    pub(super) intake: &'a Intake,
}

impl<'a> Exchange<'a> {
    /// Takes a request up and logs that it did.
    pub(super) fn start(
        world: &'a Arc<World>,
        head: &'a Parts,
        path: &'a str,
        client_ip: IpAddr,
        intake: &'a Intake,
    ) -> Self {
        let id = Uuid::new_v4();
        let user_agent = head.headers.get(header::USER_AGENT);
        let context = Arc::new(RequestContext {
            id,
            logged_id: rewrite::logged_request_id(&world.defects, id),
            method: method_name(&head.method),
            path: known_path(path).map_or_else(|| Cow::Owned(beginning(path).to_owned()), Cow::Borrowed),
            query: head.uri.query().map(beginning).unwrap_or_default().into(),
            client_ip,
            user_agent: user_agent.and_then(|value| value.to_str().ok()).map(|text| beginning(text).into()),
            world: (!world.is_root()).then(|| Arc::clone(&world.id)),
        });
        world.record(&context, LogEvent::Started);
        Self { world, head, path, context, started: Instant::now(), intake }
    }

    /// Finds out who calls.
    pub(super) fn authenticate(&self) -> Result<Call, Refusal> {
        let key = authorization::authenticate(self.world, credential(&self.head.headers))
            .map_err(Refusal::Denied)?;
        Ok(Call { world: Arc::clone(self.world), key, context: Arc::clone(&self.context) })
    }

    /// Whether the caller may do this.
    pub(super) fn authorize(&self, call: &Call, need: Need) -> Result<(), Refusal> {
        authorization::authorize(self.world, &call.key, need).map_err(Refusal::Denied)
    }

    /// The model to use; its name is the caller's.
    pub(super) fn model(&self, name: String, operation: Operation) -> Result<&'a Arc<Model>, Refusal> {
        let world = self.world;
        world.catalog.for_use(&name, operation.needs(), &world.defects).map_err(|refusal| match refusal {
            ModelRefusal::Unknown => Refusal::UnknownModel(name),
            ModelRefusal::Incapable => Refusal::Incapable { operation, model: name },
        })
    }

    /// The fault that the provider is to have, if any.
    pub(super) fn fault(&self) -> Result<Option<Fault>, Refusal> {
        let Some(value) = self.head.headers.get(FAULT_HEADER) else { return Ok(None) };
        let name = String::from_utf8_lossy(value.as_bytes());
        Fault::parse(&name).map(Some).ok_or_else(|| Refusal::UnknownFault(name.into_owned()))
    }

    /// What a failed call is answered: an error that providers are known to have is relayed, and any other is the
    /// gateway's own.
    pub(super) fn failed(&self, error: CallError) -> Refusal {
        let defects = &self.world.defects;
        match error {
            CallError::Provider(ProviderError::Rejected(message)) => Refusal::BadRequest(message),
            CallError::Provider(ProviderError::RateLimited { message, retry_after }) => {
                rewrite::rate_limited(defects, message, retry_after)
            }
            CallError::Provider(ProviderError::Unavailable(message)) => Refusal::ProviderUnavailable(message),
            error => {
                let exception = rewrite::logged(defects, &error);
                let failure = rewrite::provider_failure(defects, self.context.id, error);
                Refusal::Internal { failure, exception }
            }
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

fn method_name(method: &Method) -> Cow<'static, str> {
    match *method {
        Method::POST => Cow::Borrowed("POST"),
        Method::GET => Cow::Borrowed("GET"),
        _ => Cow::Owned(beginning(method.as_str()).to_owned()),
    }
}

/// The paths that are asked for all the time.
fn known_path(path: &str) -> Option<&'static str> {
    ["/api/v1/chat/completions", "/api/v1/embeddings", "/api/v1/models"]
        .into_iter()
        .find(|known| *known == path)
}

/// So much of a text as the log keeps.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LOGGED)).unwrap_or(text)
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

    #[test]
    fn only_the_beginning_of_a_text_is_kept() {
        let long = "ü".repeat(LOGGED);
        assert_eq!(beginning(&long).len(), LOGGED);
        assert_eq!(beginning("short"), "short");
    }
}

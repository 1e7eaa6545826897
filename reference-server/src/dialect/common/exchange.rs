//! One request: its world, its place in the log, its caller.

use std::borrow::Cow;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use bytes::Bytes;
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Arrival, BodyError, Pass, Refused, body};
use crate::domain::authorization::{self, Credential, Denial, Need};
use crate::domain::call::Call;
use crate::domain::catalog::{Model, ModelRefusal};
use crate::domain::idempotency::Claim;
use crate::domain::ledger::Operation;
use crate::domain::log_line::{LogEvent, RequestContext};
use crate::domain::routing::Service;
use crate::domain::world::World;
use crate::intake::{Intake, NoRoom, Share};
use crate::provider::Fault;

/// Names a fault that the provider is to have in this request.
const FAULT_HEADER: &str = "x-plumbline-fault";
/// No more of a text of the caller's is kept in the log.
const LOGGED: usize = 512;

/// One request.
pub(crate) struct Exchange<'a> {
    pub(crate) world: &'a Arc<World>,
    pub(crate) head: &'a Parts,
    /// The path below the dialect's root.
    pub(crate) path: &'a str,
    pub(crate) context: Arc<RequestContext>,
    pub(crate) started: Instant,
    /// What is taken in of its body.
    pub(crate) intake: &'a Intake,
    /// Why it is refused, where more is known of that than its status.
    pub(crate) refused: OnceLock<Refused>,
    /// What another dialect has settled of it.
    pub(crate) passed: Option<&'a Pass>,
    /// Its body, where that was looked at before it is read, with what it takes of the room.
    pub(crate) taken_in: Mutex<Option<(Bytes, Share)>>,
    /// What keeps others from asking the same under its idempotency key, until somebody takes it over.
    pub(crate) claim: Mutex<Option<Claim>>,
}

/// A fault is asked for that there is not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown fault {0:?} in {FAULT_HEADER}")]
pub(crate) struct UnknownFault(pub(crate) String);

impl<'a> Exchange<'a> {
    /// Takes a request up, under an id of its own, and logs that it did. The log shows the id that `logged_id` makes
    /// of it. One that another dialect passes on is under way already.
    pub(crate) fn start(arrival: &'a Arrival<'_>, logged_id: impl FnOnce(Uuid) -> Option<Uuid>) -> Self {
        let (world, head, path) = (arrival.world, &arrival.head, arrival.path());
        let (intake, refused, passed) = (&**arrival.intake, OnceLock::new(), arrival.pass.as_ref());
        let taken_in = Mutex::new(passed.and_then(|pass| pass.taken_in.lock().take()));
        let claim = Mutex::default();
        if let Some(pass) = passed {
            let (context, started) = (Arc::clone(&pass.call.context), pass.started);
            return Self { world, head, path, context, started, intake, refused, passed, taken_in, claim };
        }
        let id = Uuid::new_v4();
        let user_agent = head.headers.get(header::USER_AGENT);
        let context = Arc::new(RequestContext {
            id,
            logged_id: logged_id(id),
            method: method_name(&head.method),
            path: known_path(path).map_or_else(|| Cow::Owned(beginning(path).to_owned()), Cow::Borrowed),
            query: head.uri.query().map(beginning).unwrap_or_default().into(),
            client_ip: arrival.client_ip,
            user_agent: user_agent.and_then(|value| value.to_str().ok()).map(|text| beginning(text).into()),
            world: (!world.is_root()).then(|| Arc::clone(&world.id)),
            service: Service::default(),
            is_billed: AtomicBool::default(),
        });
        world.record(&context, LogEvent::Started);
        let started = Instant::now();
        Self { world, head, path, context, started, intake, refused, passed, taken_in, claim }
    }

    /// What another dialect has settled of it.
    pub(crate) fn pass(&self) -> Option<&'a Pass> {
        self.passed
    }

    /// Closes it in the log, unless another dialect has done so before.
    pub(crate) fn close(&self, event: LogEvent) {
        if self.passed.is_none_or(|pass| !pass.is_closed) {
            self.world.record(&self.context, event);
        } else if let LogEvent::Failed { exception, .. } = event {
            tracing::warn!(%exception, "what was done after a request was answered failed");
        }
    }

    /// Notes why it is refused.
    pub(crate) fn refuse(&self, why: Refused) {
        // It is refused for the first reason that there is.
        let _ = self.refused.set(why);
    }

    /// Finds out who calls.
    pub(crate) fn authenticate(&self, credential: Credential<'_>) -> Result<Call, Denial> {
        if let Some(pass) = self.passed {
            return Ok(pass.call.clone());
        }
        let authenticated = authorization::authenticate(self.world, credential);
        let key = authenticated.inspect_err(|_| self.refuse(Refused::Caller))?;
        let header = |name: &str| self.head.headers.get(name).map(HeaderValue::as_bytes);
        let sessions = self.world.routing.sessions(header);
        let (world, context) = (Arc::clone(self.world), Arc::clone(&self.context));
        Ok(Call { world, key, context, sessions, governed: None })
    }

    /// Whether the caller may do this.
    pub(crate) fn authorize(&self, call: &Call, need: Need) -> Result<(), Denial> {
        if self.passed.is_some() {
            return Ok(());
        }
        authorization::authorize(self.world, &call.key, need).inspect_err(|_| self.refuse(Refused::Scope))
    }

    /// The model to use, among those on offer in a dialect.
    pub(crate) fn model(
        &self,
        dialect: &str,
        name: &str,
        operation: Operation,
    ) -> Result<&'a Arc<Model>, ModelRefusal> {
        let world = self.world;
        if let Some(pass) = self.passed {
            let model = pass.model.as_ref().ok_or(ModelRefusal::Unknown)?;
            let can = model.capability == operation.needs();
            return if can { Ok(model) } else { Err(ModelRefusal::Incapable) };
        }
        let found = world.catalog.for_use(dialect, name, operation.needs(), &world.defects);
        found.inspect_err(|_| self.refuse(Refused::Model))
    }

    /// The models that the caller is shown in a dialect.
    pub(crate) fn listed(&self, dialect: &'static str) -> Vec<&'a Model> {
        let world = self.world;
        match self.passed {
            Some(pass) => pass.offered.iter().map(|model| &**model).collect(),
            None => world.catalog.listed(dialect, &world.defects).collect(),
        }
    }

    /// Whether a provider of the configuration has answered, and not the one in this process.
    pub(crate) fn is_routed(&self) -> bool {
        self.context.service.server().is_some()
    }

    /// The fault that the provider is to have, if any.
    pub(crate) fn fault(&self) -> Result<Option<Fault>, UnknownFault> {
        let Some(value) = self.head.headers.get(FAULT_HEADER) else { return Ok(None) };
        let name = String::from_utf8_lossy(value.as_bytes());
        Fault::parse(&name).map(Some).ok_or_else(|| UnknownFault(name.into_owned()))
    }

    /// Its whole body, and what that takes of the room, whether it was looked at before or not.
    pub(crate) async fn collect(&self, body: Body) -> Result<(Bytes, Share), BodyError> {
        let taken_in = self.taken_in.lock().take();
        match taken_in {
            Some((bytes, _)) if bytes.len() > self.intake.limit => Err(BodyError::TooLarge),
            Some(taken_in) => Ok(taken_in),
            None => body::collect(body, self.intake, false).await,
        }
    }

    /// Makes room for answers of so many bytes, beside what the share already is of it. A body that asks for more than
    /// there can be is as good as too large.
    pub(crate) async fn make_room(&self, share: &mut Share, bytes: usize) -> Result<(), BodyError> {
        self.intake.make_room(share, bytes).await.map_err(|no_room| match no_room {
            NoRoom::Now => BodyError::Full,
            NoRoom::Ever => BodyError::TooLarge,
        })
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
    const KNOWN: [&str; 6] = [
        "/v1/chat/completions",
        "/v1/messages",
        "/api/v1/chat/completions",
        "/v1/embeddings",
        "/api/v1/embeddings",
        "/api/v1/models",
    ];
    KNOWN.into_iter().find(|known| *known == path)
}

/// So much of a text as the log keeps.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LOGGED)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_text_is_kept() {
        let long = "ü".repeat(LOGGED);
        assert_eq!(beginning(&long).len(), LOGGED);
        assert_eq!(beginning("short"), "short");
    }
}

//! One request at this dialect, and what its endpoints ask of it.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::error::{Kind, Refusal};
use super::id::Id;
use super::version;
use crate::dialect::common::read::excerpt;
use crate::dialect::common::{self, Answer, Arrival, body};
use crate::domain::admission;
use crate::domain::authorization::{Credential, Denial, Need};
use crate::domain::billing;
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::clock::Moment;
use crate::domain::ledger::Operation;
use crate::domain::quota::Standing;
use crate::domain::scope::Scope;
use crate::intake::{Intake, Share};
use crate::provider::Fault;

/// The name under which the catalog lists what is on offer here.
pub(super) const DIALECT: &str = "anthropic";
/// The header that carries a key.
const KEY_HEADER: &str = "x-api-key";
const VERSION_HEADER: &str = "anthropic-version";

/// One request, with the words of this dialect for what goes wrong.
pub(super) struct Exchange<'a> {
    common: common::Exchange<'a>,
    caller: OnceLock<Caller>,
}

/// Who calls and what it may still ask for; every answer tells it once it is known.
pub(super) struct Caller {
    pub(super) call: Call,
    pub(super) standing: Standing,
    /// When it stood so.
    pub(super) at: Moment,
}

impl<'a> Deref for Exchange<'a> {
    type Target = common::Exchange<'a>;

    fn deref(&self) -> &Self::Target {
        &self.common
    }
}

impl<'a> Exchange<'a> {
    /// Takes a request up and logs that it did. Of its body no more is taken in than `intake` allows.
    pub(super) fn start(arrival: &'a Arrival<'_>, intake: &'a Intake) -> Self {
        let common = common::Exchange { intake, ..common::Exchange::start(arrival, Some) };
        Self { common, caller: OnceLock::new() }
    }

    /// The id by which the client names this request.
    pub(super) fn request_id(&self) -> Id {
        Id::request(self.context.id)
    }

    /// Who calls, once that is known.
    pub(super) fn caller(&self) -> Option<&Caller> {
        self.caller.get()
    }

    /// Finds out who calls.
    pub(super) fn authenticate(&self) -> Result<Call, Refusal> {
        let (credential, unknown) = credential(&self.head.headers);
        self.common.authenticate(credential).map_err(|denial| match denial {
            Denial::Missing => Refusal::new(Kind::Authentication, "x-api-key header is required"),
            Denial::LacksScope => lacks_scope(),
            Denial::Malformed
            | Denial::OtherScheme
            | Denial::Unknown
            | Denial::Inactive
            | Denial::Expired => Refusal::new(Kind::Authentication, unknown),
        })
    }

    /// Lets the caller in, if it has not asked for too much, and speaks a version of the wire that there is.
    pub(super) fn admit(&self, call: &Call) -> Result<(), Refusal> {
        let at = self.world.clock.now();
        let admitted = admission::admit(call, at);
        let standing = match admitted {
            Ok(standing) => standing,
            Err(exceeded) => exceeded.standing,
        };
        // It is let in once.
        let _ = self.caller.set(Caller { call: call.clone(), standing, at });
        admitted?;
        self.version()
    }

    fn version(&self) -> Result<(), Refusal> {
        let invalid =
            |problem: &str| Err(Refusal::new(Kind::InvalidRequest, format!("{VERSION_HEADER}: {problem}")));
        let Some(version) = self.head.headers.get(VERSION_HEADER) else {
            if self.pass().is_some() {
                // The dialect in front of this one asks for none.
                return Ok(());
            }
            return invalid("header is required");
        };
        if version::ALL.iter().any(|known| version == known) {
            return Ok(());
        }
        let version = String::from_utf8_lossy(version.as_bytes());
        invalid(&format!("\"{}\" is not a valid version", excerpt(&version)))
    }

    /// The body, which must be JSON that the client's version of the wire takes. Its share is to be held until the
    /// answer is sent.
    pub(super) async fn body(&self, body: Body) -> Result<(Value, Share), Refusal> {
        let (Some(value), share) = body::json(&self.common, body).await? else {
            return Err(Refusal::new(
                Kind::InvalidRequest,
                "The request body is not valid JSON: it is empty",
            ));
        };
        if self.head.headers.get(VERSION_HEADER).is_some_and(|version| version == version::LATEST) {
            version::is_of_latest(&value)?;
        }
        Ok((value, share))
    }

    /// The model to use. One that does something else is as good as none.
    pub(super) fn model(&self, name: &str) -> Result<&'a Arc<Model>, Refusal> {
        self.common.model(DIALECT, name, Operation::Chat).map_err(|_| unknown_model(name))
    }

    /// Whether the caller may have a model answer.
    pub(super) fn authorize(&self, call: &Call) -> Result<(), Refusal> {
        let need = Need::Scope(Scope::ModelsInference);
        self.common.authorize(call, need).map_err(|_| lacks_scope())
    }

    /// Whether the caller may see which models there are.
    pub(super) fn authorize_discovery(&self, call: &Call) -> Result<(), Refusal> {
        self.common.authorize(call, Need::AnyKey).map_err(|_| lacks_scope())
    }

    /// The fault that the provider is to have, if any.
    pub(super) fn fault(&self) -> Result<Option<Fault>, Refusal> {
        let fault = self.common.fault();
        fault.map_err(|error| Refusal::new(Kind::InvalidRequest, excerpt(&error.to_string())))
    }
}

/// Notes that a call was refused after it was let in, and passes on what it is answered.
pub(super) async fn billed(call: &Call, answer: Result<Answer, Refusal>) -> Result<Answer, Refusal> {
    if answer.is_err() {
        billing::bill_refusal(call, Operation::Chat).await;
    }
    answer
}

/// That there is no such model.
pub(super) fn unknown_model(name: &str) -> Refusal {
    Refusal::new(Kind::NotFound, format!("model: {}", excerpt(name)))
}

fn lacks_scope() -> Refusal {
    let words = "Your API key does not have permission to use the specified resource.";
    Refusal::new(Kind::Permission, words)
}

/// What a request offers to prove who it is, and what is said of it where it proves nothing.
fn credential(headers: &HeaderMap) -> (Credential<'_>, &'static str) {
    if let Some(key) = headers.get(KEY_HEADER).filter(|key| !key.is_empty()) {
        return (Credential::Secret(key.as_bytes()), "invalid x-api-key");
    }
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return (Credential::Missing, "invalid x-api-key");
    };
    let value = value.as_bytes();
    let credential = match value.iter().position(|byte| *byte == b' ').map(|space| value.split_at(space)) {
        None => Credential::Malformed,
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"bearer") => {
            Credential::Secret(rest.trim_ascii())
        }
        Some(_) => Credential::OtherScheme,
    };
    (credential, "Invalid bearer token")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        headers.iter().copied().map(pair).collect()
    }

    #[test]
    fn a_key_comes_in_either_header_and_its_own_goes_first() {
        for (headers, expected) in [
            (&[][..], Credential::Missing),
            (&[("x-api-key", "")], Credential::Missing),
            (&[("x-api-key", "a")], Credential::Secret(b"a")),
            (&[("authorization", "bearer a")], Credential::Secret(b"a")),
            (&[("authorization", "Bearer b"), ("x-api-key", "a")], Credential::Secret(b"a")),
            (&[("authorization", "Bearer")], Credential::Malformed),
            (&[("authorization", "Basic b")], Credential::OtherScheme),
        ] {
            assert_eq!(credential(&read(headers)).0, expected, "{headers:?}");
        }
    }
}

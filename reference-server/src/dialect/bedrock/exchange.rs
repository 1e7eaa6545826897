//! One request at this dialect, and what its endpoints ask of it.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::{Kind, Refusal};
use super::signature::{ALGORITHM, Claim};
use crate::aside::aside;
use crate::dialect::common::{self, Arrival, BodyError, body};
use crate::domain::access_key::AccessKey;
use crate::domain::admission;
use crate::domain::authorization::{Credential, Denial, Need};
use crate::domain::call::Call;
use crate::domain::catalog::{Model, ModelRefusal};
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;
use crate::intake::{Intake, Share};

/// The name under which the catalog lists what is on offer here.
const DIALECT: &str = "bedrock";
/// Where a model answers to more names than its own: in front of it stands the region of an inference profile.
const REGIONS: [&str; 9] = ["us.", "us-gov.", "eu.", "apac.", "au.", "ca.", "jp.", "sa.", "global."];
const TOO_MUCH: &str =
    "The request asks for more than can be generated at once. Lower maxTokens or shorten the messages.";

/// One request, with the words of this dialect for what goes wrong.
pub(super) struct Exchange<'a>(common::Exchange<'a>);

/// A request that was let in.
pub(super) struct Admitted {
    pub(super) call: Call,
    pub(super) body: Bytes,
    /// What the body takes of the room, to be held until the answer is sent.
    pub(super) share: Share,
}

/// What a request offers to prove who it is.
enum Proof<'h> {
    Credential(Credential<'h>),
    Signature(Claim<'h>),
}

impl<'a> Deref for Exchange<'a> {
    type Target = common::Exchange<'a>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> Exchange<'a> {
    /// Takes a request up and logs that it did. Of its body no more is taken in than `intake` allows.
    pub(super) fn start(arrival: &'a Arrival<'_>, intake: &'a Intake) -> Self {
        Self(common::Exchange { intake, ..common::Exchange::start(arrival, Some) })
    }

    /// Takes the body in, finds out who calls, and counts the request against what its key may ask for. A signature
    /// covers the body; a key is looked at before it.
    pub(super) async fn admit(&self, body: Body) -> Result<Admitted, Refusal> {
        let ((body, share), call) = match self.proof()? {
            Proof::Credential(credential) => {
                let call = self.authenticate(credential).map_err(denied_to_a_key)?;
                (self.collect(body).await?, call)
            }
            Proof::Signature(claim) => {
                claim.is_current(self.world.clock.now())?;
                // An access key that lasts has no sessions.
                let is_known = |key: &&AccessKey| key.id == claim.access_key_id && !claim.is_of_session;
                let Some(key) = self.world.access_key.as_ref().filter(is_known) else {
                    return Err(denied_to_a_signature(Denial::Unknown));
                };
                claim.is_for(&key.region)?;
                let (body, share) = self.collect(body).await?;
                aside(body.len(), || claim.proves(self.head, &body, &key.secret))?;
                let credential = Credential::Secret(claim.access_key_id.as_bytes());
                ((body, share), self.authenticate(credential).map_err(denied_to_a_signature)?)
            }
        };
        admission::admit(&call, self.world.clock.now())?;
        Ok(Admitted { call, body, share })
    }

    fn proof(&self) -> Result<Proof<'_>, Refusal> {
        if self.pass().is_some() {
            // Who calls is known, and it was not asked for a signature.
            return Ok(Proof::Credential(Credential::Missing));
        }
        let headers = &self.head.headers;
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Ok(Proof::Credential(Credential::Missing));
        };
        if let Some(key) = value.as_bytes().strip_prefix(b"Bearer ") {
            // Everybody may know the id of an access key, so it is no key.
            let is_an_id = self.world.access_key.as_ref().is_some_and(|pair| pair.id.as_bytes() == key);
            let credential = if is_an_id { Credential::Malformed } else { Credential::Secret(key) };
            return Ok(Proof::Credential(credential));
        }
        match value.to_str() {
            Ok(text) if text.starts_with(ALGORITHM) => Claim::read(text, headers).map(Proof::Signature),
            _ => Ok(Proof::Credential(Credential::OtherScheme)),
        }
    }

    /// The model to use, and whether the caller may use it so.
    pub(super) fn model(
        &self,
        call: &Call,
        name: &str,
        operation: Operation,
    ) -> Result<&'a Arc<Model>, Refusal> {
        let (scope, elsewhere) = match operation {
            Operation::Chat => (Scope::ModelsInference, "a supported text or chat model"),
            Operation::Embedding => (Scope::ModelsEmbedding, "an embedding model"),
        };
        self.authorize(call, Need::Scope(scope)).map_err(|_| {
            Refusal::new(
                Kind::AccessDenied,
                "You don't have access to the model with the specified model ID.",
            )
        })?;
        self.0.model(DIALECT, plain(name), operation).map_err(|refusal| match refusal {
            ModelRefusal::Unknown => {
                Refusal::new(Kind::Validation, "The provided model identifier is invalid.")
            }
            ModelRefusal::Incapable => {
                let words = format!(
                    "This action doesn't support the model that you provided. Try again with {elsewhere}"
                );
                Refusal::new(Kind::Validation, words)
            }
        })
    }

    /// Makes room for answers of so many bytes. Who asks for more than there can be has made a mistake; the body is
    /// small enough.
    pub(super) async fn make_room(&self, share: &mut Share, bytes: usize) -> Result<(), Refusal> {
        self.0.make_room(share, bytes).await.map_err(|error| match error {
            BodyError::TooLarge => Refusal::new(Kind::Validation, TOO_MUCH),
            error => error.into(),
        })
    }

    /// How long the request is under way, in milliseconds.
    pub(super) fn latency(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The JSON of a body. What is sent to a model as bytes is often not called JSON; where there is nothing, nothing is
/// asked.
pub(super) fn json(body: &Bytes) -> Result<Value, BodyError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    aside(body.len(), || body::parse(body))
}

/// Why a key, or the lack of one, does not let a request in.
fn denied_to_a_key(denial: Denial) -> Refusal {
    match denial {
        Denial::Missing => Refusal::new(Kind::MissingAuthenticationToken, "Missing Authentication Token"),
        Denial::OtherScheme => {
            let words =
                format!("Authorization header requires the algorithm '{ALGORITHM}' or a Bearer token.");
            Refusal::new(Kind::IncompleteSignature, words)
        }
        Denial::Expired => Refusal::new(Kind::AccessDenied, "Bearer Token has expired"),
        Denial::Malformed | Denial::Unknown | Denial::Inactive | Denial::LacksScope => {
            let words = "Authentication failed: Please make sure your API Key is valid.";
            Refusal::new(Kind::AccessDenied, words)
        }
    }
}

/// Why an access key does not let a request in.
fn denied_to_a_signature(denial: Denial) -> Refusal {
    if denial == Denial::Expired {
        return Refusal::new(Kind::ExpiredToken, "The security token included in the request is expired");
    }
    Refusal::new(Kind::UnrecognizedClient, "The security token included in the request is invalid.")
}

/// A model's own name within an ARN, or within the id of an inference profile.
pub(crate) fn plain(id: &str) -> &str {
    let id = id.rsplit('/').next().unwrap_or(id);
    REGIONS.iter().find_map(|region| id.strip_prefix(region)).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_profile_and_arn() {
        let name = "anthropic.claude-3-haiku-20240307-v1:0";
        for id in [
            name.to_owned(),
            format!("us.{name}"),
            format!("arn:aws:bedrock:us-east-1::foundation-model/{name}"),
            format!("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{name}"),
        ] {
            assert_eq!(plain(&id), name);
        }
    }

    #[test]
    fn a_body_need_not_say_that_it_is_json_or_be_there() {
        assert_eq!(json(&Bytes::new()).unwrap(), Value::Object(Map::new()));
        assert_eq!(json(&Bytes::from("[1]")).unwrap(), serde_json::json!([1]));
        assert!(json(&Bytes::from("[1")).is_err());
    }
}

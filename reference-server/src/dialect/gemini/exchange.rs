//! One request at this dialect, and what its endpoints ask of it.

use std::ops::Deref;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use serde_json::Value;

use super::error::Refusal;
use super::generate;
use super::request::{self, ContentRequest};
use super::routes::Action;
use crate::dialect::common::read::Read;
use crate::dialect::common::{self, Arrival, BodyError};
use crate::domain::admission;
use crate::domain::authorization::{Credential, Need};
use crate::domain::billing;
use crate::domain::call::Call;
use crate::domain::catalog::Model;
use crate::domain::inference::CompletionRequest;
use crate::domain::ledger::Operation;
use crate::domain::scope::Scope;
use crate::intake::Share;

/// The name under which the catalog lists what is on offer here.
pub(super) const DIALECT: &str = "gemini";
/// The header that carries a key.
const KEY: &str = "x-goog-api-key";
const TOO_MUCH: &str = "The request asks for more than can be generated at once. Ask for fewer candidates or fewer \
    logprobs, lower maxOutputTokens, or shorten the contents.";

/// A service that speaks this wire.
pub(in crate::dialect) struct Service {
    /// The name under which the catalog lists what is on offer there.
    pub(in crate::dialect) dialect: &'static str,
    /// Reads the body of a request for content.
    pub(in crate::dialect) content: fn(&Value) -> Read<ContentRequest>,
    /// Reads the body of a request for the tokens of a prompt.
    pub(in crate::dialect) counted: fn(&Value) -> Read<CompletionRequest>,
}

/// Gemini's own.
pub(super) static GEMINI: Service =
    Service { dialect: DIALECT, content: request::read, counted: generate::counted };

/// One request, with the words of this dialect for what goes wrong.
pub(in crate::dialect) struct Exchange<'a> {
    common: common::Exchange<'a>,
    pub(super) service: &'static Service,
}

impl<'a> Deref for Exchange<'a> {
    type Target = common::Exchange<'a>;

    fn deref(&self) -> &Self::Target {
        &self.common
    }
}

impl<'a> Exchange<'a> {
    /// Takes up a request to a service, and logs that it did.
    pub(in crate::dialect) fn start(arrival: &'a Arrival<'_>, service: &'static Service) -> Self {
        Self { common: common::Exchange::start(arrival, Some), service }
    }

    /// Finds out who calls.
    pub(super) fn authenticate(&self) -> Result<Call, Refusal> {
        Ok(self.common.authenticate(credential(&self.head.headers, self.parameter("key")))?)
    }

    /// Counts the request against what its key may ask for.
    pub(in crate::dialect) fn admit(&self, call: &Call) -> Result<(), Refusal> {
        admission::admit(call, self.world.clock.now()).map(drop).map_err(Refusal::Exceeded)
    }

    /// The model to use, and whether the caller may use it so.
    pub(super) fn model(&self, call: &Call, name: &str, action: Action) -> Result<&'a Arc<Model>, Refusal> {
        let (operation, scope) = match action {
            Action::Generate | Action::Stream | Action::Count => (Operation::Chat, Scope::ModelsInference),
            Action::Embed | Action::EmbedBatch => (Operation::Embedding, Scope::ModelsEmbedding),
        };
        self.authorize(call, Need::Scope(scope))?;
        self.common
            .model(self.service.dialect, name, operation)
            .map_err(|_| self.unknown_model(name, Some(action)))
    }

    /// That there is no such model, or that it cannot do this.
    pub(super) fn unknown_model(&self, name: &str, action: Option<Action>) -> Refusal {
        // Whatever path leads to a model begins with the version.
        let version = self.path.split('/').nth(1).unwrap_or_default().to_owned();
        Refusal::UnknownModel { version, model: name.to_owned(), action }
    }

    /// Makes room for answers of so many bytes. Who asks for more than there can be has given an invalid argument; the
    /// payload is small enough.
    pub(super) async fn make_room(&self, share: &mut Share, bytes: usize) -> Result<(), Refusal> {
        self.common.make_room(share, bytes).await.map_err(|error| match error {
            BodyError::TooLarge => Refusal::Rejected(TOO_MUCH.to_owned()),
            error => error.into(),
        })
    }

    /// A parameter of the query, as it is written.
    pub(in crate::dialect) fn parameter(&self, name: &str) -> Option<&'a str> {
        let pairs = self.head.uri.query().unwrap_or_default().split('&');
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// Notes that a call was refused after it was let in.
    pub(in crate::dialect) async fn billed<T>(
        &self,
        call: &Call,
        operation: Operation,
        answer: Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if answer.is_err() {
            billing::bill_refusal(call, operation).await;
        }
        answer
    }
}

/// A key stands in a header of its own, in the query, or where OAuth has its tokens.
fn credential<'h>(headers: &'h HeaderMap, parameter: Option<&'h str>) -> Credential<'h> {
    if let Some(key) = headers.get(KEY) {
        return Credential::Secret(key.as_bytes());
    }
    if let Some(key) = parameter {
        return Credential::Secret(key.as_bytes());
    }
    match headers.get(AUTHORIZATION).map(|value| value.as_bytes().strip_prefix(b"Bearer ")) {
        None => Credential::Missing,
        Some(None) => Credential::OtherScheme,
        Some(Some(secret)) => Credential::Secret(secret),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_taken_from_its_header_before_the_query_and_oauth() {
        let mut headers = HeaderMap::new();
        assert_eq!(credential(&headers, None), Credential::Missing);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer three"));
        assert_eq!(credential(&headers, None), Credential::Secret(b"three"));
        assert_eq!(credential(&headers, Some("two")), Credential::Secret(b"two"));
        headers.insert(KEY, HeaderValue::from_static("one"));
        assert_eq!(credential(&headers, Some("two")), Credential::Secret(b"one"));
    }
}

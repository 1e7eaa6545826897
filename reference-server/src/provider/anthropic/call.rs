use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;
use url::Url;

use super::request::{self, Delivery};
use super::wire::Count;
use super::{answer, error, stream};
use crate::aside::aside;
use crate::brain::Refusal;
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, ProviderError,
};
use crate::provider::http::{Client, Endpoint, Peer, Reply, Secret, headers, incapable};
use crate::provider::{CompletionStream, Fault, Provider};

/// Where the simulator speaks this wire, below its own address.
const UPSTREAM: &str = "anthropic";
/// The version of the wire.
const VERSION: &str = "2023-06-01";

/// Anthropic.
#[derive(Clone)]
pub struct Anthropic {
    peer: Peer,
    key: Secret,
}

impl Anthropic {
    /// The provider at an address such as `https://api.anthropic.com`, which takes this key.
    pub fn new(client: Client, endpoint: Endpoint, key: Secret) -> Self {
        Self { peer: Peer::new(client, endpoint, &[&key]), key }
    }

    /// The same provider as the simulator plays it, at its address or that of one of its worlds.
    pub fn rebased(&self, upstream: &Url) -> Arc<dyn Provider> {
        Arc::new(Self { peer: self.peer.below(upstream, UPSTREAM, &[&self.key]), key: self.key.clone() })
    }

    /// Sends a request of so many bytes; what comes back is a success.
    async fn call(
        &self,
        path: &str,
        request: &impl Serialize,
        size: usize,
        fault: Option<&Fault>,
    ) -> Result<Reply, ProviderError> {
        let headers = headers([("x-api-key", self.key.reveal()), ("anthropic-version", VERSION)])?;
        let body = aside(size, || serde_json::to_vec(request));
        let body = body.map_err(|error| ProviderError::Rejected(error.to_string()))?;
        self.peer.post(self.peer.at(path), headers, body, fault).await?.success(error::refused).await
    }
}

impl Provider for Anthropic {
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        Box::pin(async move {
            let body = request::message(model, &request, Delivery::Whole)?;
            let reply = self.call("v1/messages", &body, request.size(), fault.as_ref()).await?;
            answer::completion(reply.json().await?)
        })
    }

    fn stream<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<CompletionStream, ProviderError>> {
        Box::pin(async move {
            let body = request::message(model, &request, Delivery::Streamed)?;
            let reply = self.call("v1/messages", &body, request.size(), fault.as_ref()).await?;
            reply.into_parts(stream::Events::default(), 1).await
        })
    }

    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        Box::pin(async move {
            let body = request::prompt(model, request)?;
            let reply = self.call("v1/messages/count_tokens", &body, request.size(), None).await?;
            let Count { input_tokens: tokens } = reply.json().await?;
            match model.context_tokens {
                Some(most) if tokens > most => Err(Refusal::TooLong { tokens, most }.into()),
                _ => Ok(tokens),
            }
        })
    }

    fn embed<'a>(
        &'a self,
        _model: &'a ModelIdentity,
        _request: EmbeddingRequest,
        _fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        let refused: Result<Embeddings, _> = Err(incapable("this provider has no embeddings"));
        Box::pin(ready(refused))
    }
}

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;
use url::Url;

use super::{answer, embeddings, error, request, stream};
use crate::aside::aside;
use crate::brain;
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, ProviderError,
};
use crate::provider::http::{Client, Endpoint, Peer, Reply, Secret, headers};
use crate::provider::{CompletionStream, Fault, Provider};

/// Where the simulator speaks this wire, below its own address.
const UPSTREAM: &str = "openai/v1";

/// OpenAI, or another provider that speaks its wire.
#[derive(Clone)]
pub struct OpenAi {
    peer: Peer,
    key: Secret,
}

impl OpenAi {
    /// The provider at an address such as `https://api.openai.com/v1`, which takes this key.
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
        let bearer = format!("Bearer {}", self.key.reveal());
        let headers = headers([("authorization", bearer.as_str())])?;
        let body = aside(size, || serde_json::to_vec(request));
        let body = body.map_err(|error| ProviderError::Rejected(error.to_string()))?;
        self.peer.post(self.peer.at(path), headers, body, fault).await?.success(error::refused).await
    }

    async fn chat(
        &self,
        model: &ModelIdentity,
        request: &CompletionRequest,
        is_streamed: bool,
        fault: Option<&Fault>,
    ) -> Result<Reply, ProviderError> {
        let body = request::chat(model, request, is_streamed)?;
        self.call("chat/completions", &body, request.size(), fault).await
    }
}

impl Provider for OpenAi {
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        Box::pin(async move {
            let reply = self.chat(model, &request, false, fault.as_ref()).await?;
            answer::completion(reply.json().await?, &request)
        })
    }

    fn stream<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<CompletionStream, ProviderError>> {
        Box::pin(async move {
            let reply = self.chat(model, &request, true, fault.as_ref()).await?;
            reply.into_parts(stream::Chunks::of(&request), answer::count(&request)).await
        })
    }

    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        // The wire has no call for it.
        let count = || brain::count_for_another(request, model.context_tokens);
        Box::pin(std::future::ready(aside(request.size(), count).map_err(ProviderError::from)))
    }

    fn embed<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: EmbeddingRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        Box::pin(async move {
            let size = request.inputs.iter().map(String::len).sum();
            let body = embeddings::body(model, &request);
            let reply = self.call("embeddings", &body, size, fault.as_ref()).await?;
            embeddings::read(reply.json().await?, &request)
        })
    }
}

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde::Serialize;
use url::Url;

use super::service::Service;
use super::wire::Count;
use super::{ServiceAccount, answer, embeddings, error, request, stream};
use crate::aside::aside;
use crate::brain::{self, Refusal};
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, ProviderError, Usage,
};
use crate::provider::http::{Client, Endpoint, Peer, Reply, Secret, headers, percent_encoded};
use crate::provider::{CompletionStream, Fault, Provider};

/// Who makes the models here. The name may stand before theirs.
const PUBLISHER: &str = "google/";

/// Google's Vertex AI, or the Gemini API.
#[derive(Clone)]
pub struct Vertex {
    peer: Peer,
    service: Service,
}

impl Vertex {
    /// Vertex AI at an address such as `https://us-central1-aiplatform.googleapis.com`, with the models of a project at
    /// a location. The account is given tokens, which the service takes.
    pub fn new(
        client: Client,
        endpoint: Endpoint,
        project: &str,
        location: &str,
        account: ServiceAccount,
    ) -> Self {
        let service = Service::vertex(client.clone(), endpoint.timeouts, (project, location), account);
        Self { peer: Peer::new(client, endpoint, &[]), service }
    }

    /// The Gemini API at an address such as `https://generativelanguage.googleapis.com`, which takes this key.
    pub fn with_key(client: Client, endpoint: Endpoint, key: Secret) -> Self {
        let service = Service::Gemini { key };
        Self { peer: Peer::new(client, endpoint, &service.secrets()), service }
    }

    /// The same provider as the simulator plays it, at its address or that of one of its worlds. Tokens are given
    /// there too.
    pub fn rebased(&self, upstream: &Url) -> Arc<dyn Provider> {
        let (path, service) = self.service.rebased(upstream);
        Arc::new(Self { peer: self.peer.below(upstream, path, &service.secrets()), service })
    }

    /// Sends a request of so many bytes to a model; what comes back is a success.
    async fn call(
        &self,
        model: &ModelIdentity,
        action: &str,
        request: &(impl Serialize + Sync),
        size: usize,
        fault: Option<&Fault>,
    ) -> Result<Reply, ProviderError> {
        // What follows a question mark is the query.
        let (action, query) = match action.split_once('?') {
            Some((action, query)) => (action, Some(query)),
            None => (action, None),
        };
        let name = percent_encoded(name(model));
        let mut url = self.peer.at(&format!("{}/{name}:{action}", self.service.models()));
        url.set_query(query);
        let body = aside(size, || serde_json::to_vec(request));
        let body = body.map_err(|error| ProviderError::Rejected(error.to_string()))?;
        self.send(url, body.into(), fault).await?.success(error::refused).await
    }

    /// Sends a body. A token that was kept from before may have been taken back since: where it is refused, another is
    /// asked for, and the call is made once more. That is part of the same attempt, though the service sees two calls:
    /// it has not looked at the first. A token that is refused as soon as it is given leads to the next route.
    async fn send(&self, url: Url, body: Bytes, fault: Option<&Fault>) -> Result<Reply, ProviderError> {
        let tokens = match &self.service {
            Service::Vertex { tokens, .. } => tokens,
            Service::Gemini { key } => {
                let headers = headers([("x-goog-api-key", key.reveal())])?;
                return self.peer.post(url, headers, body, fault).await;
            }
        };
        let token = tokens.token(None).await?;
        let reply = self.send_with(&token.secret, url.clone(), body.clone(), fault).await?;
        if reply.status() != 401 || token.is_new {
            return Ok(reply);
        }
        let other = tokens.token(Some(&token.secret)).await?;
        self.send_with(&other.secret, url, body, fault).await
    }

    async fn send_with(
        &self,
        token: &Secret,
        url: Url,
        body: Bytes,
        fault: Option<&Fault>,
    ) -> Result<Reply, ProviderError> {
        let bearer = format!("Bearer {}", token.reveal());
        let headers = headers([("authorization", bearer.as_str())])?;
        self.peer.hiding(token).post(url, headers, body, fault).await
    }

    /// The vectors that a model of texts predicts, many at a time.
    async fn predict(
        &self,
        model: &ModelIdentity,
        EmbeddingRequest { inputs, dimensions }: &EmbeddingRequest,
        fault: Option<&Fault>,
    ) -> Result<Embeddings, ProviderError> {
        let (mut vectors, mut usages) = (Vec::with_capacity(inputs.len()), Vec::new());
        for texts in inputs.chunks(embeddings::MOST_PREDICTED) {
            let body = embeddings::instances(texts, *dimensions);
            let reply = self.call(model, "predict", &body, size(texts), fault).await?;
            let predicted = embeddings::predicted(reply.json().await?, texts.len())?;
            vectors.extend(predicted.vectors);
            usages.push(predicted.usage);
        }
        Ok(Embeddings { vectors, usage: usages.into_iter().sum() })
    }

    /// The vectors of a model of Vertex AI's that takes texts one by one.
    async fn embed_each(
        &self,
        model: &ModelIdentity,
        EmbeddingRequest { inputs, dimensions }: &EmbeddingRequest,
        fault: Option<&Fault>,
    ) -> Result<Embeddings, ProviderError> {
        let (mut vectors, mut usages) = (Vec::with_capacity(inputs.len()), Vec::new());
        for text in inputs {
            let body = embeddings::one(text, *dimensions);
            let reply = self.call(model, "embedContent", &body, text.len(), fault).await?;
            let (vector, usage) = embeddings::embedded(reply.json().await?)?;
            vectors.push(vector);
            usages.push(usage);
        }
        Ok(Embeddings { vectors, usage: usages.into_iter().sum() })
    }

    /// The vectors of a model of the Gemini API's, many at a time. What they cost is not told, and counted here.
    async fn embed_batches(
        &self,
        model: &ModelIdentity,
        EmbeddingRequest { inputs, dimensions }: &EmbeddingRequest,
        fault: Option<&Fault>,
    ) -> Result<Embeddings, ProviderError> {
        let mut vectors = Vec::with_capacity(inputs.len());
        for texts in inputs.chunks(embeddings::MOST_IN_BATCH) {
            let body = embeddings::batch(name(model), texts, *dimensions);
            let reply = self.call(model, "batchEmbedContents", &body, size(texts), fault).await?;
            vectors.extend(embeddings::batch_embedded(reply.json().await?, texts.len())?);
        }
        let count = || inputs.iter().map(|text| brain::tokens::count(text)).sum();
        let input_tokens = aside(size(inputs), count);
        Ok(Embeddings { vectors, usage: Usage { input_tokens, ..Usage::default() } })
    }
}

/// What a model is called in paths.
fn name(model: &ModelIdentity) -> &str {
    model.id.strip_prefix(PUBLISHER).unwrap_or(&model.id)
}

fn size(texts: &[String]) -> usize {
    texts.iter().map(String::len).sum()
}

impl Provider for Vertex {
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        Box::pin(async move {
            let body = request::content(&request)?;
            let reply = self.call(model, "generateContent", &body, request.size(), fault.as_ref()).await?;
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
            let body = request::content(&request)?;
            let action = "streamGenerateContent?alt=sse";
            let reply = self.call(model, action, &body, request.size(), fault.as_ref()).await?;
            reply.into_parts(stream::Chunks::of(&request), answer::count(&request)).await
        })
    }

    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        Box::pin(async move {
            let prompt = request::prompt(request)?;
            let reply = match &self.service {
                Service::Vertex { .. } => {
                    self.call(model, "countTokens", &prompt, request.size(), None).await?
                }
                Service::Gemini { .. } => {
                    let counted = request::counted(name(model), prompt);
                    self.call(model, "countTokens", &counted, request.size(), None).await?
                }
            };
            let Count { total_tokens: tokens } = reply.json().await?;
            match model.context_tokens {
                Some(most) if tokens > most => Err(Refusal::TooLong { tokens, most }.into()),
                _ => Ok(tokens),
            }
        })
    }

    fn embed<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: EmbeddingRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        Box::pin(async move {
            let fault = fault.as_ref();
            match &self.service {
                Service::Gemini { .. } => self.embed_batches(model, &request, fault).await,
                Service::Vertex { .. } if embeddings::are_predicted(name(model)) => {
                    self.predict(model, &request, fault).await
                }
                Service::Vertex { .. } => self.embed_each(model, &request, fault).await,
            }
        })
    }
}

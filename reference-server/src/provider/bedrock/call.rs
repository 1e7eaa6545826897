use std::future::ready;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;
use url::Url;

use super::access::Access;
use super::{AwsCredentials, answer, cohere, error, frames, request, stream, titan};
use crate::aside::aside;
use crate::brain;
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, ModelIdentity, ProviderError,
};
use crate::provider::http::{Client, Endpoint, Peer, Reply, Secret, incapable, percent_encoded};
use crate::provider::{CompletionStream, Fault, Provider};

/// Where the simulator speaks this wire, below its own address.
const UPSTREAM: &str = "bedrock";
/// What is done with a model that embeds.
const INVOKE: &str = "invoke";

/// Amazon's Bedrock.
#[derive(Clone)]
pub struct Bedrock {
    peer: Peer,
    access: Access,
}

impl Bedrock {
    /// The provider at an address such as `https://bedrock-runtime.us-east-1.amazonaws.com`, whose requests are signed
    /// with these for its region.
    pub fn new(client: Client, endpoint: Endpoint, region: &str, credentials: AwsCredentials) -> Self {
        Self::with(client, endpoint, Access::Signature { region: region.to_owned(), credentials })
    }

    /// The same with a key of Bedrock's own, which is sent as it is.
    pub fn with_key(client: Client, endpoint: Endpoint, key: Secret) -> Self {
        Self::with(client, endpoint, Access::Key(key))
    }

    fn with(client: Client, endpoint: Endpoint, access: Access) -> Self {
        Self { peer: Peer::new(client, endpoint, &access.secrets()), access }
    }

    /// The same provider as the simulator plays it, at its address or that of one of its worlds.
    pub fn rebased(&self, upstream: &Url) -> Arc<dyn Provider> {
        let peer = self.peer.below(upstream, UPSTREAM, &self.access.secrets());
        Arc::new(Self { peer, access: self.access.clone() })
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
        let url = self.peer.at(&format!("model/{}/{action}", percent_encoded(&model.id)));
        let (body, headers) = aside(size, || -> Result<_, ProviderError> {
            let body = serde_json::to_vec(request);
            let body = body.map_err(|error| ProviderError::Rejected(error.to_string()))?;
            let headers = self.access.headers(&url, &body)?;
            Ok((body, headers))
        })?;
        self.peer.post(url, headers, body, fault).await?.success(error::refused).await
    }

    async fn converse(
        &self,
        model: &ModelIdentity,
        action: &str,
        request: &CompletionRequest,
        fault: Option<&Fault>,
    ) -> Result<Reply, ProviderError> {
        let body = request::converse(model, request)?;
        self.call(model, action, &body, request.size(), fault).await
    }

    /// The vectors of all texts, which Cohere's models take many at a time.
    async fn embed_with_cohere(
        &self,
        model: &ModelIdentity,
        request: &EmbeddingRequest,
        fault: Option<&Fault>,
    ) -> Result<Embeddings, ProviderError> {
        let (mut vectors, mut usages) = (Vec::with_capacity(request.inputs.len()), Vec::new());
        for texts in request.inputs.chunks(cohere::MOST) {
            let body = cohere::body(model, texts, request.dimensions)?;
            let size = texts.iter().map(String::len).sum();
            let reply = self.call(model, INVOKE, &body, size, fault).await?;
            usages.push(cohere::usage(&reply)?);
            vectors.extend(cohere::vectors(reply.json().await?, texts.len())?);
        }
        Ok(Embeddings { vectors, usage: usages.into_iter().sum() })
    }

    /// The vectors of all texts, which Amazon's models take one by one.
    async fn embed_with_titan(
        &self,
        model: &ModelIdentity,
        request: &EmbeddingRequest,
        fault: Option<&Fault>,
    ) -> Result<Embeddings, ProviderError> {
        let (mut vectors, mut usages) = (Vec::with_capacity(request.inputs.len()), Vec::new());
        for text in &request.inputs {
            let body = titan::body(text, request.dimensions);
            let reply = self.call(model, INVOKE, &body, text.len(), fault).await?;
            let (vector, usage) = titan::vector(reply.json().await?)?;
            vectors.push(vector);
            usages.push(usage);
        }
        Ok(Embeddings { vectors, usage: usages.into_iter().sum() })
    }
}

impl Provider for Bedrock {
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>> {
        Box::pin(async move {
            let reply = self.converse(model, "converse", &request, fault.as_ref()).await?;
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
            let reply = self.converse(model, "converse-stream", &request, fault.as_ref()).await?;
            reply.into_parts_of(frames::MEDIA_TYPE, frames::frames, stream::Events, 1).await
        })
    }

    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>> {
        // The API has a call for it, which few models answer.
        let count = || brain::count_for_another(request, model.context_tokens);
        Box::pin(ready(aside(request.size(), count).map_err(ProviderError::from)))
    }

    fn embed<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: EmbeddingRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>> {
        Box::pin(async move {
            // Before the maker's name may stand a region, and much more in an ARN.
            if model.id.contains("cohere.embed-") {
                self.embed_with_cohere(model, &request, fault.as_ref()).await
            } else if model.id.contains("amazon.titan-embed-") {
                self.embed_with_titan(model, &request, fault.as_ref()).await
            } else {
                Err(incapable("only the embedding models of Cohere and Amazon can be asked here"))
            }
        })
    }
}

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::Fault;
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, FinishReason, ModelIdentity, ProviderError,
    Usage,
};

/// A back end that runs models. What it is asked and answers is free of any wire.
pub trait Provider: Send + Sync {
    /// Answers a conversation at once.
    fn complete<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Completion, ProviderError>>;

    /// Answers a conversation in parts, the same text as [`complete`](Provider::complete) gives.
    ///
    /// An error before the first part is the future's, one after it the stream's last item.
    fn stream<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: CompletionRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<CompletionStream, ProviderError>>;

    /// Places texts in a model's space.
    fn embed<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: EmbeddingRequest,
        fault: Option<Fault>,
    ) -> BoxFuture<'a, Result<Embeddings, ProviderError>>;
}

/// An answer that arrives in parts; a whole one ends with [`StreamPart::Finished`].
pub type CompletionStream = BoxStream<'static, Result<StreamPart, ProviderError>>;

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamPart {
    /// The text goes on.
    Delta(String),
    /// The text is whole.
    Finished {
        /// Why it ended.
        finish_reason: FinishReason,
        /// What it cost in tokens.
        usage: Usage,
    },
}

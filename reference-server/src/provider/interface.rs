use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::Fault;
use crate::domain::inference::{
    Completion, CompletionRequest, EmbeddingRequest, Embeddings, FinishReason, ModelIdentity, ProviderError,
    Token, Usage,
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

    /// Counts the tokens of a conversation as a prompt, as [`complete`](Provider::complete) counts them.
    fn count<'a>(
        &'a self,
        model: &'a ModelIdentity,
        request: &'a CompletionRequest,
    ) -> BoxFuture<'a, Result<u64, ProviderError>>;

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

/// A part of what a chat model gives.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamPart {
    /// An answer goes on.
    Delta {
        /// Which answer, from 0.
        answer: u32,
        /// What is new.
        piece: Piece,
    },
    /// An answer is whole.
    Ended {
        /// Which answer, from 0.
        answer: u32,
        /// Why it ended.
        finish_reason: FinishReason,
    },
    /// All answers are whole.
    Finished {
        /// What they cost in tokens.
        usage: Usage,
    },
}

/// What a part adds to an answer. Thoughts come before text, text before calls.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// More thoughts.
    Thinking(String),
    /// What proves to the model that the thoughts before it are its own.
    Signature(String),
    /// More text.
    Text {
        /// The text.
        text: String,
        /// Its tokens, where probabilities were asked for.
        tokens: Option<Vec<Token>>,
    },
    /// More of why the model does not answer, in place of text.
    Refusal(String),
    /// A tool is called; what it is given follows.
    ToolCall {
        /// Which of the answer's calls, from 0.
        index: u32,
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
    },
    /// More of what a tool is given.
    Arguments {
        /// Which of the answer's calls, from 0.
        index: u32,
        /// A piece of JSON.
        text: String,
    },
}

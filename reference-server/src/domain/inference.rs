//! What every dialect asks of a provider, and what every provider answers: no wire's own types.

use std::sync::Arc;

use bytes::Bytes;

/// Who speaks in a turn of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The caller.
    User,
    /// The model.
    Assistant,
}

/// One turn.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said and shown, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// The text parts, joined by line breaks.
    pub fn text(&self) -> String {
        let mut texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image(_) | Part::File(_) => None,
        });
        let mut joined = texts.next().unwrap_or_default().to_owned();
        for text in texts {
            joined.push('\n');
            joined.push_str(text);
        }
        joined
    }
}

/// A piece of a message.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text.
    Text(String),
    /// A decoded, not yet understood image.
    Image(Image),
    /// An attached file.
    File(File),
}

/// An image as it was sent.
#[derive(Clone, Debug)]
pub struct Image {
    /// What the sender calls it, such as `image/png`.
    pub media_type: String,
    /// How closely it is to be looked at, where the sender says so.
    pub detail: Option<Detail>,
    /// The file's bytes.
    pub bytes: Bytes,
}

/// How closely an image is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As the model thinks fit.
    Auto,
    /// A glance.
    Low,
    /// Every part of it.
    High,
}

impl Detail {
    /// The word for it, which every wire uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

/// A file as it was sent.
#[derive(Clone, Debug)]
pub struct File {
    /// Its name, where one was given.
    pub name: Option<String>,
    /// The file's bytes.
    pub bytes: Bytes,
}

/// A question to a chat model.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// The conversation, oldest first; system messages may stand anywhere.
    pub messages: Vec<Message>,
    /// Most tokens to answer with.
    pub max_tokens: Option<u32>,
    /// Texts before which the answer ends.
    pub stop: Vec<String>,
    /// How freely the model chooses its words, where the caller says so.
    pub temperature: Option<f64>,
    /// The share of probable words that it chooses from, where the caller says so.
    pub top_p: Option<f64>,
}

impl CompletionRequest {
    /// The bytes of everything that is said and shown.
    pub fn size(&self) -> usize {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts
            .map(|part| match part {
                Part::Text(text) => text.len(),
                Part::Image(image) => image.bytes.len(),
                Part::File(file) => file.bytes.len(),
            })
            .sum()
    }
}

/// A chat model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// What it cost in tokens.
    pub usage: Usage,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done, or came to a stop text.
    Stop,
    /// The token limit cut it.
    Length,
}

/// Tokens counted by the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the question.
    pub input_tokens: u64,
    /// Tokens of the answer; none for embeddings.
    pub output_tokens: u64,
}

/// Texts to embed.
#[derive(Clone, Debug)]
pub struct EmbeddingRequest {
    /// The texts, in order.
    pub inputs: Vec<String>,
    /// Length of the vectors, where the caller wants another than the model's own.
    pub dimensions: Option<usize>,
}

/// One vector a text, in the order of the texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// Unit vectors.
    pub vectors: Vec<Vec<f32>>,
    /// What they cost in tokens.
    pub usage: Usage,
}

/// Who a model is: what a provider needs to know to answer in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIdentity {
    /// The id that callers use.
    pub id: Arc<str>,
    /// The provider's family, as people write it: `Bedrock`, `Vertex AI`.
    pub family: Arc<str>,
    /// Length of its vectors when it embeds; 0 for a chat model.
    pub dimensions: usize,
    /// Most tokens that a prompt may have; nothing where there is no limit.
    pub context_tokens: Option<u64>,
}

/// Why a provider gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider refused the request as it stands.
    #[error("the provider refused the request: {0}")]
    Rejected(String),
    /// The provider takes no more requests for now.
    #[error("the provider's rate limit is reached: {message}")]
    RateLimited {
        /// What the provider says.
        message: String,
        /// Seconds after which it may be asked again, where it says so.
        retry_after: Option<u32>,
    },
    /// The provider is there and cannot work.
    #[error("the provider is unavailable: {0}")]
    Unavailable(String),
    /// The provider answered with an error that nobody has documented.
    #[error("the provider answered with an unknown error, status {status}: {body}")]
    Unmapped {
        /// Its status.
        status: u16,
        /// Its whole body, which is for the log only.
        body: String,
    },
    /// The provider's answer could not be understood.
    #[error("the provider's answer is malformed: {0}")]
    Malformed(String),
}

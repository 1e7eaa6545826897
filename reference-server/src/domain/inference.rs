//! What every dialect asks of a provider, and what every provider answers: no wire's own types.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

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
            Part::Image(_) | Part::File(_) | Part::Audio(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
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
    /// Speech or another sound.
    Audio(Audio),
    /// A tool that the model has called, in one of its own turns.
    ToolCall(ToolCall),
    /// What a tool has answered.
    ToolResult(ToolResult),
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

/// A sound as it was sent.
#[derive(Clone, Debug)]
pub struct Audio {
    /// What the sender calls it, such as `wav`.
    pub format: String,
    /// The file's bytes.
    pub bytes: Bytes,
}

/// A call of a tool, which the caller is to make for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Unique within an answer; the tool's result names it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What the tool is given, in JSON.
    pub arguments: String,
}

/// What a tool has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolResult {
    /// The id of the call.
    pub call_id: String,
    /// The answer.
    pub text: String,
    /// Whether the tool has failed.
    pub is_error: bool,
}

/// A tool that the model may call.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Unique among the tools of a request.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON Schema of what it is given; nothing for a tool that is given nothing.
    pub parameters: Option<Value>,
}

/// Whether and how tools are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolUse {
    /// Whether one is to be called.
    pub mode: ToolMode,
    /// The only ones that may be called; none stands for all.
    pub only: Vec<String>,
    /// Whether no more than one may be called in an answer.
    pub one_at_a_time: bool,
}

/// Whether a tool is to be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolMode {
    /// As the model thinks fit.
    #[default]
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
}

/// The form of an answer's text.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AnswerFormat {
    /// Any text.
    #[default]
    Text,
    /// An object in JSON.
    JsonObject,
    /// JSON that is valid against this JSON Schema.
    JsonSchema(Value),
}

/// A question to a chat model.
#[derive(Clone, Debug, Default)]
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
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// Whether and how it calls them.
    pub tool_use: ToolUse,
    /// The form of the answer's text.
    pub format: AnswerFormat,
    /// How many answers are asked for besides the first.
    pub more_answers: u32,
    /// For each token of the answer, how many others that were probable are to be told; nothing where no
    /// probability is to be told at all.
    pub alternatives: Option<u8>,
    /// Most tokens to think with, where the model is to think before it answers.
    pub thinking: Option<u32>,
    /// Whether the assistant's last turn is the beginning of the answer, which goes on where that ends.
    pub is_begun: bool,
}

/// What a chat model gives to a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The answer.
    pub answer: Answer,
    /// Other answers to the same question, where they were asked for.
    pub more: Vec<Answer>,
    /// What all of it cost in tokens.
    pub usage: Usage,
}

impl Completion {
    /// All answers, in order.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        std::iter::once(&self.answer).chain(&self.more)
    }
}

/// One answer of a chat model.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the model thought before it.
    pub thinking: Option<String>,
    /// The text.
    pub text: String,
    /// The tools that are to be called before the conversation goes on.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// The tokens of the text, joined the text itself, where probabilities were asked for.
    pub tokens: Option<Vec<Token>>,
}

impl Answer {
    /// An answer of this text, complete.
    pub fn of_text(text: impl Into<String>) -> Self {
        Self {
            thinking: None,
            text: text.into(),
            tool_calls: Vec::new(),
            finish_reason: FinishReason::Stop,
            tokens: None,
        }
    }
}

/// One token of an answer's text, and how probable it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Its bytes: a character may be spread over several tokens.
    pub bytes: Vec<u8>,
    /// The natural logarithm of its probability.
    pub logprob: f64,
    /// The most probable tokens at this place, the most probable first, each with its logarithm.
    pub alternatives: Vec<(Vec<u8>, f64)>,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done.
    Stop,
    /// It came to this stop text.
    StopText(String),
    /// The token limit cut it.
    Length,
    /// Tools are to be called first.
    ToolCalls,
}

/// Tokens counted by the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the question.
    pub input_tokens: u64,
    /// Tokens of all answers; none for embeddings.
    pub output_tokens: u64,
    /// Those of the answers' tokens that the model thought with.
    pub thinking_tokens: u64,
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |sum, usage| Self {
            input_tokens: sum.input_tokens.saturating_add(usage.input_tokens),
            output_tokens: sum.output_tokens.saturating_add(usage.output_tokens),
            thinking_tokens: sum.thinking_tokens.saturating_add(usage.thinking_tokens),
        })
    }
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
    /// Whether it can think before it answers.
    pub thinks: bool,
    /// Whether it can hear.
    pub hears: bool,
}

/// Why a provider gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider refused the request as it stands.
    #[error("the provider refused the request: {0}")]
    Rejected(String),
    /// The question is longer than the model's context.
    #[error("the provider refused the request: {0}")]
    TooLong(String),
    /// The provider has no such model. What it says names the model as it is known there, which is for the log only.
    #[error("the provider does not know the model: {0}")]
    UnknownModel(String),
    /// The provider does not let the gateway in. What it says is for the log only.
    #[error("the provider refused the gateway's credentials: {0}")]
    Credentials(String),
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
    /// The provider did not answer in time. How it came about is for the log only.
    #[error("the provider did not answer in time: {0}")]
    TimedOut(String),
    /// There is no connection to the provider, or none any more. How it came about is for the log only.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
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

use super::{Thinking, ToolCall};

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
    pub thinking: Option<Thinking>,
    /// The text.
    pub text: String,
    /// Why the model does not answer, in words of its own that stand in place of the text.
    pub refusal: Option<String>,
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
            refusal: None,
            tool_calls: Vec::new(),
            finish_reason: FinishReason::Stop,
            tokens: None,
        }
    }

    /// What is said: the text, or the refusal where a wire has no place of its own for one.
    pub fn said(&self) -> &str {
        self.refusal.as_deref().unwrap_or(&self.text)
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
    /// A filter stopped it, or the model refused to answer.
    Filtered,
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
    /// Those of the question's tokens that the provider had in a cache.
    pub cached_tokens: u64,
    /// Those of the question's tokens that the provider has put into a cache.
    pub cache_written_tokens: u64,
}

impl Usage {
    /// So many tokens of a question and its answers, without thoughts and without a cache.
    pub const fn of(input_tokens: u64, output_tokens: u64) -> Self {
        Self { input_tokens, output_tokens, thinking_tokens: 0, cached_tokens: 0, cache_written_tokens: 0 }
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |sum, usage| Self {
            input_tokens: sum.input_tokens.saturating_add(usage.input_tokens),
            output_tokens: sum.output_tokens.saturating_add(usage.output_tokens),
            thinking_tokens: sum.thinking_tokens.saturating_add(usage.thinking_tokens),
            cached_tokens: sum.cached_tokens.saturating_add(usage.cached_tokens),
            cache_written_tokens: sum.cache_written_tokens.saturating_add(usage.cache_written_tokens),
        })
    }
}

/// One vector a text, in the order of the texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// Unit vectors.
    pub vectors: Vec<Vec<f32>>,
    /// What they cost in tokens.
    pub usage: Usage,
}

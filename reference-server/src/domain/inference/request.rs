use serde_json::{Map, Number, Value};

use super::{Message, Tool, ToolUse};

/// A question to a chat model. Numbers are kept as they were written.
#[derive(Clone, Debug, Default)]
pub struct CompletionRequest {
    /// The conversation, oldest first; system messages may stand anywhere.
    pub messages: Vec<Message>,
    /// Most tokens to answer with.
    pub max_tokens: Option<u32>,
    /// Texts before which the answer ends.
    pub stop: Vec<String>,
    /// How freely the model chooses its words, where the caller says so.
    pub temperature: Option<Number>,
    /// The share of probable words that it chooses from, where the caller says so.
    pub top_p: Option<Number>,
    /// How many of the most probable words it chooses from, where the caller says so.
    pub top_k: Option<Number>,
    /// What chance begins with, so that the same question has the same answer, where the caller says so.
    pub seed: Option<i64>,
    /// How much less probable a word is for each time that it was said, where the caller says so.
    pub frequency_penalty: Option<Number>,
    /// How much less probable a word is once it was said, where the caller says so.
    pub presence_penalty: Option<Number>,
    /// How much more or less probable single tokens are, by their numbers in the model's own vocabulary.
    pub logit_bias: Map<String, Value>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// Whether and how it calls them.
    pub tool_use: ToolUse,
    /// What the ids of calls begin with where the provider has none of its own.
    pub call_ids: CallIds,
    /// The form of the answer's text.
    pub format: AnswerFormat,
    /// How many answers are asked for besides the first.
    pub more_answers: u32,
    /// For each token of the answer, how many others that were probable are to be told; nothing where no
    /// probability is to be told at all.
    pub alternatives: Option<u8>,
    /// Most tokens to think with, where the model is to think before it answers.
    pub thinking: Option<u32>,
    /// Whether nobody has asked for that: the model thinks because it always does.
    pub thinks_unasked: bool,
    /// How much it thinks, in the caller's word, where it is given one.
    pub reasoning_effort: Option<Effort>,
    /// How much it puts into all of its answer, where the caller says so.
    pub output_effort: Option<Effort>,
    /// Whether the assistant's last turn is the beginning of the answer, which goes on where that ends.
    pub is_begun: bool,
    /// On whose behalf the caller asks, where it says so.
    pub user: Option<String>,
    /// Names and values that the caller attaches to the request.
    pub metadata: Map<String, Value>,
    /// Whether the provider is to keep the answer, where the caller says so.
    pub store: Option<bool>,
    /// How urgently it is to be answered, where the caller says so.
    pub service_tier: Option<ServiceTier>,
}

impl CompletionRequest {
    /// Most tokens to think with, where somebody has asked for thoughts.
    pub fn asked_thinking(&self) -> Option<u32> {
        self.thinking.filter(|_| !self.thinks_unasked)
    }
}

/// What the ids of calls begin with, as the callers of a wire know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallIds {
    /// As OpenAI's do.
    #[default]
    Call,
    /// As Anthropic's do.
    Toolu,
    /// As those of Bedrock do.
    Tooluse,
}

impl CallIds {
    /// The beginning of an id.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Call => "call_",
            Self::Toolu => "toolu_",
            Self::Tooluse => "tooluse_",
        }
    }
}

/// The form of an answer's text.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AnswerFormat {
    /// Any text.
    #[default]
    Text,
    /// An object in JSON.
    JsonObject,
    /// JSON that is valid against a JSON Schema.
    JsonSchema(JsonSchema),
}

/// A JSON Schema, and what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonSchema {
    /// The schema itself.
    pub schema: Value,
    /// What it is called.
    pub name: Option<String>,
    /// What the answer is for, which a model is told.
    pub description: Option<String>,
    /// Whether the answer keeps to it to the letter, where the caller says so.
    pub strict: Option<bool>,
}

impl From<Value> for JsonSchema {
    /// A schema of which nothing is said.
    fn from(schema: Value) -> Self {
        Self { schema, name: None, description: None, strict: None }
    }
}

/// How much a model puts into an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Nothing.
    None,
    /// Next to nothing.
    Minimal,
    /// A little.
    Low,
    /// As much as usual.
    Medium,
    /// More than usual.
    High,
    /// Much more than usual.
    XHigh,
    /// All that it can.
    Max,
}

impl Effort {
    /// Every effort, the least first.
    pub const ALL: [Self; 7] =
        [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// The word for it, which every wire uses that knows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

/// How urgently a request is answered, and at which price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceTier {
    /// As the account has it.
    Auto,
    /// As usual.
    Default,
    /// Whenever there is time.
    Flex,
    /// With what was bought for many requests.
    Scale,
    /// Before others.
    Priority,
    /// With what was bought for this account alone.
    Reserved,
}

impl ServiceTier {
    /// Every tier.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Default, Self::Flex, Self::Scale, Self::Priority, Self::Reserved];

    /// The word for it, which the wires use that know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Default => "default",
            Self::Flex => "flex",
            Self::Scale => "scale",
            Self::Priority => "priority",
            Self::Reserved => "reserved",
        }
    }

    /// The tier of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
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

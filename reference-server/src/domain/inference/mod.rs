//! What every dialect asks of a provider, and what every provider answers: no wire's own types.

mod answer;
mod error;
mod message;
mod model;
mod proven_call;
mod request;
mod tools;

pub use answer::{Answer, Completion, Embeddings, FinishReason, Token, Usage};
pub use error::ProviderError;
pub use message::{Audio, Detail, File, Image, Message, Part, Role, Thinking, ToolCall, ToolResult};
pub use model::ModelIdentity;
pub use request::{
    AnswerFormat, CallIds, CompletionRequest, Effort, EmbeddingRequest, JsonSchema, ServiceTier,
};
pub use tools::{Tool, ToolMode, ToolUse};

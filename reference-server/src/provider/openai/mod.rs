//! OpenAI's wire, as it and many others speak it: chat completions and embeddings.

mod answer;
mod call;
mod embeddings;
mod error;
mod message;
mod request;
mod stream;
mod tools;
mod wire;

pub use call::OpenAi;

//! Bedrock's runtime API: `Converse`, `ConverseStream` in AWS's binary event stream, and `InvokeModel` for the embedding
//! models of Cohere and Amazon.

mod access;
mod answer;
mod call;
mod cohere;
mod content;
mod error;
mod frames;
mod names;
mod request;
mod signature;
mod stream;
mod titan;
mod tools;
mod wire;

pub use access::AwsCredentials;
pub use call::Bedrock;

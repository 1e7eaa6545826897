//! Who answers a gateway's calls: one trait, a file or a folder for each kind of provider.

mod absent;
mod anthropic;
mod bedrock;
mod fault;
pub mod http;
mod interface;
mod mock;
mod openai;
mod pieces;
mod vertex;
mod wire;

pub(crate) use absent::Absent;
pub use anthropic::Anthropic;
pub use bedrock::{AwsCredentials, Bedrock};
pub(crate) use fault::check_error;
pub use fault::{Fault, FaultKind, UnknownFaultKind};
pub use interface::{CompletionStream, Piece, Provider, StreamPart};
pub use mock::Mock;
pub(crate) use mock::in_parts;
pub use openai::OpenAi;
pub use vertex::{ServiceAccount, ServiceAccountError, Vertex};

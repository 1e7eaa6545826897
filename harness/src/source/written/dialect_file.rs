//! What the profile of a dialect may contain: how the vocabulary of a portable contract is spelt on one wire.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::contract_file::CredentialEntry;
use super::file::ExpectEntry;
use super::stream::StreamEntry;
use super::wrappers::{Located, Recovered, Tree};

/// The profile of a dialect: how a portable contract's requests, situations and answers are spelt on one wire.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DialectFile {
    /// The contract.
    pub contract: Located<String>,
    /// The dialect's name, that of its file.
    pub dialect: Located<String>,
    /// One line that says which wire it is.
    pub title: String,
    /// How a role's credential is sent. By default as the contract says.
    pub credential: Option<CredentialEntry>,
    /// The contract's requests. A scenario with one that is left out is none in this dialect.
    #[serde(default)]
    pub requests: BTreeMap<String, Recovered<Located<RequestEntry>>>,
    /// Members that the JSON of a request gains where its answer is to come as a stream.
    #[serde(default)]
    pub streaming: BTreeMap<String, Tree>,
    /// The streams that answers may be.
    #[serde(default)]
    pub streams: Vec<Recovered<Located<StreamEntry>>>,
    /// What is answered in the contract's situations. A scenario with one that is left out is none in this dialect.
    #[serde(default)]
    pub situations: BTreeMap<String, Recovered<Located<ExpectEntry>>>,
    /// Where things stand in answers. A scenario with one that is left out is none in this dialect.
    #[serde(default)]
    pub answers: BTreeMap<String, Recovered<Located<AnswerEntry>>>,
}

/// One request of the contract. Templates may name what a step gives under `with`, as in `{{ given.text }}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestEntry {
    /// Method and path, as in `POST /v1/chat/completions`.
    pub call: Located<String>,
    /// Method and path where its answer is to come as a stream. By default the same.
    pub streamed: Option<Located<String>>,
    /// Headers to send besides.
    #[serde(default)]
    pub headers: BTreeMap<String, Located<String>>,
    /// A JSON body.
    #[serde(default, deserialize_with = "present")]
    pub json: Option<Tree>,
    /// A body as text.
    pub body: Option<Located<String>>,
}

/// Where something stands in an answer: at least one of the two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerEntry {
    /// The path in the JSON of a whole answer.
    pub at: Option<Located<String>>,
    /// The path in the document of a stream, as in `$.joined.text`.
    pub streamed: Option<Located<String>>,
}

/// A value that may be `null`, which is not the same as no value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tree>, D::Error> {
    Tree::deserialize(deserializer).map(Some)
}

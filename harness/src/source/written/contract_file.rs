//! What a `contract.yaml` may contain.

use schemars::JsonSchema;
use serde::Deserialize;

use super::file::LevelEntry;
use super::stream::StreamEntry;
use super::wrappers::{Located, Recovered};

/// A contract: a named, versioned set of requirements, and the words that its scenarios may use.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractFile {
    /// The contract's name, that of its folder.
    pub contract: Located<String>,
    /// The version of this set of requirements.
    pub version: String,
    /// One line that says what it is a contract of.
    pub title: String,
    /// The roles that scenarios may act as, with what each is for.
    #[serde(default)]
    pub roles: Vec<Recovered<Located<Word>>>,
    /// The models that scenarios may name, with what each is for.
    #[serde(default)]
    pub models: Vec<Recovered<Located<Word>>>,
    /// The capabilities that scenarios may require.
    #[serde(default)]
    pub capabilities: Vec<Recovered<Located<Word>>>,
    /// The capabilities that all of its scenarios require.
    #[serde(default)]
    pub requires: Vec<Located<String>>,
    /// How a role's credential is sent. By default as `authorization: Bearer …`.
    pub credential: Option<CredentialEntry>,
    /// The requests that each dialect of the contract spells in its own way, where it is one for several dialects.
    #[serde(default)]
    pub requests: Vec<Recovered<Located<Word>>>,
    /// The situations that a gateway can be in, of which each dialect says what is answered.
    #[serde(default)]
    pub situations: Vec<Recovered<Located<Word>>>,
    /// What is found in answers, of which each dialect says where.
    #[serde(default)]
    pub answers: Vec<Recovered<Located<Word>>>,
    /// The streams that answers may be.
    #[serde(default)]
    pub streams: Vec<Recovered<Located<StreamEntry>>>,
    /// The requirements that `bills` verifies.
    pub billing: Option<BillingRequirements>,
    /// The requirements.
    pub requirements: Vec<Recovered<Located<RequirementEntry>>>,
}

/// How a role's credential is sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialEntry {
    /// The header.
    pub header: String,
    /// What stands before the credential in it, as in `Bearer `. By default nothing.
    #[serde(default)]
    pub prefix: String,
}

/// A word of the contract's vocabulary.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// The word.
    pub name: Located<String>,
    /// What it means, in one line.
    pub text: String,
}

/// Which requirement each part of a `bills` expectation verifies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BillingRequirements {
    /// Exactly one event for a step that is billed.
    pub one: Located<String>,
    /// No event for a step that is not.
    pub none: Located<String>,
    /// The event's model.
    pub model: Located<String>,
    /// The event's usage.
    pub usage: Located<String>,
    /// The event's key.
    pub key: Located<String>,
    /// The event's cost, where the target pins prices.
    pub cost: Located<String>,
}

/// One requirement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementEntry {
    /// Unique within the contract.
    pub id: Located<String>,
    /// How binding, as RFC 2119 means it.
    pub level: LevelEntry,
    /// The requirement in one line.
    pub text: String,
    /// Where it comes from.
    pub source: String,
}

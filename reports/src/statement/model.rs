use std::collections::BTreeMap;
use std::fmt;

use plumbline_record::Level;
use schemars::JsonSchema;
use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_saphyr::FlowMap;

/// The version of the format. Statements of other versions are refused.
pub const FORMAT: u32 = 1;

/// A conformance statement: what a gateway claims to do, what of it was checked, and what came of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The version of this format: 1.
    pub format: u32,
    /// What the statement is about.
    pub implementation: Implementation,
    /// When the run began, RFC 3339 in UTC.
    pub date: String,
    /// The version of Plumbline that ran the scenarios.
    pub plumbline: String,
    /// The command that does the run again, with the same descriptor.
    pub reproduce: String,
    /// Whether whoever wrote the statement gave that command. Then it is in no record, and is believed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reproduce_given: bool,
    /// How the run was done.
    pub run: Run,
    /// The gateway as it was described for the run, without its secrets.
    pub target: Target,
    /// What came of each contract that the gateway claims to keep.
    pub contracts: Vec<Contract>,
    /// Contracts that the gateway claims to keep and of which nothing was run.
    pub not_run: Vec<String>,
    /// Contracts of which something was run though the gateway does not claim to keep them.
    pub not_claimed: Vec<String>,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Implementation {
    /// The gateway's name.
    pub name: String,
    /// The version of it that was tested.
    pub version: String,
}

/// How the run was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Most further attempts at a scenario that failed.
    pub retries: u32,
    /// Whether it came to its end. One that was stopped leaves cases undecided.
    pub whole: bool,
}

/// The gateway as it was described for the run, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name in the descriptor.
    pub name: String,
    /// Its address without user information or query.
    pub url: String,
    /// SHA-256, in hex, of the descriptor.
    pub descriptor: String,
    /// Where its models' words come from.
    pub answers: Answers,
    /// Where each role's credential comes from.
    pub roles: BTreeMap<String, String>,
    /// What can be seen of it besides its answers.
    pub observers: Vec<String>,
    /// What can be done to it besides sending requests.
    pub means: Vec<String>,
}

/// Where a model's words come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// A script: what it says was checked.
    Scripted,
    /// A model: a wording that was missed is a warning.
    Live,
}

/// What came of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256, in hex, over its requirements, its scenarios and its JSON Schemas.
    pub digest: String,
    /// What may be said of the gateway.
    pub claim: Claim,
    /// Why it may not be called conformant; nothing where it may.
    pub because: Vec<String>,
    /// What goes before the paths of the contract on this gateway, if anything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The ids of the models that stand for the names in scenarios.
    pub models: BTreeMap<String, String>,
    /// The dialects in which the gateway offers a contract that has several.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dialects: BTreeMap<String, Dialect>,
    /// The optional parts of the contract.
    pub capabilities: Capabilities,
    /// What is known of its requirements.
    pub requirements: Requirements,
    /// Its cases by level and outcome. The level is the highest of the requirements that a case verifies.
    pub cases: Levels<CaseCounts>,
    /// Cases that failed or are in error, which nothing excuses.
    pub failed: Vec<Failure>,
    /// Cases that failed as it was expected.
    pub expected_failures: Vec<Expected>,
    /// Cases that are listed as flaky, and cases that passed only after an attempt that failed.
    pub flaky: Vec<Flaky>,
    /// Checks below MUST that missed.
    pub warnings: Vec<Warning>,
    /// Cases of capabilities that the gateway does not have.
    pub unsupported: Vec<Unsupported>,
    /// Cases of which nothing is known.
    pub untested: Vec<Untested>,
}

/// What may be said of a gateway and a contract, or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Claim {
    /// Everything that it claims was checked and held.
    #[serde(rename = "conformant")]
    Conformant,
    /// Nothing failed unexpectedly, but something that it claims failed as expected, is flaky or was not checked.
    #[serde(rename = "partial")]
    Partial,
    /// A case failed or is in error, and nothing excuses it.
    #[serde(rename = "not conformant")]
    NotConformant,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Conformant => "conformant",
            Self::Partial => "partial",
            Self::NotConformant => "not conformant",
        })
    }
}

/// What a gateway offers of a contract in one dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// What goes before the paths of the dialect on this gateway, if anything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The ids of the models that stand for the names in scenarios.
    pub models: BTreeMap<String, String>,
    /// The optional parts of the contract that the gateway claims to have in it.
    pub capabilities: Vec<String>,
}

/// The optional parts of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Those that the gateway claims to have, with what came of the cases that require them.
    pub declared: BTreeMap<String, Claim>,
    /// Those that it does not claim to have.
    pub not_declared: Vec<String>,
    /// Those that it claims to have and of which the contract knows nothing.
    pub unknown: Vec<String>,
}

/// What is known of a contract's requirements. Those that no list names are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// How many there are, by level.
    pub counts: Levels<RequirementCounts>,
    /// A MUST check of them missed.
    pub missed: Vec<String>,
    /// Only checks below MUST missed.
    pub warned: Vec<String>,
    /// Cases of them passed by another of the answers that the contract allows, so that they were not looked at.
    pub unreached: Vec<String>,
    /// All their cases are unsupported.
    pub unsupported: Vec<String>,
    /// No check of them missed, and no case of them passed.
    pub undecided: Vec<String>,
}

/// Something for each level of RFC 2119.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Levels<T> {
    /// A miss is a failure.
    #[serde(rename = "MUST")]
    pub must: T,
    /// A miss is a warning.
    #[serde(rename = "SHOULD")]
    pub should: T,
    /// A miss is a warning.
    #[serde(rename = "MAY")]
    pub may: T,
}

// By hand, so that the counts of a level stand in one line.
impl<T: Serialize> Serialize for Levels<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut levels = serializer.serialize_struct("Levels", 3)?;
        levels.serialize_field("MUST", &FlowMap(&self.must))?;
        levels.serialize_field("SHOULD", &FlowMap(&self.should))?;
        levels.serialize_field("MAY", &FlowMap(&self.may))?;
        levels.end()
    }
}

impl<T> Levels<T> {
    /// What there is for a level.
    pub fn at(&self, level: Level) -> &T {
        match level {
            Level::Must => &self.must,
            Level::Should => &self.should,
            Level::May => &self.may,
        }
    }

    /// What there is for a level, to be changed.
    pub fn at_mut(&mut self, level: Level) -> &mut T {
        match level {
            Level::Must => &mut self.must,
            Level::Should => &mut self.should,
            Level::May => &mut self.may,
        }
    }

    /// What there is for all levels.
    pub fn all(&self) -> [&T; 3] {
        [&self.must, &self.should, &self.may]
    }
}

/// Requirements, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementCounts {
    /// A case that verifies it passed, and no check of it missed.
    pub kept: usize,
    /// A MUST check of it missed.
    pub missed: usize,
    /// Only checks below MUST missed.
    pub warned: usize,
    /// Cases of it passed by another of the answers that the contract allows.
    pub unreached: usize,
    /// All its cases are unsupported.
    pub unsupported: usize,
    /// None of these.
    pub undecided: usize,
}

/// Cases, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseCounts {
    /// Every MUST check held.
    pub passed: usize,
    /// A MUST check missed, expected failures included.
    pub failed: usize,
    /// Plumbline or its surroundings broke.
    pub error: usize,
    /// The gateway does not have the capability.
    pub unsupported: usize,
    /// An observer, a credential or another means is missing.
    pub not_testable: usize,
    /// Left out by the user.
    pub disabled: usize,
    /// Not selected, or not reached.
    pub not_run: usize,
}

impl CaseCounts {
    /// How many cases were decided in one way or the other, or broke.
    pub fn decided(&self) -> usize {
        self.passed + self.failed + self.error
    }

    /// How many cases there are of an outcome.
    pub fn of(&self, outcome: Outcome) -> usize {
        match outcome {
            Outcome::Passed => self.passed,
            Outcome::Failed => self.failed,
            Outcome::Error => self.error,
            Outcome::Unsupported => self.unsupported,
            Outcome::NotTestable => self.not_testable,
            Outcome::Disabled => self.disabled,
            Outcome::NotRun => self.not_run,
        }
    }

    /// Counts a case.
    pub fn add(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed => &mut self.failed,
            Outcome::Error => &mut self.error,
            Outcome::Unsupported => &mut self.unsupported,
            Outcome::NotTestable => &mut self.not_testable,
            Outcome::Disabled => &mut self.disabled,
            Outcome::NotRun => &mut self.not_run,
        } += 1;
    }
}

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// Every MUST check held.
    #[serde(rename = "passed")]
    Passed,
    /// A MUST check missed.
    #[serde(rename = "failed")]
    Failed,
    /// Plumbline or its surroundings broke.
    #[serde(rename = "error")]
    Error,
    /// The gateway does not have the capability.
    #[serde(rename = "unsupported")]
    Unsupported,
    /// An observer, a credential or another means is missing.
    #[serde(rename = "not testable")]
    NotTestable,
    /// Left out by the user.
    #[serde(rename = "disabled")]
    Disabled,
    /// Not selected, or not reached.
    #[serde(rename = "not run")]
    NotRun,
}

/// A case that failed or is in error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The case.
    pub case: String,
    /// What came of it: `failed` or `error`.
    pub outcome: Outcome,
    /// The requirements of which a MUST check missed.
    pub requirements: Vec<String>,
    /// Why, in one line.
    pub why: String,
}

/// Cases that failed as it was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Why they fail, in the words of whoever expects it.
    pub reason: String,
    /// Where more is said, such as a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The cases.
    pub cases: Vec<String>,
    /// The requirements of which a MUST check missed in them.
    pub requirements: Vec<String>,
}

/// A case that does not always come to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flaky {
    /// The case.
    pub case: String,
    /// What came of it in the last attempt: `passed`, `failed` or `error`.
    pub outcome: Outcome,
    /// Number of attempts.
    pub attempts: u32,
    /// The requirements of which a MUST check missed in the last attempt.
    pub requirements: Vec<String>,
    /// Why it is listed as flaky, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where more is said, such as a ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// A check below MUST that missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// The case.
    pub case: String,
    /// The requirement that it verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// What was expected, and what was found.
    pub why: String,
}

/// Cases of something that the gateway does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsupported {
    /// What it does not have.
    pub reason: String,
    /// The cases.
    pub cases: Vec<String>,
}

/// Cases of which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Untested {
    /// What came of them: `not testable`, `disabled` or `not run`.
    pub outcome: Outcome,
    /// What is missing.
    pub reason: String,
    /// The cases.
    pub cases: Vec<String>,
}

/// The JSON Schema of a statement.
pub fn statement_schema() -> schemars::Schema {
    schemars::schema_for!(Statement)
}

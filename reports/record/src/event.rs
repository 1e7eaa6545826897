use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::{Configuration, Expectation, ExpectationKind, Level, ShardRef, Tally, Verdict};

/// The version of the record's format. A reader refuses a record of a later one.
pub const FORMAT: u32 = 1;

/// One line of a `run.jsonl`: an object with a single member, named for what happened.
///
/// The order within a scenario is fixed: started, its exchanges, finished. Lines of different scenarios interleave. Of an
/// attempt that was under way when the run was stopped there is no end, as nothing was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// First line of every record.
    RunStarted(RunStarted),
    /// A scenario's attempt began.
    ScenarioStarted(ScenarioStarted),
    /// One request went out and was answered, or not.
    Exchange(Box<Exchange>),
    /// A scenario's attempt ended, with its cases.
    ScenarioFinished(Box<ScenarioFinished>),
    /// Last line; a record without it was cut short.
    RunFinished(RunFinished),
}

/// What the run was: enough to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// Version of Plumbline.
    pub plumbline: String,
    /// Start of the run, RFC 3339 in UTC.
    pub started_at: String,
    /// The contracts that the selected scenarios belong to, those of other shards included.
    pub contracts: Vec<ContractRef>,
    /// The gateway under test.
    pub target: TargetRef,
    /// Number of scenarios selected.
    pub selected: usize,
    /// The seed of the order, when shuffled.
    pub seed: Option<u64>,
    /// Most scenarios at once.
    pub jobs: usize,
    /// Most further attempts at a scenario that did not pass.
    pub retries: u32,
    /// SHA-256, in hex, of the file of expectations, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectations: Option<String>,
    /// Which part of the selection it is, where it is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardRef>,
    /// The arguments with which `plumbline run` repeats all of it, in any number of shards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

/// A contract, pinned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractRef {
    /// The contract's name, such as `gsai`.
    pub name: String,
    /// The version it states of itself.
    pub version: String,
    /// SHA-256, in hex, over its requirements, all its scenarios and its JSON Schemas, whatever is selected.
    pub digest: String,
    /// Its requirements, so that a report can say what one demands. Earlier versions kept none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<RequirementRef>,
}

/// A requirement of a contract, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequirementRef {
    /// Its id within the contract.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// What it demands, in one line.
    pub text: String,
    /// Where it comes from.
    pub source: String,
}

/// The gateway under test, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetRef {
    /// Name from the descriptor.
    pub name: String,
    /// Address without user information, query and credentials.
    pub url: String,
    /// SHA-256, in hex, of the descriptor as it was read.
    pub digest: String,
    /// What the descriptor says. Records from before this was kept lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Box<Configuration>>,
}

/// A scenario's attempt began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioStarted {
    /// The scenario's id.
    pub scenario: String,
    /// 1 for the first attempt.
    pub attempt: u32,
}

/// One request and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The scenario's id.
    pub scenario: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Name of the step that sent it.
    pub step: String,
    /// What was sent, secrets redacted.
    pub request: Request,
    /// What came back.
    pub outcome: Outcome,
    /// From sending to the last byte read, in microseconds.
    pub duration_us: u64,
    /// How many requests of the same poll, since the exchange before, are in no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<NonZeroU64>,
}

/// A request as it was sent, secrets redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Header names in lower case with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, where there was one.
    pub body: Option<Body>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A complete response.
    Response(Response),
    /// No complete response; a fragment that fits "no response: …".
    Failure(String),
}

/// A response as it was read, secrets redacted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty text where there was none.
    pub body: Body,
    /// From sending to the end of the first event, in microseconds, in a stream of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_event_us: Option<u64>,
}

/// A body, kept up to a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The beginning of the body; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// The whole body's length in bytes.
    pub bytes: u64,
    /// Whether `text` is only its beginning.
    pub cut: bool,
}

/// A scenario's attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioFinished {
    /// The scenario's id.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The contract it belongs to.
    pub contract: String,
    /// The group it is reported in.
    pub group: String,
    /// Where it is written.
    pub location: Location,
    /// Its tags.
    pub tags: Vec<String>,
    /// The catalogue ids it covers, those of its steps included.
    pub covers: Vec<String>,
    /// The catalogue ids that single steps cover, by the steps' names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub step_covers: BTreeMap<String, Vec<String>>,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Whether no further attempt follows.
    pub last: bool,
    /// The scenario's own case first, then one for each observer.
    pub cases: Vec<Case>,
    /// The named alternatives that were taken.
    pub taken: Vec<Taken>,
    /// How long the attempt took, in microseconds.
    pub duration_us: u64,
}

/// A place in a scenario file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The file, relative to the scenarios' folder.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// What is decided on its own: a scenario, or what one observer saw of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// `ID`, or `ID[observer]`.
    pub name: String,
    /// The observer, such as `billing`; none for the scenario itself.
    pub observer: Option<String>,
    /// What was decided.
    pub verdict: Verdict,
    /// Why, for a person, unless it passed.
    pub reason: Option<String>,
    /// Checks that missed: those at MUST make it fail, the rest are warnings.
    pub misses: Vec<Miss>,
    /// The requirements that its checks verify. Those that were not reached are included unless it passed: what was not
    /// looked at must not seem to be verified.
    pub verifies: Vec<Verified>,
    /// Where it passed, the requirements that its checks would have verified and did not come to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreached: Vec<Verified>,
    /// Number of checks decided.
    pub checks: u32,
    /// What the user expects of it, where they list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectation: Option<Expectation>,
}

impl Case {
    /// Whether it failed or broke and no expectation excuses that, so that the run is not conformant.
    pub fn counts_against(&self) -> bool {
        self.verdict.is_adverse() && !self.is_excused()
    }

    /// Whether it failed or broke and an expectation excuses that.
    pub fn is_excused(&self) -> bool {
        self.is_expected_failure() || self.is_flaky_failure()
    }

    /// Whether it failed and is listed as a known failure. That it broke is never expected.
    pub fn is_expected_failure(&self) -> bool {
        self.verdict == Verdict::Failed && self.is_listed_as(ExpectationKind::ExpectedFailure)
    }

    /// Whether it failed or broke and is listed as flaky.
    pub fn is_flaky_failure(&self) -> bool {
        self.verdict.is_adverse() && self.is_listed_as(ExpectationKind::Flaky)
    }

    /// Whether it passed though it is listed as a known failure.
    pub fn is_stale(&self) -> bool {
        self.verdict == Verdict::Passed && self.is_listed_as(ExpectationKind::ExpectedFailure)
    }

    fn is_listed_as(&self, kind: ExpectationKind) -> bool {
        self.expectation.as_ref().is_some_and(|expectation| expectation.kind == kind)
    }

    /// The misses that do not fail the case.
    pub fn warnings(&self) -> impl Iterator<Item = &Miss> {
        self.misses.iter().filter(|miss| miss.level < Level::Must)
    }
}

/// A requirement that a case speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Verified {
    /// The requirement's id within its contract.
    pub requirement: String,
    /// How binding it is here.
    pub level: Level,
}

/// A check that did not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Miss {
    /// How binding the check was.
    pub level: Level,
    /// The requirement it verifies.
    pub requirement: Option<String>,
    /// The step it belongs to.
    pub step: String,
    /// What was looked at: `status`, `$.model`, `header content-type`, `billing event`.
    pub subject: String,
    /// What was wanted, for a person.
    pub expected: String,
    /// What was found, for a person.
    pub actual: String,
    /// Where two texts part, when both are texts.
    pub difference: Option<Difference>,
    /// Where the check is written.
    pub location: Location,
}

/// The first difference of two texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The first differing character, counted in characters from 0.
    pub at: usize,
    /// The expected text from shortly before that place.
    pub expected: String,
    /// The text found, from the same place.
    pub actual: String,
}

/// A named alternative that a response satisfied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The step.
    pub step: String,
    /// The alternative's name.
    pub alternative: String,
}

/// The run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFinished {
    /// Cases by verdict.
    pub tally: Tally,
    /// Whether it was stopped before every selected scenario had run.
    pub interrupted: bool,
    /// How long it took, in microseconds.
    pub duration_us: u64,
}

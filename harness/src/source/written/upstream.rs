//! What a step may say of the gateway's providers: what they were asked, how they fail, how they are held back.

use schemars::JsonSchema;
use serde::Deserialize;

use super::file::CheckEntry;
use super::wrappers::{Located, OneOrMany, Recovered, Tree};

/// What the gateway must have asked of its providers.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// Nothing.
    None,
    /// This.
    Calls(Box<UpstreamEntry>),
}

/// What the gateway must have asked of its providers for a step. Without `calls` and `calls_are` there is at least one call.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamEntry {
    /// How many calls it made.
    pub calls: Option<Recovered<Located<Calls>>>,
    /// What each of the calls is, one entry a call, in the order of their arrival. There are as many as entries.
    #[serde(default)]
    pub calls_are: Vec<Recovered<Located<UpstreamCallEntry>>>,
    /// Checks on every call, as the simulator's journal tells it.
    #[serde(default)]
    pub every: Vec<Recovered<Located<CheckEntry>>>,
    /// Texts that stand nowhere in any call: not in its address, its headers or its body.
    #[serde(default)]
    pub lacks: Vec<Recovered<Located<Lacks>>>,
    /// How the last call ended.
    pub outcome: Option<Recovered<Located<OutcomeIs>>>,
    /// The requirement that every part here verifies unless it names its own.
    pub verifies: Option<Located<String>>,
}

/// How many calls to providers.
#[derive(Clone, Debug)]
pub enum Calls {
    /// This many.
    Exactly(u64),
    /// From the first number to the second, both included.
    Between(Vec<u64>),
}

/// Bounds of a number of calls.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallsEntry {
    /// The least and the most, as in `[1, 3]`.
    #[schemars(length(equal = 2))]
    pub between: Vec<u64>,
}

/// One call to a provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamCallEntry {
    /// The provider that was called: `openai`, `anthropic`, `gemini`, `bedrock` or `vertex`.
    pub provider: Option<Located<String>>,
    /// The model, by the provider's own name for it.
    pub model: Option<Located<String>>,
    /// The status that the provider answered with, or a list of those that are right.
    pub status: Option<Located<OneOrMany<u16>>>,
    /// Checks on the call, as the simulator's journal tells it.
    #[serde(default)]
    pub checks: Vec<Recovered<Located<CheckEntry>>>,
    /// The requirement that every part here verifies unless it names its own.
    pub verifies: Option<Located<String>>,
}

/// A text that stands nowhere in any call.
#[derive(Clone, Debug)]
pub struct Lacks {
    /// The text; a template.
    pub text: String,
    /// The requirement that this verifies.
    pub verifies: Option<Located<String>>,
}

/// A text that stands nowhere in any call, and what this verifies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LacksEntry {
    /// The text; a template.
    pub text: String,
    /// The requirement that this verifies.
    pub verifies: Option<Located<String>>,
}

/// How the last call ended.
#[derive(Clone, Debug)]
pub struct OutcomeIs {
    /// How.
    pub is: CallOutcome,
    /// The requirement that this verifies.
    pub verifies: Option<Located<String>>,
}

/// How the last call ended, and what this verifies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeEntry {
    /// How.
    pub is: CallOutcome,
    /// The requirement that this verifies.
    pub verifies: Option<Located<String>>,
}

/// How a call to a provider ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CallOutcome {
    /// The gateway was sent the whole answer.
    Whole,
    /// The provider broke its answer off.
    Cut,
    /// The gateway went before the answer was whole.
    Left,
}

/// What is behind a gate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatedEntry {
    /// The requirement that it verifies.
    pub verifies: Option<Located<String>>,
}

/// When the runner goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Leave {
    /// Once the first event of the answer is complete.
    FirstEvent,
}

/// A fault of the gateway's providers.
#[derive(Clone, Debug)]
pub enum Fault {
    /// None any more.
    None,
    /// One of the simulator that plays them.
    Upstream(Box<Located<UpstreamFaultEntry>>),
    /// One that the target arms by its own means: the members of its rule.
    Own(Vec<(String, Tree)>),
}

/// A fault of the simulator that plays the providers.
#[derive(Clone, Debug, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamFault {
    /// How they fail, and at which calls.
    pub upstream: UpstreamFaultEntry,
}

/// How the simulated providers fail, and at which calls.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamFaultEntry {
    /// What goes wrong.
    pub kind: Located<FaultKind>,
    /// The status of the provider's error.
    pub status: Option<u16>,
    /// Seconds after which the provider wants to be asked again.
    pub retry_after: Option<u32>,
    /// What the provider's error says; a template.
    pub message: Option<Located<String>>,
    /// How long the answer, or each part of it, is held up, such as `250ms`.
    pub delay: Option<Located<String>>,
    /// How many bytes it is about.
    pub bytes: Option<u64>,
    /// How many events come first.
    pub after_events: Option<u32>,
    /// Only calls to this provider.
    pub provider: Option<Located<String>>,
    /// Only calls for this model, by the provider's own name for it.
    pub model: Option<Located<String>>,
    /// Only calls with this header field.
    pub header: Option<FaultHeader>,
    /// Only calls with this text in their address, headers or body.
    pub contains: Option<Located<String>>,
    /// Only the call of this number among those that it is for, from 1.
    pub nth: Option<Located<u32>>,
    /// How many calls pass before it strikes.
    pub after: Option<Located<u32>>,
    /// How many calls it strikes. By default every one.
    pub times: Option<Located<u32>>,
    /// How probably it strikes a call, from 0 to 1.
    pub probability: Option<Located<f64>>,
    /// What chance starts from. By default 0.
    pub seed: Option<u64>,
}

/// A header field of a call.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultHeader {
    /// Its name.
    pub name: Located<String>,
    /// What it says.
    pub value: Located<String>,
}

/// A way of failing, as the simulator names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The provider's own error for `status`.
    Status,
    /// An error that no provider documents.
    UnmappedError,
    /// Nothing for the time `delay`, then the answer.
    Delay,
    /// Pauses between the parts of the answer.
    SlowChunks,
    /// The answer byte by byte.
    SlowDrip,
    /// JSON that breaks off.
    TruncatedJson,
    /// JSON without the answer in it.
    MissingFields,
    /// A success with nothing in it.
    EmptySuccess,
    /// A page for people.
    Html,
    /// An event that is none.
    MalformedSse,
    /// A stream without its end, on a connection that ends.
    CutStream,
    /// An error of the provider's own in mid-stream.
    ErrorEvent,
    /// The connection is reset.
    Reset,
    /// A length that is announced and not sent.
    WrongContentLength,
    /// Much more than anybody should read.
    OversizedBody,
    /// No answer, ever.
    Hang,
}

impl FaultKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::UnmappedError => "unmapped-error",
            Self::Delay => "delay",
            Self::SlowChunks => "slow-chunks",
            Self::SlowDrip => "slow-drip",
            Self::TruncatedJson => "truncated-json",
            Self::MissingFields => "missing-fields",
            Self::EmptySuccess => "empty-success",
            Self::Html => "html",
            Self::MalformedSse => "malformed-sse",
            Self::CutStream => "cut-stream",
            Self::ErrorEvent => "error-event",
            Self::Reset => "reset",
            Self::WrongContentLength => "wrong-content-length",
            Self::OversizedBody => "oversized-body",
            Self::Hang => "hang",
        }
    }
}

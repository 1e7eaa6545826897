//! What a target's descriptor may contain, as its authors write it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::source::written::wrappers::{Located, Tree};

/// A target's descriptor.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DescriptorFile {
    /// The gateway's name in reports.
    pub(super) name: Located<String>,
    /// Where it answers, with a base path if there is one. `--url` goes before it.
    pub(super) url: Option<Located<String>>,
    /// Whether its models say what a script tells them. By default they are live.
    #[serde(default)]
    pub(super) answers: Answers,
    /// What the gateway claims to be able to do; scenarios that require something else are `unsupported`.
    #[serde(default)]
    pub(super) capabilities: Vec<Located<String>>,
    /// What the names of models in scenarios stand for.
    #[serde(default)]
    pub(super) models: BTreeMap<String, ModelEntry>,
    /// The contracts that it claims to keep, and what it offers of each besides the above. Scenarios of others are
    /// `unsupported`. By default every contract is taken to be claimed.
    pub(super) contracts: Option<BTreeMap<String, ContractEntry>>,
    /// Where each role's credential comes from.
    #[serde(default)]
    pub(super) roles: BTreeMap<String, Located<RoleEntry>>,
    /// How a world of its own is made for each scenario, where the gateway can.
    pub(super) worlds: Option<WorldsEntry>,
    /// How keys are minted and revoked, where the gateway can.
    #[serde(default)]
    pub(super) keys: KeysEntry,
    /// How the gateway's provider is told to fail, where it can be.
    pub(super) faults: Option<FaultsEntry>,
    /// How time passes on the gateway's clock where a scenario wants it to: it is moved, or waited for.
    pub(super) clock: Option<Located<ClockEntry>>,
    /// The simulator that plays the gateway's providers, where one does. The gateway then has the capability `upstream`.
    pub(super) upstream: Option<Located<UpstreamEntry>>,
    /// What can be seen of the gateway besides its answers.
    #[serde(default)]
    pub(super) observers: ObserversEntry,
    /// Bounds on what is read and waited for.
    #[serde(default)]
    pub(super) limits: LimitsEntry,
}

/// What a gateway offers of a contract.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ContractEntry {
    /// What goes before the paths of the contract's scenarios, as in `/openai`.
    pub(super) path: Option<Located<String>>,
    /// Headers that every request of the scenarios carries; a template each, such as `{{ env.ROUTING }}`.
    pub(super) headers: BTreeMap<String, Located<String>>,
    /// What it can do here besides what it can do everywhere.
    pub(super) capabilities: Vec<Located<String>>,
    /// What the names of models stand for here.
    pub(super) models: BTreeMap<String, ModelEntry>,
    /// The dialects in which it offers a contract that has several, and what it offers in each besides the above.
    pub(super) dialects: BTreeMap<String, DialectEntry>,
}

/// What a gateway offers of a contract in one dialect.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DialectEntry {
    /// What goes before the paths of the dialect's requests, as in `/openai`. By default the contract's.
    pub(super) path: Option<Located<String>>,
    /// Headers that every request carries besides the contract's, or in place of one of these; a template each.
    pub(super) headers: BTreeMap<String, Located<String>>,
    /// What it can do here besides.
    pub(super) capabilities: Vec<Located<String>>,
    /// What the names of models stand for here.
    pub(super) models: BTreeMap<String, ModelEntry>,
}

/// Where a model's words come from.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answers {
    /// A script: what it says can be checked.
    Scripted,
    /// A model: a missed wording is a warning.
    #[default]
    Live,
}

/// A model that a name stands for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelEntry {
    /// Its id on this gateway.
    pub(super) id: String,
    /// What a million tokens cost, as decimal texts.
    pub(super) price: Option<PriceEntry>,
    /// Who serves it, in the order in which they are tried.
    #[serde(default)]
    pub(super) served_by: Vec<ServedEntry>,
}

/// A provider's model that serves one of the gateway's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServedEntry {
    /// The provider, by the simulator's name for it: `openai`, `anthropic`, `gemini`, `bedrock` or `vertex`.
    pub(super) provider: Located<String>,
    /// What the provider calls the model.
    pub(super) model: String,
}

/// Prices for a million tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceEntry {
    /// Tokens of the question, such as `"3.00"`.
    pub(super) input: Located<String>,
    /// Tokens of the answer. By default nothing.
    pub(super) output: Option<Located<String>>,
}

/// Where a role's credential comes from: one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleEntry {
    /// The environment variable that holds it.
    pub(super) env: Option<String>,
    /// With `env`: whether the variable may be unset; the role's cases are then `not testable`. By default it must be set.
    #[serde(default)]
    pub(super) optional: bool,
    /// A description of the key that is minted for each scenario; `role.mint` in `keys.mint`.
    pub(super) mint: Option<Tree>,
}

/// A request that the runner makes on its own behalf.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CallEntry {
    /// Method and path, as in `POST /admin/keys`.
    pub(super) call: Located<String>,
    /// Headers; a template each, such as `Bearer {{ env.ADMIN_KEY }}`.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Located<String>>,
    /// A JSON body.
    pub(super) json: Option<Tree>,
}

/// How a world of its own is made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorldsEntry {
    /// Makes one; its answer is `world` in later templates.
    pub(super) create: CallEntry,
    /// The path of its base path in the answer.
    pub(super) base_path: Located<String>,
    /// The path of its keys in the answer; each has `role`, `id` and `secret`.
    pub(super) keys: Located<String>,
    /// Takes it down.
    pub(super) delete: Option<CallEntry>,
}

/// How keys are minted and revoked.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct KeysEntry {
    /// Mints a key for a role.
    pub(super) mint: Option<MintEntry>,
    /// Revokes the key `key.id`.
    pub(super) revoke: Option<CallEntry>,
}

/// How the gateway's provider is told to fail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultsEntry {
    /// Arms a fault; `fault` is the rule of the scenario's step, an object.
    pub(super) arm: CallEntry,
    /// Takes all faults away.
    pub(super) clear: CallEntry,
}

/// How time passes on the gateway's clock: one of `advance` and `wait`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockEntry {
    /// Moves the clock of the scenario's world; `clock.advance` is how far, as in `61s`.
    pub(super) advance: Option<CallEntry>,
    /// `true`: the clock cannot be moved, and is waited for.
    pub(super) wait: Option<Located<bool>>,
    /// With `wait`: most time that a scenario waits, all its steps together; what takes longer is `not testable`. By default five seconds.
    pub(super) at_most: Option<Located<String>>,
}

/// Where the simulator of the gateway's providers is: one of `control` and `start`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpstreamEntry {
    /// The control API of one that runs already.
    pub(super) control: Option<ControlEntry>,
    /// The address at which `plumbline run` starts one, such as `127.0.0.1:9090`; there the gateway has to look for its
    /// providers.
    pub(super) start: Option<Located<String>>,
    /// Makes a world of the gateway that asks its providers at `upstream.url`, a world of the simulator: in place of
    /// `worlds.create`, for scenarios that involve the simulator. Without it all scenarios share what the simulator has at
    /// its root, and their calls are told apart by the nonce in them.
    pub(super) world: Option<CallEntry>,
    /// Whether every scenario has its providers played by the simulator. By default only those that involve it.
    #[serde(default)]
    pub(super) always: bool,
    /// How long a call, or the end of one, is waited for. By default five seconds.
    pub(super) deadline: Option<Located<String>>,
}

/// The control API of a simulator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ControlEntry {
    /// The simulator's address; a template, such as `{{ env.PLUMBLINE_UPSTREAM_URL }}`.
    pub(super) url: Located<String>,
    /// Its token.
    pub(super) token: TokenEntry,
}

/// The token of a control API.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenEntry {
    /// The environment variable that holds it.
    pub(super) env: Located<String>,
}

/// How a key is minted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MintEntry {
    /// The request; `role.name` and `role.mint` are known to it.
    pub(super) request: CallEntry,
    /// The path of the key's id in the answer.
    pub(super) id: Located<String>,
    /// The path of the key's secret in the answer.
    pub(super) secret: Located<String>,
}

/// What can be seen besides answers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ObserversEntry {
    /// Billing events.
    pub(super) billing: Option<BillingEntry>,
    /// Keys' times of last use.
    pub(super) keys: Option<KeyObserverEntry>,
    /// Log lines.
    pub(super) logs: Option<LogsEntry>,
}

/// Where lines can be read: one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceEntry {
    /// An address of the gateway.
    pub(super) http: Option<HttpEntry>,
    /// A file that the gateway appends to.
    pub(super) file: Option<FileEntry>,
}

/// Lines from an address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpEntry {
    /// The request.
    pub(super) request: CallEntry,
    /// The path of the lines in its answer, as in `$.events[*]`.
    pub(super) lines: Located<String>,
}

/// Lines from a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    /// The file; a template, so that `{{ env.GATEWAY_LOG }}` may name it.
    pub(super) path: Located<String>,
    /// For lines that are not JSON alone: a regular expression whose group `json` is JSON, or whose named groups become members.
    pub(super) pattern: Option<Located<String>>,
}

/// Where billing events can be seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BillingEntry {
    /// Where they are read.
    pub(super) from: Located<SourceEntry>,
    /// Members that tell a billing event from other lines.
    pub(super) only: Option<Tree>,
    /// Path of the model's id in an event.
    pub(super) model: Option<Located<String>>,
    /// Path of the question's tokens.
    pub(super) input_tokens: Option<Located<String>>,
    /// Path of the answer's tokens.
    pub(super) output_tokens: Option<Located<String>>,
    /// Path of the key's id.
    pub(super) key: Option<Located<String>>,
    /// Path of the cost.
    pub(super) cost: Option<Located<String>>,
    /// When events appear: `immediate` (before the answer), `ordered` or `unordered` (after it).
    pub(super) delivery: DeliveryEntry,
    /// With `ordered`: a call that is billed, sent with a key of its own, to prove that nothing else came before it.
    pub(super) marker: Option<MarkerEntry>,
    /// How long an event is waited for. By default five seconds.
    pub(super) deadline: Option<Located<String>>,
}

/// When events appear.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DeliveryEntry {
    /// Before the call that caused them is answered.
    Immediate,
    /// Later, in the order of the calls.
    Ordered,
    /// Later, in any order.
    Unordered,
}

/// A call that is billed to a key of its own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkerEntry {
    /// The role that a key is minted for.
    #[serde(rename = "as")]
    pub(super) role: Located<String>,
    /// The request.
    pub(super) request: CallEntry,
}

/// Where a key's time of last use can be seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyObserverEntry {
    /// The request; `key.id` is known to it.
    pub(super) request: CallEntry,
    /// The path of the time in its answer.
    pub(super) last_used_at: Located<String>,
    /// How long it is waited for. By default five seconds.
    pub(super) deadline: Option<Located<String>>,
}

/// Where log lines can be seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsEntry {
    /// Where they are read; `request_id` is known to a request.
    pub(super) from: Located<SourceEntry>,
    /// The path of the request's id in a line.
    pub(super) request_id: Located<String>,
    /// How long one is waited for. By default five seconds.
    pub(super) deadline: Option<Located<String>>,
}

/// Bounds on what is read and waited for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsEntry {
    /// Most bytes of a response's body. By default 64 MiB.
    pub(super) response_bytes: Option<u64>,
    /// Most time for a step. By default 30 seconds.
    pub(super) step: Option<Located<String>>,
    /// Most time for a scenario. By default two minutes.
    pub(super) scenario: Option<Located<String>>,
}

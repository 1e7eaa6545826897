//! What a scenario file may contain, as its authors write it. `plumbline schema` is generated from these types.
//!
//! Plain structs and externally tagged enums only: their messages are ones an author can act on.

use std::collections::BTreeMap;

use plumbline_record::Level;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::polling::Until;
use super::stream::StreamExpectEntry;
use super::upstream::{Fault, GatedEntry, Lacks, Leave, Upstream};
use super::wrappers::{Located, OneOrMany, Recovered, Tree};

/// A scenario file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// The contract that the scenarios check; a folder with this name holds its `contract.yaml`.
    pub contract: Located<String>,
    /// The group that the scenarios are reported in. By default the file's name without its ending.
    pub group: Option<Located<String>>,
    /// The scenarios, run independently of each other and in any order.
    pub scenarios: Vec<Recovered<Located<ScenarioEntry>>>,
}

/// One scenario: steps in sequence that together show one thing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioEntry {
    /// Unique over all files; letters, digits, `_`, `-` and `.`.
    pub id: Located<String>,
    /// One line that says what is shown.
    pub title: String,
    /// Catalogue ids that this scenario covers as a whole. By default its own id, unless a step covers one.
    #[serde(default)]
    pub covers: Vec<Located<String>>,
    /// Words to select by.
    #[serde(default)]
    pub tags: Vec<Located<String>>,
    /// Capabilities that the gateway must declare, or the scenario is `unsupported`.
    #[serde(default)]
    pub requires: Vec<Located<String>>,
    /// Most time for the whole scenario, such as `90s`. By default two minutes.
    pub timeout: Option<Located<String>>,
    /// The steps, in order. Those after a failed one are not judged.
    pub steps: Vec<Recovered<Located<StepEntry>>>,
    /// Steps that run whatever happened before, to clean up. They are not judged.
    #[serde(default)]
    pub always: Vec<Recovered<Located<StepEntry>>>,
}

/// One step. Exactly one of `call`, `ask`, `poll`, `raw`, `revoke_key`, `fault` and `advance` says what it does.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepEntry {
    /// Unique within the scenario; later steps refer to it, as in `{{ chat.json.usage }}`.
    pub name: Located<String>,
    /// Catalogue ids that this step covers by itself: a check in it must be known to fail.
    #[serde(default)]
    pub covers: Vec<Located<String>>,
    /// Sends one request: method and path, as in `POST /api/v1/embeddings`.
    pub call: Option<Located<String>>,
    /// Sends one request that each dialect of the contract spells in its own way, as in `question`.
    pub ask: Option<Located<String>>,
    /// What the request of `ask` is about: the dialect's templates name it, as in `{{ given.text }}`.
    #[serde(default)]
    pub with: BTreeMap<String, Tree>,
    /// Whether the answer to `ask` is to come as a stream.
    pub streamed: Option<Located<bool>>,
    /// Sends the same request again and again, without a body, until its answer is the one that is waited for: method and
    /// path, as in `GET /v1/jobs/{{ job }}`.
    pub poll: Option<Located<String>>,
    /// With `poll`: how long is waited after an answer, from `10ms` to `1m`. By default `250ms`.
    pub every: Option<Located<String>>,
    /// With `poll`: how long is polled, up to `10m` and 1,000 requests. By default `30s`.
    pub at_most: Option<Located<String>>,
    /// With `poll`: what the answer is that is waited for. `expect` is decided on it.
    pub until: Option<Recovered<Located<Until>>>,
    /// With `poll`: what an answer is that shows that the other one will not come. It is decided before `until`.
    pub stop_when: Option<Recovered<Located<Until>>>,
    /// With `poll`: what each answer before the last must be, without `stream` and `any_of`.
    pub meanwhile: Option<Recovered<Located<ExpectEntry>>>,
    /// Sends bytes on a socket: the request line as it is written, the headers exactly as they are given, and the body.
    /// Only `host` and the credential of `as` are added, and nothing is counted or corrected.
    pub raw: Option<Located<String>>,
    /// Whether the sending side of a `raw` step's connection is closed after its last byte, so that nothing can follow.
    pub half_close: Option<Located<bool>>,
    /// Revokes the key of a role through the target's own means.
    pub revoke_key: Option<Located<String>>,
    /// Has the gateway's providers fail at the calls that follow; `none` takes all faults away.
    pub fault: Option<Located<Fault>>,
    /// Lets so much time pass on the gateway's clock, such as `61s`, by the target's own means.
    pub advance: Option<Located<String>>,
    /// The role whose credential is sent. Without it none is.
    #[serde(rename = "as")]
    pub role: Option<Located<String>>,
    /// Headers to send besides; a template each.
    #[serde(default)]
    pub headers: BTreeMap<String, Located<String>>,
    /// A JSON body; `null` is one too. Templates inside its texts are filled in; one that is a whole text keeps its value's type.
    #[serde(default, deserialize_with = "present")]
    pub json: Option<Tree>,
    /// A body as text, sent as it is after its templates are filled in.
    pub body: Option<Located<String>>,
    /// How the text of `body` becomes bytes. By default UTF-8.
    pub encoding: Option<Located<Encoding>>,
    /// Whether the body is sent in chunks, without its length.
    pub chunked: Option<Located<bool>>,
    /// Sends the same request so many times at once. `expect` and `bills` are decided on each reply.
    pub burst: Option<Located<u32>>,
    /// With `burst`: whether each request is sent with a key of its own. The keys are minted for the role of `as` before the
    /// first step, and a later burst has the same ones.
    pub own_keys: Option<Located<bool>>,
    /// Checks on the list of a burst's replies, each `{ "status": …, "json": … }`.
    #[serde(default)]
    pub replies: Vec<Recovered<Located<CheckEntry>>>,
    /// Most time from sending to the last byte read, such as `5s`.
    pub timeout: Option<Located<String>>,
    /// The text that the stream joins, such as `text`: the simulator withholds each piece of it until the one before it
    /// has been read here. That it could be is checked.
    pub gate: Option<Located<String>>,
    /// What is behind the check that comes with `gate`. By default it verifies what the stream as a whole does.
    pub gated: Option<Recovered<Located<GatedEntry>>>,
    /// When the connection is closed, though the stream has not ended: at the `first-event`. What has come by then is judged.
    pub leave: Option<Located<Leave>>,
    /// What the response must be.
    pub expect: Option<Recovered<Located<ExpectEntry>>>,
    /// Values to keep for later steps, by name.
    #[serde(default)]
    pub capture: BTreeMap<String, Recovered<Located<CaptureEntry>>>,
    /// What the gateway must have billed for this step: `one`, `none`, or what the one event says.
    pub bills: Option<Recovered<Located<Bills>>>,
    /// What must have become of the key that was used.
    pub key: Option<Recovered<Located<KeyEntry>>>,
    /// What the gateway's log must say.
    pub logs: Option<Recovered<Located<LogsEntry>>>,
    /// What the gateway must have asked of its providers: `none`, or how many calls and what is right of them.
    pub upstream: Option<Recovered<Located<Upstream>>>,
}

/// How a text becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// One byte a character; what is beyond ASCII is not UTF-8 then.
    #[serde(rename = "latin-1")]
    Latin1,
    /// Two bytes a character or half of one, the lower first, after a byte order mark.
    #[serde(rename = "utf-16")]
    Utf16,
}

/// What a response must be. Everything given must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectEntry {
    /// The situation that the gateway is in, as in `unauthenticated`: what each dialect of the contract answers then.
    pub situation: Option<Located<String>>,
    /// Checks on what the dialect finds in the answer: `at`, `each` and `any` name it, as in `{ at: text, contains: Oslo }`.
    pub answer: Vec<Recovered<Located<CheckEntry>>>,
    /// Texts that stand nowhere in the answer: neither in its headers nor in its body.
    pub nowhere: Vec<Recovered<Located<Lacks>>>,
    /// The status code, or a list of those that are right.
    pub status: Option<Located<OneOrMany<u16>>>,
    /// `true`: the connection ends without an answer.
    pub closed: Option<Located<bool>>,
    /// Header checks by header name.
    pub headers: BTreeMap<String, Recovered<Located<MatchEntry>>>,
    /// The JSON Schema that the body must satisfy, as in `gsai/chat-completion`.
    pub schema: Option<Located<String>>,
    /// Checks on the JSON body.
    pub body: Vec<Recovered<Located<CheckEntry>>>,
    /// A check on the body as text.
    pub text: Option<Recovered<Located<MatchEntry>>>,
    /// What is expected of the stream of events that the response is.
    pub stream: Option<Recovered<Located<StreamExpectEntry>>>,
    /// The requirement that every check here verifies unless it names its own.
    pub verifies: Option<Located<String>>,
    /// Named alternatives, of which one must hold besides everything above.
    pub any_of: Vec<Recovered<Located<AlternativeEntry>>>,
}

/// One of several answers that a contract allows, spelt out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlternativeEntry {
    /// The name that reports use when it was taken.
    pub name: Located<String>,
    /// Texts that stand nowhere in the answer: neither in its headers nor in its body.
    #[serde(default)]
    pub nowhere: Vec<Recovered<Located<Lacks>>>,
    /// The situation that the gateway is in, as in `unauthenticated`: what each dialect of the contract answers then.
    pub situation: Option<Located<String>>,
    /// Checks on what the dialect finds in the answer: `at`, `each` and `any` name it, as in `{ at: text, contains: Oslo }`.
    #[serde(default)]
    pub answer: Vec<Recovered<Located<CheckEntry>>>,
    /// The status code, or a list of those that are right.
    pub status: Option<Located<OneOrMany<u16>>>,
    /// `true`: the connection ends without an answer.
    pub closed: Option<Located<bool>>,
    /// Header checks by header name.
    #[serde(default)]
    pub headers: BTreeMap<String, Recovered<Located<MatchEntry>>>,
    /// The JSON Schema that the body must satisfy.
    pub schema: Option<Located<String>>,
    /// Checks on the JSON body.
    #[serde(default)]
    pub body: Vec<Recovered<Located<CheckEntry>>>,
    /// A check on the body as text.
    pub text: Option<Recovered<Located<MatchEntry>>>,
    /// What is expected of the stream of events that the response is.
    pub stream: Option<Recovered<Located<StreamExpectEntry>>>,
    /// The requirement that every check here verifies unless it names its own.
    pub verifies: Option<Located<String>>,
}

/// A check on a JSON body: a path (`at`, `each` or `any`) and exactly one matcher.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckEntry {
    /// An RFC 9535 path that must find exactly one value.
    pub at: Option<Located<String>>,
    /// A path; every value that it finds must match, and there must be one.
    pub each: Option<Located<String>>,
    /// A path; at least one value that it finds must match.
    pub any: Option<Located<String>>,
    /// A named kind.
    pub is: Option<Located<Kind>>,
    /// The same JSON value; numbers by value, not by spelling.
    #[serde(default, deserialize_with = "present")]
    pub equals: Option<Tree>,
    /// A JSON value that is there and is not this one.
    #[serde(default, deserialize_with = "present")]
    pub differs_from: Option<Tree>,
    /// For a text: has this text in it. For a list: has an element equal to this.
    pub contains: Option<Tree>,
    /// For a text: a regular expression that is found in it.
    pub matches: Option<Located<String>>,
    /// For a text: a regular expression that is not found in it.
    pub lacks: Option<Located<String>>,
    /// For a number: the lowest and the highest that are right.
    pub between: Option<Tree>,
    /// Equal to one of these.
    pub one_of: Option<Tree>,
    /// The number of characters, elements or members: one number or `{ min, max }`.
    pub length: Option<Located<Length>>,
    /// `true`: nothing may be there.
    pub absent: Option<Located<bool>>,
    /// For a text: what it says is JSON that satisfies the JSON Schema of this name.
    pub json_schema: Option<Located<String>>,
    /// How binding: `MUST` unless the requirement says otherwise.
    pub level: Option<LevelEntry>,
    /// Whether the check speaks of what a model says: MUST where the target's models are scripted, SHOULD where they are live.
    #[serde(default)]
    pub wording: bool,
    /// The requirement that it verifies.
    pub verifies: Option<Located<String>>,
}

/// A check on one text: a header's value or a whole body.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchEntry {
    /// A named kind.
    pub is: Option<Located<Kind>>,
    /// This text.
    #[serde(default, deserialize_with = "present")]
    pub equals: Option<Tree>,
    /// Another text than this.
    #[serde(default, deserialize_with = "present")]
    pub differs_from: Option<Tree>,
    /// Has this text in it.
    pub contains: Option<Tree>,
    /// A regular expression that is found in it.
    pub matches: Option<Located<String>>,
    /// A regular expression that is not found in it.
    pub lacks: Option<Located<String>>,
    /// One of these texts.
    pub one_of: Option<Tree>,
    /// The number of characters.
    pub length: Option<Located<Length>>,
    /// `true`: nothing may be there.
    pub absent: Option<Located<bool>>,
    /// How binding: `MUST` unless the requirement says otherwise.
    pub level: Option<LevelEntry>,
    /// Whether the check speaks of what a model says.
    #[serde(default)]
    pub wording: bool,
    /// The requirement that it verifies.
    pub verifies: Option<Located<String>>,
}

/// A value that may be `null`, which is not the same as no value.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tree>, D::Error> {
    Tree::deserialize(deserializer).map(Some)
}

/// How binding a check is.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub enum LevelEntry {
    /// A miss is a failure.
    #[serde(rename = "MUST")]
    Must,
    /// A miss is a warning.
    #[serde(rename = "SHOULD")]
    Should,
    /// A miss is noted.
    #[serde(rename = "MAY")]
    May,
}

impl From<LevelEntry> for Level {
    fn from(level: LevelEntry) -> Self {
        match level {
            LevelEntry::Must => Self::Must,
            LevelEntry::Should => Self::Should,
            LevelEntry::May => Self::May,
        }
    }
}

/// A kind of value, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A text.
    String,
    /// A number.
    Number,
    /// A number without a fraction.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
    /// `null`.
    Null,
    /// A text with something other than white space, a list with an element, or an object with a member.
    NotEmpty,
    /// A UUID in its usual spelling.
    Uuid,
    /// An instant as RFC 3339 writes it.
    Timestamp,
    /// A list of numbers whose squares add up to 1, within a thousandth.
    UnitVector,
    /// A text that is JSON.
    Json,
    /// A text that is a JSON object.
    JsonObject,
}

/// A length: one number, or bounds of which one may be left out.
#[derive(Clone, Debug)]
pub enum Length {
    /// This many.
    Exactly(u64),
    /// From `min` to `max`, both included.
    Between {
        /// The least.
        min: Option<u64>,
        /// The most.
        max: Option<u64>,
    },
}

/// Bounds of a length.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The least.
    pub min: Option<u64>,
    /// The most.
    pub max: Option<u64>,
}

/// A value to keep. Exactly one of the shapes, or a header.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureEntry {
    /// A path that must find exactly one value.
    pub only: Option<Located<String>>,
    /// A path whose first value is taken; it must find one.
    pub first: Option<Located<String>>,
    /// A path whose values are taken as a list, which may be empty.
    pub all: Option<Located<String>>,
    /// The name of a response header.
    pub header: Option<Located<String>>,
    /// Whether the value is a credential, which is then redacted in everything that is written.
    #[serde(default)]
    pub secret: bool,
}

/// What the gateway must have billed for a step.
#[derive(Clone, Debug)]
pub enum Bills {
    /// Exactly one event, or none.
    Count(BillCount),
    /// Exactly one event with these members.
    One(Box<BillEntry>),
}

/// How many billing events a step causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BillCount {
    /// Exactly one.
    One,
    /// None at all.
    None,
}

/// What the one billing event of a step says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BillEntry {
    /// The model that is billed.
    pub model: Option<Tree>,
    /// The usage that the client was told, in any of the wires' spellings.
    pub usage: Option<Tree>,
    /// The role whose key is billed. By default the step's own.
    pub key: Option<Located<String>>,
}

/// What must have become of the key that a step used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// `moved`: the time of last use is later than before the step.
    pub last_used: Located<LastUsed>,
    /// The requirement that it verifies.
    pub verifies: Option<Located<String>>,
}

/// What must have become of a key's time of last use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LastUsed {
    /// It is later than before.
    Moved,
}

/// What the gateway's log must say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogsEntry {
    /// The request id whose lines are looked for; at least one must appear.
    pub request_id: Located<String>,
    /// Checks on the list of those lines, each a JSON object.
    #[serde(default)]
    pub expect: Vec<Recovered<Located<CheckEntry>>>,
    /// The requirement that every check here verifies unless it names its own.
    pub verifies: Option<Located<String>>,
}

//! What a contract says of streams of events, and what a step may expect of one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::file::CheckEntry;
use super::wrappers::{Located, Recovered};

/// A kind of stream that answers may be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamEntry {
    /// Its name, unique within the contract.
    pub name: Located<String>,
    /// What it is, in one line.
    pub text: String,
    /// What the data of an event is. By default `json`.
    #[serde(default)]
    pub data: DataFormat,
    /// The event that ends it, which is none of its own. Left out where it ends with its body.
    pub terminator: Option<Recovered<Located<TerminatorEntry>>>,
    /// The kinds of its events. The first whose conditions all hold is an event's; several of one name are one kind.
    #[serde(default)]
    pub kinds: Vec<Recovered<Located<EventKindEntry>>>,
    /// Values that are put together over all events, found at `$.joined.NAME`.
    #[serde(default)]
    pub joined: BTreeMap<String, Recovered<Located<JoinEntry>>>,
}

/// What the data of an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DataFormat {
    /// JSON.
    #[default]
    Json,
    /// Any text.
    Text,
}

/// The event that ends a stream: by its data or by its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminatorEntry {
    /// Its data.
    pub data: Option<Located<String>>,
    /// Its name. Its data is judged as that of any event.
    pub event: Option<Located<String>>,
    /// With `event`: what must hold of `{ "event": …, "data": … }` for it to be told as well, should its name be wrong or
    /// missing.
    #[serde(default)]
    pub when: Vec<Recovered<Located<CheckEntry>>>,
}

/// A kind of event.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventKindEntry {
    /// Its name, as orders use it: letters, digits, `_`, `-` and `.`.
    pub name: Located<String>,
    /// What must hold of `{ "event": …, "data": … }`, where `event` is `message` if the stream gives no name.
    pub when: Vec<Recovered<Located<CheckEntry>>>,
}

/// A value that is put together over all events: exactly one of `concat`, `first`, `last` and `all`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinEntry {
    /// A path that finds nodes in each event, which is `{ "event": …, "data": …, "kind": … }`.
    pub over: Located<String>,
    /// A path that finds in a node what it is grouped by. Then the value is a list, one entry a group, in the order in
    /// which the groups appear; the entry is `null`, or `[]` with `all`, where nothing else was found.
    pub by: Option<Located<String>>,
    /// A path that finds texts in a node; they are put one after the other.
    pub concat: Option<Located<String>>,
    /// A path that finds values in a node; the first that is not `null` is taken.
    pub first: Option<Located<String>>,
    /// A path that finds values in a node; the last that is not `null` is taken.
    pub last: Option<Located<String>>,
    /// A path that finds values in a node; the list of all of them is taken.
    pub all: Option<Located<String>>,
}

/// What is expected of a stream of events. That it is one, in UTF-8, that its data can be read and that it ends is always
/// checked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamExpectEntry {
    /// The contract's name for the kind of stream.
    pub of: Located<String>,
    /// The order of its events.
    pub order: Option<Recovered<Located<OrderEntry>>>,
    /// What the data of each event satisfies.
    pub each: Option<Recovered<Located<EachEntry>>>,
    /// Whether it comes to its end: the terminator once and last, in a whole body. By default `true`; `false` says that
    /// it is cut off before, with its connection or its body; `broken-off` that its client sees that, because the
    /// connection ends before the body is whole.
    pub ended: Option<Recovered<Located<Ended>>>,
    /// Checks on `{ "events": […], "joined": {…}, "comments": …, "ignored": […], "ended": …, "terminator": … }`.
    #[serde(default)]
    pub checks: Vec<Recovered<Located<CheckEntry>>>,
    /// The requirement that every part here verifies unless it names its own.
    pub verifies: Option<Located<String>>,
}

/// The order of a stream's events.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderEntry {
    /// Kinds of events side by side, with `( )`, `|`, `*`, `+` and `?`, as in `role content* finish usage?`.
    pub is: Located<String>,
    /// The requirement that it verifies.
    pub verifies: Option<Located<String>>,
}

/// What the data of each event satisfies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EachEntry {
    /// The name of a JSON Schema.
    pub schema: Located<String>,
    /// The requirement that it verifies.
    pub verifies: Option<Located<String>>,
}

/// Whether a stream comes to its end.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whether it does.
    pub is: Ending,
    /// The requirement that this verifies.
    pub verifies: Option<Located<String>>,
}

/// Whether a stream comes to its end: `true`, `false` or `broken-off`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It does.
    #[default]
    Whole,
    /// It is cut off before.
    CutOff,
    /// The connection ends before the body is whole.
    BrokenOff,
}

/// Whether a stream comes to its end, and what this verifies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndedEntry {
    /// Whether it does. By default `true`.
    pub is: Option<Ending>,
    /// The requirement that this verifies.
    pub verifies: Option<Located<String>>,
}

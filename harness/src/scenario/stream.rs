//! Streams of events: what a contract says of their kinds, and what a step expects of one.

use std::fmt;
use std::sync::Arc;

use plumbline_record::Location;

use super::{Check, CheckLevel, Order, Path};

/// A kind of stream, as a contract describes it.
#[derive(Clone, Debug)]
pub struct StreamKind {
    /// Its name within the contract.
    pub name: Arc<str>,
    /// What it is, in one line.
    pub text: String,
    /// What the data of its events is.
    pub data: DataFormat,
    /// The event that ends it; none where it ends with its body.
    pub terminator: Option<Terminator>,
    /// The kinds of its events. The first whose conditions all hold is an event's; several of one name are one.
    pub kinds: Vec<EventKind>,
    /// Values that are put together over all events.
    pub joined: Vec<Join>,
}

/// What the data of an event is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// JSON.
    #[default]
    Json,
    /// Any text.
    Text,
}

/// The event that ends a stream. It is none of the stream's own.
#[derive(Clone, Debug)]
pub enum Terminator {
    /// The one with this data.
    Data(Arc<str>),
    /// The one of this name.
    Event {
        /// The name.
        name: Arc<str>,
        /// What tells it as well, should its name be wrong or missing; nothing does where this is empty.
        when: Vec<Check>,
    },
}

/// A kind of event.
#[derive(Clone, Debug)]
pub struct EventKind {
    /// Its name, as orders use it.
    pub name: Arc<str>,
    /// What must hold of an event of this kind; paths see `{ "event": …, "data": … }`.
    pub when: Vec<Check>,
}

/// A value that is put together over the events of a stream.
#[derive(Clone, Debug)]
pub struct Join {
    /// The name that it is found under.
    pub name: Arc<str>,
    /// Finds nodes in each event.
    pub over: Path,
    /// Finds in a node what it is grouped by; then the value is a list with one entry a group, even if nothing else was
    /// found of it.
    pub by: Option<Path>,
    /// What becomes of the values that are found.
    pub mode: JoinMode,
    /// Finds values in a node.
    pub value: Path,
}

/// How values of several events become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinMode {
    /// Texts one after the other.
    Concat,
    /// The first that is not `null`.
    First,
    /// The last that is not `null`.
    Last,
    /// The list of all.
    All,
}

/// What a step expects of a stream.
#[derive(Clone, Debug)]
pub struct StreamExpectation {
    /// What kind of stream it is.
    pub of: Arc<StreamKind>,
    /// That it is one: its content type, its encoding, and data that can be read.
    pub shape: Clause,
    /// The order of its events.
    pub order: Option<(Order, Clause)>,
    /// The JSON Schema that the data of each event satisfies.
    pub each: Option<(Arc<str>, Clause)>,
    /// How it ends.
    pub ended: Ending,
    /// That it does so.
    pub end: Clause,
    /// Checks on `{ "events": […], "joined": {…}, "comments": …, "ignored": […], "ended": …, "terminator": … }`.
    pub checks: Vec<Check>,
}

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should: with its terminator once and last, in a whole body.
    Whole,
    /// Before its terminator, or before the end of its body where it has none.
    CutOff,
    /// The same, so that any client sees it: the connection ends before the body is whole.
    BrokenOff,
}

/// What stands behind one part of an expectation.
#[derive(Clone, Debug)]
pub struct Clause {
    /// How binding it is.
    pub level: CheckLevel,
    /// The requirement that it verifies.
    pub verifies: Option<Arc<str>>,
    /// Where it is written.
    pub location: Location,
}

impl StreamKind {
    /// The names of its events' kinds, in order.
    pub fn kind_names(&self) -> Vec<&str> {
        self.kinds.iter().map(|kind| &*kind.name).collect()
    }
}

impl Terminator {
    /// Whether an event of this name and with this data is it.
    pub fn is(&self, event: &str, data: &str) -> bool {
        match self {
            Self::Data(own) => **own == *data,
            Self::Event { name, .. } => **name == *event,
        }
    }

    /// The conditions of which another event is it, too, if all of them hold.
    pub fn when(&self) -> Option<&[Check]> {
        match self {
            Self::Event { when, .. } if !when.is_empty() => Some(when),
            Self::Data(_) | Self::Event { .. } => None,
        }
    }
}

impl fmt::Display for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(data) => write!(f, "the data `{data}`"),
            Self::Event { name, .. } => write!(f, "the event `{name}`"),
        }
    }
}

impl StreamExpectation {
    /// The requirements that it verifies, in the order in which they are decided.
    pub fn verifies(&self) -> impl Iterator<Item = &str> {
        let each = self.each.as_ref().map(|(_, clause)| clause);
        let order = self.order.as_ref().map(|(_, clause)| clause);
        let clauses = [Some(&self.shape), each, Some(&self.end), order].into_iter().flatten();
        let own = clauses.map(|clause| &clause.verifies);
        own.chain(self.checks.iter().map(|check| &check.verifies)).filter_map(|id| id.as_deref())
    }

    /// The JSON Schemas that it names.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        let each = self.each.iter().map(|(name, _)| &**name);
        let conditions = self.of.kinds.iter().flat_map(|kind| &kind.when);
        each.chain(self.checks.iter().chain(conditions).filter_map(Check::schema))
    }
}

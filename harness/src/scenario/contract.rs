use std::collections::BTreeMap;
use std::sync::Arc;

use plumbline_record::{Level, Location};

use super::{Dialect, StreamKind};

/// A named, versioned set of requirements.
#[derive(Clone, Debug)]
pub struct Contract {
    /// Its name.
    pub name: Arc<str>,
    /// Its version.
    pub version: Arc<str>,
    /// What it is a contract of.
    pub title: Arc<str>,
    /// Roles that scenarios may act as, with what each is for.
    pub roles: BTreeMap<Arc<str>, String>,
    /// Models that scenarios may name, with what each is for.
    pub models: BTreeMap<Arc<str>, String>,
    /// Capabilities that scenarios may require, with what each means.
    pub capabilities: BTreeMap<Arc<str>, String>,
    /// Those that all of its scenarios require.
    pub requires: Vec<Arc<str>>,
    /// How a role's credential is sent.
    pub credential: Credential,
    /// The requests that each of its dialects spells in its own way, with what each is.
    pub requests: BTreeMap<Arc<str>, String>,
    /// The situations that a gateway can be in, with what each is.
    pub situations: BTreeMap<Arc<str>, String>,
    /// What is found in answers, with what each is.
    pub answers: BTreeMap<Arc<str>, String>,
    /// The dialects that it is spelt in, by name; none where its scenarios are written for one wire.
    pub dialects: BTreeMap<Arc<str>, Arc<Dialect>>,
    /// The kinds of streams that its answers may be, by name.
    pub streams: BTreeMap<Arc<str>, Arc<StreamKind>>,
    /// The requirements that `bills` verifies.
    pub billing: Option<BillingRequirements>,
    /// The requirements by id.
    pub requirements: BTreeMap<Arc<str>, Requirement>,
}

/// How a role's credential is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The header, in lower case.
    pub header: String,
    /// What stands before the credential in it.
    pub prefix: String,
}

impl Default for Credential {
    fn default() -> Self {
        Self { header: "authorization".to_owned(), prefix: "Bearer ".to_owned() }
    }
}

/// One requirement.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// How binding it is.
    pub level: Level,
    /// What it demands, in one line.
    pub text: String,
    /// Where it comes from.
    pub source: String,
    /// Where it is written.
    pub location: Location,
}

/// The requirement behind each part of a billing expectation.
#[derive(Clone, Debug)]
pub struct BillingRequirements {
    /// Exactly one event.
    pub one: Arc<str>,
    /// No event.
    pub none: Arc<str>,
    /// The event's model.
    pub model: Arc<str>,
    /// The event's usage.
    pub usage: Arc<str>,
    /// The event's key.
    pub key: Arc<str>,
    /// The event's cost.
    pub cost: Arc<str>,
}

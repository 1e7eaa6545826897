use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plumbline_record::Location;

use super::{Call, Credential, Expect, Path};

/// How a portable contract is spelt on one wire: its requests, its situations, and where things stand in answers.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// Its name, which is part of the ids of its scenarios.
    pub name: Arc<str>,
    /// Which wire it is, in one line.
    pub title: Arc<str>,
    /// Where its profile is written.
    pub location: Location,
    /// How a role's credential is sent.
    pub credential: Credential,
    /// The contract's requests, as far as the wire has them.
    pub requests: BTreeMap<Arc<str>, Request>,
    /// What is answered in the contract's situations, as far as the wire knows them. None of it verifies anything itself.
    pub situations: BTreeMap<Arc<str>, Expect>,
    /// Where things stand in answers.
    pub answers: BTreeMap<Arc<str>, Place>,
}

/// One request, sent by no role and with nothing given yet.
#[derive(Clone, Debug)]
pub struct Request {
    /// To be answered at once.
    pub whole: Call,
    /// To be answered with a stream, where the profile says how that is asked for.
    pub streamed: Option<Call>,
    /// What its templates name of what a step gives.
    pub given: BTreeSet<String>,
}

/// Where one thing stands in answers.
#[derive(Clone, Debug)]
pub struct Place {
    /// In the JSON of a whole answer.
    pub whole: Option<Path>,
    /// In the document of a stream.
    pub streamed: Option<Path>,
}

impl Place {
    /// Where it stands in answers of one kind.
    pub fn of(&self, is_stream: bool) -> Option<&Path> {
        if is_stream { self.streamed.as_ref() } else { self.whole.as_ref() }
    }
}

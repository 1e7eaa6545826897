//! Routing rules: where calls go that an expression matches.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::predicate::{Facts, Predicate};
use super::weight::Weight;
use crate::domain::clock::Moment;

/// A routing rule, as it is stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Rule {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) enabled: bool,
    pub(crate) cel_expression: String,
    /// One of these is chosen by weight.
    pub(crate) targets: Vec<RuleTarget>,
    /// Asked in order once the target has failed, unless the call names others.
    pub(crate) fallbacks: Vec<String>,
    pub(crate) scope: Scope,
    /// Whose calls it is for.
    pub(crate) scope_id: Option<String>,
    /// Of rules of one scope the one with the lowest is asked first.
    pub(crate) priority: i64,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// The expression, read once.
    #[serde(skip)]
    pub(super) predicate: OnceLock<Option<Arc<Predicate>>>,
}

/// Where a rule sends a call. What it does not say stays as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct RuleTarget {
    pub(crate) provider: Option<Arc<str>>,
    pub(crate) model: Option<Arc<str>>,
    /// Id or name of the provider's key.
    pub(crate) key_id: Option<Arc<str>>,
    pub(crate) weight: Weight,
}

/// Whose calls a rule is for; the narrowest is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    VirtualKey,
    Team,
    Customer,
    Global,
}

impl Scope {
    const ALL: [Self; 4] = [Self::VirtualKey, Self::Team, Self::Customer, Self::Global];

    /// The word on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::VirtualKey => "virtual_key",
            Self::Team => "team",
            Self::Customer => "customer",
            Self::Global => "global",
        }
    }

    /// Reads a word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

impl Rule {
    /// Whether its expression holds. One that cannot be read any more never does.
    pub(super) fn matches(&self, facts: &Facts) -> bool {
        let read = || Predicate::compile(&self.cel_expression).ok().map(Arc::new);
        self.predicate.get_or_init(read).as_ref().is_some_and(|predicate| predicate.matches(facts))
    }
}

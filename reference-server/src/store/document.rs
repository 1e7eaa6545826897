//! What those who run a gateway have settled, as it is kept: one document a row. What stands in one is the domain's.

use std::fmt;

/// What a document is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Customer,
    Team,
    VirtualKey,
    Rule,
    ModelConfig,
    Budget,
    RateLimit,
    Provider,
    Settings,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Customer,
        Self::Team,
        Self::VirtualKey,
        Self::Rule,
        Self::ModelConfig,
        Self::Budget,
        Self::RateLimit,
        Self::Provider,
        Self::Settings,
    ];

    /// The name in the state.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Team => "team",
            Self::VirtualKey => "virtual_key",
            Self::Rule => "rule",
            Self::ModelConfig => "model_config",
            Self::Budget => "budget",
            Self::RateLimit => "rate_limit",
            Self::Provider => "provider",
            Self::Settings => "settings",
        }
    }

    /// Reads a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A change of one document.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Document {
    /// Writes it, new or changed.
    Put {
        kind: Kind,
        /// Unique in its kind.
        id: String,
        /// Where it stands among its kind, in ascending order: no two in one place, but for 0, which is for those
        /// that have no order.
        place: i64,
        body: String,
    },
    /// Deletes it, where it is there.
    Delete { kind: Kind, id: String },
}

/// A document of the state that was opened.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) place: i64,
    pub(crate) body: String,
}

/// Without the body, which may hold a secret.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { kind, id, place, .. } => {
                let mut put = f.debug_struct("Put");
                put.field("kind", kind).field("id", id).field("place", place).finish_non_exhaustive()
            }
            Self::Delete { kind, id } => {
                f.debug_struct("Delete").field("kind", kind).field("id", id).finish()
            }
        }
    }
}

/// Without the body, which may hold a secret.
impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut found = f.debug_struct("Found");
        found.field("kind", &self.kind).field("id", &self.id).field("place", &self.place);
        found.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_reads_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("virtual key"), None);
    }

    #[test]
    fn nobody_sees_what_stands_in_a_document_by_accident() {
        let (kind, id, body) = (Kind::VirtualKey, "one".to_owned(), "sk-bf-secret".to_owned());
        let put = Document::Put { kind, id: id.clone(), place: 1, body: body.clone() };
        let found = Found { kind, id, place: 1, body };
        for text in [format!("{put:?}"), format!("{found:?}")] {
            assert!(text.contains("one") && !text.contains("secret"), "{text}");
        }
    }
}

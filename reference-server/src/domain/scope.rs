//! What a key may be allowed to do.

use std::str::FromStr;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

/// One permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    UsersRead,
    UsersWrite,
    ModelsInference,
    ModelsEmbedding,
    Admin,
}

impl Scope {
    /// Every permission there is.
    pub(crate) const ALL: [Self; 5] =
        [Self::UsersRead, Self::UsersWrite, Self::ModelsInference, Self::ModelsEmbedding, Self::Admin];

    /// The name on the wire.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::ModelsInference => "models:inference",
            Self::ModelsEmbedding => "models:embedding",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A name that is no scope's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no scope {0:?}; the scopes are users:read, users:write, models:inference, models:embedding, admin"
)]
pub(crate) struct UnknownScope(pub(crate) String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or_else(|| UnknownScope(name.to_owned()))
    }
}

/// The permissions of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScopeSet(u8);

impl ScopeSet {
    /// Whether the permission is among them.
    pub(crate) const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The permissions, in the order of [`Scope::ALL`].
    pub(crate) fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// Reads names.
    pub(crate) fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownScope> {
        names.into_iter().map(str::parse::<Scope>).collect()
    }

    /// The names.
    pub(crate) fn names(self) -> Vec<String> {
        self.iter().map(|scope| scope.name().to_owned()).collect()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = serializer.serialize_seq(None)?;
        for scope in self.iter() {
            names.serialize_element(scope.name())?;
        }
        names.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set = ScopeSet::from_names(["models:embedding", "admin"]).unwrap();
        assert!(set.contains(Scope::ModelsEmbedding) && set.contains(Scope::Admin));
        assert!(!set.contains(Scope::ModelsInference));
        assert_eq!(set.names(), ["models:embedding", "admin"]);
    }

    #[test]
    fn an_unknown_name_is_refused_by_name() {
        let error = ScopeSet::from_names(["models:inference", "root"]).unwrap_err();
        assert_eq!(error, UnknownScope("root".to_owned()));
    }
}

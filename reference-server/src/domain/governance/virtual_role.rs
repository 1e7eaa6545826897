//! The fixture's virtual keys: what every world has from the start.

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use super::id;
use super::virtual_key::VirtualKey;
use crate::domain::clock::Moment;
use crate::domain::role::RoleError;
use crate::provider::http::Secret;

const FIXTURE: &str = include_str!("../../../../fixtures/virtual-keys.yaml");

/// A role, and the virtual key that stands for it.
#[derive(Clone, Debug)]
pub(crate) struct VirtualRole {
    pub(crate) name: Arc<str>,
    /// What listings call the key.
    pub(crate) title: Box<str>,
    /// What the default world accepts.
    pub(crate) value: Secret,
    pub(crate) is_active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    virtual_keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    role: String,
    name: String,
    value: String,
    active: bool,
}

impl VirtualRole {
    /// The roles that the binary carries, in order.
    pub(crate) fn embedded() -> Result<Vec<Self>, RoleError> {
        let fixture: Fixture =
            serde_saphyr::from_str(FIXTURE).map_err(|error| RoleError::VirtualKeys(error.to_string()))?;
        let role = |entry: Entry| Self {
            name: entry.role.into(),
            title: entry.name.into(),
            value: Secret::new(&entry.value),
            is_active: entry.active,
        };
        Ok(fixture.virtual_keys.into_iter().map(role).collect())
    }

    /// The role's virtual key, with a fresh value or the one that can be read.
    pub(super) fn virtual_key(&self, fresh: bool, now: Moment) -> VirtualKey {
        VirtualKey {
            id: Uuid::new_v4(),
            name: (*self.title).to_owned(),
            description: String::new(),
            value: if fresh { id::fresh_value() } else { self.value.clone() },
            is_active: self.is_active,
            owner: None,
            provider_configs: Vec::new(),
            mcp_configs: Vec::new(),
            budget: None,
            rate_limit: None,
            created_at: now,
            updated_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::id::PREFIX;
    use super::*;

    #[test]
    fn the_embedded_roles_are_the_documented_ones() {
        let roles = VirtualRole::embedded().unwrap();
        let told: Vec<_> = roles.iter().map(|role| (&*role.name, role.is_active)).collect();
        assert_eq!(
            told,
            [("virtual_key", true), ("virtual_key_other", true), ("virtual_key_inactive", false)]
        );
        assert!(roles.iter().all(|role| role.value.reveal().starts_with(PREFIX)));
    }

    #[test]
    fn fresh_values_are_nobodys() {
        let role = &VirtualRole::embedded().unwrap()[0];
        let now = Moment::from_micros(0);
        let (one, two) = (role.virtual_key(true, now), role.virtual_key(true, now));
        assert!(one.value != two.value && one.value != role.value);
        assert_eq!(role.virtual_key(false, now).value, role.value);
    }
}

//! Who may do what.

use std::sync::Arc;

use super::key::Key;
use super::scope::Scope;
use super::world::World;
use crate::defect::Defect;

/// What a request offers to prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    /// Nothing at all.
    Missing,
    /// Something that is no scheme with a value behind it.
    Malformed,
    /// A value under another scheme than Bearer.
    OtherScheme,
    /// A key's secret.
    Secret(&'a [u8]),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    #[error("no credential")]
    Missing,
    #[error("a credential that is none")]
    Malformed,
    #[error("a credential of another scheme")]
    OtherScheme,
    #[error("an unknown key")]
    Unknown,
    #[error("a key that is not in force")]
    Inactive,
    #[error("an expired key")]
    Expired,
    #[error("a key without the scope")]
    LacksScope,
}

/// What an endpoint asks of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// That it is valid.
    AnyKey,
    /// That it has a scope.
    Scope(Scope),
}

/// Finds the key behind a credential, if it is in force now, and notes the use.
pub(crate) fn authenticate(world: &World, credential: Credential<'_>) -> Result<Arc<Key>, Denial> {
    let now = world.clock.now();
    let key = identify(world, credential)?;
    if !key.is_active() && !world.defects.has(Defect::InactiveKeyAccepted) {
        return Err(Denial::Inactive);
    }
    if key.is_expired(now) && !world.defects.has(Defect::ExpiredKeyAccepted) {
        return Err(Denial::Expired);
    }
    if !world.defects.has(Defect::LastUsedNotMoved) {
        world.touch(&key, now);
    }
    Ok(key)
}

fn identify(world: &World, credential: Credential<'_>) -> Result<Arc<Key>, Denial> {
    let (denial, waived) = match credential {
        Credential::Secret(secret) => match world.keys.find_by_secret(secret) {
            Some(key) => return Ok(key),
            None => (Denial::Unknown, world.defects.has(Defect::UnknownKeyAccepted)),
        },
        Credential::Missing => (Denial::Missing, credential_waived(world)),
        Credential::Malformed => (Denial::Malformed, credential_waived(world)),
        Credential::OtherScheme => (Denial::OtherScheme, credential_waived(world)),
    };
    let stand_in = if waived { world.keys.first(Key::is_active) } else { None };
    stand_in.ok_or(denial)
}

fn credential_waived(world: &World) -> bool {
    world.defects.has(Defect::CredentialNotRequired)
}

/// Whether a key may do what is asked.
pub(crate) fn authorize(world: &World, key: &Key, need: Need) -> Result<(), Denial> {
    let allowed = match need {
        Need::AnyKey => has_model_scope(key) || !world.defects.has(Defect::ModelsRequireScope),
        Need::Scope(scope) => key.scopes.contains(scope) || world.defects.has(Defect::ScopeNotEnforced),
    };
    if allowed { Ok(()) } else { Err(Denial::LacksScope) }
}

fn has_model_scope(key: &Key) -> bool {
    key.scopes.contains(Scope::ModelsInference) || key.scopes.contains(Scope::ModelsEmbedding)
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn secret_of(world: &testing::TestWorld, role: &str) -> Vec<u8> {
        world.secret(role).as_bytes().to_vec()
    }

    fn denied(world: &testing::TestWorld, credential: Credential<'_>) -> Denial {
        authenticate(&world.world, credential).unwrap_err()
    }

    #[test]
    fn each_way_of_being_wrong_has_its_own_denial() {
        let world = testing::world();
        assert_eq!(denied(&world, Credential::Missing), Denial::Missing);
        assert_eq!(denied(&world, Credential::Malformed), Denial::Malformed);
        assert_eq!(denied(&world, Credential::OtherScheme), Denial::OtherScheme);
        assert_eq!(denied(&world, Credential::Secret(b"sk-nobody")), Denial::Unknown);
        assert_eq!(denied(&world, Credential::Secret(&secret_of(&world, "inactive"))), Denial::Inactive);
        assert_eq!(denied(&world, Credential::Secret(&secret_of(&world, "expired"))), Denial::Expired);
    }

    #[test]
    fn a_valid_key_is_found_and_its_use_noted() {
        let world = testing::world();
        let secret = secret_of(&world, "chat_only");
        let key = authenticate(&world.world, Credential::Secret(&secret)).unwrap();
        assert_eq!(&*key.role, "chat_only");
        let first = key.last_used_at().unwrap();
        world.world.clock.advance(1_000_000);
        authenticate(&world.world, Credential::Secret(&secret)).unwrap();
        assert!(key.last_used_at().unwrap() > first);
    }

    #[test]
    fn a_refused_key_is_not_used() {
        let world = testing::world();
        denied(&world, Credential::Secret(&secret_of(&world, "inactive")));
        let key = world.world.keys.first(|key| &*key.role == "inactive").unwrap();
        assert_eq!(key.last_used_at(), None);
    }

    #[test]
    fn revoking_and_passing_time_take_a_key_out_of_force() {
        let world = testing::world();
        let secret = secret_of(&world, "all_scopes");
        let key = authenticate(&world.world, Credential::Secret(&secret)).unwrap();
        key.set_active(false);
        assert_eq!(denied(&world, Credential::Secret(&secret)), Denial::Inactive);
        key.set_active(true);
        let in_an_hour = world.world.clock.now().as_micros() + 3_600_000_000;
        key.set_expires_at(Some(crate::domain::clock::Moment::from_micros(in_an_hour)));
        assert!(authenticate(&world.world, Credential::Secret(&secret)).is_ok());
        world.world.clock.advance(3_600_000_001);
        assert_eq!(denied(&world, Credential::Secret(&secret)), Denial::Expired);
    }

    #[test]
    fn scopes_are_asked_for_one_by_one() {
        let world = testing::world();
        let chat = Need::Scope(Scope::ModelsInference);
        let embed = Need::Scope(Scope::ModelsEmbedding);
        let allowed = |role: &str, need| {
            let key = world.world.keys.first(|key| &*key.role == role).unwrap();
            authorize(&world.world, &key, need).is_ok()
        };
        assert!(allowed("chat_only", chat) && !allowed("chat_only", embed));
        assert!(!allowed("embedding_only", chat) && allowed("embedding_only", embed));
        assert!(!allowed("admin_only", chat) && !allowed("admin_only", embed));
        assert!(allowed("no_model_scopes", Need::AnyKey));
    }
}

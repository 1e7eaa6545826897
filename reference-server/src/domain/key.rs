//! Virtual keys: who may call, and what a key remembers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::clock::Moment;
use super::quota::{Limits, Quota};
use super::scope::ScopeSet;

/// An expiry that never comes.
const NEVER: i64 = i64::MAX;
/// A use that has not happened.
const UNUSED: i64 = i64::MIN;

/// SHA-256 of a secret. The secret itself is kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of no secret that anybody knows, for where none is to match.
    pub(crate) const OF_NOTHING: Self = Self([0; 32]);

    /// The digest of a secret as it came in.
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A digest that was stored.
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, to be stored.
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are digests of the same secret, in a time that does not tell how much of it agrees.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

/// What a key is made of, before it is in force.
#[derive(Clone, Debug)]
pub(crate) struct KeyRecord {
    pub(crate) id: Uuid,
    pub(crate) role: Arc<str>,
    pub(crate) scopes: ScopeSet,
    pub(crate) manager_id: Arc<str>,
    pub(crate) digest: SecretDigest,
    pub(crate) created_at: Moment,
    pub(crate) active: bool,
    pub(crate) expires_at: Option<Moment>,
    pub(crate) last_used_at: Option<Moment>,
    pub(crate) limits: Limits,
}

/// A key. What can change in it changes atomically, so that a request never waits for another.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) id: Uuid,
    /// The role it was made for, or a label of the caller's.
    pub(crate) role: Arc<str>,
    pub(crate) scopes: ScopeSet,
    /// Who answers for it.
    pub(crate) manager_id: Arc<str>,
    pub(crate) digest: SecretDigest,
    pub(crate) created_at: Moment,
    /// What it may ask for in a minute.
    pub(crate) quota: Quota,
    active: AtomicBool,
    expires_at: AtomicI64,
    last_used_at: AtomicI64,
    unsaved_use: AtomicBool,
}

impl Key {
    /// Puts a record in force.
    pub(crate) fn new(record: KeyRecord) -> Self {
        Self {
            id: record.id,
            role: record.role,
            scopes: record.scopes,
            manager_id: record.manager_id,
            digest: record.digest,
            created_at: record.created_at,
            quota: Quota::new(record.limits),
            active: AtomicBool::new(record.active),
            expires_at: AtomicI64::new(record.expires_at.map_or(NEVER, Moment::as_micros)),
            last_used_at: AtomicI64::new(record.last_used_at.map_or(UNUSED, Moment::as_micros)),
            unsaved_use: AtomicBool::new(false),
        }
    }

    /// The key as it is now, to be stored.
    pub(crate) fn record(&self) -> KeyRecord {
        KeyRecord {
            id: self.id,
            role: Arc::clone(&self.role),
            scopes: self.scopes,
            manager_id: Arc::clone(&self.manager_id),
            digest: self.digest,
            created_at: self.created_at,
            active: self.is_active(),
            expires_at: self.expires_at(),
            last_used_at: self.last_used_at(),
            limits: self.quota.limits,
        }
    }

    /// Whether it is in force; a revoked key is not.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Revokes it, or puts it back in force.
    pub(crate) fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Relaxed);
    }

    /// Whether its time is over.
    pub(crate) fn is_expired(&self, now: Moment) -> bool {
        self.expires_at.load(Ordering::Relaxed) <= now.as_micros()
    }

    /// From when on it is refused.
    pub(crate) fn expires_at(&self) -> Option<Moment> {
        let micros = self.expires_at.load(Ordering::Relaxed);
        (micros != NEVER).then_some(Moment::from_micros(micros))
    }

    /// Sets or lifts the expiry.
    pub(crate) fn set_expires_at(&self, moment: Option<Moment>) {
        self.expires_at.store(moment.map_or(NEVER, Moment::as_micros), Ordering::Relaxed);
    }

    /// When it was last presented and found good.
    pub(crate) fn last_used_at(&self) -> Option<Moment> {
        let micros = self.last_used_at.load(Ordering::Relaxed);
        (micros != UNUSED).then_some(Moment::from_micros(micros))
    }

    /// Notes a use; of uses at the same time the latest stays.
    pub(crate) fn touch(&self, now: Moment) {
        self.last_used_at.fetch_max(now.as_micros(), Ordering::Relaxed);
    }

    /// Whether this use is the first that the store does not know of yet.
    pub(crate) fn first_unsaved_use(&self) -> bool {
        !self.unsaved_use.swap(true, Ordering::AcqRel)
    }

    /// Says that the store is about to save the uses made so far.
    pub(crate) fn uses_being_saved(&self) {
        self.unsaved_use.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::super::quota::GENEROUS;
    use super::*;

    fn key(expires_at: Option<Moment>) -> Key {
        Key::new(KeyRecord {
            id: Uuid::new_v4(),
            role: "chat_only".into(),
            scopes: ScopeSet::default(),
            manager_id: "manager".into(),
            digest: SecretDigest::of(b"sk-secret"),
            created_at: Moment::from_micros(1),
            active: true,
            expires_at,
            last_used_at: None,
            limits: GENEROUS,
        })
    }

    #[test]
    fn a_key_expires_at_its_moment_and_not_before() {
        let key = key(Some(Moment::from_micros(100)));
        assert!(!key.is_expired(Moment::from_micros(99)));
        assert!(key.is_expired(Moment::from_micros(100)));
        key.set_expires_at(None);
        assert!(!key.is_expired(Moment::from_micros(i64::MAX - 1)));
        assert_eq!(key.expires_at(), None);
    }

    #[test]
    fn the_latest_use_stays_and_is_announced_once_until_saved() {
        let key = key(None);
        assert_eq!(key.last_used_at(), None);
        key.touch(Moment::from_micros(20));
        key.touch(Moment::from_micros(10));
        assert_eq!(key.last_used_at(), Some(Moment::from_micros(20)));
        assert!(key.first_unsaved_use());
        assert!(!key.first_unsaved_use());
        key.uses_being_saved();
        assert!(key.first_unsaved_use());
    }

    #[test]
    fn digests_match_only_for_the_same_secret() {
        let digest = SecretDigest::of(b"one");
        assert!(digest.matches(&SecretDigest::of(b"one")));
        assert!(!digest.matches(&SecretDigest::of(b"onf")));
    }

    #[test]
    fn a_record_survives_being_put_in_force() {
        let key = key(Some(Moment::from_micros(7)));
        key.set_active(false);
        key.touch(Moment::from_micros(3));
        let copy = Key::new(key.record());
        assert!(!copy.is_active());
        assert_eq!(copy.expires_at(), Some(Moment::from_micros(7)));
        assert_eq!(copy.last_used_at(), Some(Moment::from_micros(3)));
    }
}

//! The keys of one world.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use uuid::Uuid;

use super::key::{Key, SecretDigest};

/// Keys by secret, and in the order in which they were added. No lock outlives a call.
#[derive(Debug, Default)]
pub(crate) struct KeyRing {
    ring: RwLock<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    in_order: Vec<Arc<Key>>,
    by_digest: HashMap<SecretDigest, Arc<Key>>,
}

impl KeyRing {
    /// The key whose secret this is.
    pub(crate) fn find_by_secret(&self, secret: &[u8]) -> Option<Arc<Key>> {
        let digest = SecretDigest::of(secret);
        self.ring.read().by_digest.get(&digest).cloned()
    }

    /// The key with this id.
    pub(crate) fn get(&self, id: Uuid) -> Option<Arc<Key>> {
        self.ring.read().in_order.iter().find(|key| key.id == id).cloned()
    }

    /// The first key that the predicate likes.
    pub(crate) fn first(&self, likes: impl Fn(&Key) -> bool) -> Option<Arc<Key>> {
        self.ring.read().in_order.iter().find(|key| likes(key)).cloned()
    }

    /// Adds a key. One whose secret is taken replaces the older one.
    pub(crate) fn add(&self, key: Arc<Key>) {
        let mut ring = self.ring.write();
        if let Some(replaced) = ring.by_digest.insert(key.digest, Arc::clone(&key)) {
            ring.in_order.retain(|other| other.id != replaced.id);
        }
        ring.in_order.push(key);
    }

    /// Takes a key out.
    pub(crate) fn remove(&self, id: Uuid) -> Option<Arc<Key>> {
        let mut ring = self.ring.write();
        let position = ring.in_order.iter().position(|key| key.id == id)?;
        let key = ring.in_order.remove(position);
        ring.by_digest.remove(&key.digest);
        Some(key)
    }

    /// Every key, oldest first.
    pub(crate) fn list(&self) -> Vec<Arc<Key>> {
        self.ring.read().in_order.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock::Moment;
    use super::super::key::KeyRecord;
    use super::super::quota::GENEROUS;
    use super::super::scope::ScopeSet;
    use super::*;

    fn key(secret: &str) -> Arc<Key> {
        Arc::new(Key::new(KeyRecord {
            id: Uuid::new_v4(),
            role: "role".into(),
            scopes: ScopeSet::default(),
            manager_id: "manager".into(),
            digest: SecretDigest::of(secret.as_bytes()),
            created_at: Moment::from_micros(0),
            active: true,
            expires_at: None,
            last_used_at: None,
            limits: GENEROUS,
        }))
    }

    #[test]
    fn keys_are_found_by_their_whole_secret_and_listed_in_order() {
        let ring = KeyRing::default();
        let (one, two) = (key("sk-one"), key("sk-two"));
        ring.add(Arc::clone(&one));
        ring.add(Arc::clone(&two));
        assert_eq!(ring.find_by_secret(b"sk-two").unwrap().id, two.id);
        assert!(ring.find_by_secret(b"sk-on").is_none());
        assert_eq!(ring.list().iter().map(|key| key.id).collect::<Vec<_>>(), [one.id, two.id]);
    }

    #[test]
    fn a_removed_key_is_gone_from_both_indexes() {
        let ring = KeyRing::default();
        let one = key("sk-one");
        ring.add(Arc::clone(&one));
        assert_eq!(ring.remove(one.id).unwrap().id, one.id);
        assert!(ring.find_by_secret(b"sk-one").is_none());
        assert!(ring.get(one.id).is_none());
        assert!(ring.remove(one.id).is_none());
    }

    #[test]
    fn a_secret_belongs_to_one_key() {
        let ring = KeyRing::default();
        ring.add(key("sk-one"));
        let later = key("sk-one");
        ring.add(Arc::clone(&later));
        assert_eq!(ring.list().len(), 1);
        assert_eq!(ring.find_by_secret(b"sk-one").unwrap().id, later.id);
    }
}

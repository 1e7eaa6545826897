//! Every world of the process.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;
use url::Url;
use uuid::Uuid;

use super::catalog::Catalog;
use super::governance::VirtualRole;
use super::role::{Minted, Role};
use super::routing::{Network, Plan};
use super::world::{Commons, World};
use crate::defect::Defect;

/// How many worlds there may be beside the default one.
pub(crate) const MOST_WORLDS: usize = 10_000;

/// There are too many worlds to make another.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {} worlds already; delete some", MOST_WORLDS)]
pub(crate) struct TooManyWorlds;

/// The default world and those that were made.
pub(crate) struct Worlds {
    root: Arc<World>,
    made: RwLock<HashMap<Arc<str>, Arc<World>>>,
    last_number: AtomicI64,
    commons: Commons,
    roles: Vec<Role>,
    virtual_roles: Vec<VirtualRole>,
    network: Network,
}

impl Worlds {
    /// The default world alone.
    pub(crate) fn new(root: Arc<World>, commons: Commons, roles: Vec<Role>) -> Self {
        let last_number = AtomicI64::new(root.number);
        let (made, virtual_roles, network) = (RwLock::default(), Vec::new(), Network::default());
        Self { root, made, last_number, commons, roles, virtual_roles, network }
    }

    /// The same, where further worlds have virtual keys that follow these roles.
    pub(crate) fn governed(self, virtual_roles: Vec<VirtualRole>) -> Self {
        Self { virtual_roles, ..self }
    }

    /// The same, where further worlds have models that these providers serve.
    pub(crate) fn over(self, network: Network) -> Self {
        let commons = Commons { seed: network.seed, ..self.commons };
        Self { commons, network, ..self }
    }

    /// The default world.
    pub(crate) fn root(&self) -> &Arc<World> {
        &self.root
    }

    /// The roles that fresh keys can follow.
    pub(crate) fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The roles that fresh virtual keys can follow.
    pub(crate) fn virtual_roles(&self) -> &[VirtualRole] {
        &self.virtual_roles
    }

    /// The models on offer.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.commons.catalog
    }

    /// The providers that there are.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// The world with this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<World>> {
        if *id == *self.root.id { Some(Arc::clone(&self.root)) } else { self.made.read().get(id).cloned() }
    }

    /// Makes a world with fresh keys and virtual keys, one a role, told here and never again.
    #[cfg(test)]
    pub(crate) fn create(&self, defects: &[Defect]) -> Result<(Arc<World>, Vec<Minted>), TooManyWorlds> {
        self.create_routed(defects, &Plan::new(), None)
    }

    /// Makes a world whose models follow this plan before the common one, and which finds all providers that are asked
    /// over HTTP below `upstream`.
    pub(crate) fn create_routed(
        &self,
        defects: &[Defect],
        plan: &Plan,
        upstream: Option<&Url>,
    ) -> Result<(Arc<World>, Vec<Minted>), TooManyWorlds> {
        let id: Arc<str> = Uuid::new_v4().simple().to_string().into();
        let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        let routing = self.network.routing(self.catalog(), plan, upstream);
        let world = World::new(Arc::clone(&id), number, &self.commons, false);
        let world = Arc::new(world.routed(routing).idempotent().closing_with(&self.root));
        world.defects.set(defects);
        let now = world.clock.now();
        let mut keys: Vec<_> = self.roles.iter().map(|role| role.mint(now)).collect();
        for minted in &keys {
            world.keys.add(Arc::clone(&minted.key));
        }
        let Commons { catalog, provider, .. } = &self.commons;
        world.governance.connect(self.network.switchboard(catalog, upstream, provider));
        keys.extend(world.governance.add_roles(&self.virtual_roles, true, now));
        let mut made = self.made.write();
        if made.len() >= MOST_WORLDS {
            return Err(TooManyWorlds);
        }
        made.insert(id, Arc::clone(&world));
        Ok((world, keys))
    }

    /// Deletes a world that was made. Calls under way in it come to their end.
    pub(crate) fn delete(&self, id: &str) -> bool {
        self.made.write().remove(id).is_some()
    }

    /// Says in every world that the gateway ends.
    pub(crate) fn close(&self) {
        self.root.closing.begin();
    }

    /// Every world, the default one first, then in the order of making.
    pub(crate) fn list(&self) -> Vec<Arc<World>> {
        let mut worlds: Vec<_> = self.made.read().values().cloned().collect();
        worlds.push(Arc::clone(&self.root));
        worlds.sort_unstable_by_key(|world| world.number);
        worlds
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::governance::Sent;
    use super::super::testing;
    use super::*;

    #[test]
    fn a_world_has_keys_that_no_other_world_knows() {
        let worlds = testing::worlds();
        let (one, keys) = worlds.create(&[]).unwrap();
        let (two, _) = worlds.create(&[]).unwrap();
        assert_eq!(keys.len(), worlds.roles().len() + worlds.virtual_roles().len());
        let (own, governed) = keys.split_at(worlds.roles().len());
        for minted in own {
            assert_eq!(one.keys.find_by_secret(minted.secret.as_bytes()).unwrap().id, minted.key.id);
            assert!(two.keys.find_by_secret(minted.secret.as_bytes()).is_none());
        }
        for minted in governed {
            assert!(one.keys.find_by_secret(minted.secret.as_bytes()).is_none());
        }
    }

    #[test]
    fn a_virtual_key_is_known_in_its_own_world_alone() {
        let worlds = testing::worlds();
        let (one, keys) = worlds.create(&[]).unwrap();
        let (two, _) = worlds.create(&[]).unwrap();
        let minted = keys.iter().find(|minted| &*minted.key.role == "virtual_key").unwrap();
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-bf-vk"),
            HeaderValue::try_from(&minted.secret).unwrap(),
        )]);
        let sent = Sent { headers: &headers, is_local: true };
        let caller = one.governance.identify(&one, &sent).unwrap();
        assert_eq!(caller.key.id, minted.key.id);
        assert!(two.governance.identify(&two, &sent).is_err());
    }

    #[test]
    fn worlds_are_listed_in_order_found_and_deleted() {
        let worlds = testing::worlds();
        let made: Vec<_> = (0..5).map(|_| worlds.create(&[]).unwrap().0.id.clone()).collect();
        let listed: Vec<_> = worlds.list().iter().map(|world| world.id.clone()).collect();
        assert_eq!(&*listed[0], "root");
        assert_eq!(listed[1..], made[..]);
        assert!(worlds.get("root").unwrap().is_root());
        assert!(worlds.delete(&made[2]));
        assert!(!worlds.delete(&made[2]));
        assert!(worlds.get(&made[2]).is_none());
        assert!(!worlds.delete("root"));
    }

    #[test]
    fn the_end_is_told_in_every_world() {
        let worlds = testing::worlds();
        let (made, _) = worlds.create(&[]).unwrap();
        assert!(!made.closing.has_begun());
        worlds.close();
        assert!(made.closing.has_begun() && worlds.root().closing.has_begun());
    }

    #[test]
    fn there_is_an_end_to_worlds() {
        let worlds = testing::worlds();
        for _ in 0..MOST_WORLDS {
            worlds.create(&[]).unwrap();
        }
        assert_eq!(worlds.create(&[]).err(), Some(TooManyWorlds));
        let last = worlds.list().last().unwrap().id.clone();
        assert!(worlds.delete(&last));
        assert!(worlds.create(&[]).is_ok());
    }
}

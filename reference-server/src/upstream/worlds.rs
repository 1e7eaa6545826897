//! Every world of the simulator.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::RwLock;
use uuid::Uuid;

use super::world::{PROVIDERS, Stage, UpstreamWorld};
use crate::domain::world::ROOT_ID;
use crate::domain::worlds::{MOST_WORLDS, TooManyWorlds};

/// The world at the listener's root, and those that were made.
pub(super) struct UpstreamWorlds {
    /// How the listener is reached, as `http://…`.
    pub(super) url: String,
    root: Arc<UpstreamWorld>,
    made: RwLock<HashMap<Arc<str>, Arc<UpstreamWorld>>>,
    next_number: AtomicI64,
    stage: Stage,
}

impl UpstreamWorlds {
    /// The world at the root alone.
    pub(super) fn new(url: String, stage: Stage) -> Self {
        let root = Arc::new(UpstreamWorld::new(ROOT_ID.into(), 0, stage.clone()));
        Self { url, root, made: RwLock::default(), next_number: AtomicI64::new(PROVIDERS), stage }
    }

    /// The world with this id, or the one at the root.
    pub(super) fn get(&self, id: Option<&str>) -> Option<Arc<UpstreamWorld>> {
        match id {
            None | Some(ROOT_ID) => Some(Arc::clone(&self.root)),
            Some(id) => self.made.read().get(id).cloned(),
        }
    }

    /// Makes a world.
    pub(super) fn create(&self) -> Result<Arc<UpstreamWorld>, TooManyWorlds> {
        let id: Arc<str> = Uuid::new_v4().simple().to_string().into();
        let number = self.next_number.fetch_add(PROVIDERS, Ordering::Relaxed);
        let world = Arc::new(UpstreamWorld::new(Arc::clone(&id), number, self.stage.clone()));
        let mut made = self.made.write();
        if made.len() >= MOST_WORLDS {
            return Err(TooManyWorlds);
        }
        made.insert(id, Arc::clone(&world));
        Ok(world)
    }

    /// Deletes a world that was made. Calls under way in it come to their end, and no gate holds them up any more.
    pub(super) fn delete(&self, id: &str) {
        let deleted = self.made.write().remove(id);
        if let Some(world) = deleted {
            world.gates.open_all();
        }
    }

    /// From here on whatever ends before its answer is broken off by the simulator.
    pub(super) fn close(&self) {
        self.stage.closing.begin();
    }

    /// Every world, the one at the root first, then in the order of making.
    pub(super) fn list(&self) -> Vec<Arc<UpstreamWorld>> {
        let mut worlds: Vec<_> = self.made.read().values().cloned().collect();
        worlds.push(Arc::clone(&self.root));
        worlds.sort_unstable_by_key(|world| world.number);
        worlds
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::testing::stage;
    use super::*;

    #[test]
    fn worlds_are_listed_in_order_found_and_deleted() {
        let worlds = UpstreamWorlds::new("http://127.0.0.1:1".to_owned(), stage());
        let made: Vec<_> = (0..3).map(|_| Arc::clone(&worlds.create().unwrap().id)).collect();
        let listed: Vec<_> = worlds.list().iter().map(|world| Arc::clone(&world.id)).collect();
        assert_eq!(&*listed[0], "root");
        assert_eq!(listed[1..], made[..]);
        let numbers: Vec<_> = worlds.list().iter().map(|world| world.number).collect();
        assert_eq!(numbers, [0, 5, 10, 15]);
        assert!(worlds.get(None).unwrap().is_root() && worlds.get(Some("root")).unwrap().is_root());
        worlds.delete(&made[1]);
        assert!(worlds.get(Some(&made[1])).is_none() && worlds.get(Some(&made[0])).is_some());
    }
}

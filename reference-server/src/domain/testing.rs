//! A world for unit tests: in memory, with the fixture roles and the mock provider.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use axum::http::HeaderMap;
use futures::FutureExt;
use tokio::task::unconstrained;
use uuid::Uuid;

use super::call::Call;
use super::catalog::Catalog;
use super::governance::{Asked, RequestType, Sent, VirtualRole};
use super::ledger::Operation;
use super::log_line::RequestContext;
use super::role::Role;
use super::routing::{Network, Service};
use super::world::{Commons, World};
use super::worlds::Worlds;
use crate::defect::Defect;
use crate::provider::{Mock, Provider};
use crate::store::{First, Place, Store};

/// A world and the secrets of its keys.
pub(crate) struct TestWorld {
    pub(crate) world: Arc<World>,
    secrets: Vec<(Arc<str>, String)>,
}

/// A fresh world.
pub(crate) fn world() -> TestWorld {
    world_over(Network::default())
}

/// A fresh world with models that these providers serve.
pub(crate) fn world_over(network: Network) -> TestWorld {
    first_of(&worlds().over(network))
}

/// A fresh world in which a charge is written when it is appended.
pub(crate) fn durable_world() -> TestWorld {
    first_of(&worlds_on(store(true)))
}

fn first_of(worlds: &Worlds) -> TestWorld {
    let (world, keys) = worlds.create(&[]).unwrap();
    let secrets = keys.into_iter().map(|minted| (Arc::clone(&minted.key.role), minted.secret)).collect();
    TestWorld { world, secrets }
}

/// A registry with nothing but the default world.
pub(crate) fn worlds() -> Worlds {
    worlds_on(store(false))
}

fn worlds_on(store: Store) -> Worlds {
    static PROVIDER: OnceLock<Arc<Mock>> = OnceLock::new();
    let provider = PROVIDER.get_or_init(Arc::default);
    let provider = Arc::clone(provider) as Arc<dyn Provider>;
    let commons = Commons::new(Catalog::embedded().unwrap(), provider, store);
    let root = Arc::new(World::new("root".into(), 0, &commons, false));
    Worlds::new(root, commons, Role::embedded().unwrap()).governed(VirtualRole::embedded().unwrap())
}

fn store(durable: bool) -> Store {
    Store::open(&Place::Memory, durable, First { keys: &[], documents: &[] }).unwrap().0
}

impl TestWorld {
    /// The secret of a role's key.
    pub(crate) fn secret(&self, role: &str) -> &str {
        self.secrets.iter().find(|(name, _)| &**name == role).map(|(_, secret)| secret.as_str()).unwrap()
    }

    /// Puts one defect on, or none.
    pub(crate) fn break_with(&self, defect: Option<&str>) {
        let defects: Vec<Defect> = defect.map(|id| id.parse().unwrap()).into_iter().collect();
        self.world.defects.set(&defects);
    }

    /// A call by a role's key.
    pub(crate) fn call(&self, role: &str) -> Call {
        let id = Uuid::new_v4();
        Call {
            world: Arc::clone(&self.world),
            key: self.world.keys.first(|key| &*key.role == role).unwrap(),
            context: Arc::new(RequestContext {
                id,
                logged_id: Some(id),
                method: "POST".into(),
                path: "/api/v1/chat/completions".into(),
                query: "".into(),
                client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                user_agent: None,
                world: None,
                service: Service::default(),
                is_billed: AtomicBool::default(),
            }),
            sessions: Vec::new(),
            governed: None,
        }
    }

    /// A governed call of somebody without a virtual key, for a model of the catalogue.
    pub(crate) fn governed_call(&self, operation: Operation, model: &str) -> Call {
        let (world, headers) = (&self.world, HeaderMap::new());
        let sent = Sent { headers: &headers, is_local: true };
        let caller = world.governance.identify(world, &sent).unwrap();
        let request_type = match operation {
            Operation::Chat => RequestType::Chat,
            Operation::Embedding => RequestType::Embedding,
        };
        let (at, query, fallbacks) = (None, None, Vec::new());
        let call = self.call("chat_only");
        let (id, headers) = (call.context.id, &headers);
        let asked = Asked { id, request_type, operation, model, at, fallbacks, headers, query };
        // Tests do not fill the store, so that there is nothing to wait for.
        let entered = unconstrained(world.governance.enter(world, caller, &asked)).now_or_never();
        let governed = Arc::new(entered.unwrap().unwrap());
        Call { key: Arc::clone(&governed.caller.key), governed: Some(governed), ..call }
    }
}

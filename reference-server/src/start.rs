//! Puts a gateway together.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use uuid::Uuid;

use crate::brain::tokens;
use crate::control::Control;
use crate::dialect::Dialect;
use crate::domain::catalog::Catalog;
use crate::domain::clock::Clock;
use crate::domain::governance::{Governance, VirtualRole};
use crate::domain::key::{Key, KeyRecord, SecretDigest};
use crate::domain::log_writer::LogWriter;
use crate::domain::role::Role;
use crate::domain::routing::{Network, Plan};
use crate::domain::scope::{Scope, ScopeSet};
use crate::domain::world::{Commons, ROOT_ID, World};
use crate::domain::worlds::Worlds;
use crate::gateway::Gateway;
use crate::intake::Intake;
use crate::provider::{Mock, Provider};
use crate::server::{Server, listen};
use crate::settings::{LogSink, RoleKey, Settings};
use crate::store::{First, OpenError, Opened, Place, Store};

/// Why a gateway cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("listen on {address}: {problem}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        problem: std::io::Error,
    },
    /// The state cannot be opened.
    #[error(transparent)]
    State(#[from] OpenError),
    /// The log cannot be written.
    #[error("open the log {}: {problem}", .place.display())]
    Log {
        /// The file, or what stands for it.
        place: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// A configured provider cannot be used.
    #[error("{0}")]
    Provider(String),
    /// The data in the binary makes no sense.
    #[error("{0}")]
    Fixture(String),
}

/// Takes the port and opens the state. Connections are accepted from here on, and served by [`Server::run`].
///
/// # Errors
///
/// When the address is taken, the state or the log cannot be opened, or a configured provider cannot be used.
pub fn bind(settings: Settings) -> Result<Server, StartError> {
    let provider = Arc::new(Mock::default());
    warm_up(&provider);
    let (listener, address) = listen(settings.listen)
        .map_err(|problem| StartError::Listen { address: settings.listen, problem })?;
    let roles = Role::embedded().map_err(|error| fixture(&error))?;
    let virtual_roles = VirtualRole::embedded().map_err(|error| fixture(&error))?;
    let worlds = worlds(&settings, roles, virtual_roles, provider)?;
    let mut keys = role_keys(&worlds);
    if settings.dialect == Dialect::Bifrost {
        keys.extend(virtual_keys(&worlds));
    }
    let control_token = settings.control_token.unwrap_or_else(random_token);
    let gateway = Gateway {
        control: Control::new(Arc::clone(&worlds), &control_token),
        worlds,
        dialect: settings.dialect,
        intake: Arc::new(Intake::new(settings.body_limit)),
        control_token: SecretDigest::of(control_token.as_bytes()),
    };
    Ok(Server::new(listener, address, gateway, control_token, keys))
}

/// Loads tokenizer and rules beside everything else; whoever needs them first waits for them. Without the threads
/// they load with the first question.
fn warm_up(provider: &Arc<Mock>) {
    let provider = Arc::clone(provider);
    let beside = |work: Box<dyn FnOnce() + Send>| {
        let _ = thread::Builder::new().name("plumbline-warm-up".to_owned()).spawn(work);
    };
    beside(Box::new(tokens::warm_up));
    beside(Box::new(move || {
        if let Err(error) = provider.warm_up() {
            tracing::error!(%error, "the rules in the binary cannot be read");
        }
    }));
}

fn worlds(
    settings: &Settings,
    roles: Vec<Role>,
    virtual_roles: Vec<VirtualRole>,
    provider: Arc<Mock>,
) -> Result<Arc<Worlds>, StartError> {
    let mock: Arc<dyn Provider> = provider;
    let network = settings.config.clone().network(&mock).map_err(StartError::Provider)?;
    // Where targets are named with their providers, every provider there is is asked under its name.
    let network = Network { direct: settings.dialect == Dialect::Bifrost, ..network };
    let now = Clock::default().now();
    let keys: Vec<KeyRecord> = roles.iter().map(|role| role.fixture_key(now).record()).collect();
    let documents = Governance::first_documents(&virtual_roles, now);
    let place = settings.state.clone().map_or(Place::Memory, Place::File);
    let first = First { keys: &keys, documents: &documents };
    let (store, opened) = Store::open(&place, settings.durable, first)?;
    let catalog = Catalog::embedded().map_err(|error| fixture(&error))?;
    let commons = Commons {
        sink: sink(&settings.log)?,
        seed: network.seed,
        ..Commons::new(catalog, Arc::clone(&mock), store)
    };
    let routing = network.routing(&commons.catalog, &Plan::new(), None);
    let root = World::new(ROOT_ID.into(), 0, &commons, opened.persistent).routed(routing).idempotent();
    root.defects.set(&settings.defects);
    restore(&root, opened, &place)?;
    root.governance.connect(network.switchboard(&commons.catalog, None, &mock));
    Ok(Arc::new(Worlds::new(Arc::new(root), commons, roles).governed(virtual_roles).over(network)))
}

/// Puts in force what the state has.
fn restore(root: &World, opened: Opened, place: &Place) -> Result<(), OpenError> {
    for record in opened.keys {
        root.keys.add(Arc::new(Key::new(record)));
    }
    let found = root.governance.found(&opened.documents, &opened.meters, opened.seats, root.clock.now());
    found.map_err(|unreadable| {
        let path = match place {
            Place::Memory => PathBuf::from("in memory"),
            Place::File(path) => path.clone(),
        };
        OpenError::Corrupt { path, what: unreadable.to_string() }
    })
}

fn sink(log: &LogSink) -> Result<Option<Arc<LogWriter>>, StartError> {
    let (writer, place) = match log {
        LogSink::None => return Ok(None),
        LogSink::Stderr => (LogWriter::to_stderr(), PathBuf::from("on the standard error stream")),
        LogSink::File(path) => (LogWriter::to_file(path), path.clone()),
    };
    match writer {
        Ok(writer) => Ok(Some(Arc::new(writer))),
        Err(problem) => Err(StartError::Log { place, problem }),
    }
}

/// The fixture keys that the default world still has; a kept state may have lost some.
fn role_keys(worlds: &Worlds) -> Vec<RoleKey> {
    let kept = worlds
        .roles()
        .iter()
        .filter(|role| worlds.root().keys.find_by_secret(role.secret.as_bytes()).is_some());
    kept.map(|role| RoleKey {
        role: role.name.to_string(),
        secret: role.secret.to_string(),
        scopes: role.scopes.names(),
    })
    .collect()
}

/// The fixture's virtual keys that the default world still has.
fn virtual_keys(worlds: &Worlds) -> Vec<RoleKey> {
    let book = worlds.root().governance.book();
    let scopes: ScopeSet = [Scope::ModelsInference, Scope::ModelsEmbedding].into_iter().collect();
    let roles = worlds.virtual_roles().iter();
    let kept =
        roles.filter(|role| book.virtual_key_of(&SecretDigest::of(role.value.reveal().as_bytes())).is_some());
    let kept = kept.map(|role| RoleKey {
        role: role.name.to_string(),
        secret: role.value.reveal().to_owned(),
        scopes: scopes.names(),
    });
    kept.collect()
}

fn random_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn fixture(error: &dyn Display) -> StartError {
    StartError::Fixture(error.to_string())
}

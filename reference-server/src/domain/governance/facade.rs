//! The governance of one world: its rows, its meters, its sessions, and the way into all of them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use super::blocked::Blocked;
use super::book::{Book, Row};
use super::caller::{self, Caller, Sent};
use super::draft::{Draft, Invalid};
use super::entering::{Asked, Entering};
use super::governed::Governed;
use super::meter::Told;
use super::meters::{Metering, Meters};
use super::provider_entry::{Connection, KeyValue, ProviderEntry, ProviderKey};
use super::sessions::Sessions;
use super::settlement::{SeatRow, Settlement};
use super::virtual_key::VirtualKey;
use super::virtual_role::VirtualRole;
use crate::defect::Defect;
use crate::domain::clock::Moment;
use crate::domain::key::SecretDigest;
use crate::domain::role::Minted;
use crate::domain::routing::{Chance, Switchboard};
use crate::domain::world::World;
use crate::store::{Document, Found, Kind, MeterRow, Store, StoreError};

/// A world's governance. Who reads its rows has a book that nothing changes; who writes waits for the writer before.
pub(crate) struct Governance {
    book: RwLock<Arc<Book>>,
    pub(super) meters: Meters,
    pub(super) sessions: Sessions,
    pub(super) chance: Chance,
    editing: Arc<Mutex<()>>,
    switchboard: OnceLock<Arc<Switchboard>>,
    /// Deleted keys that a defect still accepts.
    departed: RwLock<HashMap<SecretDigest, Arc<VirtualKey>>>,
    store: Arc<Store>,
    keeps: bool,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A document in the state that is none.
#[derive(Debug, thiserror::Error)]
#[error("read the {kind} {id}: {source}")]
pub(crate) struct Unreadable {
    kind: &'static str,
    id: String,
    source: serde_json::Error,
}

impl Governance {
    /// Nothing but an empty book. Where it `keeps` its rows, the store has them beyond the process.
    pub(crate) fn new(store: Arc<Store>, keeps: bool, seed: u64) -> Self {
        Self {
            book: RwLock::default(),
            meters: Meters::default(),
            sessions: Sessions::default(),
            chance: Chance::seeded(seed),
            editing: Arc::default(),
            switchboard: OnceLock::new(),
            departed: RwLock::default(),
            store,
            keeps,
        }
    }

    /// Puts in force what the state has. No window begins later than now: the clock may have been ahead when the state
    /// was left.
    pub(crate) fn found(
        &self,
        documents: &[Found],
        meters: &[MeterRow],
        seats: Vec<SeatRow>,
        now: Moment,
    ) -> Result<(), Unreadable> {
        let mut book = Book::clone(&self.book());
        for document in documents {
            put_found(&mut book, document).map_err(|source| Unreadable {
                kind: document.kind.name(),
                id: document.id.clone(),
                source,
            })?;
        }
        book.by_digest = book.virtual_keys.iter().map(|key| (key.digest(), key.id)).collect();
        for budget in book.budgets.iter() {
            self.meters.apply(&[Metering::Budget((**budget).clone())], budget.created_at.min(now));
        }
        for limit in book.rate_limits.iter() {
            self.meters.apply(&[Metering::Limit((**limit).clone())], limit.created_at.min(now));
        }
        for row in meters {
            self.meters.restore(row);
        }
        for row in seats {
            self.sessions.restore(row);
        }
        *self.book.write() = Arc::new(book);
        Ok(())
    }

    /// Adds the fixture's virtual keys, which are told here; with fresh values, never again.
    pub(crate) fn add_roles(&self, roles: &[VirtualRole], fresh: bool, now: Moment) -> Vec<Minted> {
        let mut book = self.book.write();
        let book = Arc::make_mut(&mut book);
        let minted = roles.iter().map(|role| {
            let row = role.virtual_key(fresh, now);
            let minted = Minted { key: row.key_of_role(&role.name), secret: row.value.reveal().to_owned() };
            book.by_digest.insert(row.digest(), row.id);
            book.virtual_keys.put(Arc::new(row));
            minted
        });
        minted.collect()
    }

    /// The fixture's virtual keys as a new state begins with them.
    pub(crate) fn first_documents(roles: &[VirtualRole], now: Moment) -> Vec<Document> {
        let documents = (1..).zip(roles).filter_map(|(place, role)| {
            let row = role.virtual_key(false, now);
            let body = serde_json::to_string(&row).ok()?;
            Some(Document::Put { kind: VirtualKey::KIND, id: row.id.to_string(), place, body })
        });
        documents.collect()
    }

    /// Says where calls can go. Providers whose keys were not written have those of the configuration; providers that
    /// are not in it any more are left out.
    pub(crate) fn connect(&self, switchboard: Switchboard) {
        let mut book = self.book.write();
        let book = Arc::make_mut(&mut book);
        let stored = std::mem::take(&mut book.providers);
        for name in switchboard.names() {
            let configured = configured(name, &switchboard);
            let entry = match stored.get(name) {
                Some(stored) => stored.over(configured),
                None => configured,
            };
            book.providers.insert(Arc::clone(name), Arc::new(entry));
        }
        // A world is connected once.
        let _ = self.switchboard.set(Arc::new(switchboard));
    }

    /// Where calls can go; nothing before that is said.
    pub(crate) fn switchboard(&self) -> Option<&Arc<Switchboard>> {
        self.switchboard.get()
    }

    /// The rows as they are now.
    pub(crate) fn book(&self) -> Arc<Book> {
        Arc::clone(&self.book.read())
    }

    /// How much of a budget or a rate limit is used.
    pub(crate) fn usage(&self, id: Uuid, now: Moment) -> Option<Told> {
        self.meters.usage(id, now)
    }

    /// Changes rows: all that an edit does, or nothing. One edit comes after the other, each with the rows that the
    /// one before has left.
    pub(crate) async fn change<T: Send, E: From<ChangeError> + Send>(
        self: &Arc<Self>,
        world: &World,
        edit: impl FnOnce(&mut Draft) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let editing = Arc::clone(&self.editing).lock_owned().await;
        let now = world.clock.now();
        let switchboard = self.switchboard.get().cloned();
        let mut draft = Draft::of(&self.book(), now, &world.defects, switchboard);
        let outcome = edit(&mut draft);
        if outcome.is_err() && !draft.keeps_refused() {
            return outcome;
        }
        let accepts_departed = world.defects.has(Defect::DeletedAccepted);
        // Who leaves from here on leaves no row behind that is kept and not in force.
        let enforced = tokio::spawn(Arc::clone(self).enforce(draft, accepts_departed, editing)).await;
        // A task that does not end ends with the gateway.
        enforced.unwrap_or(Err(StoreError::Closed)).map_err(ChangeError::Store)?;
        outcome
    }

    /// Puts a draft in force. What is kept is kept before.
    async fn enforce(
        self: Arc<Self>,
        mut draft: Draft,
        accepts_departed: bool,
        _editing: OwnedMutexGuard<()>,
    ) -> Result<(), StoreError> {
        if self.keeps && !draft.documents.is_empty() {
            let documents = std::mem::take(&mut draft.documents);
            self.store.change(documents, draft.forgotten()).await?;
        }
        if accepts_departed {
            let departed = draft.departed.iter().map(|key| (key.digest(), Arc::clone(key)));
            self.departed.write().extend(departed);
        }
        self.meters.apply(&draft.metering, draft.now);
        *self.book.write() = Arc::new(draft.book);
        Ok(())
    }

    /// The caller behind a request.
    pub(crate) fn identify(&self, world: &World, sent: &Sent<'_>) -> Result<Caller, Blocked> {
        caller::identify(self, world, sent)
    }

    /// Lets a call in, counted and with the way it goes; or says what keeps it out, also in the log of calls. Waits
    /// for as long as more calls come than are written.
    pub(crate) async fn enter(
        &self,
        world: &Arc<World>,
        caller: Caller,
        asked: &Asked<'_>,
    ) -> Result<Governed, Blocked> {
        let Some(switchboard) = self.switchboard.get() else {
            return Err(Blocked::ModelUnknown(asked.model.to_owned()));
        };
        let settling = world.ledger.settling().await;
        let entering = Entering::new(self, world, switchboard, &caller, asked);
        let blocked = match entering.enter() {
            Ok(entered) => {
                return Ok(Governed::new(entered, settling, Arc::clone(world), caller, asked.request_type));
            }
            Err(blocked) => blocked,
        };
        if asked.request_type.asks_provider() {
            let call = Some(Box::new(entering.refusal(&blocked)));
            let settlement = Settlement { call, ..Settlement::default() };
            if let Err(error) = settling.settle(settlement).await {
                tracing::error!(%error, "a refused call cannot be logged");
            }
        }
        Err(blocked)
    }

    /// A deleted key that is still accepted.
    pub(super) fn departed(&self, digest: &SecretDigest) -> Option<Arc<VirtualKey>> {
        self.departed.read().get(digest).cloned()
    }
}

fn put_found(book: &mut Book, document: &Found) -> Result<(), serde_json::Error> {
    let body = &document.body;
    match document.kind {
        Kind::Customer => book.customers.put_at(document.place, serde_json::from_str(body)?),
        Kind::Team => book.teams.put_at(document.place, serde_json::from_str(body)?),
        Kind::VirtualKey => book.virtual_keys.put_at(document.place, serde_json::from_str(body)?),
        Kind::Rule => book.rules.put_at(document.place, serde_json::from_str(body)?),
        Kind::ModelConfig => book.model_configs.put_at(document.place, serde_json::from_str(body)?),
        Kind::Budget => book.budgets.put_at(document.place, serde_json::from_str(body)?),
        Kind::RateLimit => book.rate_limits.put_at(document.place, serde_json::from_str(body)?),
        Kind::Provider => {
            let entry: Arc<ProviderEntry> = serde_json::from_str(body)?;
            book.providers.insert(Arc::clone(&entry.name), entry);
        }
        Kind::Settings => book.settings = serde_json::from_str(body)?,
    }
    Ok(())
}

/// A provider as the configuration has it.
fn configured(name: &Arc<str>, switchboard: &Switchboard) -> ProviderEntry {
    let keys = switchboard.keys(name).into_iter().map(|key| {
        Arc::new(ProviderKey {
            id: key.id,
            name: key.name,
            value: KeyValue::Configured,
            models: key.models,
            weight: key.weight,
            connection: Connection::default(),
        })
    });
    let (name, keys) = (Arc::clone(name), keys.collect());
    ProviderEntry { name, keys, has_written_keys: false, budget: None, rate_limit: None }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Tested;
    use super::super::{
        BudgetForm, CustomerForm, KeyForm, Patch, RuleForm, Settings, TargetForm, VirtualKeyForm,
    };
    use super::*;
    use crate::provider::http::Secret;
    use crate::store::{First, Place};

    /// What stands in a state, which begins with these documents where it is new.
    fn opened(world: &World, place: &Place, documents: &[Document]) -> Arc<Governance> {
        let first = First { keys: &[], documents };
        let (store, opened) = Store::open(place, true, first).unwrap();
        let governance = Governance::new(Arc::new(store), true, 1);
        governance.found(&opened.documents, &opened.meters, opened.seats, world.clock.now()).unwrap();
        Arc::new(governance)
    }

    fn customer(name: &str, max: &str) -> CustomerForm {
        let max_limit = max.parse().unwrap();
        let budget = BudgetForm { max_limit, reset_duration: "1d".into(), calendar_aligned: false };
        CustomerForm { name: Some(name.into()), budget: Patch::Set(budget), ..CustomerForm::default() }
    }

    #[tokio::test]
    async fn a_refused_change_changes_nothing_unless_a_defect_keeps_its_beginning() {
        for (defect, kept) in [(None, "before"), (Some("refused-write-kept"), "after")] {
            let tested = Tested::new(defect);
            let row = tested.change(|draft| draft.create_customer(customer("before", "1"))).await.unwrap();
            let id = row.id.to_string();
            let refused = tested.change(|draft| draft.update_customer(&id, customer("after", "-1"))).await;
            assert_eq!(refused.unwrap_err(), Invalid::BudgetNegative("-1".parse().unwrap()));
            let book = tested.world.governance.book();
            assert_eq!(book.customers.get(row.id).unwrap().name, kept);
            assert_eq!(book.budgets.len(), 1);
        }
    }

    #[tokio::test]
    async fn everything_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("state"));
        let roles = VirtualRole::embedded().unwrap();
        let tested = Tested::new(None);
        let world = &tested.world;
        let documents = Governance::first_documents(&roles, world.clock.now());
        let governance = opened(world, &place, &documents);
        Arc::make_mut(&mut governance.book.write()).providers = world.governance.book().providers.clone();
        let made = governance.change(world, |draft| -> Result<_, ChangeError> {
            let customer = draft.create_customer(customer("c", "5"))?;
            let owner = Patch::Set(customer.id.to_string());
            let name = Some("k".to_owned());
            let key = draft.create_virtual_key(VirtualKeyForm {
                name,
                customer: owner,
                ..VirtualKeyForm::default()
            })?;
            let target = TargetForm {
                provider: None,
                model: Some("gpt-4o-mini".into()),
                key_id: None,
                weight: 1.into(),
            };
            draft.create_rule(RuleForm {
                name: Some("r".into()),
                targets: Some(vec![target]),
                cel_expression: Some("model == 'gpt-4o'".into()),
                ..RuleForm::default()
            })?;
            let value = Some(Secret::new("sk-upstream"));
            draft.create_provider_key(
                "openai",
                KeyForm { name: "mine".into(), value, ..KeyForm::default() },
            )?;
            draft.set_settings(Settings { job_ttl: 7, ..Settings::default() })?;
            Ok(key)
        });
        let made = made.await.unwrap();
        drop(governance);

        let book = opened(world, &place, &documents).book();
        let key = book.virtual_key_of(&made.digest()).unwrap();
        assert_eq!(**key, *made);
        assert_eq!(book.owners(key).1.unwrap().name, "c");
        assert_eq!((book.rules.len(), book.budgets.len(), book.settings.job_ttl), (1, 1, 7));
        assert!(book.provider("openai").unwrap().keys.iter().any(|key| &*key.name == "mine"));
        for role in &roles {
            let digest = SecretDigest::of(role.value.reveal().as_bytes());
            assert_eq!(book.virtual_key_of(&digest).unwrap().is_active, role.is_active);
        }
    }

    #[tokio::test]
    async fn who_leaves_in_the_middle_of_a_change_has_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("state"));
        let tested = Tested::new(None);
        let governance = opened(&tested.world, &place, &[]);
        let make = async |name: &'static str| {
            let form = customer(name, "1");
            let edit = |draft: &mut Draft| draft.create_customer(form).map_err(ChangeError::from);
            governance.change(&tested.world, edit).await.map(drop)
        };
        let mut leaving = Box::pin(make("left"));
        assert!(futures::poll!(leaving.as_mut()).is_pending());
        drop(leaving);
        make("stayed").await.unwrap();
        let names = |governance: &Governance| {
            let book = governance.book();
            book.customers.iter().map(|customer| customer.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&governance), ["left", "stayed"]);
        drop(governance);
        assert_eq!(names(&opened(&tested.world, &place, &[])), ["left", "stayed"]);
    }

    #[test]
    fn a_document_that_is_none_is_told_with_its_id() {
        let tested = Tested::new(None);
        let document = Found { kind: Kind::Team, id: "t-1".into(), place: 1, body: "{\"id\": 1}".into() };
        let World { governance, clock, .. } = &*tested.world;
        let unreadable = governance.found(&[document], &[], Vec::new(), clock.now()).unwrap_err();
        assert!(unreadable.to_string().starts_with("read the team t-1: "), "{unreadable}");
    }
}

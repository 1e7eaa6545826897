//! What the tests of governance have in common.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use futures::FutureExt;
use tokio::task::unconstrained;
use uuid::Uuid;

use super::provider_entry::{Connection, KeyValue, ProviderEntry, ProviderKey};
use super::weight::Weight;
use super::{Asked, Blocked, ChangeError, Draft, Governed, Invalid, RequestType, Sent, VirtualKeyForm};
use crate::domain::ledger::Operation;
use crate::domain::testing;
use crate::domain::world::World;

/// A world, and calls into it.
pub(super) struct Tested {
    pub(super) world: Arc<World>,
}

impl Tested {
    /// A world with this defect, if any, in which the fixture's virtual keys have the values that can be read.
    pub(super) fn new(defect: Option<&str>) -> Self {
        let tested = testing::world();
        tested.break_with(defect);
        let world = tested.world;
        let roles = super::VirtualRole::embedded().unwrap();
        world.governance.add_roles(&roles, false, world.clock.now());
        Self { world }
    }

    /// Changes the world's rows.
    pub(super) async fn change<T: Send>(
        &self,
        edit: impl FnOnce(&mut Draft) -> Result<T, Invalid> + Send,
    ) -> Result<T, Invalid> {
        let edit = |draft: &mut Draft| edit(draft).map_err(ChangeError::from);
        match self.world.governance.change(&self.world, edit).await {
            Ok(done) => Ok(done),
            Err(ChangeError::Invalid(invalid)) => Err(invalid),
            Err(ChangeError::Store(error)) => panic!("{error}"),
        }
    }

    /// Makes a virtual key; its id and its value.
    pub(super) async fn key(&self, name: &str, form: VirtualKeyForm) -> (String, String) {
        let form = VirtualKeyForm { name: Some(name.into()), ..form };
        let key = self.change(|draft| draft.create_virtual_key(form)).await.unwrap();
        (key.id.to_string(), key.value.reveal().to_owned())
    }

    /// Lets in a call for a model from this machine.
    pub(super) fn enter(&self, sent: &[(&str, &str)], model: &str) -> Result<Governed, Blocked> {
        self.enter_with(sent, model, &[])
    }

    /// The same with fallbacks.
    pub(super) fn enter_with(
        &self,
        sent: &[(&str, &str)],
        model: &str,
        fallbacks: &[&str],
    ) -> Result<Governed, Blocked> {
        self.enter_as(RequestType::Chat, sent, model, fallbacks)
    }

    /// The same for a request of this kind.
    pub(super) fn enter_as(
        &self,
        request_type: RequestType,
        sent: &[(&str, &str)],
        model: &str,
        fallbacks: &[&str],
    ) -> Result<Governed, Blocked> {
        let (headers, governance) = (headers(sent), &self.world.governance);
        let caller = governance.identify(&self.world, &Sent { headers: &headers, is_local: true })?;
        let asked = Asked {
            id: Uuid::new_v4(),
            request_type,
            operation: Operation::Chat,
            model,
            at: None,
            fallbacks: fallbacks.iter().map(|text| (*text).to_owned()).collect(),
            headers: &headers,
            query: None,
        };
        // Tests do not fill the store, so that there is nothing to wait for.
        unconstrained(governance.enter(&self.world, caller, &asked)).now_or_never().unwrap()
    }
}

/// Headers.
pub(super) fn headers(sent: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (name.to_lowercase().parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    sent.iter().map(header).collect()
}

/// A provider with these keys, which everybody may ask as much as they like.
pub(super) fn provider(name: &str, keys: Vec<Arc<ProviderKey>>) -> ProviderEntry {
    ProviderEntry { name: name.into(), keys, has_written_keys: false, budget: None, rate_limit: None }
}

/// A provider's key.
pub(super) fn provider_key(id: &str, weight: u32) -> Arc<ProviderKey> {
    Arc::new(ProviderKey {
        id: id.into(),
        name: id.into(),
        value: KeyValue::Configured,
        models: Vec::new(),
        weight: Weight::of(weight),
        connection: Connection::default(),
    })
}

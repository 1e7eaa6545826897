//! What the tests of governance have in common.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::provider_entry::{Connection, KeyValue, ProviderKey};
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
        let (headers, governance) = (headers(sent), &self.world.governance);
        let caller = governance.identify(&self.world, &Sent { headers: &headers, is_local: true })?;
        let asked = Asked {
            request_type: RequestType::Chat,
            operation: Operation::Chat,
            model,
            at: None,
            fallbacks: fallbacks.iter().map(|text| (*text).to_owned()).collect(),
            headers: &headers,
            query: None,
        };
        governance.enter(&self.world, caller, &asked)
    }
}

/// Headers.
pub(super) fn headers(sent: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (name.to_lowercase().parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    sent.iter().map(header).collect()
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

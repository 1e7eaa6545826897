use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Model, Price};

/// What a gateway offers of a contract, and where.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// What goes before the paths of the contract's scenarios; nothing, or a path that begins with a slash.
    pub path: String,
    /// What it claims to be able to do.
    pub capabilities: BTreeSet<Arc<str>>,
    /// What the names of models stand for.
    pub models: BTreeMap<Arc<str>, Model>,
}

/// What a gateway offers.
#[derive(Clone, Debug)]
pub enum Offers {
    /// The same of every contract.
    Any(Offer),
    /// Something of each of these contracts, and nothing of others.
    Each(BTreeMap<Arc<str>, Offer>),
}

impl Offers {
    /// What is offered of a contract; nothing where the gateway does not claim to keep it.
    pub fn of(&self, contract: &str) -> Option<&Offer> {
        match self {
            Self::Any(offer) => Some(offer),
            Self::Each(offers) => offers.get(contract),
        }
    }

    /// The pinned price of the model that the gateway calls so.
    pub fn price(&self, id: &str) -> Option<Price> {
        let offers: Vec<&Offer> = match self {
            Self::Any(offer) => vec![offer],
            Self::Each(offers) => offers.values().collect(),
        };
        let mut models = offers.into_iter().flat_map(|offer| offer.models.values());
        models.find(|model| &*model.id == id).and_then(|model| model.price)
    }

    /// Claims that it can do this besides, whatever the contract.
    pub fn claim(&mut self, capability: &str) {
        let add = |offer: &mut Offer| {
            offer.capabilities.insert(capability.into());
        };
        match self {
            Self::Any(offer) => add(offer),
            Self::Each(offers) => offers.values_mut().for_each(add),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(capability: &str) -> Offer {
        Offer { capabilities: BTreeSet::from([capability.into()]), ..Offer::default() }
    }

    #[test]
    fn a_gateway_that_names_contracts_offers_nothing_of_others() {
        let each = Offers::Each(BTreeMap::from([("one".into(), offer("a")), ("two".into(), offer("b"))]));
        assert!(each.of("one").unwrap().capabilities.contains("a"));
        assert!(!each.of("one").unwrap().capabilities.contains("b"));
        assert!(each.of("three").is_none());
        assert!(Offers::Any(offer("a")).of("three").is_some());
    }

    #[test]
    fn a_claim_holds_for_every_contract() {
        let mut each = Offers::Each(BTreeMap::from([("one".into(), offer("a")), ("two".into(), offer("b"))]));
        each.claim("c");
        assert!(["one", "two"].iter().all(|name| each.of(name).unwrap().capabilities.contains("c")));
    }
}

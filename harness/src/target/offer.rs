use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Model, Price};
use crate::scenario::Template;

/// What a gateway offers of a contract, and where.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// What goes before the paths of the contract's scenarios; nothing, or a path that begins with a slash.
    pub path: String,
    /// Headers that every request carries, by lower-case name.
    pub headers: Vec<(String, Template)>,
    /// What it claims to be able to do.
    pub capabilities: BTreeSet<Arc<str>>,
    /// What the names of models stand for.
    pub models: BTreeMap<Arc<str>, Model>,
    /// The dialects in which it offers a contract that has several; what it offers in each includes all of the above.
    pub dialects: BTreeMap<Arc<str>, Offer>,
}

impl Offer {
    /// What is offered here and in each dialect.
    fn all(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(self.dialects.values())
    }
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

    /// What is offered of a contract in one of its dialects.
    pub fn in_dialect(&self, contract: &str, dialect: &str) -> Option<&Offer> {
        match self {
            Self::Any(offer) => Some(offer),
            Self::Each(offers) => offers.get(contract)?.dialects.get(dialect),
        }
    }

    /// The pinned price of the model that the gateway calls so.
    pub fn price(&self, id: &str) -> Option<Price> {
        let offers: Vec<&Offer> = match self {
            Self::Any(offer) => vec![offer],
            Self::Each(offers) => offers.values().flat_map(Offer::all).collect(),
        };
        let models = offers.into_iter().flat_map(|offer| offer.models.values());
        models.filter(|model| &*model.id == id).find_map(|model| model.price)
    }

    /// Claims that it can do this besides, whatever the contract.
    pub fn claim(&mut self, capability: &str) {
        let add = |offer: &mut Offer| {
            for dialect in offer.dialects.values_mut() {
                dialect.capabilities.insert(capability.into());
            }
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
    fn a_price_is_found_wherever_it_is_pinned() {
        let bound = |price| Offer {
            models: BTreeMap::from([("chat".into(), Model { id: "m".into(), price, served_by: Vec::new() })]),
            ..Offer::default()
        };
        let price = Price { input: 3.into(), output: 15.into() };
        let spoken = Offer { dialects: BTreeMap::from([("x".into(), bound(Some(price)))]), ..bound(None) };
        let each = Offers::Each(BTreeMap::from([("one".into(), bound(None)), ("two".into(), spoken)]));
        assert_eq!(each.price("m"), Some(price));
        assert_eq!(each.price("n"), None);
    }

    #[test]
    fn a_claim_holds_for_every_contract_and_dialect() {
        let spoken = Offer { dialects: BTreeMap::from([("x".into(), offer("a"))]), ..offer("a") };
        let mut each = Offers::Each(BTreeMap::from([("one".into(), spoken), ("two".into(), offer("b"))]));
        each.claim("c");
        assert!(["one", "two"].iter().all(|name| each.of(name).unwrap().capabilities.contains("c")));
        assert!(each.in_dialect("one", "x").unwrap().capabilities.contains("c"));
        assert!(each.in_dialect("one", "y").is_none() && each.in_dialect("two", "x").is_none());
    }
}

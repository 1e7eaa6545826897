//! Reads what the gateway offers: contracts and their dialects, capabilities, models with their prices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::Decimal;

use super::file::{ContractEntry, DialectEntry, ModelEntry, ServedEntry};
use super::read::Reader;
use super::{Model, Offer, Offers, Price, Served};
use crate::source::hint_among;
use crate::source::written::wrappers::Located;

/// The providers that the simulator plays, by its names for them.
const PROVIDERS: [&str; 5] = ["openai", "anthropic", "gemini", "bedrock", "vertex"];

impl Reader<'_> {
    /// What is offered of each contract, with what is offered whatever the contract; of any, where none is named.
    pub(super) fn offers(
        &mut self,
        contracts: Option<BTreeMap<String, ContractEntry>>,
        capabilities: Vec<Located<String>>,
        models: BTreeMap<String, ModelEntry>,
    ) -> Offers {
        let general =
            Offer { capabilities: named(capabilities), models: self.models(models), ..Offer::default() };
        let Some(contracts) = contracts else { return Offers::Any(general) };
        let offers = contracts.into_iter().map(|(contract, entry)| {
            let ContractEntry { path, headers, capabilities, models, dialects } = entry;
            let mut offer = self.offer(&general, DialectEntry { path, headers, capabilities, models });
            let dialects = dialects.into_iter().map(|(name, entry)| (name.into(), self.offer(&offer, entry)));
            offer.dialects = dialects.collect();
            (contract.into(), offer)
        });
        Offers::Each(offers.collect())
    }

    /// What is offered besides something.
    fn offer(&mut self, general: &Offer, entry: DialectEntry) -> Offer {
        let mut offer = general.clone();
        if let Some(path) = entry.path {
            if !path.starts_with('/') {
                let hint = Some("write it with a slash in front, as in `/openai`".to_owned());
                self.note(path.span, format!("`{}` is not a path", *path), hint);
            }
            path.trim_end_matches('/').clone_into(&mut offer.path);
        }
        for (name, value) in &entry.headers {
            let name = name.to_ascii_lowercase();
            if let Some(value) = self.template(value) {
                // A dialect's stands in place of its contract's.
                offer.headers.retain(|(other, _)| *other != name);
                offer.headers.push((name, value));
            }
        }
        offer.capabilities.extend(named(entry.capabilities));
        offer.models.extend(self.models(entry.models));
        offer
    }

    fn models(&mut self, entries: BTreeMap<String, ModelEntry>) -> BTreeMap<Arc<str>, Model> {
        let mut models = BTreeMap::new();
        for (name, entry) in entries {
            let price = entry.price.map(|price| Price {
                input: self.price(&price.input),
                output: price.output.map_or(Decimal::ZERO, |output| self.price(&output)),
            });
            let served_by = entry.served_by.into_iter().map(|entry| self.served(entry)).collect();
            models.insert(name.into(), Model { id: entry.id.into(), price, served_by });
        }
        models
    }

    fn served(&mut self, entry: ServedEntry) -> Served {
        let ServedEntry { provider, model } = entry;
        if !PROVIDERS.contains(&provider.as_str()) {
            let hint = hint_among(&provider, PROVIDERS);
            self.note(provider.span, format!("the simulator plays no provider `{}`", *provider), hint);
        }
        Served { provider: provider.value.into(), model: model.into() }
    }

    fn price(&mut self, text: &Located<String>) -> Decimal {
        Decimal::from_str_exact(text).unwrap_or_else(|error| {
            let hint = Some("write a decimal in quotes, as in \"3.00\"".to_owned());
            self.note(text.span, format!("`{}` is not a price: {error}", **text), hint);
            Decimal::ZERO
        })
    }
}

fn named(words: Vec<Located<String>>) -> BTreeSet<Arc<str>> {
    words.into_iter().map(|word| word.value.into()).collect()
}

//! All rows of a world as they are at one moment. Who reads has a book of its own that nothing changes any more.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::customer::Customer;
use super::meter_rows::{Budget, RateLimit};
use super::model_config::ModelConfig;
use super::provider_entry::ProviderEntry;
use super::rule::Rule;
use super::settings::Settings;
use super::team::Team;
use super::virtual_key::{Owner, VirtualKey};
use crate::domain::key::SecretDigest;
use crate::store::Kind;

/// A row that has an id.
pub(crate) trait Row: Serialize {
    /// What it is kept as.
    const KIND: Kind;

    /// Its id.
    fn id(&self) -> Uuid;

    /// Where such rows stand.
    fn table(book: &mut Book) -> &mut Table<Self>
    where
        Self: Sized;
}

/// Rows in the order of making.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<i64, Arc<T>>,
    places: HashMap<Uuid, i64>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), places: HashMap::new() }
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), places: self.places.clone() }
    }
}

impl<T: Row> Table<T> {
    /// The row with this id.
    pub(crate) fn get(&self, id: Uuid) -> Option<&Arc<T>> {
        self.rows.get(self.places.get(&id)?)
    }

    /// All rows, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> {
        self.rows.values()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Puts a row in its place, or behind all others; that place.
    pub(super) fn put(&mut self, row: Arc<T>) -> i64 {
        let last = self.rows.last_key_value().map_or(0, |(place, _)| *place);
        let place = *self.places.entry(row.id()).or_insert(last.saturating_add(1));
        self.rows.insert(place, row);
        place
    }

    /// Puts a row where the store has it.
    pub(super) fn put_at(&mut self, place: i64, row: Arc<T>) {
        self.places.insert(row.id(), place);
        self.rows.insert(place, row);
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, id: Uuid) -> Option<Arc<T>> {
        self.rows.remove(&self.places.remove(&id)?)
    }
}

/// All rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    pub(crate) customers: Table<Customer>,
    pub(crate) teams: Table<Team>,
    pub(crate) virtual_keys: Table<VirtualKey>,
    pub(crate) rules: Table<Rule>,
    pub(crate) model_configs: Table<ModelConfig>,
    pub(crate) budgets: Table<Budget>,
    pub(crate) rate_limits: Table<RateLimit>,
    pub(crate) providers: BTreeMap<Arc<str>, Arc<ProviderEntry>>,
    pub(crate) settings: Arc<Settings>,
    pub(super) by_digest: HashMap<SecretDigest, Uuid>,
}

impl Book {
    /// The virtual key whose value has this digest.
    pub(crate) fn virtual_key_of(&self, digest: &SecretDigest) -> Option<&Arc<VirtualKey>> {
        self.virtual_keys.get(*self.by_digest.get(digest)?)
    }

    /// The team and the customer that a virtual key belongs to. A team's customer is its keys' customer too.
    pub(crate) fn owners(&self, key: &VirtualKey) -> (Option<Arc<Team>>, Option<Arc<Customer>>) {
        let team = match key.owner {
            Some(Owner::Team(id)) => self.teams.get(id),
            _ => None,
        };
        let customer = match key.owner {
            Some(Owner::Customer(id)) => Some(id),
            _ => team.and_then(|team| team.customer),
        };
        (team.cloned(), customer.and_then(|id| self.customers.get(id)).cloned())
    }

    /// A provider by its name.
    pub(crate) fn provider(&self, name: &str) -> Option<&Arc<ProviderEntry>> {
        self.providers.get(name)
    }
}

macro_rules! rows {
    ($($row:ident in $table:ident),+ $(,)?) => {$(
        impl Row for $row {
            const KIND: Kind = Kind::$row;

            fn id(&self) -> Uuid {
                self.id
            }

            fn table(book: &mut Book) -> &mut Table<Self> {
                &mut book.$table
            }
        }
    )+};
}

rows! {
    Customer in customers,
    Team in teams,
    VirtualKey in virtual_keys,
    Rule in rules,
    ModelConfig in model_configs,
    Budget in budgets,
    RateLimit in rate_limits,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Moment;

    fn customer(name: &str) -> Arc<Customer> {
        let now = Moment::from_micros(0);
        let (budget, rate_limit) = (None, None);
        let (id, name) = (Uuid::new_v4(), name.to_owned());
        Arc::new(Customer { id, name, budget, rate_limit, created_at: now, updated_at: now })
    }

    #[test]
    fn a_row_keeps_its_place_when_it_changes_and_others_go() {
        let mut table = Table::default();
        let rows: Vec<_> = ["one", "two", "three"].map(customer).into();
        let places: Vec<_> = rows.iter().map(|row| table.put(Arc::clone(row))).collect();
        assert_eq!(places, [1, 2, 3]);
        let renamed = Customer { name: "first".into(), ..(*rows[0]).clone() };
        assert_eq!(table.put(Arc::new(renamed)), 1);
        table.remove(rows[1].id).unwrap();
        let names: Vec<_> = table.iter().map(|row| row.name.as_str()).collect();
        assert_eq!((names, table.len()), (vec!["first", "three"], 2));
        assert_eq!(table.get(rows[1].id), None);
        assert_eq!(table.put(customer("four")), 4);
    }
}

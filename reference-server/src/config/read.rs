//! Reads a configuration, and finds every mistake in it that does not hide another.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::environment::Lookup;
use super::file::{Configuration, ModelEntry, ProviderEntry};
use super::mistake::{ConfigMistake, Place};
use super::models::{self, Models};
use super::notes::Notes;
use super::placed::Placed;
use super::provider::{self, ProviderSettings};
use super::providers;
use crate::domain::catalog::Catalog;
use crate::domain::routing::{Network, Plan, Policy};
use crate::provider::Provider;

/// Longest text that is read, in bytes.
const LONGEST: usize = 1024 * 1024;
/// Most providers.
const MOST_PROVIDERS: usize = 100;
/// Longest name of a provider, in bytes.
const LONGEST_NAME: usize = 64;

/// A configuration without mistakes, and the credentials that it names.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(super) providers: BTreeMap<Arc<str>, ProviderSettings>,
    pub(super) plan: Plan,
    pub(super) defaults: Policy,
    pub(super) seed: u64,
}

/// The JSON Schema of a configuration.
pub fn config_schema() -> schemars::Schema {
    schemars::schema_for!(Configuration)
}

impl Config {
    /// Reads a configuration. `environment` looks up the variables that it names.
    ///
    /// # Errors
    ///
    /// With every mistake that does not hide another, in the order of the text.
    pub fn read(
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<ConfigMistake>> {
        let mut notes = Notes::on(text);
        let read = decode::<Configuration>(text, &mut notes);
        let config = read.and_then(|written| checked(&written, environment, &mut notes));
        notes.finish(config)
    }

    /// The providers, of which `mock` is the one in this process.
    pub(crate) fn network(self, mock: &Arc<dyn Provider>) -> Result<Network, String> {
        let backends = providers::backends(self.providers, mock)?;
        Ok(Network { backends, plan: self.plan, defaults: self.defaults, seed: self.seed, direct: false })
    }
}

/// How the models of one world are served, in the words of `models` in a configuration, and where its providers are.
///
/// # Errors
///
/// Says what is wrong and how to mend it.
pub(crate) fn world_plan(
    network: &Network,
    catalog: &Catalog,
    models: Option<&Value>,
    upstream: Option<&str>,
) -> Result<(Plan, Option<Url>), String> {
    let upstream = match upstream {
        None => None,
        Some(_) if !network.is_remote() => {
            return Err("no provider of this gateway is asked over HTTP; start it with `--config`".to_owned());
        }
        Some(text) => {
            let address = provider::address(text);
            Some(address.map_err(|problem| format!("`upstream` is not an address: {problem}"))?)
        }
    };
    let Some(models) = models else { return Ok((Plan::new(), upstream)) };
    // What is written in JSON is YAML too, and read by the same words.
    let text = format!("{models:#}");
    let mut notes = Notes::on(&text);
    let read = decode::<BTreeMap<String, Placed<ModelEntry>>>(&text, &mut notes);
    let known = Models { catalog, providers: network.capabilities(), defaults: &network.defaults };
    let plan = read.map(|entries| known.plan(&entries, &mut notes));
    match notes.finish(plan) {
        Ok(plan) => Ok((plan, upstream)),
        Err(mistakes) => {
            let told: Vec<_> = mistakes.iter().map(ConfigMistake::told).collect();
            Err(format!("`routes` cannot be used: {}", told.join("; ")))
        }
    }
}

fn checked(written: &Configuration, environment: Lookup<'_>, notes: &mut Notes<'_>) -> Option<Config> {
    // A test reads the catalog, so that there is no binary in which it cannot be read.
    let catalog = Catalog::embedded().ok()?;
    let providers = providers_of(&written.providers, environment, notes);
    let defaults = models::defaults(&written.defaults, notes);
    let named = written.providers.iter();
    let providers_by_name = named.map(|(name, entry)| (name.as_str(), entry.kind.capabilities())).collect();
    let known = Models { catalog: &catalog, providers: providers_by_name, defaults: &defaults };
    let plan = known.plan(&written.models, notes);
    Some(Config { providers, plan, defaults, seed: written.seed })
}

/// The providers that can be read; what is wrong with the others is noted.
fn providers_of(
    written: &BTreeMap<String, Placed<ProviderEntry>>,
    environment: Lookup<'_>,
    notes: &mut Notes<'_>,
) -> BTreeMap<Arc<str>, ProviderSettings> {
    if let Some((name, entry)) = written.iter().nth(MOST_PROVIDERS) {
        let message = format!("there are {} providers, and can be {MOST_PROVIDERS}", written.len());
        notes.note(notes.key_before(entry.place(), name), message, None);
    }
    let mut providers = BTreeMap::new();
    for (name, entry) in written {
        if !is_name(name) {
            let hint = Some(format!("it has 1 to {LONGEST_NAME} letters, digits, `-`, `_` and `.`"));
            notes.note(notes.key_before(entry.place(), name), format!("{name:?} is no name"), hint);
        }
        if let Some(settings) = provider::settings(entry, environment, notes) {
            providers.insert(name.as_str().into(), settings);
        }
    }
    providers
}

fn is_name(text: &str) -> bool {
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_of_names)
}

fn decode<T: DeserializeOwned>(text: &str, notes: &mut Notes<'_>) -> Option<T> {
    if text.len() > LONGEST {
        notes.note(Place::default(), format!("it is longer than {LONGEST} bytes"), None);
        return None;
    }
    // It is as small and as flat as the reader's own limits want it.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    match serde_saphyr::from_str_with_options(text, options) {
        Ok(value) => Some(value),
        Err(error) => {
            notes.unreadable(&error);
            None
        }
    }
}

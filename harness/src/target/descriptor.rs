use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use url::Url;

use super::{Clock, Offer, Offers, Secret, Secrets, ServiceCall, Upstream};
use crate::scenario::{Path, Scenario, Templates, Variables};

/// A gateway under test.
#[derive(Debug)]
pub struct Target {
    /// Its name in reports.
    pub name: Arc<str>,
    /// Where it answers; paths of scenarios are appended.
    pub url: Url,
    /// SHA-256, in hex, of the descriptor as it was read.
    pub digest: String,
    /// Whether its models say what a script tells them, so that wording can be checked.
    pub scripted: bool,
    /// What it offers of which contract.
    pub offers: Offers,
    /// Where each role's credential comes from.
    pub roles: BTreeMap<Arc<str>, Role>,
    /// How a world of its own is made for each scenario.
    pub worlds: Option<Worlds>,
    /// How keys are minted and revoked.
    pub keys: KeyManagement,
    /// How its provider is told to fail.
    pub faults: Option<Faults>,
    /// How time passes on its clock where a scenario wants it to.
    pub clock: Option<Clock>,
    /// The simulator that plays its providers.
    pub upstream: Option<Upstream>,
    /// Where billing events can be seen.
    pub billing: Option<BillingObserver>,
    /// Where a key's time of last use can be seen.
    pub key_observer: Option<KeyObserver>,
    /// Where log lines can be seen.
    pub logs: Option<LogObserver>,
    /// Bounds on what is read and waited for.
    pub limits: Limits,
    /// The descriptor's own templates.
    pub templates: Templates,
    /// What they may name: `env`.
    pub variables: Variables,
    /// The credentials known so far.
    pub secrets: Secrets,
}

/// A model that a name stands for.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its id on this gateway.
    pub id: Arc<str>,
    /// What it costs, pinned here so that it is never learned from the gateway's own answer.
    pub price: Option<Price>,
    /// Who serves it, in the order in which they are tried, by the names of the providers' side. Nothing where that is not
    /// known.
    pub served_by: Vec<Served>,
}

/// A provider's model that serves a gateway's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The provider.
    pub provider: Arc<str>,
    /// What it calls the model.
    pub model: Arc<str>,
}

/// Prices for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Tokens of the question.
    pub input: Decimal,
    /// Tokens of the answer.
    pub output: Decimal,
}

/// Where a role's credential comes from.
#[derive(Clone, Debug)]
pub enum Role {
    /// The environment.
    Environment {
        /// The variable.
        variable: Arc<str>,
        /// Its value. It is missing only where the descriptor allows that.
        secret: Option<Secret>,
    },
    /// Minted for each scenario with this description.
    Minted(Arc<Value>),
}

/// How a world of its own is made for a scenario.
#[derive(Clone, Debug)]
pub struct Worlds {
    /// Makes one; its answer is `world` in later templates.
    pub create: ServiceCall,
    /// Its base path in that answer.
    pub base_path: Path,
    /// The keys in that answer.
    pub keys: Path,
    /// Takes it down.
    pub delete: Option<ServiceCall>,
}

/// How keys are minted and revoked.
#[derive(Clone, Debug, Default)]
pub struct KeyManagement {
    /// Mints one; its answer has the members named by the paths.
    pub mint: Option<Mint>,
    /// Revokes one: `key.id`.
    pub revoke: Option<ServiceCall>,
}

/// How the gateway's provider is told to fail.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Arms a fault; its rule is `fault` in the request's templates.
    pub arm: ServiceCall,
    /// Takes all faults away.
    pub clear: ServiceCall,
}

/// How a key is minted.
#[derive(Clone, Debug)]
pub struct Mint {
    /// The request; `role.name` and `role.mint` are known to it.
    pub call: ServiceCall,
    /// The new key's id in the answer.
    pub id: Path,
    /// The new key's secret in the answer.
    pub secret: Path,
}

/// Where lines (log lines, billing events) can be read.
#[derive(Clone, Debug)]
pub enum LineSource {
    /// From an address of the gateway.
    Http {
        /// The request.
        call: ServiceCall,
        /// The lines in its answer.
        lines: Path,
    },
    /// From a file that the gateway appends to.
    File {
        /// The file.
        path: PathBuf,
        /// What a line looks like when it is not JSON alone: the group `json` is its JSON, or named groups its members.
        pattern: Option<Regex>,
    },
}

/// In what order and how soon events appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Before the call that caused them is answered.
    Immediate,
    /// Later, in the order of the calls.
    Ordered,
    /// Later, in any order.
    Unordered,
}

/// Where billing events can be seen.
#[derive(Clone, Debug)]
pub struct BillingObserver {
    /// Where they are read.
    pub source: LineSource,
    /// Members that tell a billing event from other lines.
    pub only: Map<String, Value>,
    /// The model's id in an event.
    pub model: Option<Path>,
    /// The question's tokens in an event.
    pub input_tokens: Option<Path>,
    /// The answer's tokens in an event.
    pub output_tokens: Option<Path>,
    /// The key's id in an event.
    pub key: Option<Path>,
    /// The cost in an event.
    pub cost: Option<Path>,
    /// When they appear.
    pub delivery: Delivery,
    /// A call that is billed, to mark a place in the order.
    pub marker: Option<MarkerCall>,
    /// How long one is waited for.
    pub deadline: Duration,
}

/// A call that is billed to a key of its own.
#[derive(Clone, Debug)]
pub struct MarkerCall {
    /// The role whose key is minted for it.
    pub role: Arc<str>,
    /// The request.
    pub call: ServiceCall,
}

/// Where a key's time of last use can be seen.
#[derive(Clone, Debug)]
pub struct KeyObserver {
    /// The request; `key.id` is known to it.
    pub call: ServiceCall,
    /// The time in its answer.
    pub last_used_at: Path,
    /// How long it is waited for.
    pub deadline: Duration,
}

/// Where log lines can be seen.
#[derive(Clone, Debug)]
pub struct LogObserver {
    /// Where they are read; `request_id` is known to a request.
    pub source: LineSource,
    /// The request's id in a line.
    pub request_id: Path,
    /// How long one is waited for.
    pub deadline: Duration,
}

/// Bounds on what is read and waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a response's body.
    pub response_bytes: u64,
    /// Most time for a step that states none.
    pub step: Duration,
    /// Most time for a scenario that states none.
    pub scenario: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { response_bytes: 64 * 1024 * 1024, step: Duration::from_secs(30), scenario: Scenario::TIME }
    }
}

impl Target {
    /// What it offers of the contract of a scenario, in the scenario's dialect.
    pub fn offer(&self, scenario: &Scenario) -> Option<&Offer> {
        match &scenario.dialect {
            Some(dialect) => self.offers.in_dialect(&scenario.contract, &dialect.name),
            None => self.offers.of(&scenario.contract),
        }
    }

    /// How a key of a role is minted, and the description of such a key. Nothing where none can be minted.
    pub(crate) fn minting(&self, role: &str) -> Option<(&Mint, &Value)> {
        let mint = self.keys.mint.as_ref()?;
        match self.roles.get(role) {
            Some(Role::Minted(description)) => Some((mint, &**description)),
            // Worlds know their roles themselves.
            None if self.worlds.is_some() => Some((mint, &Value::Null)),
            Some(Role::Environment { .. }) | None => None,
        }
    }

    /// The address without user information, query and credentials, as reports show it.
    pub fn shown_url(&self) -> String {
        self.secrets.redact_address(&self.url)
    }

    /// Whether scenarios can run side by side without seeing each other's bills.
    pub fn isolates(&self) -> bool {
        let told_apart = |billing: &BillingObserver| {
            billing.key.is_some() && self.roles.values().all(|role| matches!(role, Role::Minted(_)))
        };
        self.worlds.is_some() || self.billing.as_ref().is_none_or(told_apart)
    }
}

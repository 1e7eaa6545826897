use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the user says of the gateway under test before anything is sent to it, without its secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Whether its models say what a script tells them.
    pub scripted: bool,
    /// Where each role's credential comes from: `environment variable NAME`, or `minted`.
    pub roles: BTreeMap<String, String>,
    /// The observers that there are, such as `billing`.
    pub observers: Vec<String>,
    /// What can be done to it beside sending requests: `worlds`, `mint keys`, `revoke keys`, `faults`, `clock`.
    pub means: Vec<String>,
    /// What it offers of each contract that it claims.
    pub contracts: BTreeMap<String, Offered>,
}

/// What a gateway offers of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// What goes before the paths of the contract's scenarios, if anything.
    pub path: String,
    /// The capabilities that it claims to have.
    pub capabilities: Vec<String>,
    /// The ids that the names of models stand for.
    pub models: BTreeMap<String, String>,
    /// What it offers in each dialect of a contract that has several; that includes what it offers in all of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dialects: BTreeMap<String, Offered>,
}

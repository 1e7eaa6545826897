use std::fmt;

use serde::{Deserialize, Serialize};

/// Which part of a selection a run was: one of several shards, each with scenarios of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRef {
    /// Its number, from 1.
    pub number: usize,
    /// How many shards there are.
    pub of: usize,
    /// Number of scenarios in all of them.
    pub selected: usize,
    /// SHA-256, in hex, over the ids of the scenarios in all of them.
    pub selection: String,
}

impl fmt::Display for ShardRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

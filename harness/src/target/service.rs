use std::sync::Arc;

use crate::scenario::{Shape, Template};

/// A request that a target's descriptor tells the runner to make: to mint a key, to read the ledger.
#[derive(Clone, Debug)]
pub struct ServiceCall {
    /// The method, in capitals.
    pub method: Arc<str>,
    /// The path, below the target's address.
    pub path: Template,
    /// Headers by lower-case name.
    pub headers: Vec<(String, Template)>,
    /// A JSON body.
    pub json: Option<Shape>,
}

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::scenario::Contract;
use crate::source::mistake::hint_among;

/// The names that templates may use at one place of a scenario.
pub(super) struct Names<'c> {
    contract: Option<&'c Contract>,
    defined: HashSet<String>,
    models: BTreeSet<Arc<str>>,
}

/// Names that every scenario has without defining them.
const GIVEN: [&str; 2] = ["models", "nonce"];
/// Names that stand for something in some steps only, and that nothing else may have.
const LENT: [&str; 1] = ["index"];

impl<'c> Names<'c> {
    pub(super) fn new(contract: Option<&'c Contract>) -> Self {
        Self { contract, defined: GIVEN.iter().map(ToString::to_string).collect(), models: BTreeSet::new() }
    }

    /// No names at all, as in a contract.
    pub(super) fn none() -> Self {
        Self { contract: None, defined: HashSet::new(), models: BTreeSet::new() }
    }

    /// Defines a name; false where every scenario has it already, so that it must not be hidden.
    pub(super) fn define(&mut self, name: &str) -> bool {
        self.defined.insert(name.to_owned());
        !GIVEN.contains(&name) && !LENT.contains(&name)
    }

    /// Lets a name be used until it is taken back.
    pub(super) fn lend(&mut self, name: &str) {
        self.defined.insert(name.to_owned());
    }

    /// Ends what [`Self::lend`] began.
    pub(super) fn take_back(&mut self, name: &str) {
        self.defined.remove(name);
    }

    /// The models named so far.
    pub(super) fn models(&self) -> Vec<Arc<str>> {
        self.models.iter().cloned().collect()
    }

    /// What is wrong with using a name here, and how to mend it.
    pub(super) fn use_name(&mut self, name: &str) -> Option<(String, Option<String>)> {
        let mut members = name.split('.');
        let root = members.next().unwrap_or_default();
        if self.defined.is_empty() {
            let hint = "a contract is the same for all scenarios".to_owned();
            return Some((format!("`{root}` is not defined in a contract"), Some(hint)));
        }
        if !self.defined.contains(root) {
            let hint = hint_among(root, self.defined.iter().map(String::as_str))
                .or_else(|| Some("capture it in an earlier step".to_owned()));
            return Some((format!("`{root}` is not defined before it is used"), hint));
        }
        if root != "models" {
            return None;
        }
        let Some(model) = members.next() else {
            return Some(("a model's name is missing".to_owned(), Some("write `models.chat`".to_owned())));
        };
        self.models.insert(model.into());
        match self.contract {
            Some(contract) if !contract.models.contains_key(model) => Some((
                format!("the contract has no model `{model}`"),
                hint_among(model, contract.models.keys().map(|name| &**name)),
            )),
            _ => None,
        }
    }
}

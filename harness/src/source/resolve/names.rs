use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::members::unknown;
use crate::scenario::{Contract, StreamKind};
use crate::source::mistake::hint_among;

/// The names that templates may use at one place of a scenario.
pub(super) struct Names<'c> {
    contract: Option<&'c Contract>,
    defined: HashSet<String>,
    /// The steps of which it is known whether their answers are streams, and of what kind.
    streams: HashMap<String, Option<Arc<StreamKind>>>,
    models: BTreeSet<Arc<str>>,
}

/// Names that every scenario has without defining them.
const GIVEN: [&str; 2] = ["models", "nonce"];
/// Names that stand for something in some steps only, and that nothing else may have.
const LENT: [&str; 1] = ["index"];

impl<'c> Names<'c> {
    pub(super) fn new(contract: Option<&'c Contract>) -> Self {
        Self { contract, defined: GIVEN.iter().map(ToString::to_string).collect(), ..Self::none() }
    }

    /// No names at all, as in a contract.
    pub(super) fn none() -> Self {
        let (defined, streams, models) = (HashSet::new(), HashMap::new(), BTreeSet::new());
        Self { contract: None, defined, streams, models }
    }

    /// Defines a name; false where every scenario has it already, so that it must not be hidden.
    pub(super) fn define(&mut self, name: &str) -> bool {
        self.defined.insert(name.to_owned());
        !GIVEN.contains(&name) && !LENT.contains(&name)
    }

    /// Says of a step what kind of stream its answer is or may be, if it is any.
    pub(super) fn define_stream(&mut self, step: &str, kind: Option<Arc<StreamKind>>) {
        self.streams.insert(step.to_owned(), kind);
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
            let stream = self.streams.get(root).filter(|_| members.next() == Some("stream"))?;
            return match stream {
                Some(kind) => unknown(kind, members),
                None => {
                    let hint = "say under `expect` what stream its answer is".to_owned();
                    Some((format!("the step `{root}` expects no stream"), Some(hint)))
                }
            };
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

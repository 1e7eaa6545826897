use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
    credentials: BTreeSet<Arc<str>>,
}

/// The roles' credentials.
const CREDENTIALS: &str = "credentials";
/// Names that every scenario has without defining them.
const GIVEN: [&str; 3] = ["models", "nonce", CREDENTIALS];
/// Names that stand for something in some steps only, and that nothing else may have.
const LENT: [&str; 1] = ["index"];

impl<'c> Names<'c> {
    pub(super) fn new(contract: Option<&'c Contract>) -> Self {
        Self { contract, defined: GIVEN.iter().map(ToString::to_string).collect(), ..Self::none() }
    }

    /// No names at all, as in a contract.
    pub(super) fn none() -> Self {
        Self {
            contract: None,
            defined: HashSet::new(),
            streams: HashMap::new(),
            models: BTreeSet::new(),
            credentials: BTreeSet::new(),
        }
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

    /// The roles whose credentials were named so far.
    pub(super) fn credentials(&self) -> Vec<Arc<str>> {
        self.credentials.iter().cloned().collect()
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
        let contract = self.contract;
        match root {
            "models" => {
                let known = contract.map(|contract| &contract.models);
                use_word(members.next(), ("model", "models.chat"), &mut self.models, known)
            }
            CREDENTIALS => {
                let known = contract.map(|contract| &contract.roles);
                let example = ("role", "credentials.all_scopes");
                use_word(members.next(), example, &mut self.credentials, known)
            }
            _ => {
                let stream = self.streams.get(root).filter(|_| members.next() == Some("stream"))?;
                match stream {
                    Some(kind) => unknown(kind, members),
                    None => {
                        let hint = "say under `expect` what stream its answer is".to_owned();
                        Some((format!("the step `{root}` expects no stream"), Some(hint)))
                    }
                }
            }
        }
    }
}

/// Notes that a word of the contract is used. What is wrong with it, and how to mend it.
fn use_word(
    word: Option<&str>,
    (what, example): (&str, &str),
    used: &mut BTreeSet<Arc<str>>,
    known: Option<&BTreeMap<Arc<str>, String>>,
) -> Option<(String, Option<String>)> {
    let Some(word) = word else {
        return Some((format!("a {what}'s name is missing"), Some(format!("write `{example}`"))));
    };
    used.insert(word.into());
    let known = known?;
    (!known.contains_key(word)).then(|| {
        let hint = hint_among(word, known.keys().map(|name| &**name));
        (format!("the contract has no {what} `{word}`"), hint)
    })
}

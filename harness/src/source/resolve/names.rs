use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use regex::Regex;

use super::members::unknown;
use crate::scenario::{Contract, Dialect, StreamKind};
use crate::source::mistake::hint_among;

/// The names that templates may use at one place of a scenario.
pub(super) struct Names<'c> {
    contract: Option<&'c Contract>,
    defined: HashSet<String>,
    /// The steps of which it is known whether their answers are streams, and of what kind.
    streams: HashMap<String, Option<Arc<StreamKind>>>,
    /// The dialect that the scenario is spelt in, and of the steps so far whether they ask something in it.
    dialect: Option<&'c Dialect>,
    asking: HashMap<String, bool>,
    /// Whether something was named that the dialect does not find in answers.
    unspoken: bool,
    models: BTreeSet<Arc<str>>,
    providers: BTreeMap<Arc<str>, usize>,
    credentials: BTreeSet<Arc<str>>,
    given: BTreeSet<String>,
}

/// The roles' credentials.
const CREDENTIALS: &str = "credentials";
/// Who serves the models.
const PROVIDERS: &str = "providers";
/// What a step gives to a request of its dialect.
pub(super) const GIVEN: &str = "given";
/// What a dialect finds in an answer.
const ANSWER: &str = "answer";
/// Names that every scenario has without defining them.
const EVERYWHERE: [&str; 4] = ["models", "nonce", CREDENTIALS, PROVIDERS];
/// Names that stand for something in some steps only, and that nothing else may have.
const LENT: [&str; 2] = ["index", GIVEN];

/// The place of a provider among those that serve a model.
static PLACE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"\b{PROVIDERS}\.(\w+)\[(\d+)\]")).ok());

impl<'c> Names<'c> {
    pub(super) fn new(contract: Option<&'c Contract>, dialect: Option<&'c Dialect>) -> Self {
        Self {
            contract,
            dialect,
            defined: EVERYWHERE.iter().map(ToString::to_string).collect(),
            ..Self::none()
        }
    }

    /// What a step gives to a request of its dialect, and nothing else.
    pub(super) fn of_given() -> Self {
        Self { defined: HashSet::from([GIVEN.to_owned()]), ..Self::none() }
    }

    /// No names at all, as in a contract.
    pub(super) fn none() -> Self {
        Self {
            contract: None,
            defined: HashSet::new(),
            streams: HashMap::new(),
            dialect: None,
            asking: HashMap::new(),
            unspoken: false,
            models: BTreeSet::new(),
            providers: BTreeMap::new(),
            credentials: BTreeSet::new(),
            given: BTreeSet::new(),
        }
    }

    /// Defines a name; false where every scenario has it already, so that it must not be hidden.
    pub(super) fn define(&mut self, name: &str) -> bool {
        self.defined.insert(name.to_owned());
        !EVERYWHERE.contains(&name) && !LENT.contains(&name)
    }

    /// Says of a step what kind of stream its answer is or may be, if it is any.
    pub(super) fn define_stream(&mut self, step: &str, kind: Option<Arc<StreamKind>>) {
        self.streams.insert(step.to_owned(), kind);
    }

    /// Says of a step whether it asks something in the scenario's dialect, which finds something in its answer.
    pub(super) fn define_answer(&mut self, step: &str, asks: bool) {
        self.asking.insert(step.to_owned(), asks);
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

    /// The models whose providers were named so far, and how many of them there must be.
    pub(super) fn providers(&self) -> BTreeMap<Arc<str>, usize> {
        self.providers.clone()
    }

    /// Whether something was named so far that the contract knows and the scenario's dialect does not.
    pub(super) fn are_unspoken(&self) -> bool {
        self.unspoken
    }

    /// The members of what a step gives that were named so far.
    pub(super) fn given(&self) -> BTreeSet<String> {
        self.given.clone()
    }

    /// The roles whose credentials were named so far.
    pub(super) fn credentials(&self) -> Vec<Arc<str>> {
        self.credentials.iter().cloned().collect()
    }

    /// Notes the places of the providers that are named in a text.
    pub(super) fn use_places(&mut self, text: &str) {
        for place in PLACE.as_ref().into_iter().flat_map(|place| place.captures_iter(text)) {
            let (_, [model, index]) = place.extract();
            let needed = index.parse::<usize>().unwrap_or(usize::MAX).saturating_add(1);
            if let Some(known) = self.providers.get_mut(model) {
                *known = needed.max(*known);
            }
        }
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
                let word = members.next();
                self.models.extend(word.map(Arc::<str>::from));
                unknown_word(word, ("model", "models.chat"), contract.map(|contract| &contract.models))
            }
            CREDENTIALS => {
                let word = members.next();
                self.credentials.extend(word.map(Arc::<str>::from));
                let example = ("role", "credentials.all_scopes");
                unknown_word(word, example, contract.map(|contract| &contract.roles))
            }
            PROVIDERS => {
                let word = members.next();
                if let Some(word) = word {
                    self.providers.entry(word.into()).or_insert(1);
                }
                let example = ("model", "providers.chat[0].provider");
                unknown_word(word, example, contract.map(|contract| &contract.models))
            }
            GIVEN => {
                let Some(member) = members.next() else {
                    return Some((
                        "it is not said what is given".to_owned(),
                        Some("write `given.text`".to_owned()),
                    ));
                };
                self.given.insert(member.to_owned());
                None
            }
            _ => self.use_answer(root, members),
        }
    }

    /// What is wrong with naming a part of a step's answer, and how to mend it.
    fn use_answer<'n>(
        &mut self,
        step: &str,
        mut members: impl Iterator<Item = &'n str>,
    ) -> Option<(String, Option<String>)> {
        match members.next()? {
            "stream" => match self.streams.get(step)? {
                Some(kind) => unknown(kind, members),
                None => {
                    let hint = "say under `expect` what stream its answer is".to_owned();
                    Some((format!("the step `{step}` expects no stream"), Some(hint)))
                }
            },
            ANSWER => {
                // What is no step may have anything.
                let asks = *self.asking.get(step)?;
                let Some(dialect) = self.dialect.filter(|_| asks) else {
                    let hint = "only steps that `ask` in a dialect have one; others have `json` and `text`";
                    return Some((format!("the step `{step}` has no `answer`"), Some(hint.to_owned())));
                };
                let word = members.next()?;
                let known = self.contract.map(|contract| &contract.answers);
                let mistake = unknown_word(Some(word), ("answer", "chat.answer.text"), known);
                self.unspoken |= mistake.is_none() && !dialect.answers.contains_key(word);
                mistake
            }
            _ => None,
        }
    }
}

/// What is wrong with a word of the contract, and how to mend it.
fn unknown_word(
    word: Option<&str>,
    (what, example): (&str, &str),
    known: Option<&BTreeMap<Arc<str>, String>>,
) -> Option<(String, Option<String>)> {
    let Some(word) = word else {
        return Some((format!("a {what}'s name is missing"), Some(format!("write `{example}`"))));
    };
    let known = known?;
    (!known.contains_key(word)).then(|| {
        let hint = hint_among(word, known.keys().map(|name| &**name));
        (format!("the contract has no {what} `{word}`"), hint)
    })
}

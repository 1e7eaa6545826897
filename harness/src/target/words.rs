//! The words of contracts in a descriptor: which of them no contract knows.
//!
//! A descriptor is read without a suite. A misspelt word would claim nothing and cost no claim, so it is looked for where both
//! are known.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Environment, Target, TargetError, read};
use crate::scenario::{Contract, Templates, UPSTREAM};
use crate::source::written::wrappers::Located;
use crate::source::yaml::decode::decode;
use crate::source::{Mistake, SourceFile, Span, did_you_mean};

/// The contracts of a suite, by name.
pub type Contracts = BTreeMap<Arc<str>, Contract>;

/// Reads a descriptor as [`read()`] does, where a word that none of these contracts knows is a mistake as well.
///
/// # Errors
/// With every mistake in the file, or when there is no usable address.
pub fn read_against(
    contracts: &Contracts,
    file: &Arc<SourceFile>,
    url: Option<&str>,
    environment: &Environment,
    templates: Templates,
) -> Result<Target, TargetError> {
    let mut mistakes = unknown_words(file, contracts);
    let target = match read(file, url, environment, templates) {
        Err(TargetError::Mistakes(found)) => {
            mistakes.extend(found);
            mistakes.sort_by_key(|mistake| (mistake.span.line, mistake.span.column));
            return Err(TargetError::Mistakes(mistakes));
        }
        other => other?,
    };
    if mistakes.is_empty() { Ok(target) } else { Err(TargetError::Mistakes(mistakes)) }
}

/// What kind of word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Something that a gateway can do.
    Capability,
    /// Somebody who calls a gateway.
    Role,
    /// A model that scenarios name.
    Model,
}

impl Word {
    /// What is wrong with a word that none of these contracts knows, and which was probably meant.
    pub fn unknown<'c>(
        self,
        word: &str,
        contracts: impl Iterator<Item = &'c Contract> + Clone,
    ) -> Option<(String, Option<String>)> {
        // It is every contract's: whoever has a simulator of its providers has it.
        let own = (self == Self::Capability).then_some(UPSTREAM);
        let known = contracts.flat_map(|contract| self.words(contract)).chain(own);
        if known.clone().any(|known| known == word) {
            return None;
        }
        let hint = did_you_mean(word, known).map(|meant| format!("did you mean `{meant}`?"));
        Some((format!("no contract knows the {self} `{word}`"), hint))
    }

    fn words(self, contract: &Contract) -> impl Iterator<Item = &str> + Clone {
        let words = match self {
            Self::Capability => &contract.capabilities,
            Self::Role => &contract.roles,
            Self::Model => &contract.models,
        };
        words.keys().map(|word| &**word)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capability => "capability",
            Self::Role => "role",
            Self::Model => "model",
        })
    }
}

/// The words in a descriptor that none of these contracts knows, each with its place. What else may be wrong with the file is
/// not told.
pub fn unknown_words(file: &Arc<SourceFile>, contracts: &Contracts) -> Vec<Mistake> {
    let mut finder = Finder { file, contracts, mistakes: Vec::new() };
    if let (Some(written), _) = decode::<Written>(&file.text) {
        finder.all(&written);
    }
    finder.mistakes
}

/// The parts of a descriptor that hold words of contracts.
#[derive(Debug, serde::Deserialize)]
struct Written {
    #[serde(default)]
    capabilities: Vec<Located<String>>,
    #[serde(default)]
    models: Members<IgnoredAny>,
    #[serde(default)]
    roles: Members<IgnoredAny>,
    #[serde(default)]
    contracts: Option<Members<Offered>>,
}

/// What is offered of a contract, or of it in a dialect.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Offered {
    capabilities: Vec<Located<String>>,
    models: Members<IgnoredAny>,
    dialects: Members<Offered>,
}

/// A mapping whose names have places.
#[derive(Debug)]
struct Members<T>(Vec<(Located<String>, T)>);

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
            type Value = Members<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct Finder<'f> {
    file: &'f Arc<SourceFile>,
    contracts: &'f Contracts,
    mistakes: Vec<Mistake>,
}

impl Finder<'_> {
    fn note(&mut self, span: Span, message: String, hint: Option<String>) {
        self.mistakes.push(Mistake { file: Arc::clone(self.file), span, message, hint });
    }

    fn all(&mut self, written: &Written) {
        let Written { capabilities, models, roles, contracts } = written;
        self.words(Word::Capability, capabilities, None);
        self.words(Word::Model, models.names(), None);
        self.words(Word::Role, roles.names(), None);
        for (name, offered) in contracts.iter().flat_map(|contracts| &contracts.0) {
            match self.contracts.get(name.as_str()) {
                Some(contract) => self.offered(offered, contract),
                None => {
                    let names = self.contracts.keys().map(|name| &**name);
                    let hint = hint(name, names, "there are");
                    self.note(name.span, format!("there is no contract `{}`", **name), hint);
                }
            }
        }
    }

    fn offered(&mut self, offered: &Offered, contract: &Contract) {
        self.words(Word::Capability, &offered.capabilities, Some(contract));
        self.words(Word::Model, offered.models.names(), Some(contract));
        for (name, offered) in &offered.dialects.0 {
            if contract.dialects.contains_key(name.as_str()) {
                self.offered(offered, contract);
            } else {
                let hint = hint(name, contract.dialects.keys().map(|name| &**name), "it has");
                let message = format!("the contract `{}` has no dialect `{}`", contract.name, **name);
                self.note(name.span, message, hint);
            }
        }
    }

    /// Notes the words that a contract does not know, or that none does.
    fn words<'w>(
        &mut self,
        kind: Word,
        words: impl IntoIterator<Item = &'w Located<String>>,
        contract: Option<&Contract>,
    ) {
        for word in words {
            let unknown = match contract {
                Some(contract) => kind.unknown(word, [contract].into_iter()),
                None => kind.unknown(word, self.contracts.values()),
            };
            if let Some((message, hint)) = unknown {
                let message = match contract {
                    Some(contract) => format!("the contract `{}` has no {kind} `{}`", contract.name, **word),
                    None => message,
                };
                self.note(word.span, message, hint);
            }
        }
    }
}

impl<T> Members<T> {
    fn names(&self) -> impl Iterator<Item = &Located<String>> {
        self.0.iter().map(|(name, _)| name)
    }
}

/// The name that was probably meant, or all that there are.
fn hint<'n>(word: &str, names: impl Iterator<Item = &'n str> + Clone, introduction: &str) -> Option<String> {
    if let Some(meant) = did_you_mean(word, names.clone()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let names: Vec<_> = names.collect();
    (!names.is_empty()).then(|| format!("{introduction} {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Files, load};

    const CONTRACTS: [(&str, &str); 2] = [
        (
            "one/contract.yaml",
            "contract: one\nversion: '1'\ntitle: One\nroles: [{ name: all_scopes, text: A key }]\n\
             models: [{ name: chat, text: A model }]\ncapabilities: [{ name: tools, text: Tools }]\n\
             requirements: []\n",
        ),
        (
            "two/contract.yaml",
            "contract: two\nversion: '1'\ntitle: Two\nroles: [{ name: expired, text: A key }]\n\
             models: [{ name: embedding, text: A model }]\ncapabilities: [{ name: images, text: Images }]\n\
             requirements: []\n",
        ),
    ];

    fn contracts() -> Contracts {
        let templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
        let (suite, mistakes) = load(Files::in_memory(CONTRACTS), &[], templates);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        suite.contracts
    }

    fn found(text: &str) -> Vec<String> {
        let file = Arc::new(SourceFile { name: "target.yaml".into(), text: text.into() });
        unknown_words(&file, &contracts()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_word_that_nobody_knows_is_told_with_its_place_and_what_was_meant() {
        let text = "\
name: mine
capabilities: [tools, imags, upstream]
models:
  chatt:
    id: m
  embedding: { id: e }
roles:
  all_scope: { env: KEY }
contracts:
  one:
    capabilities: [tolls, images]
    models: { embedding: { id: e } }
  two: { dialects: { wire: {} } }
  tow: { capabilities: [nothing] }
";
        assert_eq!(
            found(text),
            [
                "target.yaml:2:23: no contract knows the capability `imags` (did you mean `images`?)",
                "target.yaml:4:3: no contract knows the model `chatt` (did you mean `chat`?)",
                "target.yaml:8:3: no contract knows the role `all_scope` (did you mean `all_scopes`?)",
                "target.yaml:11:20: the contract `one` has no capability `tolls` (did you mean `tools`?)",
                "target.yaml:11:27: the contract `one` has no capability `images`",
                "target.yaml:12:15: the contract `one` has no model `embedding`",
                "target.yaml:13:22: the contract `two` has no dialect `wire`",
                "target.yaml:14:3: there is no contract `tow` (there are one, two)",
            ]
        );
    }

    #[test]
    fn what_all_know_is_no_mistake_and_what_cannot_be_read_is_told_elsewhere() {
        let known = "\
name: mine
capabilities: [tools, images]
models: { chat: { id: c }, embedding: { id: e } }
roles: { all_scopes: { env: KEY }, expired: { mint: {} } }
contracts: { one: {}, two: { capabilities: [images, upstream] } }
";
        for text in
            [known, "name: mine\n", "name: mine\ncontracts: ~\n", "name: [\n", "models: 7\n", "odd: x\n"]
        {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn unknown_words_stand_beside_other_mistakes() {
        let text = "name: mine\nurl: http://127.0.0.1:1\ncapabilities: [tolls]\nroles: { all_scopes: { env: NO_KEY } }\n";
        let read = |text: &str, environment: &Environment| {
            let file = Arc::new(SourceFile { name: "target.yaml".into(), text: text.into() });
            let templates = Templates::new(Arc::new(|_: &str| None::<Vec<u8>>));
            match read_against(&contracts(), &file, None, environment, templates) {
                Ok(_) => Vec::new(),
                Err(TargetError::Mistakes(mistakes)) => mistakes.iter().map(|one| one.span.line).collect(),
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(read(text, &Environment::default()), [3, 4]);
        assert_eq!(read(text, &Environment::default().with("NO_KEY", "sk-0123456789")), [3]);
        let sound = text.replace("tolls", "tools");
        let with_key = Environment::default().with("NO_KEY", "sk-0123456789");
        assert_eq!(read(&sound, &with_key), Vec::<u32>::new());
    }
}

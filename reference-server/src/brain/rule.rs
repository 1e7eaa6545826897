use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::BrainError;
use super::bindings::Bindings;
use super::fixture::Fixture;
use super::gallery::Sight;
use super::pattern::{self, Fragments};
use super::scene::Scene;
use super::table::{Fact, Table};
use super::template::Template;
use crate::domain::inference::Role;

/// A rule as it is written; the head of `rules.yaml` says what each key means.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSource {
    name: Spanned<String>,
    user: Option<String>,
    user_history: Option<String>,
    assistant_history: Option<String>,
    system: Option<String>,
    #[serde(default)]
    image: bool,
    #[serde(default)]
    image_in_history: bool,
    lookup: Option<LookupSource>,
    say: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupSource {
    table: String,
    key: String,
    value: String,
}

/// What rules may refer to.
pub(super) struct Library {
    pub(super) fragments: Fragments,
    pub(super) tables: BTreeMap<String, Arc<Table>>,
}

/// Conditions, and what to say when all of them hold.
pub(super) struct Rule {
    user: Option<Regex>,
    user_history: Option<Regex>,
    assistant_history: Option<Regex>,
    system: Option<Regex>,
    image: bool,
    image_in_history: bool,
    lookup: Option<Lookup>,
    say: Template,
}

struct Lookup {
    table: Arc<Table>,
    key: String,
    value: String,
}

/// Where the values of a rule's text come from.
struct Values<'v> {
    scene: &'v Scene<'v>,
    bindings: &'v Bindings<'v>,
    sight: Option<&'v Sight>,
}

impl Rule {
    /// Compiles a rule and sees that every value it names can exist.
    pub(super) fn load(source: &RuleSource, library: &Library, fixture: Fixture) -> Result<Self, BrainError> {
        let wrong = |problem: String| fixture.wrong(&source.name, problem);
        let compile = |condition: &str, text: Option<&str>| {
            text.map(|text| pattern::compile(text, &library.fragments))
                .transpose()
                .map_err(|problem| wrong(format!("`{condition}`: {problem}")))
        };
        let lookup = match &source.lookup {
            Some(LookupSource { table, key, value }) => {
                let table =
                    library.tables.get(table).ok_or_else(|| wrong(format!("there is no table `{table}`")))?;
                Some(Lookup { table: Arc::clone(table), key: key.clone(), value: value.clone() })
            }
            None => None,
        };
        let rule = Self {
            user: compile("user", source.user.as_deref())?,
            user_history: compile("user_history", source.user_history.as_deref())?,
            assistant_history: compile("assistant_history", source.assistant_history.as_deref())?,
            system: compile("system", source.system.as_deref())?,
            image: source.image,
            image_in_history: source.image_in_history,
            lookup,
            say: Template::parse(&source.say).map_err(|problem| wrong(format!("`say`: {problem}")))?,
        };
        let key = rule.lookup.iter().map(|lookup| lookup.key.as_str());
        if let Some(name) = rule.say.names().chain(key).find(|name| !rule.may_know(name)) {
            return Err(wrong(format!("no condition gives a value `{name}`")));
        }
        Ok(rule)
    }

    /// The pattern of the last user message; the empty one, found in every text, where the rule has none.
    pub(super) fn trigger(&self) -> &str {
        self.user.as_ref().map_or("", Regex::as_str)
    }

    /// What the rule says, if all its conditions hold.
    pub(super) fn answer(&self, scene: &Scene<'_>) -> Option<String> {
        if (self.image && scene.shown().is_none()) || (self.image_in_history && scene.recalled().is_none()) {
            return None;
        }
        let mut bindings = Bindings::default();
        if let Some(pattern) = &self.user
            && !bindings.capture(pattern, scene.question())
        {
            return None;
        }
        if let Some(pattern) = &self.system
            && !scene.system().any(|text| bindings.capture(pattern, text))
        {
            return None;
        }
        if let Some(pattern) = &self.user_history
            && !scene.earlier(Role::User).any(|text| bindings.capture(pattern, &text))
        {
            return None;
        }
        if let Some(pattern) = &self.assistant_history
            && !scene.earlier(Role::Assistant).any(|text| bindings.capture(pattern, &text))
        {
            return None;
        }
        let sight = if self.image {
            scene.shown()
        } else if self.image_in_history {
            scene.recalled()
        } else {
            None
        };
        let values = Values { scene, bindings: &bindings, sight };
        let Some(lookup) = &self.lookup else { return self.say.fill(|name| values.get(name)) };
        let fact = lookup.table.find(values.get(&lookup.key)?)?;
        self.say.fill(|name| lookup.get(fact, name).or_else(|| values.get(name)))
    }

    fn may_know(&self, name: &str) -> bool {
        let patterns = [&self.user, &self.user_history, &self.assistant_history, &self.system];
        let captured = patterns
            .into_iter()
            .flatten()
            .any(|pattern| pattern.capture_names().flatten().any(|known| known == name));
        captured
            || matches!(name, "model" | "family")
            || ((self.image || self.image_in_history) && matches!(name, "caption" | "subject" | "color"))
            || self.lookup.as_ref().is_some_and(|lookup| lookup.value == name)
    }
}

impl Lookup {
    /// The fact's own spelling of the key, and its value.
    fn get<'f>(&self, fact: &'f Fact, name: &str) -> Option<&'f str> {
        if name == self.value {
            Some(&fact.value)
        } else if name == self.key {
            Some(&fact.key)
        } else {
            None
        }
    }
}

impl<'v> Values<'v> {
    /// A value by name; what a pattern captured comes before what the request is about.
    fn get(&self, name: &str) -> Option<&'v str> {
        self.bindings.get(name).or_else(|| match name {
            "model" => Some(&*self.scene.model.id),
            "family" => Some(&*self.scene.model.family),
            "caption" => self.sight.map(|sight| sight.caption.as_str()),
            "subject" => self.sight.map(|sight| sight.subject.as_str()),
            "color" => self.sight.map(|sight| sight.color.as_str()),
            _ => None,
        })
    }
}

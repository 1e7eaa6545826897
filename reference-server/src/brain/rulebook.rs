use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::BrainError;
use super::fixture::Fixture;
use super::pattern::Fragments;
use super::rule::{Library, Rule, RuleSource};
use super::scene::Scene;
use super::table::Table;

/// All rules, in the order in which they are tried.
pub(super) struct Rulebook {
    openings: Rules,
    answers: Rules,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulebookSource {
    fragments: Fragments,
    openings: Vec<RuleSource>,
    answers: Vec<RuleSource>,
}

/// Rules behind one automaton that knows, in a single pass over the question, which of them are worth trying.
struct Rules {
    triggers: RegexSet,
    rules: Vec<Rule>,
}

impl Rulebook {
    /// Reads the rules, and the facts that they look up.
    pub(super) fn load(rules: Fixture, facts: Fixture) -> Result<Self, BrainError> {
        let source: RulebookSource = rules.read()?;
        let tables: BTreeMap<String, BTreeMap<String, String>> = facts.read()?;
        let tables = tables.into_iter().map(|(name, facts)| (name, Arc::new(Table::new(facts))));
        let library = Library { fragments: source.fragments, tables: tables.collect() };
        Ok(Self {
            openings: Rules::load(&source.openings, &library, rules)?,
            answers: Rules::load(&source.answers, &library, rules)?,
        })
    }

    /// What the first rule that holds says, after its opening; nothing where no rule holds.
    pub(super) fn answer(&self, scene: &Scene<'_>) -> Option<String> {
        let answer = self.answers.first(scene)?;
        match self.openings.first(scene) {
            Some(opening) => Some(format!("{opening} {answer}")),
            None => Some(answer),
        }
    }
}

impl Rules {
    fn load(sources: &[RuleSource], library: &Library, fixture: Fixture) -> Result<Self, BrainError> {
        let rules = sources
            .iter()
            .map(|source| Rule::load(source, library, fixture))
            .collect::<Result<Vec<_>, _>>()?;
        let triggers =
            RegexSetBuilder::new(rules.iter().map(Rule::trigger))
                .case_insensitive(true)
                .build()
                .map_err(|error| BrainError::Shape { file: fixture.name, problem: error.to_string() })?;
        Ok(Self { triggers, rules })
    }

    fn first(&self, scene: &Scene<'_>) -> Option<String> {
        let worth_trying = self.triggers.matches(scene.question());
        worth_trying.iter().filter_map(|index| self.rules.get(index)).find_map(|rule| rule.answer(scene))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn mistake(rule: &str) -> String {
        let text = format!("fragments: {{}}\nopenings: []\nanswers:\n  - name: broken\n{rule}").leak();
        let error = Rulebook::load(Fixture { name: "test.yaml", text }, fixture::FACTS).err().unwrap();
        error.to_string()
    }

    #[test]
    fn a_broken_rule_is_named_with_its_place() {
        let message = mistake("    user: '('\n    say: Hello\n");
        assert!(message.contains("test.yaml, line 4, column 11, `broken`: `user`"), "{message}");
    }

    #[test]
    fn a_value_that_cannot_exist_is_refused() {
        assert!(mistake("    user: hi\n    say: Hello, ${name}\n").contains("`name`"));
        assert!(mistake("    user: hi\n    say: ${color}\n").contains("`color`"));
    }

    #[test]
    fn unknown_keys_tables_and_fragments_are_refused() {
        assert!(mistake("    usr: hi\n    say: Hello\n").contains("usr"));
        let lookup = "    lookup: { table: planets, key: model, value: x }\n    say: ${x}\n";
        assert!(mistake(lookup).contains("`planets`"));
        assert!(mistake("    user: (?&nobody)\n    say: Hello\n").contains("`nobody`"));
    }
}

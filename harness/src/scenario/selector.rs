use globset::{Glob, GlobMatcher};
use thiserror::Error;

use super::{OBSERVERS, Scenario};

/// Which scenarios run: those that every given filter lets through.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    ids: Vec<GlobMatcher>,
    tags: Option<TagExpression>,
    contracts: Vec<String>,
}

/// Why a filter cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectorError {
    /// An id pattern is malformed.
    #[error("`{pattern}` is not a pattern: {message}")]
    Glob {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        message: String,
    },
    /// A tag expression is malformed.
    #[error(
        "`{expression}` is not a tag expression: {message}; write, for example, `p0 and not (slow or live)`"
    )]
    Tags {
        /// The expression.
        expression: String,
        /// What is wrong.
        message: String,
    },
}

impl Selector {
    /// A selector from id patterns (any may match), a tag expression and contract names (any may match). The name of a case,
    /// as in `ID[billing]`, is the pattern of its scenario.
    ///
    /// # Errors
    /// When a pattern or the expression is malformed.
    pub fn new(ids: &[String], tags: Option<&str>, contracts: Vec<String>) -> Result<Self, SelectorError> {
        let ids = ids
            .iter()
            .map(|pattern| {
                Glob::new(scenario_of(pattern)).map(|glob| glob.compile_matcher()).map_err(|error| {
                    SelectorError::Glob { pattern: pattern.clone(), message: error.kind().to_string() }
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { ids, tags: tags.map(TagExpression::parse).transpose()?, contracts })
    }

    /// The same selector within these contracts.
    #[must_use]
    pub fn within(&self, contracts: impl IntoIterator<Item = String>) -> Self {
        let is_let_through = |name: &String| self.contracts.is_empty() || self.contracts.contains(name);
        let mut contracts: Vec<_> = contracts.into_iter().filter(is_let_through).collect();
        if contracts.is_empty() {
            // None at all, which an empty list would not say.
            contracts.push(String::new());
        }
        Self { contracts, ..self.clone() }
    }

    /// Whether a scenario runs.
    pub fn selects(&self, scenario: &Scenario) -> bool {
        let is_meant = |glob: &GlobMatcher| {
            // Without a dialect, all are meant.
            glob.is_match(&*scenario.id) || glob.is_match(scenario.written_id())
        };
        (self.ids.is_empty() || self.ids.iter().any(is_meant))
            && (self.contracts.is_empty() || self.contracts.iter().any(|name| **name == *scenario.contract))
            && self.tags.as_ref().is_none_or(|tags| tags.holds(&scenario.tags))
    }
}

/// The pattern of the scenario that a case belongs to.
fn scenario_of(pattern: &str) -> &str {
    let case = pattern.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    case.filter(|(_, observer)| OBSERVERS.contains(observer)).map_or(pattern, |(scenario, _)| scenario)
}

/// Tags joined by `and`, `or`, `not` and parentheses, as Cucumber writes them; a leading `@` is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TagExpression {
    Tag(String),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

impl TagExpression {
    fn parse(expression: &str) -> Result<Self, SelectorError> {
        let spaced = expression.replace('(', " ( ").replace(')', " ) ");
        let mut words = spaced.split_whitespace().peekable();
        let malformed = |message: String| SelectorError::Tags { expression: expression.to_owned(), message };
        let parsed = Self::or(&mut words, 0).map_err(malformed)?;
        match words.next() {
            None => Ok(parsed),
            Some(word) => Err(malformed(format!("`{word}` is not expected here"))),
        }
    }

    fn or<'a>(words: &mut Words<impl Iterator<Item = &'a str>>, depth: u8) -> Result<Self, String> {
        let mut left = Self::and(words, depth)?;
        while words.next_if_eq(&"or").is_some() {
            left = Self::Or(Box::new(left), Box::new(Self::and(words, depth)?));
        }
        Ok(left)
    }

    fn and<'a>(words: &mut Words<impl Iterator<Item = &'a str>>, depth: u8) -> Result<Self, String> {
        let mut left = Self::not(words, depth)?;
        while words.next_if_eq(&"and").is_some() {
            left = Self::And(Box::new(left), Box::new(Self::not(words, depth)?));
        }
        Ok(left)
    }

    fn not<'a>(words: &mut Words<impl Iterator<Item = &'a str>>, depth: u8) -> Result<Self, String> {
        const DEPTH_LIMIT: u8 = 64;
        if depth == DEPTH_LIMIT {
            return Err("it is nested too deeply".to_owned());
        }
        match words.next() {
            Some("not") => Self::not(words, depth + 1).map(|inner| Self::Not(Box::new(inner))),
            Some("(") => {
                let inner = Self::or(words, depth + 1)?;
                if words.next() == Some(")") { Ok(inner) } else { Err("a `)` is missing".to_owned()) }
            }
            Some(word @ (")" | "and" | "or")) => Err(format!("a tag is expected before `{word}`")),
            Some(tag) => Ok(Self::Tag(tag.trim_start_matches('@').to_owned())),
            None => Err("a tag is expected at the end".to_owned()),
        }
    }

    fn holds(&self, tags: &[String]) -> bool {
        match self {
            Self::Tag(tag) => tags.contains(tag),
            Self::Not(inner) => !inner.holds(tags),
            Self::And(left, right) => left.holds(tags) && right.holds(tags),
            Self::Or(left, right) => left.holds(tags) || right.holds(tags),
        }
    }
}

type Words<I> = std::iter::Peekable<I>;

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(expression: &str, tags: &[&str]) -> bool {
        let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
        TagExpression::parse(expression).unwrap().holds(&tags)
    }

    #[test]
    fn a_selector_within_contracts_lets_through_no_more_than_before() {
        let chosen = |asked: &[&str], within: &[&str]| {
            let selector = Selector::new(&[], None, asked.iter().map(ToString::to_string).collect()).unwrap();
            selector.within(within.iter().map(ToString::to_string)).contracts
        };
        assert_eq!(chosen(&[], &["a", "b"]), ["a", "b"]);
        assert_eq!(chosen(&["b", "c"], &["a", "b"]), ["b"]);
        assert_eq!(chosen(&["c"], &["a"]), [""]);
    }

    #[test]
    fn the_name_of_a_case_means_its_scenario() {
        for (pattern, scenario) in [
            ("ID[billing]", "ID"),
            ("ID@openai[upstream]", "ID@openai"),
            ("ID[ab]", "ID[ab]"),
            ("ID_*", "ID_*"),
        ] {
            assert_eq!(scenario_of(pattern), scenario);
        }
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        assert!(holds("p0 or slow and live", &["p0"]));
        assert!(!holds("(p0 or slow) and live", &["p0"]));
        assert!(holds("not slow and @p0", &["p0"]));
        assert!(!holds("not slow and p0", &["p0", "slow"]));
    }

    #[test]
    fn a_malformed_expression_says_what_is_missing() {
        for (expression, part) in [
            ("", "at the end"),
            ("p0 and", "at the end"),
            ("(p0", "`)` is missing"),
            ("p0 p1", "`p1` is not"),
        ] {
            let error = TagExpression::parse(expression).unwrap_err().to_string();
            assert!(error.contains(part), "{expression}: {error}");
        }
        assert!(TagExpression::parse(&"(".repeat(1000)).is_err());
    }
}

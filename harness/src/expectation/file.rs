//! What a file of expectations may contain, as its authors write it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};

use crate::source::written::wrappers::{Located, OneOrMany, Recovered, Tree, TreeValue};

/// The cases of a suite that are not judged by their verdicts alone.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectationsFile {
    /// Known failures: where one fails, the run does not fail for it; where one passes, its entry is stale.
    pub(super) expected: Option<Vec<Recovered<Located<ExpectationEntry>>>>,
    /// Cases that may pass or fail: they are always shown, and never decide the exit code.
    pub(super) flaky: Option<Vec<Recovered<Located<ExpectationEntry>>>>,
}

/// Cases that are listed for one reason.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectationEntry {
    /// Which cases: `ID` is a scenario's own, `ID[observer]` what an observer saw of it. `*` stands for any characters
    /// and `?` for one.
    pub(super) cases: Located<Patterns>,
    /// Why they are listed.
    pub(super) reason: Located<String>,
    /// Where more is said, such as a ticket.
    pub(super) link: Option<String>,
}

/// The JSON Schema of a file of expectations.
pub fn expectations_schema() -> Schema {
    schemars::schema_for!(ExpectationsFile)
}

/// A pattern, or several.
#[derive(Debug)]
pub(super) struct Patterns(pub(super) Vec<Located<String>>);

impl JsonSchema for Patterns {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        OneOrMany::<String>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        OneOrMany::<String>::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tree = Tree::deserialize(deserializer)?;
        let items = match tree.value {
            TreeValue::List(items) => items,
            _ => vec![tree],
        };
        let pattern = |item: Tree| match item.value {
            TreeValue::Text(value) => Ok(Located { value, span: item.span }),
            _ => Err(de::Error::custom("a case is named by a text, several by a list of texts")),
        };
        items.into_iter().map(pattern).collect::<Result<_, _>>().map(Self)
    }
}

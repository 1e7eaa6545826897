//! What stands in a feature file, before it is known what its sentences say.

use super::text::Text;
use crate::source::Span;

/// A feature. Scenarios that stand under no rule are in the first one, whose background is that of all.
#[derive(Debug)]
pub(super) struct Feature {
    pub(super) span: Span,
    pub(super) tags: Vec<Tag>,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Default)]
pub(super) struct Rule {
    pub(super) tags: Vec<Tag>,
    pub(super) background: Vec<Step>,
    pub(super) scenarios: Vec<Scenario>,
}

#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) span: Span,
    pub(super) name: Text,
    pub(super) tags: Vec<Tag>,
    pub(super) steps: Vec<Step>,
    /// Whether it says of itself that it is an outline.
    pub(super) outline: bool,
    pub(super) examples: Vec<Examples>,
}

#[derive(Debug)]
pub(super) struct Examples {
    pub(super) span: Span,
    pub(super) tags: Vec<Tag>,
    pub(super) table: Table,
}

#[derive(Debug)]
pub(super) struct Step {
    /// Whether it begins with `When`, as what a step does is told.
    pub(super) when: bool,
    /// The sentence.
    pub(super) text: Text,
    pub(super) document: Option<Document>,
    pub(super) table: Table,
}

/// A doc string.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) span: Span,
    pub(super) text: Text,
}

/// A table, the first row of which names its columns; without rows there is none.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) span: Span,
    pub(super) cells: Vec<Text>,
}

/// A tag without its `@`.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub(super) span: Span,
    pub(super) name: String,
}

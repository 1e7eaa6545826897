//! Reads what a value must be.

use super::steps::Steps;
use crate::scenario::{Kind, Matcher, Pattern};
use crate::source::Span;
use crate::source::written::file::{Kind as KindEntry, Length};
use crate::source::written::wrappers::{Located, Tree, TreeValue};

impl Steps<'_, '_, '_, '_> {
    pub(super) fn matcher(&mut self, span: Span, matchers: Matchers) -> Option<Matcher> {
        let mut found = Vec::new();
        if let Some(kind) = matchers.is {
            found.push(Some(Matcher::Is(kind_of(kind.value))));
        }
        if let Some(tree) = matchers.equals {
            found.push(self.shape(&tree).map(Matcher::Equals));
        }
        if let Some(tree) = matchers.differs_from {
            found.push(self.shape(&tree).map(Matcher::DiffersFrom));
        }
        if let Some(tree) = matchers.contains {
            found.push(self.shape(&tree).map(Matcher::Contains));
        }
        if let Some(pattern) = matchers.matches {
            found.push(self.pattern(&pattern).map(Matcher::Matches));
        }
        if let Some(pattern) = matchers.lacks {
            found.push(self.pattern(&pattern).map(Matcher::Lacks));
        }
        if let Some(tree) = matchers.between {
            found.push(self.between(&tree));
        }
        if let Some(tree) = matchers.one_of {
            found.push(self.one_of(&tree));
        }
        if let Some(length) = matchers.length {
            let (min, max) = match length.value {
                Length::Exactly(length) => (Some(length), Some(length)),
                Length::Between { min, max } => (min, max),
            };
            if min.zip(max).is_some_and(|(min, max)| min > max) || (min, max) == (None, None) {
                self.note(length.span, "no length fits these bounds, or every one does", Some("min ≤ max"));
            }
            found.push(Some(Matcher::Length { min, max }));
        }
        if let Some(absent) = matchers.absent {
            if !*absent {
                self.note(
                    absent.span,
                    "`absent: false` says nothing",
                    Some("write `is: …` for what must be there"),
                );
            }
            found.push(Some(Matcher::Absent));
        }
        if let Some(name) = matchers.json_schema {
            found.push(Some(Matcher::JsonSchema(self.schema(&name))));
        }
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(matcher), None) => matcher,
            (None, _) => {
                let hint = "add one of is, equals, differs_from, contains, matches, lacks, between, one_of, length, absent, json_schema";
                self.note(span, "the check says nothing about the value", Some(hint));
                None
            }
            (Some(_), Some(_)) => {
                self.note(span, "a check has one matcher", Some("make two checks of it"));
                None
            }
        }
    }

    fn pattern(&mut self, pattern: &Located<String>) -> Option<Pattern> {
        Pattern::parse(pattern)
            .inspect_err(|error| {
                let hint = "look-around and back-references are not available";
                self.note(pattern.span, error.to_string(), Some(hint));
            })
            .ok()
    }

    fn between(&mut self, tree: &Tree) -> Option<Matcher> {
        if let TreeValue::List(bounds) = &tree.value
            && let [low, high] = bounds.as_slice()
        {
            return Some(Matcher::Between(self.shape(low)?, self.shape(high)?));
        }
        self.note(tree.span, "`between` takes two bounds", Some("write `between: [0, 1]`"));
        None
    }

    fn one_of(&mut self, tree: &Tree) -> Option<Matcher> {
        match &tree.value {
            TreeValue::List(items) if !items.is_empty() => {
                items.iter().map(|item| self.shape(item)).collect::<Option<_>>().map(Matcher::OneOf)
            }
            _ => {
                self.note(tree.span, "`one_of` takes a list", Some("write `one_of: [a, b]`"));
                None
            }
        }
    }
}

/// The matchers that a check may have, of which it has one.
pub(super) struct Matchers {
    pub(super) is: Option<Located<KindEntry>>,
    pub(super) equals: Option<Tree>,
    pub(super) differs_from: Option<Tree>,
    pub(super) contains: Option<Tree>,
    pub(super) matches: Option<Located<String>>,
    pub(super) lacks: Option<Located<String>>,
    pub(super) between: Option<Tree>,
    pub(super) one_of: Option<Tree>,
    pub(super) length: Option<Located<Length>>,
    pub(super) absent: Option<Located<bool>>,
    pub(super) json_schema: Option<Located<String>>,
}

fn kind_of(kind: KindEntry) -> Kind {
    match kind {
        KindEntry::String => Kind::String,
        KindEntry::Number => Kind::Number,
        KindEntry::Integer => Kind::Integer,
        KindEntry::Boolean => Kind::Boolean,
        KindEntry::Array => Kind::Array,
        KindEntry::Object => Kind::Object,
        KindEntry::Null => Kind::Null,
        KindEntry::NotEmpty => Kind::NotEmpty,
        KindEntry::Uuid => Kind::Uuid,
        KindEntry::Timestamp => Kind::Timestamp,
        KindEntry::UnitVector => Kind::UnitVector,
        KindEntry::Json => Kind::Json,
        KindEntry::JsonObject => Kind::JsonObject,
    }
}

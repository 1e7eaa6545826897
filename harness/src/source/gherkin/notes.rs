use std::collections::HashSet;

use crate::source::Span;
use crate::source::yaml::decode::DecodeError;

/// Most mistakes that are told of one feature.
const LIMIT: usize = 10_000;

/// Collects the mistakes of one feature. One that every row of an outline has met is told once.
#[derive(Debug, Default)]
pub(super) struct Notes {
    mistakes: Vec<DecodeError>,
    told: HashSet<(u32, u32, String)>,
}

impl Notes {
    /// Notes a mistake; an empty hint is none.
    pub(super) fn add(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        let message = message.into();
        if self.mistakes.len() < LIMIT && self.told.insert((span.start, span.length, message.clone())) {
            let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
            self.mistakes.push(DecodeError { span: Some(span), message, hint });
        }
    }

    /// Notes a mistake that was found while a value was read.
    pub(super) fn error(&mut self, error: DecodeError) {
        self.add(error.span.unwrap_or_default(), error.message, error.hint.unwrap_or_default());
    }

    /// The value that could be read; what kept it from being read is noted.
    pub(super) fn keep<T>(&mut self, result: Result<T, DecodeError>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }

    pub(super) fn into_mistakes(self) -> Vec<DecodeError> {
        self.mistakes
    }
}

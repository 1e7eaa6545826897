use std::fmt;
use std::sync::{Arc, OnceLock};

use regex::Regex;
use thiserror::Error;

/// A regular expression, understood when it is read and compiled when it is first used.
///
/// Compiling takes a hundred times as long as understanding, and most runs use few of a suite's expressions.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    compiled: Arc<OnceLock<Option<Regex>>>,
}

/// Why a text is not a regular expression.
#[derive(Clone, Debug, Error)]
#[error("`{pattern}` is not a regular expression: {message}")]
pub struct PatternError {
    /// The text.
    pub pattern: String,
    /// What is wrong with it.
    pub message: String,
}

impl Pattern {
    /// Understands a regular expression.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        match regex_syntax::parse(source) {
            Ok(_) => Ok(Self { source: source.into(), compiled: Arc::default() }),
            Err(error) => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Err(PatternError { pattern: source.to_owned(), message: last.to_owned() })
            }
        }
    }

    /// Whether it is found in a text. One that is too large to compile is found in none.
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled
            .get_or_init(|| Regex::new(&self.source).ok())
            .as_ref()
            .is_some_and(|regex| regex.is_match(text))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

//! Something wrong in a configuration.

use std::fmt;

/// Something wrong in a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The first byte.
    pub start: usize,
    /// Length in bytes; 0 where only the beginning is known.
    pub length: usize,
    /// Whether what stands there may be a credential, which is not to be shown.
    pub is_secret: bool,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where that can be said.
    pub hint: Option<String>,
}

/// Where something stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
    /// The first byte, where it is known.
    pub(super) start: Option<usize>,
    pub(super) length: usize,
}

impl ConfigMistake {
    /// What is wrong and how to mend it, without the place.
    pub(super) fn told(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.told())
    }
}

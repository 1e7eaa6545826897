use std::fmt;
use std::sync::Arc;

use plumbline_record::Location;

use super::SourceFile;

/// A stretch of a file: where it begins, for people, and its bytes, for snippets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// First byte.
    pub start: u32,
    /// Length in bytes; 0 where only the beginning is known.
    pub length: u32,
}

/// Something wrong in a file that a person wrote.
#[derive(Clone, Debug)]
pub struct Mistake {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Where in it.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// How to mend it, where that can be said.
    pub hint: Option<String>,
}

impl Mistake {
    /// The place as reports write it.
    pub fn location(&self) -> Location {
        location(&self.file, self.span)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file.name, self.span.line, self.span.column, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// A place in a file as the record keeps it.
pub(crate) fn location(file: &SourceFile, span: Span) -> Location {
    Location { file: file.name.to_string(), line: span.line, column: span.column }
}

/// The name out of `known` that `word` was probably meant to be.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A hint that proposes the likeliest of `known`, or lists them all.
pub(crate) fn hint_among<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(meant) = did_you_mean(word, known.clone()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let mut names: Vec<_> = known.into_iter().collect();
    names.sort_unstable();
    match names.as_slice() {
        [] => None,
        names if names.len() > 24 => None,
        names => Some(format!("known here: {}", names.join(", "))),
    }
}

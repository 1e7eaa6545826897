use std::sync::Arc;

use serde_json::Value;
use serde_json_path::JsonPath;
use thiserror::Error;

use super::{Template, TemplateError, Templates, Variables};

/// An RFC 9535 path that may hold templates, each of which becomes a literal.
#[derive(Clone, Debug)]
pub struct Path {
    source: Arc<str>,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Fixed(Arc<JsonPath>),
    Pieces(Vec<Piece>),
}

#[derive(Clone, Debug)]
enum Piece {
    Written(String),
    Filled(Template),
}

/// A path whose templates are filled in.
#[derive(Clone, Debug)]
pub struct CompiledPath {
    /// The path as it is evaluated.
    pub text: Arc<str>,
    path: Arc<JsonPath>,
}

impl CompiledPath {
    /// The values that the path finds, in order.
    pub fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.path.query(value).all()
    }
}

/// Why a path cannot be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum PathError {
    /// It is not a path as RFC 9535 defines it.
    #[error("`{path}` is not a JSONPath: {message}")]
    Syntax {
        /// The path.
        path: String,
        /// What is wrong with it.
        message: String,
        /// The offending byte.
        at: usize,
    },
    /// A template in it cannot be filled in.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl Path {
    /// Reads a path, and shows that it parses whatever its templates become.
    ///
    /// # Errors
    /// When it is not a path, or a template in it is malformed.
    pub fn parse(source: &str, templates: &mut Templates) -> Result<Self, PathError> {
        let pieces = pieces(source, templates)?;
        let form = match pieces.as_slice() {
            [Piece::Written(text)] => Form::Fixed(Arc::new(compile(text)?)),
            _ => {
                let example: String = pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Written(text) => text.as_str(),
                        Piece::Filled(_) => "'x'",
                    })
                    .collect();
                compile(&example)?;
                Form::Pieces(pieces)
            }
        };
        Ok(Self { source: source.into(), form })
    }

    /// The path as it is written.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The templates in it.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let pieces = match &self.form {
            Form::Fixed(_) => &[][..],
            Form::Pieces(pieces) => pieces,
        };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Written(_) => None,
            Piece::Filled(template) => Some(template),
        })
    }

    /// The path with its templates filled in.
    ///
    /// # Errors
    /// When a template names something that is not there.
    pub fn fill(&self, templates: &Templates, variables: &Variables) -> Result<CompiledPath, PathError> {
        match &self.form {
            Form::Fixed(path) => Ok(CompiledPath { text: Arc::clone(&self.source), path: Arc::clone(path) }),
            Form::Pieces(pieces) => {
                let mut text = String::with_capacity(self.source.len() + 32);
                for piece in pieces {
                    match piece {
                        Piece::Written(written) => text.push_str(written),
                        Piece::Filled(template) => {
                            push_literal(&mut text, &*template.value(templates, variables)?);
                        }
                    }
                }
                let path = Arc::new(compile(&text)?);
                Ok(CompiledPath { text: text.into(), path })
            }
        }
    }
}

fn compile(path: &str) -> Result<JsonPath, PathError> {
    JsonPath::parse(path).map_err(|error| PathError::Syntax {
        path: path.to_owned(),
        message: error.message().to_owned(),
        at: error.position(),
    })
}

/// Splits a path at its templates; quotation marks around one belong to it.
fn pieces(source: &str, templates: &mut Templates) -> Result<Vec<Piece>, PathError> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        let Some(length) = from.find("}}") else {
            return Err(TemplateError::unclosed(source).into());
        };
        let (expression, after) = from.split_at(length + 2);
        let quoted = ['\'', '"'].into_iter().find(|mark| before.ends_with(*mark) && after.starts_with(*mark));
        let (before, after) = match quoted {
            Some(mark) => (before.trim_end_matches(mark), after.strip_prefix(mark).unwrap_or(after)),
            None => (before, after),
        };
        if !before.is_empty() {
            pieces.push(Piece::Written(before.to_owned()));
        }
        pieces.push(Piece::Filled(templates.parse(expression)?));
        rest = after;
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Written(rest.to_owned()));
    }
    Ok(pieces)
}

/// Writes a value as a literal of the path language: texts in quotes, with nothing left that could end them.
fn push_literal(text: &mut String, value: &Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
        Value::String(string) => push_quoted(text, string),
        other => push_quoted(text, &other.to_string()),
    }
}

fn push_quoted(text: &mut String, string: &str) {
    // A JSON string in double quotes is a string literal of RFC 9535 as well.
    text.push_str(&Value::from(string).to_string());
}

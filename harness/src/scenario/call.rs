//! What a step sends, before its templates are filled in.

use std::sync::Arc;

use super::{Shape, Template};

/// One request, before its templates are filled in.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method, in capitals.
    pub method: Arc<str>,
    /// The path, with its query.
    pub path: Template,
    /// The role whose credential is sent.
    pub role: Option<Arc<str>>,
    /// Headers by lower-case name.
    pub headers: Vec<(String, Template)>,
    /// The body.
    pub body: Body,
    /// Whether the body is sent in chunks, without its length.
    pub chunked: bool,
    /// How many times it is sent at once, where it is a burst.
    pub burst: Option<u32>,
    /// Whether each request of the burst is sent with a key of its own, minted for the role.
    pub own_keys: bool,
    /// Whether the connection is closed once the first event of the answer has come.
    pub leaves: bool,
}

impl Call {
    /// The role of which each request has a key of its own, and how many keys that takes.
    pub fn needed_keys(&self) -> Option<(&Arc<str>, u32)> {
        self.role.as_ref().zip(self.burst).filter(|_| self.own_keys)
    }
}

/// Bytes to be sent on a socket, before their templates are filled in.
#[derive(Clone, Debug)]
pub struct Raw {
    /// The first line, without its end.
    pub request_line: Template,
    /// The role whose credential is sent.
    pub role: Option<Arc<str>>,
    /// Headers as they are written.
    pub headers: Vec<(String, Template)>,
    /// What follows the head.
    pub body: Body,
    /// Whether the sending side is closed after the last byte.
    pub half_close: bool,
}

/// A request's body, before its templates are filled in.
#[derive(Clone, Debug)]
pub enum Body {
    /// None.
    Empty,
    /// JSON, with its content type.
    Json(Shape),
    /// Text as it is.
    Text(Template, Encoding),
}

/// How a text becomes bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// One byte a character; what is beyond becomes `?`.
    Latin1,
    /// Two bytes a unit, the lower first, after a byte order mark.
    Utf16,
}

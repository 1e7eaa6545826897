use std::sync::Arc;

use plumbline_record::{Level, Location};

use super::{Path, Pattern, Shape, Template};

/// One thing that must hold about a response.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is looked at.
    pub subject: Subject,
    /// What it must be.
    pub matcher: Matcher,
    /// How binding it is.
    pub level: CheckLevel,
    /// The requirement that it verifies.
    pub verifies: Option<Arc<str>>,
    /// Where it is written.
    pub location: Location,
}

impl Check {
    /// The JSON Schema that it names.
    pub fn schema(&self) -> Option<&str> {
        match &self.matcher {
            Matcher::Schema(name) | Matcher::JsonSchema(name) => Some(name),
            _ => None,
        }
    }
}

/// How binding a check is, before the target is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckLevel {
    /// Always this.
    Fixed(Level),
    /// MUST where models are scripted, SHOULD where they are live: it speaks of what a model says.
    Wording,
}

impl CheckLevel {
    /// The level on a target whose models are scripted, or not.
    pub fn on(self, scripted: bool) -> Level {
        match self {
            Self::Fixed(level) => level,
            Self::Wording if scripted => Level::Must,
            Self::Wording => Level::Should,
        }
    }
}

/// What a check looks at.
#[derive(Clone, Debug)]
pub enum Subject {
    /// The status code.
    Status,
    /// The first value of a header, by lower-case name.
    Header(String),
    /// Whether there is an answer at all; where there must be none, the connection has to end without one.
    Answer,
    /// The whole body as text.
    Text,
    /// All that came: the headers and the body.
    Anywhere,
    /// The whole body as JSON.
    Json,
    /// What a path finds in the JSON body.
    Body(Path, Quantifier),
}

/// How many of the values that a path finds must match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// The path must find exactly one value, and that must match.
    One,
    /// All, of at least one.
    Each,
    /// At least one.
    Any,
}

/// What a value must be. Nothing but [`Matcher::Absent`] is satisfied by a value that is missing.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// Of a kind.
    Is(Kind),
    /// The same JSON value.
    Equals(Shape),
    /// Another JSON value.
    DiffersFrom(Shape),
    /// A text with this text in it, or a list with this element.
    Contains(Shape),
    /// A text in which this is found.
    Matches(Pattern),
    /// A text in which this is not found.
    Lacks(Pattern),
    /// A text in which this text is not found.
    Omits(Template),
    /// A number within these bounds, both included.
    Between(Shape, Shape),
    /// One of these.
    OneOf(Vec<Shape>),
    /// So many characters, elements or members.
    Length {
        /// The least.
        min: Option<u64>,
        /// The most.
        max: Option<u64>,
    },
    /// Not there at all.
    Absent,
    /// Valid against the JSON Schema of this name.
    Schema(Arc<str>),
    /// A text whose JSON is valid against the JSON Schema of this name.
    JsonSchema(Arc<str>),
}

/// A kind of value, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    String,
    /// A number.
    Number,
    /// A number without a fraction.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
    /// `null`.
    Null,
    /// A text with something visible in it, a list with an element, an object with a member.
    NotEmpty,
    /// A UUID in its usual spelling.
    Uuid,
    /// An instant as RFC 3339 writes it.
    Timestamp,
    /// A list of numbers of unit length.
    UnitVector,
    /// A text that is JSON.
    Json,
    /// A text that is a JSON object.
    JsonObject,
}

impl Kind {
    /// The kind in words that fit "expected …".
    pub fn words(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Boolean => "true or false",
            Self::Array => "a list",
            Self::Object => "an object",
            Self::Null => "null",
            Self::NotEmpty => "something that is not empty",
            Self::Uuid => "a UUID",
            Self::Timestamp => "an RFC 3339 timestamp",
            Self::UnitVector => "a vector of unit length",
            Self::Json => "a text that is JSON",
            Self::JsonObject => "a text that is a JSON object",
        }
    }
}

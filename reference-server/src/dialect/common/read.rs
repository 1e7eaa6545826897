//! Reads JSON member by member. What is wrong is told with its place, and each dialect has its own words for it.

use std::fmt::Write;
use std::ops::RangeInclusive;

use serde_json::{Map, Number, Value};

/// What was read, or the first mistake.
pub(crate) type Read<T> = Result<T, Mistake>;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mistake {
    /// Where it stands; nowhere for the whole body.
    pub(crate) place: Vec<Segment>,
    pub(crate) problem: Problem,
}

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Name(String),
    Index(usize),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Problem {
    /// It is not there.
    Missing,
    /// It is there and nothing is known of it.
    Unknown,
    /// It is of another kind, such as `a string`.
    Kind { expected: &'static str, found: &'static str },
    /// It is a smaller number.
    Below { least: f64, found: f64 },
    /// It is a larger number.
    Above { most: f64, found: f64 },
    /// It is another text.
    NotOneOf { allowed: &'static [&'static str], found: String },
    /// It has fewer elements or characters.
    Shorter { least: usize, found: usize },
    /// It has more elements or characters.
    Longer { most: usize, found: usize },
    /// Something else, in a sentence without a full stop.
    Other(String),
}

impl Mistake {
    /// A mistake in the value itself.
    pub(crate) fn new(problem: Problem) -> Self {
        Self { place: Vec::new(), problem }
    }

    /// A mistake for which there is no kind.
    pub(crate) fn other(words: impl Into<String>) -> Self {
        Self::new(Problem::Other(words.into()))
    }

    /// The same mistake, of a member of an object.
    pub(crate) fn in_member(mut self, name: &str) -> Self {
        self.place.insert(0, Segment::Name(name.to_owned()));
        self
    }

    /// The same mistake, of an element of a list.
    pub(crate) fn in_element(mut self, index: usize) -> Self {
        self.place.insert(0, Segment::Index(index));
        self
    }

    /// The place as `messages[0].content`.
    pub(crate) fn bracketed(&self) -> String {
        self.written(|text, index| write!(text, "[{index}]"))
    }

    /// The place as `messages.0.content`.
    pub(crate) fn dotted(&self) -> String {
        self.written(|text, index| {
            let dot = if text.is_empty() { "" } else { "." };
            write!(text, "{dot}{index}")
        })
    }

    fn written(&self, index: impl Fn(&mut String, usize) -> std::fmt::Result) -> String {
        let mut text = String::new();
        for segment in &self.place {
            // Writing to a string cannot fail.
            let _ = match segment {
                Segment::Name(name) if text.is_empty() => write!(text, "{name}"),
                Segment::Name(name) => write!(text, ".{name}"),
                Segment::Index(at) => index(&mut text, *at),
            };
        }
        text
    }
}

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members<'v>(&'v Map<String, Value>);

impl<'v> Members<'v> {
    /// The members of a value that must be an object.
    pub(crate) fn of(value: &'v Value) -> Read<Self> {
        value.as_object().map(Self).ok_or_else(|| kind("an object", value))
    }

    /// The member of this name, if it is there and not null.
    pub(crate) fn get(self, name: &str) -> Option<&'v Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The names of all members, in order.
    pub(crate) fn names(self) -> impl Iterator<Item = &'v str> {
        self.0.keys().map(String::as_str)
    }

    /// A member that must be there.
    pub(crate) fn required<T>(self, name: &str, read: impl FnOnce(&'v Value) -> Read<T>) -> Read<T> {
        let value = self.0.get(name).ok_or(Mistake::new(Problem::Missing));
        value.and_then(read).map_err(|mistake| mistake.in_member(name))
    }

    /// A member that may be left out, or null.
    pub(crate) fn optional<T>(self, name: &str, read: impl FnOnce(&'v Value) -> Read<T>) -> Read<Option<T>> {
        self.get(name).map(read).transpose().map_err(|mistake| mistake.in_member(name))
    }

    /// That there are no other members than these.
    pub(crate) fn only(self, known: &[&str]) -> Read<()> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Mistake::new(Problem::Unknown).in_member(name)),
        }
    }
}

/// A text.
pub(crate) fn string(value: &Value) -> Read<&str> {
    value.as_str().ok_or_else(|| kind("a string", value))
}

/// A text of so many characters.
pub(crate) fn string_of(length: RangeInclusive<usize>) -> impl Fn(&Value) -> Read<&str> {
    move |value| {
        let text = string(value)?;
        // Counted only where bytes alone do not tell.
        let long = text.len() > *length.end() || text.len() < *length.start() * 4;
        if long {
            within(&length, text.chars().count())?;
        }
        Ok(text)
    }
}

/// One of these texts.
pub(crate) fn one_of(allowed: &'static [&'static str]) -> impl Fn(&Value) -> Read<&'static str> {
    move |value| {
        let text = string(value)?;
        let found = allowed.iter().find(|name| **name == text).copied();
        found.ok_or_else(|| Mistake::new(Problem::NotOneOf { allowed, found: excerpt(text) }))
    }
}

/// True or false.
pub(crate) fn boolean(value: &Value) -> Read<bool> {
    value.as_bool().ok_or_else(|| kind("a boolean", value))
}

/// A whole number within bounds.
pub(crate) fn integer(bounds: RangeInclusive<i64>) -> impl Fn(&Value) -> Read<i64> {
    move |value| {
        let exact = value.as_number().and_then(serde_json::Number::as_i64);
        match exact {
            Some(number) if bounds.contains(&number) => Ok(number),
            // No bound of a wire's is so large that a float does not show on which side a number is.
            #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
            _ => match value.as_f64() {
                Some(number) if number.fract() == 0.0 || number.abs() > 1e15 => {
                    number_within(*bounds.start() as f64..=*bounds.end() as f64, number)?;
                    exact.ok_or_else(|| kind("an integer", value))
                }
                _ => Err(kind("an integer", value)),
            },
        }
    }
}

/// A number within bounds.
pub(crate) fn number(bounds: RangeInclusive<f64>) -> impl Fn(&Value) -> Read<f64> {
    move |value| {
        let number = value.as_f64().ok_or_else(|| kind("a number", value))?;
        number_within(bounds.clone(), number)?;
        Ok(number)
    }
}

/// A number within bounds, as it is written.
pub(crate) fn exact(bounds: RangeInclusive<f64>) -> impl Fn(&Value) -> Read<Number> {
    let read = number(bounds);
    move |value| {
        read(value)?;
        value.as_number().cloned().ok_or_else(|| kind("a number", value))
    }
}

/// A list, element by element.
pub(crate) fn list<'v, T>(
    mut read: impl FnMut(&'v Value) -> Read<T>,
) -> impl FnMut(&'v Value) -> Read<Vec<T>> {
    move |value| {
        let elements = value.as_array().ok_or_else(|| kind("an array", value))?;
        let read = |(index, element)| read(element).map_err(|mistake| mistake.in_element(index));
        elements.iter().enumerate().map(read).collect()
    }
}

/// A list of so many elements.
pub(crate) fn list_of<'v, T>(
    length: RangeInclusive<usize>,
    read: impl FnMut(&'v Value) -> Read<T>,
) -> impl FnMut(&'v Value) -> Read<Vec<T>> {
    let mut list = list(read);
    move |value| {
        if let Some(elements) = value.as_array() {
            within(&length, elements.len())?;
        }
        list(value)
    }
}

/// Any value, as it is.
#[expect(clippy::unnecessary_wraps, reason = "it stands where others can fail")]
pub(crate) fn any(value: &Value) -> Read<&Value> {
    Ok(value)
}

/// That a value is of another kind than it must be.
pub(crate) fn kind(expected: &'static str, value: &Value) -> Mistake {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Mistake::new(Problem::Kind { expected, found })
}

/// So much of a text of the caller's as an error shows.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

fn number_within(bounds: RangeInclusive<f64>, found: f64) -> Read<()> {
    let (least, most) = (*bounds.start(), *bounds.end());
    if found < least {
        return Err(Mistake::new(Problem::Below { least, found }));
    }
    if found <= most { Ok(()) } else { Err(Mistake::new(Problem::Above { most, found })) }
}

fn within(length: &RangeInclusive<usize>, found: usize) -> Read<()> {
    let (least, most) = (*length.start(), *length.end());
    if found < least {
        return Err(Mistake::new(Problem::Shorter { least, found }));
    }
    if found <= most { Ok(()) } else { Err(Mistake::new(Problem::Longer { most, found })) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem<T: std::fmt::Debug>(read: Read<T>) -> Problem {
        read.unwrap_err().problem
    }

    #[test]
    fn the_place_of_a_mistake_is_told_in_either_spelling() {
        let body = json!({ "messages": [{ "content": "Hi" }, { "content": [{ "text": 5 }] }] });
        let part = |value| Members::of(value)?.required("text", string);
        let message = |value| {
            Members::of(value)?.required("content", |content| match content {
                Value::String(_) => Ok(Vec::new()),
                parts => list(part)(parts),
            })
        };
        let mistake = Members::of(&body).unwrap().required("messages", list(message)).unwrap_err();
        assert_eq!(mistake.bracketed(), "messages[1].content[0].text");
        assert_eq!(mistake.dotted(), "messages.1.content.0.text");
        assert_eq!(mistake.problem, Problem::Kind { expected: "a string", found: "an integer" });
    }

    #[test]
    fn members_are_required_optional_or_unknown() {
        let body = json!({ "a": null, "b": 1 });
        let members = Members::of(&body).unwrap();
        assert_eq!(members.optional("a", string), Ok(None));
        assert_eq!(members.optional("c", string), Ok(None));
        assert_eq!(problem(members.required("c", any)), Problem::Missing);
        assert_eq!(
            problem(members.required("a", string)),
            Problem::Kind { expected: "a string", found: "null" }
        );
        assert_eq!(members.only(&["a"]).unwrap_err().bracketed(), "b");
        assert_eq!(
            problem(Members::of(&json!([]))),
            Problem::Kind { expected: "an object", found: "an array" }
        );
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let whole = integer(1..=128);
        assert_eq!((whole(&json!(1)), whole(&json!(128))), (Ok(1), Ok(128)));
        assert_eq!(problem(whole(&json!(0))), Problem::Below { least: 1.0, found: 0.0 });
        assert_eq!(problem(whole(&json!(129))), Problem::Above { most: 128.0, found: 129.0 });
        assert_eq!(problem(whole(&json!(1.5))), Problem::Kind { expected: "an integer", found: "a decimal" });
        let huge: Value = serde_json::from_str("123456789012345678901234567890").unwrap();
        assert!(matches!(problem(whole(&huge)), Problem::Above { .. }));
        let real = number(0.0..=2.0);
        assert_eq!((real(&json!(0)), real(&json!(2.0))), (Ok(0.0), Ok(2.0)));
        assert_eq!(problem(real(&json!(2.1))), Problem::Above { most: 2.0, found: 2.1 });
        assert_eq!(problem(real(&json!("1"))), Problem::Kind { expected: "a number", found: "a string" });
        let (exact, written) = (exact(0.0..=2.0), serde_json::from_str("0.50").unwrap());
        assert_eq!(exact(&written).unwrap().to_string(), "0.50");
        assert_eq!(problem(exact(&json!(2.1))), Problem::Above { most: 2.0, found: 2.1 });
    }

    #[test]
    fn texts_and_lists_keep_their_lengths() {
        let short = string_of(1..=3);
        assert_eq!(short(&json!("日本語")), Ok("日本語"));
        assert_eq!(problem(short(&json!(""))), Problem::Shorter { least: 1, found: 0 });
        assert_eq!(problem(short(&json!("日本語!"))), Problem::Longer { most: 3, found: 4 });
        let [two, many, none] = [json!(["a", "b"]), json!(["a", "b", "c"]), json!([])];
        let mut pair = list_of(1..=2, string);
        assert_eq!(pair(&two), Ok(vec!["a", "b"]));
        assert_eq!(problem(pair(&many)), Problem::Longer { most: 2, found: 3 });
        assert_eq!(problem(pair(&none)), Problem::Shorter { least: 1, found: 0 });
        assert_eq!(one_of(&["auto", "none"])(&json!("none")), Ok("none"));
        let found = "ä".repeat(200);
        let Problem::NotOneOf { found, .. } = problem(one_of(&["auto"])(&json!(found))) else { panic!() };
        assert_eq!(found.chars().count(), 101);
    }
}
